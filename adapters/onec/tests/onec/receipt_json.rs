//! Receipts and returns in JSON, as careful and as careless extensions push them.

use std::fs;

use kopilka_contract::Message;
use serde_json::{Value, json};

use crate::stage::{self, Ledger};

const RECEIPTS: &str = "v1/receipts";
const BATCH: &str = "v1/receipts/batch";

fn body(request: &str) -> Vec<u8> {
    fs::read(stage::fixture(&format!("receipt_json/{request}.request.json"))).unwrap()
}

fn play(name: &str, ledger: Ledger) {
    play_as(name, name, ledger, Value::Null);
}

/// One document in circumstances that have an answer of their own.
fn play_as(request: &str, golden: &str, ledger: Ledger, settings: Value) {
    let body = body(request);
    let message = stage::push(RECEIPTS, None, &body);
    stage::compare(
        &format!("receipt_json/{golden}"),
        &message,
        &stage::settings(settings),
        ledger,
    );
}

fn understood(request: &str, content_type: Option<&str>) -> String {
    let body = body(request);
    stage::play(
        &stage::push(RECEIPTS, content_type, &body),
        &stage::settings(Value::Null),
        Ledger::Willing,
    )
    .0
}

#[test]
fn a_sale_is_taken() {
    play("sale", Ledger::Willing);
}

#[test]
fn a_sale_with_redemption_takes_the_write_off_over() {
    play("sale_with_redemption", Ledger::Willing);
}

#[test]
fn a_connection_without_the_loyalty_server_redeems_with_the_receipt() {
    let settings = json!({"receipt_redemption": "now", "category_source": "none"});
    play_as(
        "sale_with_redemption",
        "sale_with_redemption_now",
        Ledger::Willing,
        settings,
    );
}

fn reserve_as(path: &str, request: &str, golden: &str, ledger: Ledger) {
    let body = body(request);
    let settings = stage::settings(Value::Null);
    stage::compare(
        &format!("receipt_json/{golden}"),
        &stage::push(path, None, &body),
        &settings,
        ledger,
    );
}

#[test]
fn bonuses_are_set_aside_used_by_the_receipt_or_let_go() {
    reserve_as("v1/reserve", "reserve", "reserve", Ledger::Willing);
    reserve_as(
        "v1/reserve",
        "reserve",
        "reserve_locked_elsewhere",
        Ledger::LockedElsewhere,
    );
    reserve_as("v1/reserve", "reserve", "reserve_busy", Ledger::Busy);
    reserve_as("v1/cancel", "cancel", "cancel", Ledger::Willing);
    play("sale_with_reserve", Ledger::Willing);
}

#[test]
fn a_reservation_of_nothing_or_for_nobody_is_kept_for_a_person() {
    for request in ["reserve_of_nothing", "reserve_for_nobody"] {
        reserve_as("v1/reserve", request, request, Ledger::Willing);
    }
}

#[test]
fn a_careless_extension_says_the_same() {
    let careful = understood("sale_with_redemption", Some("application/json"));
    for request in ["sale_with_redemption_careless", "sale_with_redemption_other_hand"] {
        assert_eq!(understood(request, None), careful, "{request}");
    }
    assert_eq!(understood("return_careless", None), understood("return", None));
}

#[test]
fn windows_1251_is_understood_where_it_is_declared_and_refused_where_not() {
    let request = "sale_with_redemption_windows_1251";
    let declared = Some("application/json; charset=windows-1251");
    assert_eq!(
        understood(request, declared),
        understood("sale_with_redemption", None)
    );
    play(request, Ledger::Willing);
}

#[test]
fn a_repeated_document_is_a_duplicate() {
    play_as("sale", "sale_repeated", Ledger::Repeated, Value::Null);
    play_as("return", "return_repeated", Ledger::Repeated, Value::Null);
}

#[test]
fn guesses_are_remarked_upon() {
    play("sale_with_doubts", Ledger::Willing);
}

#[test]
fn bonuses_sent_as_a_payment_leave_the_spread_to_the_ledger() {
    play("sale_paid_with_bonuses", Ledger::Willing);
}

#[test]
fn a_return_names_its_sale_and_its_lines() {
    play("return", Ledger::Willing);
}

#[test]
fn a_return_without_a_sale_is_kept_for_a_person() {
    play("return_without_sale", Ledger::Willing);
    play("return_of_unknown_line", Ledger::Willing);
}

#[test]
fn a_document_that_contradicts_itself_is_kept_for_a_person() {
    for request in [
        "sale_with_bonuses_on_no_line",
        "sale_with_lines_before_bonuses",
        "sale_with_another_total",
        "sale_with_broken_amount",
        "unknown_operation",
    ] {
        play(request, Ledger::Willing);
    }
}

#[test]
fn a_broken_message_is_kept_for_a_person() {
    play("broken", Ledger::Willing);
}

#[test]
fn a_refusal_for_good_is_200_and_one_for_now_is_503() {
    play_as(
        "sale",
        "sale_refused",
        Ledger::Refuses("receipt-conflict"),
        Value::Null,
    );
    play_as("sale", "sale_busy", Ledger::Busy, Value::Null);
}

#[test]
fn a_batch_is_answered_document_by_document() {
    let body = body("batch");
    let message = stage::push(BATCH, None, &body);
    stage::compare(
        "receipt_json/batch",
        &message,
        &stage::settings(Value::Null),
        Ledger::Willing,
    );
    stage::compare(
        "receipt_json/batch_busy",
        &message,
        &stage::settings(Value::Null),
        Ledger::Busy,
    );
}

#[test]
fn a_batch_must_be_a_list_and_may_be_empty() {
    let settings = stage::settings(Value::Null);
    let (_, reply) = stage::play(&stage::push(BATCH, None, b"{}"), &settings, Ledger::Willing);
    assert_eq!(reply.status, 400);
    let (_, reply) = stage::play(&stage::push(BATCH, None, b"[]"), &settings, Ledger::Willing);
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (200, br#"{"results":[]}"#.as_slice())
    );
}

#[test]
fn a_wrong_address_or_method_is_no_document() {
    let settings = stage::settings(Value::Null);
    let (_, reply) = stage::play(
        &stage::push("v1/cheques", None, b"{}"),
        &settings,
        Ledger::Willing,
    );
    assert_eq!(reply.status, 404);
    let (_, reply) = stage::play(
        &stage::request_line("GET v1/receipts"),
        &settings,
        Ledger::Willing,
    );
    assert_eq!(reply.status, 405);
}

fn members(query: &'static str, golden: &str, ledger: Ledger) {
    let message = Message {
        query,
        ..stage::request_line("GET v1/members")
    };
    stage::compare(
        &format!("receipt_json/{golden}"),
        &message,
        &stage::settings(Value::Null),
        ledger,
    );
}

#[test]
fn a_member_is_looked_up_by_card_and_by_telephone() {
    members("query=0000123", "members_by_card", Ledger::Willing);
    members("query=+7 (900) 555-01-01", "members_by_phone", Ledger::Willing);
    members("query=%2B79005550101", "members_unknown", Ledger::Stranger);
    members("query=", "members_without_query", Ledger::Willing);
}
