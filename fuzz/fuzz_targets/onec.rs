//! Any bytes at each of 1C's roads, as a body and as a query: they are answered, and nothing panics.
#![no_main]

use chrono::DateTime;
use kopilka_contract::{Adapter, Language, Message, Refusal, Settings, Words};
use kopilka_onec::OneC;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Paths with the queries under which a body is read.
const ROADS: [(&str, &str); 6] = [
    ("v1/receipts", ""),
    ("v1/receipts/batch", ""),
    ("v1/commerceml", ""),
    ("exchange", "type=sale&mode=import&filename=a.xml"),
    ("hs/loyaltyservice/calculatediscounts/", ""),
    ("poll/odata", "entity=Document_%D0%A7%D0%B5%D0%BA%D0%9A%D0%9A%D0%9C"),
];

/// Methods that are nothing but their query.
const METHODS: [&str; 3] = ["findclientcard", "writeoffclientbonuses", "promocodeinfo"];

fuzz_target!(|body: &[u8]| {
    let settings = [
        json!({}),
        json!({
            "receipt_redemption": "now", "category_source": "none", "automatic_discounts": true, "version": "3.0.5.1",
            "commerce_ml": {"paid_order": "Оплачен"},
            "odata": {"url": "https://localhost/odata/standard.odata", "user": "u", "configuration": "retail_2"},
        }),
    ];
    for values in settings {
        let settings = Settings {
            time_zone: chrono_tz::Europe::Moscow,
            language: Language::Ru,
            values,
        };
        for (path, query) in ROADS {
            answered(path, query, body, &settings);
        }
        if let Ok(query) = std::str::from_utf8(body) {
            for method in METHODS {
                answered(&format!("hs/loyaltyservice/{method}/"), query, b"", &settings);
            }
            answered("exchange", query, b"", &settings);
            answered("v1/members", query, b"", &settings);
        }
    }
});

fn answered(path: &str, query: &str, body: &[u8], settings: &Settings) {
    let message = Message {
        method: "POST",
        path,
        query,
        content_type: None,
        body,
        received_at: DateTime::UNIX_EPOCH,
    };
    let _ = OneC.filing(&message);
    if let Ok(dialogue) = OneC.read(&message, settings) {
        dialogue.remarks();
        dialogue.parts();
        let refused = Refusal {
            code: "insufficient-balance".to_owned(),
            words: Words::new("нет", "no"),
            pointer: None,
            retryable: false,
            most: None,
        };
        let told: Vec<_> = dialogue.asks().iter().map(|_| Err(refused.clone())).collect();
        assert_eq!(dialogue.reply(&told).status, 200);
    }
}
