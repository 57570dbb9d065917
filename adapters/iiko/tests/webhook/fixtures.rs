//! Fixtures: messages of iiko and what is expected of them, all beside each other in `fixtures/`.
//!
//! `NAME.request.json` is what the till posts, `NAME.settings.json` the settings of the connection (absent: none),
//! `NAME.asks.json` what the ledger must be asked and `NAME.answer.json` what the till must be told.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use kopilka_contract::{
    Adapter, Ask, Closed, Dialogue, Errand, Language, Message, Money, Part, ReceiptStatus, Redemption,
    Refusal, Returned, Settings, Told, Unreadable, WhatBack,
};
use kopilka_iiko::Iiko;
use serde_json::{Map, Value, json};

pub struct Fixture {
    pub name: String,
    pub body: Vec<u8>,
    pub settings: Settings,
}

pub fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(file)
}

pub fn fixture(name: &str) -> Fixture {
    let settings = fs::read(path(&format!("{name}.settings.json")));
    Fixture {
        name: name.to_owned(),
        body: fs::read(path(&format!("{name}.request.json"))).unwrap(),
        settings: settings_of(settings.map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap())),
    }
}

pub fn all_fixtures() -> Vec<Fixture> {
    let mut names: Vec<String> = fs::read_dir(path(""))
        .unwrap()
        .filter_map(|file| {
            let file = file.unwrap().file_name().into_string().unwrap();
            file.strip_suffix(".request.json").map(str::to_owned)
        })
        .collect();
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

pub fn message<'a>(path: &'a str, body: &'a [u8]) -> Message<'a> {
    Message {
        method: "POST",
        path,
        query: "",
        content_type: Some("application/json"),
        body,
        login: None,
        received_at: received_at(),
    }
}

pub fn read(body: &[u8], settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
    Iiko.read(&message("webhook", body), settings)
}

/// The asks of the only dialogue that is expected to be readable.
pub fn asks(name: &str) -> Vec<Ask> {
    let fixture = fixture(name);
    match read(&fixture.body, &fixture.settings) {
        Ok(dialogue) => dialogue.asks(),
        Err(unreadable) => panic!("{name}: {}", unreadable.reason.en),
    }
}

/// What a ledger that agrees to everything says.
pub fn agree(ask: &Ask) -> Result<Told, Refusal> {
    Ok(match ask {
        Ask::Close(close) => Told::Closed(Box::new(Closed {
            id: "rcp_1".to_owned(),
            status: ReceiptStatus::Closed,
            customer_id: None,
            total: close.receipt.total.unwrap_or_default(),
            redeemed: Money::ZERO,
            may_redeem: Money::ZERO,
            to_pay: close.receipt.total.unwrap_or_default(),
            accrued: Money::ZERO,
            lines: Vec::new(),
            balance: None,
            explanation: Vec::new(),
            cashier_messages: Vec::new(),
            replayed: false,
            guest_taken_off: false,
            telling: kopilka_contract::Telling::First,
        })),
        Ask::GiveBack(_) => Told::Returned(Box::new(Returned {
            id: "ret_1".to_owned(),
            receipt_id: None,
            status: ReceiptStatus::Waiting,
            amount: Money::ZERO,
            accrual_undone: Money::ZERO,
            redemption_undone: Money::ZERO,
            refund: Money::ZERO,
            balance: None,
            replayed: false,
            telling: kopilka_contract::Telling::First,
        })),
        other => panic!("a webhook never asks {other:?}"),
    })
}

/// Asks and remarks as text for a golden file.
pub fn told_in_full(read: &Result<Box<dyn Dialogue>, Unreadable>) -> String {
    let value = match read {
        Ok(dialogue) => {
            let mut told = json!({
                "asks": dialogue.asks().iter().map(ask_as_json).collect::<Vec<_>>(),
                "remarks": dialogue.remarks(),
            });
            let parts = dialogue.parts();
            if !parts.is_empty() {
                let apart = |part: &Part| format!("{} {:?}", part.path, part.about);
                told["parts"] = parts.iter().map(apart).collect();
            }
            let errands = dialogue.errands();
            if !errands.is_empty() {
                let errand = |errand: &Errand| (errand.key.clone(), errand.what.clone());
                told["errands"] = errands.iter().map(errand).collect::<Map<_, _>>().into();
            }
            told
        }
        Err(unreadable) => json!({ "unreadable": unreadable.reason }),
    };
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

fn ask_as_json(ask: &Ask) -> Value {
    match ask {
        Ask::Close(close) => {
            assert_eq!((&close.hold, close.promo_codes.len()), (&None, 0));
            json!({ "close": {
                "receipt": close.receipt,
                "redemption": redemption_as_json(close.redemption),
                "as_told": close.as_told.map(|told| format!("{told:?}")),
            } })
        }
        Ask::GiveBack(back) => {
            assert_eq!(back.what, WhatBack::Everything);
            json!({ "give_back": {
                "external_id": back.external_id,
                "sale": back.sale,
                "version": back.version,
                "returned_at": back.returned_at,
                "what": "everything",
                "rollback": back.rollback,
            } })
        }
        other => panic!("a webhook never asks {other:?}"),
    }
}

fn redemption_as_json(redemption: Redemption) -> Value {
    match redemption {
        Redemption::Nothing => json!("nothing"),
        Redemption::Unconfirmed(amount) => json!({ "unconfirmed": amount }),
        other => panic!("a webhook never redeems: {other:?}"),
    }
}
