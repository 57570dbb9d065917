//! Fixtures: messages and what is expected of them, all beside each other in `fixtures/`.
//!
//! `PATH.NAME.request.json` comes to the path `PATH` (`order` and `missing` are fetched: `poll/order`),
//! `PATH.NAME.settings.json` are the settings of the connection (absent: none), `….asks.txt` what the ledger must be asked
//! and the vendor's system be asked for, `….answer.txt` what the sender must be told.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use kopilka_contract::{Adapter, Dialogue, Language, Message, Refusal, Settings, Unreadable, Words};
use kopilka_rkeeper_delivery::RKeeperDelivery;
use serde_json::Value;

pub struct Fixture {
    pub name: String,
    pub path: String,
    pub body: Vec<u8>,
    pub settings: Settings,
}

pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

pub fn fixture(name: &str) -> Fixture {
    let settings = fs::read(file(&format!("{name}.settings.json")));
    let door = name.split('.').next().unwrap();
    Fixture {
        name: name.to_owned(),
        path: match door {
            "order" | "missing" => format!("poll/{door}"),
            door => door.to_owned(),
        },
        body: fs::read(file(&format!("{name}.request.json"))).unwrap(),
        settings: settings_of(settings.map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap())),
    }
}

pub fn all_fixtures() -> Vec<Fixture> {
    let names = fs::read_dir(file("")).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".request.json").map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.iter().map(|name| fixture(name)).collect()
}

pub fn settings_of(values: Value) -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values,
    }
}

pub fn received_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_507_600, 0).unwrap()
}

pub fn read(path: &str, body: &[u8], settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
    let message = Message {
        method: "POST",
        path,
        query: "",
        content_type: Some("application/json"),
        body,
        login: None,
        received_at: received_at(),
    };
    RKeeperDelivery.read(&message, settings)
}

pub fn refusal() -> Refusal {
    Refusal {
        code: "insufficient-balance".to_owned(),
        words: Words::new("не хватает", "not enough"),
        pointer: None,
        retryable: false,
        most: None,
    }
}

/// Asks, errands and remarks as text for a golden file.
pub fn told_in_full(read: &Result<Box<dyn Dialogue>, Unreadable>) -> String {
    match read {
        Ok(dialogue) => {
            let asks = dialogue
                .asks()
                .iter()
                .map(|ask| format!("{ask:#?}\n"))
                .collect::<String>();
            let errands = dialogue
                .errands()
                .iter()
                .map(|e| format!("errand {} {}\n", e.key, e.what))
                .collect::<String>();
            let remarks = dialogue
                .remarks()
                .iter()
                .map(|r| format!("remark: {}\n    {}\n", r.ru, r.en))
                .collect::<String>();
            format!("{asks}{errands}{remarks}")
        }
        Err(unreadable) => {
            let reason = &unreadable.reason;
            format!("unreadable: {}\n    {}\n", reason.ru, reason.en)
        }
    }
}
