//! Any bytes at iiko's door.
#![no_main]

use kopilka_fuzz::{Paths, every_path};
use kopilka_iiko::Iiko;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const PATHS: Paths<'_> = &[
    ("POST", "webhook", ""),
    ("POST", "poll/server/olap", "day=2026-03-14"),
];

fuzz_target!(|body: &[u8]| {
    let settings = [
        json!({}),
        json!({
            "accrue_on_delivered": true, "aggregators": ["yandex"],
            "bonus_payment_types": ["0f5c1c3e-8f3b-4d52-9f55-0b8a3b0d2001"],
        }),
    ];
    every_path(&Iiko, PATHS, &settings, body, |reply| assert!(reply.status >= 200));
});
