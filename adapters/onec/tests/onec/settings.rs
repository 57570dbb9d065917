//! What a connection can be set to, and what happens where it is set wrongly after all.

use kopilka_contract::{Adapter, Words};
use kopilka_onec::OneC;
use serde_json::{Value, json};

use crate::stage::{self, Ledger};

#[test]
fn a_connection_needs_no_settings_and_takes_no_unknown_ones() {
    assert!(OneC.check_settings(&stage::settings(Value::Null)).is_ok());
    assert!(
        OneC.check_settings(&stage::settings(json!({"lock_minutes": 30})))
            .is_ok()
    );
    assert!(
        OneC.check_settings(&stage::settings(json!({"lock_minuets": 30})))
            .is_err()
    );
}

#[test]
fn a_connection_set_wrongly_keeps_its_messages_for_a_person() {
    let settings = stage::settings(json!({"version": "the latest"}));
    let message = stage::request_line("GET hs/loyaltyservice/findclientcard/?ClientCardID=1&BlockBonuses=1");
    let (understood, reply) = stage::play(&message, &settings, Ledger::Willing);
    assert!(
        understood.starts_with("unreadable: настройки подключения"),
        "{understood}"
    );
    assert!(
        String::from_utf8(reply.body)
            .unwrap()
            .starts_with(r#"{"Error":true,"#)
    );
}

#[test]
fn our_own_failure_has_a_form_for_every_door() {
    let settings = stage::settings(Value::Null);
    let words = Words::new("Сбой", "Failure");
    for (line, status, body) in [
        ("GET hs/loyaltyservice/ping", 503, "Сбой"),
        ("POST hs/loyaltyservice/writeoffclientbonuses/", 200, "Сбой"),
        ("POST hs/loyaltyservice/unlockclientbonuses/", 200, "Сбой"),
        (
            "GET hs/loyaltyservice/findclientcard/",
            200,
            r#"{"Error":true,"ErrorMessage":"Сбой","Version":"3.0.7.84"}"#,
        ),
        (
            "POST v1/receipts",
            503,
            r#"{"status":"refused","code":"internal","error":"Сбой","retryable":true}"#,
        ),
    ] {
        let reply = OneC.failure(&stage::request_line(line), &words, &settings);
        assert_eq!(
            (reply.status, String::from_utf8(reply.body).unwrap().as_str()),
            (status, body),
            "{line}"
        );
    }
}
