//! Any bytes at each call of the contract for a plugin of iikoFront.
#![no_main]

use kopilka_fuzz::{Paths, every_path};
use kopilka_iiko::Iiko;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const CALLS: Paths<'_> = &[
    ("POST", "v1/identify", ""),
    ("POST", "v1/quote", ""),
    ("POST", "v1/reserve", ""),
    ("POST", "v1/close", ""),
    ("POST", "v1/cancel", ""),
    ("POST", "v1/return", ""),
];

fuzz_target!(|body: &[u8]| {
    let settings = [
        json!({}),
        json!({
            "categories": {"dish-1": "cat-1"}, "reserve_minutes": 1,
            "bonus_payment_types": ["0f5c1c3e-8f3b-4d52-9f55-0b8a3b0d2001"],
        }),
    ];
    every_path(&Iiko, CALLS, &settings, body, |reply| assert!(reply.status >= 200));
});
