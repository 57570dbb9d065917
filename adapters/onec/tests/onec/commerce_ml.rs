//! CommerceML: files of goods and documents, and the exchange that brings them.

use std::fs;

use kopilka_contract::{Adapter, Filing, Message};
use kopilka_onec::OneC;
use serde_json::{Value, json};

use crate::stage::{self, Ledger};

fn file(name: &str) -> Vec<u8> {
    fs::read(stage::fixture(&format!("commerce_ml/{name}.xml"))).unwrap()
}

fn play(name: &str) {
    play_as(name, name, Ledger::Willing, Value::Null);
}

/// One file as the exchange imports it, in circumstances that have an answer of their own.
fn play_as(name: &str, golden: &str, ledger: Ledger, settings: Value) {
    let body = file(name);
    let message = Message {
        body: &body,
        ..stage::request_line("GET exchange?type=sale&mode=import&filename=orders-1.xml&sessid=1")
    };
    stage::compare(
        &format!("commerce_ml/{golden}"),
        &message,
        &stage::settings(settings),
        ledger,
    );
}

fn understood(name: &str) -> String {
    let body = file(name);
    stage::play(
        &stage::push("v1/commerceml", None, &body),
        &stage::settings(Value::Null),
        Ledger::Willing,
    )
    .0
}

fn step(line: &str) -> (Option<Filing>, String) {
    let message = stage::request_line(line);
    let reply = stage::play(&message, &stage::settings(Value::Null), Ledger::Willing).1;
    (OneC.filing(&message), String::from_utf8(reply.body).unwrap())
}

#[test]
fn a_sale_and_its_return_are_receipts() {
    play("documents");
}

#[test]
fn encodings_prefixes_and_spellings_of_numbers_say_the_same() {
    let careful = understood("documents");
    for name in [
        "documents_windows_1251",
        "documents_byte_order_mark",
        "documents_prefixed",
        "documents_other_hand",
    ] {
        assert_eq!(understood(name), careful, "{name}");
    }
}

#[test]
fn a_cancelled_document_takes_its_sale_back() {
    play("documents_cancelled");
}

#[test]
fn an_order_is_left_out_unless_a_property_says_that_it_was_paid() {
    play("orders");
    let settings = json!({"commerce_ml": {"paid_order": "Оплачен"}});
    play_as("orders", "orders_by_settings", Ledger::Willing, settings);
}

#[test]
fn documents_of_another_shop_are_left_out_and_those_that_name_none_are_read() {
    let settings = json!({"commerce_ml": {"only_shop": "Shop-13"}});
    play_as(
        "documents",
        "documents_of_another_shop",
        Ledger::Willing,
        settings,
    );
    let settings = json!({"commerce_ml": {"only_shop": "SHOP - 12"}});
    play_as("documents", "documents", Ledger::Willing, settings);
}

#[test]
fn which_discount_is_a_payment_with_bonuses_is_agreed() {
    let settings = json!({"commerce_ml": {"spent": [], "bonus_discounts": ["ОПЛАТА БОН"]}});
    play_as("documents", "documents", Ledger::Willing, settings);
    let settings = json!({"commerce_ml": {"spent": [], "bonus_discounts": ["Баллы"]}});
    play_as(
        "documents",
        "documents_without_bonuses",
        Ledger::Willing,
        settings,
    );
}

#[test]
fn goods_are_a_menu_and_offers_its_prices() {
    play("import");
    play("offers");
}

#[test]
fn one_broken_document_does_not_stop_the_others() {
    play("documents_broken_amount");
}

#[test]
fn what_is_no_file_of_commerceml_is_a_failure_with_words() {
    for name in ["document_type", "unfinished", "not_commerceml", "utf_16"] {
        play(name);
    }
}

fn archive(name: &str) -> Vec<u8> {
    fs::read(stage::fixture(&format!("commerce_ml/{name}.zip"))).unwrap()
}

/// What an archive is understood as where `file` of it is asked for, and the answer.
fn of_archive(body: &[u8], file: &str) -> (String, String) {
    let line = format!("GET exchange?type=sale&mode=import&filename={file}");
    let message = Message {
        body,
        ..stage::request_line(&line)
    };
    let (understood, reply) = stage::play(&message, &stage::settings(Value::Null), Ledger::Willing);
    (understood, String::from_utf8(reply.body).unwrap())
}

