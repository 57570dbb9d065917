//! Encodings and spellings of 1C, one fixture for each: a receipt that differs from the plain one in nothing else.

use std::fs;

use kopilka_contract::Message;
use serde_json::Value;

use crate::stage::{self, Ledger};

fn read(name: &str) -> Vec<u8> {
    fs::read(stage::fixture(&format!("{name}.json"))).unwrap()
}

fn understood_as(body: &[u8], content_type: Option<&str>) -> String {
    let message = stage::push("v1/receipts", content_type, body);
    stage::play(&message, &stage::settings(Value::Null), Ledger::Willing).0
}

fn understood(name: &str) -> String {
    understood_as(&read(&format!("checklist/{name}")), None)
}

fn plain() -> String {
    understood_as(
        &read("receipt_json/sale_with_redemption.request"),
        Some("application/json"),
    )
}

#[test]
fn however_it_is_written_it_says_the_same() {
    let plain = plain();
    for name in [
        "utf_8_with_byte_order_mark",
        "utf_8_without_byte_order_mark",
        "number_with_no_break_space_and_comma",
        "number_with_narrow_space_and_comma",
        "number_with_blank_and_comma",
        "number_with_comma",
        "number_with_dot",
        "number_without_nought",
        "number_minus_nought",
        "date_iso",
        "date_with_dots",
        "date_of_digits",
        "zero_guid_is_nothing",
        "line_number_as_text",
        "phone_of_ten_digits",
        "phone_with_brackets",
        "phone_with_eight",
        "empty_text_for_nothing",
        "null_for_nothing",
        "cyrillic_keys",
    ] {
        assert_eq!(understood(name), plain, "{name}");
    }
}

#[test]
fn a_charset_is_believed_where_it_is_declared_and_a_content_type_may_be_missing() {
    let windows = read("checklist/windows_1251_where_declared");
    let declared = Some("application/json; charset=windows-1251");
    assert_eq!(understood_as(&windows, declared), plain());
    assert!(understood_as(&windows, None).starts_with("unreadable: "));
    assert!(understood_as(&windows, Some("application/json")).starts_with("unreadable: "));
}

#[test]
fn a_card_code_keeps_its_zeros_and_a_midnight_is_a_time() {
    assert!(understood("card_code_with_zeros").contains("\"0000123\""));
    assert!(understood("date_of_midnight").contains("2026-03-14T00:00:00+03:00"));
}

#[test]
fn a_date_that_is_empty_is_none_and_a_part_of_a_telephone_is_no_telephone() {
    assert!(understood("date_empty").starts_with("unreadable: поле /date"));
    let in_part = understood("phone_in_part");
    assert!(
        in_part.contains("remark: ") && in_part.contains("«*0101»"),
        "{in_part}"
    );
}

#[test]
fn a_get_with_a_body_is_read_and_a_query_may_be_raw() {
    let body = fs::read(stage::fixture("calculation/sale.request.json")).unwrap();
    let [by_get, by_post] = ["GET", "POST"].map(|verb| {
        let line = format!("{verb} hs/loyaltyservice/calculatediscounts/");
        let message = Message {
            body: &body,
            ..stage::request_line(&line)
        };
        stage::play(&message, &stage::settings(Value::Null), Ledger::Willing)
    });
    assert_eq!(by_get, by_post);
    let [raw, escaped] = ["write_off_raw", "write_off_escaped"].map(|name| {
        let line = fs::read_to_string(stage::fixture(&format!("loyalty_server/{name}.request.txt"))).unwrap();
        stage::play(
            &stage::request_line(&line),
            &stage::settings(Value::Null),
            Ledger::Willing,
        )
    });
    assert_eq!(raw, escaped);
}
