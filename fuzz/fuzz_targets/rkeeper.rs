//! Any bytes at each function of r_keeper's door, with two sets of settings. The till understands nothing but 200.
#![no_main]

use kopilka_fuzz::{Paths, every_path};
use kopilka_rkeeper::RKeeper;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const FUNCTIONS: Paths<'_> = &[
    ("POST", "getcardinfoex.php", ""),
    ("POST", "transactionsex.php", ""),
    ("POST", "findemail.php", ""),
    ("POST", "getcardimageex.php", ""),
    ("POST", "licenseinfo.php", ""),
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
    every_path(&RKeeper, FUNCTIONS, &settings, body, |reply| assert_eq!(reply.status, 200));
});
