//! Every fixture of `fixtures/plugin` and `fixtures/iikocard` against its golden files, byte for byte.
//! `KOPILKA_WRITE_GOLDEN=1` writes them anew; the difference is for a person to judge.
//!
//! `CALL.NAME.request.json` is what comes, with `+` for a slash of the call; `….asks.txt` what the ledger must be asked;
//! `….answer.txt` what is answered where the ledger agrees, refuses, and is too busy.

use std::fs;
use std::path::PathBuf;

use kopilka_contract::{Adapter, Dialogue, Language, Message, Refusal, Settings, Told, Unreadable, Words};
use kopilka_iiko::Iiko;
use serde_json::json;

use crate::ledger::{agree, busy, received_at, refuse};

/// A road: its folder, and what stands before a call.
const ROADS: [(&str, &str); 2] = [("plugin", "v1/"), ("iikocard", "api/1/")];

fn settings() -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values: json!({
            "iikocard": {"api_login": "long-login"},
            "organizations": ["5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10"],
            "bonus_payment_types": ["2b4c6d8e-1111-4222-8333-944455566601"],
            "categories": {"5e308142-b5c3-4b9c-8c7f-70419d3e2c53": "drinks"},
        }),
    }
}

fn folder(road: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(road)
}

fn names(road: &str) -> Vec<String> {
    let files = fs::read_dir(folder(road)).unwrap().filter_map(|file| {
        let file = file.unwrap().file_name().into_string().unwrap();
        file.strip_suffix(".request.json").map(str::to_owned)
    });
    let mut names: Vec<String> = files.collect();
    names.sort();
    names
}

/// A sentence as golden files show it: in Russian, and on the next line in English.
fn in_both(words: &Words) -> String {
    format!("{}\n    {}", words.ru, words.en)
}

fn asks(read: &Result<Box<dyn Dialogue>, Unreadable>) -> String {
    match read {
        Ok(dialogue) => {
            let asks = dialogue.asks();
            let remarks = dialogue.remarks();
            let asks = asks.iter().map(|ask| format!("{ask:#?}\n"));
            let orders = dialogue.orders();
            let orders = orders
                .iter()
                .map(|names| format!("order: {}\n", names.join(" = ")));
            let remarks = remarks
                .iter()
                .map(|remark| format!("remark: {}\n", in_both(remark)));
            asks.chain(orders).chain(remarks).collect()
        }
        Err(unreadable) => format!("unreadable: {}\n", in_both(&unreadable.reason)),
    }
}

fn answers(read: &Result<Box<dyn Dialogue>, Unreadable>) -> String {
    let shown = |reply: &kopilka_contract::Reply| {
        assert!(
            reply.content_type.starts_with("application/json"),
            "{}",
            reply.content_type
        );
        format!("{} {}\n", reply.status, String::from_utf8_lossy(&reply.body))
    };
    let dialogue = match read {
        Ok(dialogue) => dialogue,
        Err(unreadable) => return shown(&unreadable.reply),
    };
    let asks = dialogue.asks();
    if asks.is_empty() {
        return shown(&dialogue.reply(&[]));
    }
    let by = |how: &dyn Fn(&kopilka_contract::Ask) -> Result<Told, Refusal>| {
        shown(&dialogue.reply(&asks.iter().map(how).collect::<Vec<_>>()))
    };
    let (agreed, refused, too_busy) = (by(&agree), by(&|_| refuse()), by(&|_| busy()));
    format!("agreed: {agreed}refused: {refused}busy: {too_busy}")
}

#[test]
fn every_call_asks_and_answers_what_its_golden_files_say() {
    let write = std::env::var_os("KOPILKA_WRITE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (road, before) in ROADS {
        let names = names(road);
        assert!(names.len() >= 12, "{road}: {}", names.len());
        for name in names {
            let body = fs::read(folder(road).join(format!("{name}.request.json"))).unwrap();
            let call = name.split('.').next().unwrap().replace('+', "/");
            let path = format!("{before}{call}");
            let message = Message {
                method: "POST",
                path: &path,
                query: "",
                content_type: Some("application/json"),
                body: &body,
                login: None,
                received_at: received_at(),
            };
            let read = Iiko.read(&message, &settings());
            for (kind, found) in [("asks", asks(&read)), ("answer", answers(&read))] {
                let file = folder(road).join(format!("{name}.{kind}.txt"));
                if write {
                    fs::write(&file, &found).unwrap();
                } else if fs::read_to_string(&file).ok().as_ref() != Some(&found) {
                    wrong.push(format!("{road}/{name}.{kind}.txt:\n{found}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_call_of_the_description_has_a_golden_file() {
    let description: serde_json::Value = Iiko.description().unwrap().parse().unwrap();
    let plugin = names("plugin");
    for path in description["paths"].as_object().unwrap().keys() {
        let call = path.trim_start_matches("/v1/");
        assert!(
            plugin.iter().any(|name| name.starts_with(&format!("{call}."))),
            "{call}"
        );
    }
}
