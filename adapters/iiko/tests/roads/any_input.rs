//! No input of a plugin or of a caller of iikoCard makes the adapter panic, and whatever it makes of one is answered.

use chrono::DateTime;
use kopilka_contract::{Adapter, Language, Message, Refusal, Settings, Words};
use kopilka_iiko::Iiko;
use serde_json::{Value, json};

fn settings() -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values: json!({"iikocard": {"api_login": "long-login"}}),
    }
}

/// Reads a body and words an answer to a refusal of everything; says how many asks there were.
fn survive(path: &str, body: &[u8]) -> Option<usize> {
    let message = Message {
        method: "POST",
        path,
        query: "",
        content_type: Some("application/json"),
        body,
        login: None,
        received_at: DateTime::from_timestamp(1_773_507_600, 0).unwrap(),
    };
    match Iiko.read(&message, &settings()) {
        Ok(dialogue) => {
            dialogue.remarks();
            let refused = Refusal {
                code: "insufficient-balance".to_owned(),
                words: Words::new("нет", "no"),
                pointer: None,
                retryable: false,
                most: None,
            };
            let told: Vec<_> = dialogue.asks().iter().map(|_| Err(refused.clone())).collect();
            let reply = dialogue.reply(&told);
            assert!(serde_json::from_slice::<Value>(&reply.body).is_ok(), "{path}");
            assert!(told.is_empty() || reply.status >= 400, "{path}: {}", reply.status);
            Some(told.len())
        }
        Err(unreadable) => {
            assert!(
                !unreadable.reason.ru.is_empty() && unreadable.reply.status >= 400,
                "{path}"
            );
            None
        }
    }
}

/// Every request that is shown in the description, and one of each kind to iikoCard.
fn requests() -> Vec<(String, Value)> {
    let description: Value = Iiko.description().unwrap().parse().unwrap();
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let examples = &item["post"]["requestBody"]["content"]["application/json"]["examples"];
        for example in examples.as_object().unwrap().values() {
            found.push((path.trim_start_matches('/').to_owned(), example["value"].clone()));
        }
    }
    let customer = "6b6f7069-6c00-8000-8000-000000000001";
    for (method, body) in [
        ("customer/info", json!({"type": "phone", "phone": "79005550101"})),
        (
            "customer/create_or_update",
            json!({"phone": "79005550101", "name": "Анна", "birthday": "1991-07-02", "sex": 2}),
        ),
        (
            "customer/card/add",
            json!({"customerId": customer, "cardTrack": "777", "cardNumber": "777"}),
        ),
        (
            "customer/wallet/hold",
            json!({"customerId": customer, "sum": 10.5, "transactionId": "a"}),
        ),
        ("customer/wallet/cancel_hold", json!({"transactionId": "a"})),
        (
            "customer/wallet/topup",
            json!({"customerId": customer, "sum": 10}),
        ),
    ] {
        found.push((format!("api/1/loyalty/iiko/{method}"), body));
    }
    found
}

#[test]
fn a_request_as_it_is_shown_asks_something() {
    for (path, body) in requests() {
        assert!(survive(&path, body.to_string().as_bytes()) >= Some(1), "{path}");
    }
}

#[test]
fn a_request_cut_at_any_byte_or_with_bytes_flipped_is_survived() {
    for (path, body) in requests() {
        let mut body = body.to_string().into_bytes();
        for at in 0..body.len() {
            survive(&path, &body[..at]);
            body[at] ^= 1 << (at % 8);
            survive(&path, &body);
            body[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn a_request_with_any_value_replaced_is_survived() {
    let odd = [
        Value::Null,
        json!(true),
        json!(""),
        json!("ё"),
        json!("0"),
        json!("-1"),
        json!("999999999999"),
        json!(-1),
        json!(0.005),
        json!(1e300),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!("9999-12-31T23:59:59+00:00"),
    ];
    for (path, request) in requests() {
        let mut places = Vec::new();
        pointers(&request, String::new(), &mut places);
        for place in places {
            for value in &odd {
                let mut changed = request.clone();
                *changed.pointer_mut(&place).unwrap() = value.clone();
                survive(&path, changed.to_string().as_bytes());
            }
        }
    }
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, format!("{at}/{}", name.replace('/', "~1")), all);
            }
        }
        _ => {}
    }
    all.push(at);
}
