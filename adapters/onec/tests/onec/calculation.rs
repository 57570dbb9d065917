//! `calculatediscounts`: a receipt on its way, as the till asks about it after every change.

use std::fs;

use kopilka_contract::Message;
use serde_json::Value;

use crate::stage::{self, Ledger};

const PATH: &str = "POST hs/loyaltyservice/calculatediscounts/";

/// One request; with `golden` in circumstances that have an answer of their own.
fn play(line: &str, request: &str, golden: &str, ledger: Ledger) {
    let body = fs::read(stage::fixture(&format!("calculation/{request}.request.json"))).unwrap();
    let message = Message {
        body: &body,
        ..stage::request_line(line)
    };
    let settings = stage::settings(Value::Null);
    stage::compare(&format!("calculation/{golden}"), &message, &settings, ledger);
}

#[test]
fn the_lines_go_back_as_they_came_with_messages_for_the_cashier() {
    play(PATH, "sale", "sale", Ledger::Willing);
}

#[test]
fn a_body_that_comes_with_get_is_read_alike() {
    play(
        "GET hs/loyaltyservice/calculatediscounts",
        "sale",
        "sale",
        Ledger::Willing,
    );
}

#[test]
fn a_till_that_wants_the_card_gets_it_with_what_was_locked() {
    play(PATH, "sale_with_lock", "sale_with_lock", Ledger::Willing);
    play(
        PATH,
        "sale_with_lock",
        "sale_with_lock_elsewhere",
        Ledger::LockedElsewhere,
    );
}

#[test]
fn bonuses_are_locked_only_where_the_card_is_told() {
    play(
        PATH,
        "sale_with_lock_unseen",
        "sale_with_lock_unseen",
        Ledger::Willing,
    );
}

#[test]
fn the_most_that_bonuses_may_pay_is_told_where_it_is_asked_with_what_this_till_has_locked() {
    play(
        PATH,
        "sale_with_the_least",
        "sale_with_the_least",
        Ledger::Willing,
    );
    play(PATH, "sale", "sale_locked_here", Ledger::LockedHere);
    let body = fs::read(stage::fixture("calculation/sale.request.json")).unwrap();
    let message = Message {
        body: &body,
        ..stage::request_line(PATH)
    };
    let settings = stage::settings(serde_json::json!({"payment_percent": "12.5"}));
    stage::compare(
        "calculation/sale_by_settings",
        &message,
        &settings,
        Ledger::Willing,
    );
}

#[test]
fn a_till_that_wants_discounts_back_hears_that_there_are_none() {
    play(
        PATH,
        "sale_with_discounts_to_recover",
        "sale_with_discounts_to_recover",
        Ledger::Willing,
    );
}

#[test]
fn a_receipt_of_nobody_a_return_and_an_empty_receipt_promise_nothing() {
    for request in ["sale_without_card", "return", "nothing_sold"] {
        play(PATH, request, request, Ledger::Willing);
    }
    play(PATH, "sale_with_lock", "sale_of_a_stranger", Ledger::Stranger);
}

#[test]
fn promo_codes_are_answered_one_by_one_and_do_nothing() {
    play(
        PATH,
        "sale_with_promo_codes",
        "sale_with_promo_codes",
        Ledger::Willing,
    );
}

#[test]
fn a_busy_ledger_is_an_error_with_words() {
    play(PATH, "sale", "sale_busy", Ledger::Busy);
}

#[test]
fn a_request_without_what_it_must_have_is_kept_for_a_person() {
    for request in ["without_goods", "without_shop", "odd_amount", "not_json"] {
        play(PATH, request, request, Ledger::Willing);
    }
}
