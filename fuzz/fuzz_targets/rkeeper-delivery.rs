//! Any bytes at each path of r_keeper Delivery's door, at what was fetched, and as an answer of the vendor: nothing panics.
#![no_main]

use chrono::DateTime;
use kopilka_contract::{Adapter, Errand, HttpAnswer, Language, Message, Refusal, Settings, Situation, Words};
use kopilka_rkeeper_delivery::RKeeperDelivery;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const PATHS: [&str; 6] = ["webhook", "guest", "hold", "release", "poll/order", "poll/missing"];

fuzz_target!(|body: &[u8]| {
    let settings = Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values: json!({"client_id": "a", "client_secret": "b", "bonus_currencies": ["B"], "hold_key": "external"}),
    };
    for path in PATHS {
        let message = Message {
            method: "POST",
            path,
            query: "",
            content_type: None,
            body,
            received_at: DateTime::UNIX_EPOCH,
        };
        if let Ok(dialogue) = RKeeperDelivery.read(&message, &settings) {
            (dialogue.remarks(), dialogue.errands());
            let refused = Refusal {
                code: "insufficient-balance".to_owned(),
                words: Words::new("нет", "no"),
                pointer: None,
                retryable: false,
                most: None,
            };
            let told: Vec<_> = dialogue.asks().iter().map(|_| Err(refused.clone())).collect();
            dialogue.reply(&told);
        }
    }
    let poll = RKeeperDelivery.poll().expect("this kind asks");
    for asked in [json!("token"), json!("list"), json!({"order": "1"})] {
        let token = json!({"text": "t", "account": "a", "good_until": "2100-01-01T00:00:00Z", "fresh": false});
        poll.step(&Situation {
            settings: &settings,
            state: &json!({"asked": asked, "token": token}),
            errands: &[Errand::new("order/1", json!({"order": "1", "status": 11}))],
            now: DateTime::UNIX_EPOCH,
            answer: Some(&HttpAnswer {
                status: 200,
                headers: Vec::new(),
                body: body.to_vec(),
            }),
        });
    }
});
