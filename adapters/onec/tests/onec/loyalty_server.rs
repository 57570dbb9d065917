//! The dialogue of a stock till. A fixture is the request line as it is after the connection's token.

use std::fs;

use serde_json::{Value, json};

use crate::stage::{self, Ledger};

fn play(name: &str, ledger: Ledger) {
    play_as(name, name, ledger, Value::Null);
}

/// One request in circumstances that have an answer of their own.
fn play_as(request: &str, golden: &str, ledger: Ledger, settings: Value) {
    let path = stage::fixture(&format!("loyalty_server/{request}.request.txt"));
    let line = fs::read_to_string(path).unwrap();
    let message = stage::request_line(&line);
    stage::compare(
        &format!("loyalty_server/{golden}"),
        &message,
        &stage::settings(settings),
        ledger,
    );
}

fn understood(request: &str) -> String {
    let path = stage::fixture(&format!("loyalty_server/{request}.request.txt"));
    let line = fs::read_to_string(path).unwrap();
    stage::play(
        &stage::request_line(&line),
        &stage::settings(Value::Null),
        Ledger::Willing,
    )
    .0
}

#[test]
fn a_till_that_starts_is_told_our_version() {
    play("ping", Ledger::Willing);
    play("ping_without_slashes", Ledger::Willing);
    play("use_automatic_discounts", Ledger::Willing);
}

#[test]
fn a_scanned_card_is_found_and_its_bonuses_are_locked() {
    play("find_and_lock", Ledger::Willing);
}

#[test]
fn bonuses_that_another_till_has_locked_are_not_there() {
    play_as(
        "find_and_lock",
        "find_and_lock_locked_elsewhere",
        Ledger::LockedElsewhere,
        Value::Null,
    );
    play_as(
        "get_client_bonuses",
        "get_client_bonuses_locked_elsewhere",
        Ledger::LockedElsewhere,
        Value::Null,
    );
}

#[test]
fn a_blocked_card_is_shown_as_blocked_and_without_bonuses() {
    play_as(
        "find_and_lock",
        "find_and_lock_blocked",
        Ledger::Blocked,
        Value::Null,
    );
    play_as("find_only", "find_only_blocked", Ledger::Blocked, Value::Null);
}

#[test]
fn looking_at_a_card_locks_nothing() {
    play("find_only", Ledger::Willing);
    play("find_by_code_with_zeros", Ledger::Willing);
}

#[test]
fn a_guest_found_by_telephone_gets_his_number_for_a_code() {
    play("find_by_phone_and_lock", Ledger::Willing);
    play("find_by_phone_with_plus", Ledger::Willing);
    play("write_off_by_phone_code", Ledger::Willing);
}

#[test]
fn the_end_of_a_telephone_number_or_an_e_mail_finds_whoever_has_it() {
    for request in ["find_by_part_of_phone", "find_by_email_and_lock"] {
        play(request, Ledger::Willing);
        play_as(
            request,
            &format!("{request}_nobody"),
            Ledger::Stranger,
            Value::Null,
        );
    }
    play("find_by_too_short_part_of_phone", Ledger::Willing);
}

#[test]
fn of_several_guests_who_may_be_meant_nothing_is_locked_or_promised() {
    play_as(
        "find_by_email_and_lock",
        "find_by_email_and_lock_several",
        Ledger::Crowded,
        Value::Null,
    );
    play_as(
        "find_by_part_of_phone",
        "find_by_part_of_phone_several",
        Ledger::Crowded,
        Value::Null,
    );
}

#[test]
fn a_write_off_by_an_e_mail_is_of_the_one_guest_whom_the_till_has_locked() {
    play("write_off_by_email", Ledger::Willing);
    play("unlock_by_email", Ledger::Willing);
    for (golden, ledger) in [("several", Ledger::Crowded), ("nobody", Ledger::Stranger)] {
        play_as(
            "write_off_by_email",
            &format!("write_off_by_email_{golden}"),
            ledger,
            Value::Null,
        );
    }
}

#[test]
fn an_unknown_card_is_no_error_but_an_empty_list() {
    play_as(
        "find_and_lock",
        "find_and_lock_unknown",
        Ledger::Stranger,
        Value::Null,
    );
    play_as(
        "get_client_bonuses",
        "get_client_bonuses_unknown",
        Ledger::Stranger,
        Value::Null,
    );
    play_as(
        "sales_turnover",
        "sales_turnover_unknown",
        Ledger::Stranger,
        Value::Null,
    );
}

#[test]
fn a_busy_ledger_is_an_error_with_words() {
    play_as("find_and_lock", "find_and_lock_busy", Ledger::Busy, Value::Null);
    play_as("write_off", "write_off_busy", Ledger::Busy, Value::Null);
    play_as("unlock", "unlock_busy", Ledger::Busy, Value::Null);
}

#[test]
fn an_older_till_gets_the_bonus_object() {
    play("get_client_bonuses", Ledger::Willing);
}

#[test]
fn the_connection_decides_about_percent_lock_and_debt() {
    let values = json!({
        "version": "3.0.5.1",
        "payment_percent": "12.5",
        "lock_minutes": 45,
        "debt_limit": "500.00",
        "repeat_window_s": 5,
        "currency": "398",
    });
    play_as(
        "get_client_bonuses",
        "get_client_bonuses_by_settings",
        Ledger::Willing,
        values.clone(),
    );
    play_as("write_off", "write_off_by_settings", Ledger::Willing, values);
}

