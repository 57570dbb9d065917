//! Any bytes at each path of r_keeper Delivery's door, at what was fetched, and as an answer of the vendor: nothing panics.
#![no_main]

use kopilka_contract::Errand;
use kopilka_fuzz::{Paths, every_answer, every_path};
use kopilka_rkeeper_delivery::RKeeperDelivery;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const PATHS: Paths<'_> = &[
    ("POST", "webhook", ""),
    ("POST", "guest", ""),
    ("POST", "hold", ""),
    ("POST", "release", ""),
    ("POST", "poll/order", ""),
    ("POST", "poll/missing", ""),
];

fuzz_target!(|body: &[u8]| {
    let settings =
        json!({"client_id": "a", "client_secret": "b", "bonus_currencies": ["B"], "hold_key": "external"});
    let both = [settings, json!({})];
    every_path(&RKeeperDelivery, PATHS, &both, body, |reply| assert!(reply.status >= 200));
    let [settings, _] = both;
    let token = json!({"text": "t", "account": "a", "good_until": "2100-01-01T00:00:00Z", "fresh": false});
    let asked = [json!("token"), json!("list"), json!({"order": "1"})].map(|asked| {
        let errand = Errand::new("order/1", json!({"order": "1", "status": 11}));
        (json!({"asked": asked, "token": token}), vec![errand])
    });
    every_answer(&RKeeperDelivery, &asked, &settings, body);
});
