//! Any bytes at the doors of 1C: receipts in JSON by themselves and in batches, and the loyalty server's methods with a body.
#![no_main]

use kopilka_fuzz::{Paths, every_path};
use kopilka_onec::OneC;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const PATHS: Paths<'_> = &[
    ("POST", "v1/receipts", ""),
    ("POST", "v1/receipts/batch", ""),
    ("GET", "v1/members", "phone=%2B79215550101"),
    ("POST", "hs/loyaltyservice/calculatediscounts/", "Phone=79215550101&Store=1"),
    ("GET", "hs/loyaltyservice/findclientcard/", "ClientCardID=9000000017"),
];

fuzz_target!(|body: &[u8]| {
    every_path(&OneC, PATHS, &[json!({})], body, |reply| assert!(reply.status >= 200));
    // What stands in the query is as foreign as a body.
    if let Ok(query) = std::str::from_utf8(body) {
        let paths = [("GET", "hs/loyaltyservice/writeoffbonuses/", query), ("GET", "v1/members", query)];
        every_path(&OneC, &paths, &[json!({})], b"", |reply| assert!(reply.status >= 200));
    }
});