#[test]
fn a_write_off_is_answered_with_the_sentence_that_the_till_waits_for() {
    play("write_off", Ledger::Willing);
}

#[test]
fn a_repeated_write_off_is_answered_alike() {
    play_as("write_off", "write_off_repeated", Ledger::Repeated, Value::Null);
}

#[test]
fn a_write_off_is_understood_raw_and_escaped() {
    play("write_off_raw", Ledger::Willing);
    play("write_off_escaped", Ledger::Willing);
    assert_eq!(understood("write_off_raw"), understood("write_off_escaped"));
}

#[test]
fn a_refused_write_off_makes_the_till_unlock() {
    play_as(
        "write_off",
        "write_off_unknown_card",
        Ledger::Stranger,
        Value::Null,
    );
    play_as(
        "write_off",
        "write_off_over_debt_limit",
        Ledger::Refuses("debt-limit"),
        Value::Null,
    );
}

#[test]
fn a_write_off_of_nothing_asks_nothing() {
    play("write_off_without_amount", Ledger::Willing);
    play("write_off_of_nothing", Ledger::Willing);
}

#[test]
fn a_write_off_that_cannot_be_read_is_kept_for_a_person() {
    play("write_off_broken_amount", Ledger::Willing);
    play("write_off_of_less_than_nothing", Ledger::Willing);
    play("write_off_without_card", Ledger::Willing);
    play("write_off_by_get", Ledger::Willing);
}

#[test]
fn an_unlock_lets_the_session_go() {
    play("unlock", Ledger::Willing);
    play_as("unlock", "unlock_unknown_card", Ledger::Stranger, Value::Null);
    play("unlock_without_card", Ledger::Willing);
}

#[test]
fn a_guest_has_one_session_at_a_till_whatever_he_is_named_by() {
    for request in [
        "find_and_lock",
        "get_client_bonuses",
        "write_off",
        "unlock",
        "find_by_phone_and_lock",
        "write_off_by_phone_code",
        "find_by_card_guid_and_lock",
        "find_by_email_and_lock",
        "write_off_by_email",
    ] {
        let asked = understood(request);
        assert!(asked.contains("\"Касса 1/guest:cus_1\""), "{request}: {asked}");
    }
}

#[test]
fn a_turnover_is_told() {
    play("sales_turnover", Ledger::Willing);
}

#[test]
fn kinds_of_cards_are_a_list_without_an_object_and_those_of_the_connection() {
    play("get_card_types", Ledger::Willing);
    let own = json!({"card_types": [{"id": "0f1e2d3c-90ab-11f0-8d3a-00155d0a0109", "name": "Золотая"}]});
    play_as(
        "get_card_types",
        "get_card_types_by_settings",
        Ledger::Willing,
        own,
    );
    let none = json!({"issue_cards": false});
    play_as("get_card_types", "get_card_types_of_none", Ledger::Willing, none);
}

#[test]
fn a_card_whose_number_the_service_makes_is_told_by_its_number() {
    for request in [
        "issue_client_card_of_virtual_kind",
        "issue_client_card_of_plastic_kind",
        "issue_client_card_of_unknown_kind",
    ] {
        play(request, Ledger::Willing);
    }
    play_as(
        "issue_client_card_of_virtual_kind",
        "issue_client_card_of_virtual_kind_busy",
        Ledger::Busy,
        Value::Null,
    );
}

#[test]
fn what_is_not_supported_says_so_with_200() {
    let none = json!({"issue_cards": false});
    play_as(
        "issue_client_card",
        "issue_client_card_by_settings",
        Ledger::Willing,
        none,
    );
    play("get_prices", Ledger::Willing);
}

#[test]
fn a_guest_joins_at_the_till_by_a_telephone_or_by_a_card() {
    play("issue_client_card", Ledger::Willing);
    play("issue_client_card_with_code", Ledger::Willing);
    play("issue_client_card_with_doubts", Ledger::Willing);
    play("issue_client_card_to_nobody", Ledger::Willing);
    for (golden, ledger) in [
        ("issue_client_card_of_another", Ledger::Refuses("already-exists")),
        ("issue_client_card_busy", Ledger::Busy),
    ] {
        play_as("issue_client_card_with_code", golden, ledger, Value::Null);
    }
}

#[test]
fn a_guest_found_by_a_reference_that_we_gave_out_has_it_for_a_code() {
    play("find_by_card_guid_and_lock", Ledger::Willing);
    play("write_off_by_guid_code", Ledger::Willing);
}

#[test]
fn certificates_promo_codes_and_bans_of_sales_are_unknown_here_and_stop_nothing() {
    for request in [
        "get_gift_card_info",
        "check_gift_card",
        "write_off_gift_card",
        "unlock_gift_card",
        "promocode_info",
        "redeem_promocode",
        "unlock_promocode",
        "activate_promocode",
        "get_leftovers",
        "sales_restrictions_info",
        "get_controlled_discounts_list",
        "get_list_on_pay_discounts",
    ] {
        play(request, Ledger::Willing);
    }
}

#[test]
fn the_connection_says_whether_we_count_automatic_discounts() {
    play_as(
        "use_automatic_discounts",
        "use_automatic_discounts_by_settings",
        Ledger::Willing,
        json!({"automatic_discounts": true}),
    );
}