#[test]
fn a_file_of_an_archive_says_the_same_as_the_file() {
    let plain = understood("documents");
    for name in ["archive_of_documents", "archive_stored"] {
        for file in ["documents.xml", "sale/Documents.xml", "v8_5F3A.zip"] {
            let (understood, answer) = of_archive(&archive(name), file);
            assert_eq!(understood, plain, "{name} {file}");
            assert!(answer.starts_with("success\n"), "{answer}");
        }
    }
    let (goods, _) = of_archive(&archive("archive_of_goods"), "v8_5F3A.zip");
    assert_eq!(goods, understood("import") + &understood("offers"));
}

#[test]
fn an_archive_that_is_too_much_or_not_what_it_says_is_a_failure_with_words() {
    for (name, why) in [
        ("archive_bomb", "файлы архива больше 64 МиБ"),
        (
            "archive_lying_about_size",
            "архив получен не полностью или испорчен",
        ),
        ("archive_cut_off", "архив получен не полностью или испорчен"),
        ("archive_encrypted", "архив зашифрован"),
        ("archive_packed_otherwise", "архив сжат неизвестным способом"),
        ("archive_without_xml", "в архиве нет файла documents.xml"),
    ] {
        let (understood, answer) = of_archive(&archive(name), "documents.xml");
        assert!(understood.starts_with("unreadable: "), "{name}: {understood}");
        assert!(
            answer.starts_with("failure\n") && answer.contains(why),
            "{name}: {answer}"
        );
    }
}

#[test]
fn an_archive_cut_or_spoilt_at_any_byte_is_survived() {
    let whole = archive("archive_of_documents");
    let taken = of_archive(&whole, "documents.xml").0;
    for at in 0..whole.len() {
        of_archive(&whole[..at], "v8.zip");
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x41;
        // What does not matter to the file, times and the name of the picture, may differ.
        let (understood, _) = of_archive(&spoilt, "documents.xml");
        assert!(
            understood == taken || understood.starts_with("unreadable: "),
            "byte {at}"
        );
    }
}

#[test]
fn a_base_packs_where_the_connection_says_so() {
    let settings = stage::settings(json!({"commerce_ml": {"zip": true}}));
    let init = stage::request_line("GET exchange?type=catalog&mode=init");
    let reply = stage::play(&init, &settings, Ledger::Willing).1;
    assert_eq!(reply.body, b"zip=yes\nfile_limit=1048576");
}

#[test]
fn a_busy_ledger_makes_the_base_import_again_and_a_refusal_does_not() {
    play_as("documents", "documents_busy", Ledger::Busy, Value::Null);
    play_as(
        "documents",
        "documents_refused",
        Ledger::Refuses("receipt-mismatch"),
        Value::Null,
    );
}

#[test]
fn an_exchange_goes_step_by_step() {
    let (filing, answer) = step("GET exchange?type=sale&mode=checkauth");
    assert_eq!(filing, None);
    let lines: Vec<&str> = answer.lines().collect();
    assert!(
        lines.len() == 3 && lines[0] == "success" && !lines[2].is_empty(),
        "{answer}"
    );

    let folder = "sale".to_owned();
    let (filing, answer) = step("GET exchange?type=sale&mode=init&sessid=5");
    assert_eq!(
        filing,
        Some(Filing::Begin {
            folder: folder.clone()
        })
    );
    assert_eq!(answer, "zip=no\nfile_limit=1048576");

    let (file, name) = ("orders-2026.xml".to_owned(), "orders-2026.xml");
    let (filing, answer) = step(&format!("POST exchange?type=sale&mode=file&filename={name}"));
    assert_eq!(answer, "success");
    assert_eq!(
        filing,
        Some(Filing::Part {
            folder: folder.clone(),
            file: file.clone()
        })
    );

    let (filing, answer) = step(&format!("GET exchange?type=sale&mode=import&filename={name}"));
    assert_eq!(
        filing,
        Some(Filing::Whole {
            folder,
            file,
            or_in: Some(".zip"),
        })
    );
    assert_eq!(
        answer,
        "failure\nфайл orders-2026.xml не получен: сначала mode=file"
    );

    let (_, answer) = step("GET exchange?type=sale&mode=query");
    assert!(
        answer.starts_with("<?xml") && answer.contains("КоммерческаяИнформация"),
        "{answer}"
    );
    assert_eq!(step("GET exchange?type=sale&mode=success").1, "success");
    assert!(
        step("GET exchange?type=sale&mode=dance")
            .1
            .starts_with("failure\n")
    );
}
