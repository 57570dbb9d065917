//! No bytes at all make the adapter panic: every fixture cut at every byte, and with every byte spoilt in turn.

use std::fs;
use std::path::PathBuf;

use kopilka_contract::{Adapter, Ask, Message, Settings};
use kopilka_onec::OneC;
use serde_json::Value;

use crate::stage::{self, Ledger};

const LEDGERS: [Ledger; 3] = [Ledger::Willing, Ledger::Stranger, Ledger::Busy];

fn survives(message: &Message<'_>, settings: &Settings) {
    let Ok(dialogue) = OneC.read(message, settings) else {
        return;
    };
    let asks = dialogue.asks();
    dialogue.remarks();
    for ledger in LEDGERS {
        let told: Vec<_> = asks.iter().map(|ask| ledger.answer(ask)).collect();
        dialogue.reply(&told);
    }
    // A ledger that does not answer, or answers another question.
    dialogue.reply(&[]);
    let wrong = Ledger::Willing.answer(&Ask::Void(String::new()));
    dialogue.reply(&[wrong.clone(), wrong]);
}

fn requests(folder: &str) -> Vec<Vec<u8>> {
    let is_request = |path: &PathBuf| path.to_string_lossy().contains(".request.");
    let mut paths: Vec<PathBuf> = fs::read_dir(stage::fixture(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(is_request)
        .collect();
    paths.sort();
    assert!(paths.len() > 10, "{folder} has fixtures");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The message cut at every byte, and with every byte spoilt in turn, by a bit or as a whole.
fn spoilt(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cut = (0..=whole.len()).map(|end| whole[..end].to_vec());
    let flipped = (0..whole.len()).map(|at| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= [0x01, 0x10, 0xff][at % 3];
        bytes
    });
    cut.chain(flipped)
}

#[test]
fn no_spoilt_request_line_makes_it_panic() {
    let settings = stage::settings(Value::Null);
    for whole in requests("loyalty_server") {
        for bytes in spoilt(&whole) {
            let line = String::from_utf8_lossy(&bytes);
            survives(&stage::request_line(&line), &settings);
        }
    }
}

#[test]
fn no_spoilt_document_makes_it_panic() {
    let settings = stage::settings(Value::Null);
    for whole in requests("receipt_json") {
        for bytes in spoilt(&whole) {
            survives(&stage::push("v1/receipts", None, &bytes), &settings);
        }
    }
    let batch = fs::read(stage::fixture("receipt_json/batch.request.json")).unwrap();
    for bytes in spoilt(&batch).step_by(7) {
        survives(
            &stage::push(
                "v1/receipts/batch",
                Some("text/plain; charset=windows-1251"),
                &bytes,
            ),
            &settings,
        );
    }
}

#[test]
fn extreme_numbers_and_dates_are_refused_rather_than_wrapped() {
    let settings = stage::settings(Value::Null);
    for (field, value) in [
        ("amount", "1e308"),
        ("amount", "-1"),
        ("amount", "92233720368547758.07"),
        ("amount", "\"1e-2147483648\""),
        ("amount", "[]"),
        ("quantity", "0"),
        ("quantity", "1e-9"),
        ("quantity", "99999999999999999999"),
    ] {
        let good = [("amount", "1"), ("quantity", "1")]
            .map(|(key, usual)| (key, if key == field { value } else { usual }));
        let body = format!(
            r#"{{"documentId":"d","operation":"Продажа","date":"2026-03-14T19:42:05","lines":[{{"{}":{},"{}":{}}}]}}"#,
            good[0].0, good[0].1, good[1].0, good[1].1
        );
        let (understood, reply) = stage::play(
            &stage::push("v1/receipts", None, body.as_bytes()),
            &settings,
            Ledger::Willing,
        );
        assert!(
            understood.starts_with("unreadable: поле /lines/0/"),
            "{field} {value}: {understood}"
        );
        assert_eq!(reply.status, 200);
    }
    for date in [
        "9999-12-31T23:59:59",
        "0002-01-01T00:00:00",
        "31.12.9999 23:59:59",
    ] {
        let body = format!(
            r#"{{"documentId":"d","operation":"Продажа","date":"{date}","lines":[{{"amount":1,"quantity":1}}]}}"#
        );
        survives(&stage::push("v1/receipts", None, body.as_bytes()), &settings);
    }
}
