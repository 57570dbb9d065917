//! Messages and connections to test with, and the comparison with golden files.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use kopilka_contract::{Adapter, Ask, Dialogue, Language, Message, Reply, Settings, Unreadable};
use kopilka_rkeeper::RKeeper;
use serde_json::{Value, json};

pub const CARD_INFO: &str = "getcardinfoex.php";
pub const TRANSACTIONS: &str = "transactionsex.php";
pub const FIND_EMAIL: &str = "findemail.php";
pub const CARD_IMAGE: &str = "getcardimageex.php";

/// Messages that are understood, with their paths.
pub const UNDERSTOOD: [(&str, &str); 20] = [
    ("card-read", CARD_INFO),
    ("card-read-without-order", CARD_INFO),
    ("find-phone", FIND_EMAIL),
    ("sale", TRANSACTIONS),
    ("sale-with-redemption", TRANSACTIONS),
    ("sale-with-redemption-repeat", TRANSACTIONS),
    ("return", TRANSACTIONS),
    ("rollback", TRANSACTIONS),
    ("receipt-without-card", TRANSACTIONS),
    ("sale-without-receipt-xml", TRANSACTIONS),
    ("sale-with-sets-and-modifiers", TRANSACTIONS),
    ("guest-bill", TRANSACTIONS),
    ("find-email", FIND_EMAIL),
    ("find-uuid", FIND_EMAIL),
    ("find-qr", FIND_EMAIL),
    ("card-image", CARD_IMAGE),
    ("return-rollback", TRANSACTIONS),
    ("sale-with-two-cards", TRANSACTIONS),
    ("sale-with-bonus-of-the-till", TRANSACTIONS),
    ("sale-with-kinds-of-the-site", TRANSACTIONS),
];

/// Messages that are not, with their paths.
pub const NOT_UNDERSTOOD: [(&str, &str); 5] = [
    ("broken-message", TRANSACTIONS),
    ("entity-bomb", CARD_INFO),
    ("external-entity", CARD_INFO),
    ("unknown-entity", CARD_INFO),
    ("wrong-encoding", TRANSACTIONS),
];

pub fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join(format!("{name}.xml"));
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn fixture_text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

pub fn message<'a>(path: &'a str, body: &'a [u8]) -> Message<'a> {
    Message {
        method: "POST",
        path,
        query: "",
        content_type: Some("text/xml"),
        body,
        login: None,
        received_at: at("2026-03-14T16:58:41Z"),
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn settings_with(values: Value) -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values,
    }
}

pub fn settings() -> Settings {
    settings_with(json!({}))
}

pub fn read(path: &str, body: &[u8]) -> Box<dyn Dialogue> {
    read_with(path, body, json!({}))
}

pub fn read_with(path: &str, body: &[u8], values: Value) -> Box<dyn Dialogue> {
    RKeeper
        .read(&message(path, body), &settings_with(values))
        .unwrap_or_else(|unreadable| panic!("{}", unreadable.reason.en))
}

pub fn unread(path: &str, body: &[u8]) -> Unreadable {
    match RKeeper.read(&message(path, body), &settings()) {
        Ok(dialogue) => panic!("understood as {:?}", dialogue.asks()),
        Err(unreadable) => unreadable,
    }
}

pub fn only_ask(dialogue: &dyn Dialogue) -> Ask {
    let asks = dialogue.asks();
    assert_eq!(asks.len(), 1, "{asks:?}");
    asks.into_iter().next().unwrap()
}

pub fn text(reply: &Reply) -> String {
    assert_eq!(
        (reply.status, reply.content_type),
        (200, "text/xml; charset=utf-8")
    );
    String::from_utf8(reply.body.clone()).unwrap()
}

/// Compares with a golden file, byte for byte.
pub fn same_as_golden(file: &str, actual: &[u8]) {
    let path = fixtures().join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
        return;
    }
    let golden = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(
        golden == actual,
        "{file} differs; the new content is:\n{}",
        String::from_utf8_lossy(actual)
    );
}

pub fn same_answer(name: &str, reply: &Reply) {
    text(reply);
    same_as_golden(&format!("{name}.answer.xml"), &reply.body);
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
