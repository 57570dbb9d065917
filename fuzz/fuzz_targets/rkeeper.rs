//! Any bytes at each function of r_keeper's door, with two sets of settings: they are answered, and nothing panics.
#![no_main]

use chrono::DateTime;
use kopilka_contract::{Adapter, Language, Message, Refusal, Settings, Words};
use kopilka_rkeeper::RKeeper;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const FUNCTIONS: [&str; 5] = [
    "getcardinfoex.php",
    "transactionsex.php",
    "findemail.php",
    "getcardimageex.php",
    "licenseinfo.php",
];

fuzz_target!(|body: &[u8]| {
    let settings = [
        json!({}),
        json!({
            "accrual_source": "till", "bonus_code": 7, "card_as_phone": false, "outbuf_placement": "nested",
            "script_transactions": "apply", "transaction_kinds": {"52": "payment", "53": "bonus"},
            "bonus_currencies": ["10"], "blocked_cards": "seize", "manager_above": "1.00", "print_document": 101,
        }),
    ];
    for values in settings {
        let settings = Settings {
            time_zone: chrono_tz::Europe::Moscow,
            language: Language::Ru,
            values,
        };
        for path in FUNCTIONS {
            let message = Message {
                method: "POST",
                path,
                query: "",
                content_type: None,
                body,
                received_at: DateTime::UNIX_EPOCH,
            };
            match RKeeper.read(&message, &settings) {
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
                    assert_eq!(dialogue.reply(&told).status, 200);
                }
                Err(unreadable) => assert_eq!(unreadable.reply.status, 200),
            }
            assert_eq!(
                RKeeper.failure(&message, &Words::new("сбой", "failure"), &settings).status,
                200
            );
        }
    }
});
