//! What the description of the API shows, works: every example is sent to the demo network as it stands, and every
//! answer has the shape that is described.

use std::collections::HashMap;

use axum::http::Method;
use kopilka::api::setup;
use kopilka::demo::credentials::LOGINS;
use serde_json::{Value, json};

use super::client::{Client, Service};
use super::json_schema::faults;
use crate::databases::each_database_async;
use crate::demo::demo;

/// What others build upon.
const FIRST: [&str; 3] = [
    "POST /api/v1/receipts",
    "POST /api/v1/holds",
    "POST /api/v1/till/devices",
];

/// What takes something away from others, in an order in which they can all be done.
const LAST: [&str; 10] = [
    "POST /api/v1/till/devices/{id}/revoke",
    "POST /api/v1/cards/{card}/block",
    "POST /api/v1/cards/{card}/unblock",
    "POST /api/v1/cards/{card}/replace",
    "POST /api/v1/customers/{id}/reset",
    "POST /api/v1/receipts/{id}/cancel",
    "POST /api/v1/keys/{id}/revoke",
    "POST /api/v1/network/clock",
    "DELETE /api/v1/sessions/current",
    "POST /api/v1/sessions/current/password",
];

/// What there is nothing of in the demo network, so that a good request is answered with this status.
const NOTHING_THERE: [(&str, &str); 5] = [
    // No sale was made there without a network.
    ("POST /api/v1/till/conflicts/{id}/settle", "404"),
    // No till of it has a report of its own.
    ("POST /api/v1/connections/{id}/reconciliations", "422"),
    ("POST /api/v1/till-differences/{id}/settle", "404"),
    // No till of it writes bonuses off before the receipt.
    ("POST /api/v1/write-offs/{id}/settle", "404"),
    // Every return there has found its sale.
    ("POST /api/v1/returns/{id}/settle", "409"),
];

/// The part that every example of an id shares. The service gives ids, so examples can't know them: they are replaced
/// by real ones of the same kind.
const SOME_ID: &str = "01hgw3zj3q7hx";

/// When an operation has its turn.
fn turn(name: &str) -> usize {
    if FIRST.contains(&name) {
        return 0;
    }
    match LAST.iter().position(|last| *last == name) {
        Some(place) => 3 + place,
        None if name.starts_with("DELETE") => 2,
        None => 1,
    }
}

/// The owner of the demo network, with a session of his own.
async fn owner(service: &Service) -> Client {
    let login = json!({"login": LOGINS[0].login, "password": LOGINS[0].password});
    let answer = service.anybody().post("/api/v1/sessions", login).await;
    answer.expect(201);
    service.anybody().session(&answer)
}

/// Real ids by what they begin with.
async fn ids(owner: &Client) -> HashMap<String, String> {
    let mut ids = HashMap::new();
    for list in [
        "venues",
        "users",
        "keys",
        "connections",
        "messages",
        "venues/cafe/rules",
        "venues/cafe/groups",
        "venues/cafe/products",
    ] {
        let page = owner.get(&format!("/api/v1/{list}")).await.expect(200);
        // Of the staff, the cashier whose PIN the examples show.
        let shown = |item: &&Value| item.get("login").is_none_or(|login| login == "cashier");
        let id = page["items"].as_array().unwrap().iter().rfind(shown).unwrap()["id"].clone();
        note(&mut ids, &id);
    }
    ids
}

/// Keeps an id, where there is none of its kind yet: what the demo has goes first.
fn note(ids: &mut HashMap<String, String>, id: &Value) {
    if let Some((kind, _)) = id.as_str().and_then(|id| id.split_once('_')) {
        ids.entry(kind.to_owned())
            .or_insert_with(|| id.as_str().unwrap().to_owned());
    }
}

/// A text with real ids.
fn real(text: &str, ids: &HashMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (kind, id) in ids {
        text = text.replace(&format!("{kind}_{SOME_ID}"), id);
    }
    text
}

/// Path and query of an operation, with its examples.
fn address(path: &str, operation: &Value) -> Result<String, String> {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = match &parameter["example"] {
            Value::Null if parameter["required"] == true => return Err(format!("{name} has no example")),
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &encoded(&example)),
            "query" => query.push(format!("{name}={}", encoded(&example))),
            other => return Err(format!("an example in the {other}")),
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    Ok(path)
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let piece = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(piece).collect()
}

