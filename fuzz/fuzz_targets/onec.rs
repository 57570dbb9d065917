//! Any bytes at each of 1C's roads, as a body, as a query, and as an answer of a base.
#![no_main]

use kopilka_fuzz::{Paths, every_answer, every_path};
use kopilka_onec::OneC;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Paths with the queries under which a body is read.
const ROADS: Paths<'_> = &[
    ("POST", "v1/receipts", ""),
    ("POST", "v1/receipts/batch", ""),
    ("POST", "v1/reserve", ""),
    ("POST", "v1/cancel", ""),
    ("POST", "v1/commerceml", ""),
    ("POST", "exchange", "type=sale&mode=import&filename=a.xml"),
    ("POST", "hs/loyaltyservice/calculatediscounts/", ""),
    ("POST", "poll/odata", "entity=Document_%D0%A7%D0%B5%D0%BA%D0%9A%D0%9A%D0%9C"),
];

fuzz_target!(|body: &[u8]| {
    let settings = [
        json!({}),
        json!({
            "receipt_redemption": "now", "category_source": "none", "automatic_discounts": true, "version": "3.0.5.1",
            "commerce_ml": {"paid_order": "Оплачен"},
            "odata": {"url": "https://localhost/odata/standard.odata", "user": "u", "configuration": "retail_2"},
        }),
    ];
    every_path(&OneC, ROADS, &settings, body, |reply| assert!(reply.status >= 200));
    // A round has asked for a page of documents, for cards, for products.
    let [_, base] = &settings;
    let account = r#"https://localhost/odata/standard.odata u None"#;
    let asked = [json!("page"), json!({"cards": ["c"]}), json!({"products": ["p"]})].map(|asked| {
        let stage = json!({
            "began": "2026-03-14T20:00:00Z", "since": "2026-03-12T00:00:00", "kind": 0, "skip": 0, "page": null,
            "asked": asked, "cards": {}, "products": {},
        });
        (json!({"account": account, "stage": stage}), Vec::new())
    });
    every_answer(&OneC, &asked, base, body);
    // What stands in a query is as foreign as a body.
    if let Ok(query) = std::str::from_utf8(body) {
        let methods = [
            ("GET", "hs/loyaltyservice/findclientcard/", query),
            ("GET", "hs/loyaltyservice/writeoffclientbonuses/", query),
            ("POST", "hs/loyaltyservice/writeoffclientbonuses/", query),
            ("POST", "hs/loyaltyservice/issueclientcard/", query),
            ("GET", "hs/loyaltyservice/promocodeinfo/", query),
            ("GET", "exchange", query),
            ("GET", "v1/members", query),
        ];
        every_path(&OneC, &methods, &settings, b"", |reply| assert!(reply.status >= 200));
    }
});
