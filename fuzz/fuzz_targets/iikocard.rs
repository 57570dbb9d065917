//! Any bytes at each method of iikoCard that sites and apps call.
#![no_main]

use kopilka_fuzz::{Paths, every_path};
use kopilka_iiko::Iiko;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const METHODS: Paths<'_> = &[
    ("POST", "api/1/access_token", ""),
    ("POST", "api/1/organizations", ""),
    ("POST", "api/1/loyalty/iiko/customer/info", ""),
    ("POST", "api/1/loyalty/iiko/customer/create_or_update", ""),
    ("POST", "api/1/loyalty/iiko/customer/card/add", ""),
    ("POST", "api/1/loyalty/iiko/customer/card/remove", ""),
    ("POST", "api/1/loyalty/iiko/customer/program/add", ""),
    ("POST", "api/1/loyalty/iiko/customer/wallet/hold", ""),
    ("POST", "api/1/loyalty/iiko/customer/wallet/cancel_hold", ""),
    ("POST", "api/1/loyalty/iiko/customer/wallet/topup", ""),
    ("POST", "api/1/loyalty/iiko/customer/wallet/chargeoff", ""),
    ("POST", "api/1/loyalty/iiko/program", ""),
    ("POST", "api/1/loyalty/iiko/customer_category", ""),
];

fuzz_target!(|body: &[u8]| {
    let settings = [json!({}), json!({"iikocard": {"api_login": "a"}})];
    every_path(&Iiko, METHODS, &settings, body, |reply| assert!(reply.status >= 200));
});
