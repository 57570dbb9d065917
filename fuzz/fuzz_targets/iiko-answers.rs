//! Any bytes as an answer of iikoCloud or of the restaurant's server, whatever was asked: nothing panics.
#![no_main]

use kopilka_contract::Errand;
use kopilka_fuzz::{Paths, every_answer, every_path};
use kopilka_iiko::Iiko;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const PLACE: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
/// Fingerprint of the account that the settings name; with another one the cloud forgets what it asked.
const ACCOUNT: &str = "e62fa290736f200f";
const ORDER: &str = "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e20";

/// What was fetched, as it is told and kept.
const FETCHED: Paths<'_> = &[
    ("POST", "poll/delivery", ""),
    ("POST", "poll/table", ""),
    ("POST", "poll/menu", ""),
    ("POST", "poll/server/olap", "day=2026-03-14"),
];

fuzz_target!(|body: &[u8]| {
    let settings = json!({
        "organizations": [PLACE],
        "cloud": {"api_login": "a"},
        "server": {"address": "https://localhost", "login": "l", "password": "p", "not_sold_pay_types": ["Списание"]},
    });
    every_path(&Iiko, FETCHED, &[settings.clone()], body, |reply| assert!(reply.status >= 200));
    let key = format!("delivery/{ORDER}");
    let wanted = json!({"kind": "order", "what": "delivery", "organization": PLACE, "id": ORDER,
        "terminal_group": null});
    let token = json!({"text": "t", "good_until": "2100-01-01T00:00:00Z", "fresh": false});
    let of_cloud = [
        json!("token"),
        json!("organizations"),
        json!({"changes": PLACE}),
        json!({"day": [PLACE, "1970-01-01T00:00:00Z"]}),
        json!({"orders": [PLACE, "delivery", [key]]}),
        json!({"menu": PLACE}),
    ];
    let of_server = [json!("login"), json!({"report": "1970-01-01"}), json!("logout")];
    let cloud = of_cloud.map(|asked| {
        let state = json!({"account": ACCOUNT, "token": token, "asked": asked});
        turn("cloud", &state, vec![Errand::new(key.as_str(), wanted.clone())])
    });
    let server = of_server.map(|asking| {
        let state = json!({"account": "https://localhost l", "session": "s", "asking": asking, "next": "1970-01-01"});
        turn("server", &state, Vec::new())
    });
    let asked: Vec<(Value, Vec<Errand>)> = cloud.into_iter().chain(server).collect();
    every_answer(&Iiko, &asked, &settings, body);
});

/// A state in which one of the two is asking and waits for the answer.
fn turn(part: &str, state: &Value, errands: Vec<Errand>) -> (Value, Vec<Errand>) {
    (json!({part: {"state": state}, "turn": part, "calling": true}), errands)
}