#[test]
fn every_example_works_as_it_stands_and_every_answer_is_as_described() {
    each_database_async(|store| async move {
        let (service, _) = demo(store).await;
        let owner = owner(&service).await;
        // Something for the inbox: a receipt that names no venue of ours.
        let nowhere = json!({"external_id": "inbox", "venue_id": "nowhere",
            "closed_at": "2026-11-22T10:00:00+03:00", "total": "1.00"});
        owner.post("/api/v1/receipts", nowhere).await.expect(404);
        let mut ids = ids(&owner).await;
        let description = owner.get("/api/openapi.json").await.expect(200);
        let schemas = &description["components"]["schemas"];

        let mut operations = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                operations.push((format!("{} {path}", method.to_uppercase()), operation));
            }
        }
        operations.sort_by_key(|(name, _)| (turn(name), name.clone()));
        for name in FIRST.iter().chain(&LAST) {
            assert!(operations.iter().any(|(n, _)| n == name), "there is no {name}");
        }

        let mut wrong = Vec::new();
        // The browser that was enrolled as a till.
        let mut device = None;
        for (name, operation) in &operations {
            let (method, path) = name.split_once(' ').unwrap();
            let address = match address(path, operation) {
                Ok(address) => real(&address, &ids),
                Err(fault) => {
                    wrong.push(format!("{name}: {fault}"));
                    continue;
                }
            };
            let media = &operation["requestBody"]["content"]["application/json"];
            let body = match &media["example"] {
                Value::Null if !media.is_null() => {
                    wrong.push(format!("{name}: the body has no example"));
                    continue;
                }
                Value::Null => None,
                example => Some(example),
            };
            let body = match body {
                None => None,
                Some(example) => {
                    let shape = faults(example, &media["schema"], schemas);
                    wrong.extend(shape.iter().map(|fault| format!("{name}: its example: {fault}")));
                    let mut body: Value = serde_json::from_str(&real(&example.to_string(), &ids)).unwrap();
                    if path == "/api/v1/setup" {
                        // It works once, and nobody can know it before.
                        let invited = setup::invite(&service.app, setup::INVITATION_LIFE).await;
                        body["token"] = json!(invited.unwrap());
                    }
                    Some(body)
                }
            };
            // Each of these ends the session that it comes with.
            let caller = if path.starts_with("/api/v1/sessions/current") {
                self::owner(&service).await
            } else if operation["security"].to_string().contains("till") {
                device.clone().unwrap()
            } else {
                owner.clone()
            };
            let answer = caller
                .call(method.parse::<Method>().unwrap(), &address, body.clone())
                .await;
            let told = |fault: &str| {
                format!(
                    "{name} {address} {body:?}: {} {}: {fault}",
                    answer.status, answer.text
                )
            };
            let nothing_there = NOTHING_THERE.contains(&(name, answer.status.as_str()));
            if !answer.status.is_success() && !nothing_there {
                wrong.push(told("refused"));
            }
            let Some(described) = operation["responses"].get(answer.status.as_str()) else {
                wrong.push(told("no such status is described"));
                continue;
            };
            let Some(content) = described["content"].as_object() else {
                if !answer.text.is_empty() {
                    wrong.push(told("no body is described"));
                }
                continue;
            };
            let kind = answer.header("content-type").split(';').next().unwrap();
            let Some(media) = content.get(kind) else {
                wrong.push(told("another content type is described"));
                continue;
            };
            if kind == "text/plain" {
                continue;
            }
            let json = answer.json();
            let shape = faults(&json, &media["schema"], schemas);
            wrong.extend(shape.iter().map(|fault| told(fault)));
            if method == "POST" && !nothing_there {
                note(&mut ids, &json["id"]);
            }
            if name == "POST /api/v1/till/devices" {
                note(&mut ids, &json["device"]["id"]);
                // The token of the second screen has no kind of its own.
                ids.insert(
                    "scr".to_owned(),
                    json["screen_token"].as_str().unwrap().to_owned(),
                );
                device = Some(service.anybody().session(&answer));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn every_refusal_is_described_with_its_body() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let description = service.anybody().get("/api/openapi.json").await.expect(200);
        let schemas = &description["components"]["schemas"];
        let refused = service
            .anybody()
            .get("/api/v1/venues")
            .await
            .refused(401, "unauthorized");
        let mut count = 0;
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    if path.starts_with("/api/") && status.as_str() >= "400" {
                        let schema = &answer["content"]["application/problem+json"]["schema"];
                        assert!(!schema.is_null(), "{method} {path} {status}");
                        assert_eq!(faults(&refused, schema, schemas), Vec::<String>::new());
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 300, "{count}");
    });
}
