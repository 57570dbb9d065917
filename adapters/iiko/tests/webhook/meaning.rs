//! What the messages mean, one rule of the books at a time.

use kopilka_contract::{
    Adapter, Ask, Close, CustomerRef, GiveBack, Money, Phone, Redemption, Refusal, Words, repeated_moment,
};
use kopilka_iiko::Iiko;
use serde_json::json;

use crate::fixtures::{agree, asks, fixture, message, read, settings_of};

fn rub(text: &str) -> Money {
    text.parse().unwrap()
}

fn only_close(name: &str) -> Close {
    match asks(name).as_slice() {
        [Ask::Close(close)] => close.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn only_give_back(name: &str) -> GiveBack {
    match asks(name).as_slice() {
        [Ask::GiveBack(back)] => back.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn amounts(close: &Close) -> Vec<String> {
    close
        .receipt
        .lines
        .iter()
        .map(|line| line.amount.to_string())
        .collect()
}

fn remarks(name: &str) -> String {
    let fixture = fixture(name);
    match read(&fixture.body, &fixture.settings) {
        Ok(dialogue) => Words::join(&dialogue.remarks(), "\n").en,
        Err(unreadable) => panic!("{name}: {}", unreadable.reason.en),
    }
}

#[test]
fn a_closed_table_is_one_receipt_named_by_the_till_and_versioned_by_the_cloud() {
    let receipt = only_close("table-closed").receipt;
    assert_eq!(receipt.external_id, "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902");
    assert_eq!(receipt.version.and_then(repeated_moment), Some(1_773_506_527_301));
    assert_eq!(receipt.kind.as_deref(), Some("place"));
    assert_eq!(receipt.closed_at.to_rfc3339(), "2026-03-14T19:42:05.870+03:00");
    assert_eq!(
        receipt.customer,
        Phone::parse("+79005550101").map(CustomerRef::Phone)
    );
    assert_eq!(receipt.customer_name.as_deref(), Some("Анна Кузнецова"));
}

#[test]
fn deleted_lines_and_free_modifiers_are_no_lines_while_priced_modifiers_are() {
    let receipt = only_close("table-closed").receipt;
    let names: Vec<&str> = receipt.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(
        names,
        ["Паста с грибами", "Пармезан", "Сыр на развес, кг", "Лимонад"]
    );
    assert_eq!(receipt.total, Some(rub("1745.00")));
}

#[test]
fn categories_come_from_the_mapping_in_the_settings() {
    let receipt = only_close("table-closed").receipt;
    let categories: Vec<_> = receipt
        .lines
        .iter()
        .map(|line| line.category_id.as_deref())
        .collect();
    assert_eq!(categories, [None, None, Some("cheese"), Some("drinks")]);
}

#[test]
fn a_repeat_asks_exactly_the_same_again() {
    let asks = asks("table-closed-repeated");
    assert_eq!(asks.len(), 2);
    assert_eq!(asks[0], asks[1]);
}

#[test]
fn a_newer_snapshot_is_the_same_receipt_with_a_newer_version_and_its_own_sums() {
    let (first, newer) = (
        only_close("table-closed").receipt,
        only_close("table-closed-newer-version").receipt,
    );
    assert_eq!(first.external_id, newer.external_id);
    assert!(first.version < newer.version);
    assert_eq!(
        (first.total, newer.total),
        (Some(rub("1745.00")), Some(rub("1505.00")))
    );
}

#[test]
fn points_posted_as_a_discount_are_added_to_the_lines_and_never_redeemed() {
    let close = only_close("table-closed-points-as-discount");
    assert_eq!(close.redemption, Redemption::Unconfirmed(rub("259.50")));
    assert_eq!(amounts(&close), ["620.00", "90.00", "555.00", "480.00"]);
    let redeemed: Vec<_> = close.receipt.lines.iter().map(|line| line.redeemed).collect();
    let expected = ["62.00", "9.00", "55.50", "133.00"].map(|text| Some(rub(text)));
    assert_eq!(redeemed, expected);
}

#[test]
fn a_discount_of_points_that_an_old_till_does_not_spread_is_spread_and_remarked() {
    let close = only_close("table-closed-points-as-discount-not-spread");
    assert_eq!(close.receipt.total, Some(rub("1745.00")));
    assert_eq!(close.redemption, Redemption::Unconfirmed(rub("259.50")));
    assert_eq!(
        amounts(&close),
        amounts(&only_close("table-closed-points-as-discount")),
        "as a new till would"
    );
    assert!(remarks("table-closed-points-as-discount-not-spread").contains("not told by position"));
}

#[test]
fn a_payment_in_points_lowers_the_base_and_is_no_payment_in_money() {
    let close = only_close("delivery-closed-points-payment");
    assert_eq!(close.redemption, Redemption::Unconfirmed(rub("200.00")));
    assert_eq!(close.receipt.total, Some(rub("1040.00")));
    assert!(close.receipt.lines.iter().all(|line| line.redeemed.is_none()));
    let paid: Vec<_> = close
        .receipt
        .payments
        .iter()
        .map(|p| (p.kind.as_str(), p.amount))
        .collect();
    assert_eq!(
        paid,
        [("external", rub("840.00"))],
        "a preliminary payment is not paid"
    );
}

#[test]
fn points_that_are_shown_as_a_discount_and_as_a_payment_are_counted_once() {
    let fixture = fixture("table-closed-points-as-discount");
    let mut events: serde_json::Value = serde_json::from_slice(&fixture.body).unwrap();
    let points = "2b4c6d8e-1111-4222-8333-944455566699";
    let payments = events[0]["eventInfo"]["order"]["payments"]
        .as_array_mut()
        .unwrap();
    payments.push(
        json!({"paymentType": {"id": points, "kind": "External"}, "sum": 259.5, "isPreliminary": false}),
    );
    let mut settings = fixture.settings;
    settings.values["bonus_payment_types"] = json!([points]);
    let told = read(events.to_string().as_bytes(), &settings).unwrap();
    let once = only_close("table-closed-points-as-discount");
    match told.asks().as_slice() {
        [Ask::Close(close)] => {
            assert_eq!(
                (&close.receipt, close.redemption),
                (&once.receipt, once.redemption)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn tips_that_are_counted_into_the_sum_are_taken_out_of_it_where_the_settings_say_so() {
    let mut events: serde_json::Value = serde_json::from_slice(&fixture("table-closed").body).unwrap();
    let order = &mut events[0]["eventInfo"]["order"];
    order["sum"] = json!(order["sum"].as_f64().unwrap() + 100.0);
    order["tips"] = json!([{"paymentType": {"kind": "Card"}, "sum": 100, "isPreliminary": false}]);
    let amounts_of = |values| {
        let told = read(events.to_string().as_bytes(), &settings_of(values)).unwrap();
        match told.asks().as_slice() {
            [Ask::Close(close)] => amounts(close),
            other => panic!("{other:?}"),
        }
    };
    let sold = amounts(&only_close("table-closed"));
    assert_eq!(amounts_of(json!({"tips_in_sum": true})), sold);
    assert_ne!(amounts_of(json!({})), sold);
}

#[test]
fn points_that_came_both_ways_are_left_to_the_ledger_to_spread() {
    let close = only_close("table-closed-points-both-ways");
    assert_eq!(close.redemption, Redemption::Unconfirmed(rub("359.50")));
    assert!(close.receipt.lines.iter().all(|line| line.redeemed.is_none()));
}

#[test]
fn without_settings_a_discount_is_a_discount() {
    let body = fixture("table-closed-points-as-discount").body;
    let dialogue = read(&body, &settings_of(json!({}))).unwrap_or_else(|e| panic!("{}", e.reason.en));
    let [Ask::Close(close)] = &dialogue.asks()[..] else {
        panic!("one close")
    };
    assert_eq!(close.redemption, Redemption::Nothing);
    assert_eq!(close.receipt.total, Some(rub("1485.50")));
}

#[test]
fn a_delivery_closed_without_a_time_was_closed_when_it_was_delivered() {
    let receipt = only_close("delivery-closed").receipt;
    assert_eq!(receipt.closed_at.to_rfc3339(), "2026-03-14T13:18:33+03:00");
    assert_eq!(receipt.kind.as_deref(), Some("delivery"));
    assert_eq!(
        receipt.lines.len(),
        3,
        "both halves of the pizza and the delivery itself"
    );
    assert_eq!(receipt.payments[0].kind, "online", "as the settings call it");
}

#[test]
fn a_delivered_order_is_sold_only_where_the_settings_say_so() {
    assert_eq!(
        only_close("delivery-delivered").receipt.kind.as_deref(),
        Some("courier")
    );
    let body = fixture("delivery-delivered").body;
    let dialogue = read(&body, &settings_of(json!(null))).unwrap_or_else(|e| panic!("{}", e.reason.en));
    assert_eq!(dialogue.asks(), []);
}

#[test]
fn cancelled_and_deleted_orders_are_given_back_whole_under_a_key_of_their_own() {
    for (name, sale, at) in [
        (
            "delivery-cancelled",
            "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e20",
            "2026-03-14T13:36:40.100+03:00",
        ),
        (
            "delivery-moved",
            "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e20",
            "2026-03-14T13:36:40.100+03:00",
        ),
        (
            "table-deleted",
            "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902",
            "2026-03-14T19:43:07.318+03:00",
        ),
    ] {
        let back = only_give_back(name);
        assert_eq!(back.sale, sale);
        assert_eq!(
            back.external_id,
            format!(
                "{sale}/cancel/{}",
                repeated_moment(back.version.unwrap()).unwrap()
            )
        );
        assert_eq!(back.returned_at.to_rfc3339(), at);
        assert!(back.rollback, "a newer snapshot may close it again");
    }
    assert!(remarks("delivery-moved").contains("it goes on as"));
}

#[test]
fn an_order_of_an_aggregator_has_no_guest() {
    let receipt = only_close("delivery-closed-aggregator").receipt;
    assert_eq!(
        (receipt.customer, receipt.phone, receipt.customer_name),
        (None, None, None)
    );
    assert_eq!(receipt.total, Some(rub("1040.00")));
}

#[test]
fn what_is_not_sold_is_understood_and_remarked_and_only_what_is_closed_as_no_sale_undoes_one() {
    let undone = only_give_back("not-sold");
    assert!(undone.rollback);
    assert_eq!(
        undone.external_id,
        format!("{}/not-sold/1773506527301", undone.sale)
    );
    assert_eq!(remarks("not-sold").lines().count(), 12);
}

#[test]
fn one_broken_event_does_not_lose_the_others() {
    assert_eq!(asks("broken-events-among-others").len(), 2);
    assert_eq!(
        remarks("broken-events-among-others")
            .matches("not readable")
            .count(),
        6
    );
}

#[test]
fn doubles_with_artefacts_are_rounded_half_up_line_by_line() {
    let close = only_close("table-closed-doubles-with-artefacts");
    assert_eq!(amounts(&close), ["450.00", "44.97", "100.01"]);
    assert_eq!(close.receipt.lines[1].quantity.to_string(), "0.3");
    assert!(remarks("table-closed-doubles-with-artefacts").contains("taken for rounding"));
}

#[test]
fn modifiers_contained_in_their_products_are_not_counted_twice() {
    let close = only_close("table-closed-modifiers-inside");
    assert_eq!(amounts(&close), ["710.00", "555.00", "480.00"]);
}

#[test]
fn lines_that_differ_from_the_sum_are_brought_to_what_the_guest_paid() {
    let close = only_close("table-closed-lines-differ-from-sum");
    assert_eq!(close.receipt.total, Some(rub("1700.00")));
    assert!(remarks("table-closed-lines-differ-from-sum").contains("spread over the lines"));
}

#[test]
fn an_emptied_order_is_a_receipt_of_nothing_so_that_a_newer_version_takes_all_back() {
    let receipt = only_close("table-closed-empty").receipt;
    assert_eq!((receipt.lines.len(), receipt.total), (0, Some(Money::ZERO)));
}

#[test]
fn the_answer_is_200_whatever_the_ledger_says_and_names_refusals() {
    let fixture = fixture("broken-events-among-others");
    let dialogue = read(&fixture.body, &fixture.settings).unwrap_or_else(|e| panic!("{}", e.reason.en));
    let refusal = Refusal {
        code: "receipt-conflict".to_owned(),
        words: Words::new("Чек уже проведён", "The receipt is posted"),
        pointer: None,
        retryable: false,
        most: None,
    };
    let reply = dialogue.reply(&[agree(&dialogue.asks()[0]), Err(refusal)]);
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        br#"{"received":8,"unreadable":6,"refused":["receipt-conflict"]}"#
    );
}

#[test]
fn a_failure_of_ours_is_not_answered_with_200() {
    let words = Words::new("Сервис занят", "The service is busy");
    let reply = Iiko.failure(&message("webhook", b"[]"), &words, &settings_of(json!({})));
    assert_eq!(
        (reply.status, reply.body),
        (503, "{\"error\":\"Сервис занят\"}".into())
    );
}

#[test]
fn only_the_addresses_of_the_three_roads_are_served() {
    let settings = settings_of(json!({}));
    for path in ["", "webhook", "webhook/", "/webhook"] {
        assert!(Iiko.read(&message(path, b"[]"), &settings).is_ok(), "{path}");
    }
    for path in ["v1/else", "webhooks", "api/2/menu"] {
        let unreadable = Iiko.read(&message(path, b"[]"), &settings).err();
        assert_eq!(
            unreadable.map(|unreadable| unreadable.reply.status),
            Some(404),
            "{path}"
        );
    }
}

#[test]
fn probes_of_the_address_are_no_events() {
    for body in [&b""[..], b" \r\n", b"\"\"", b"{}", b"[]", "\u{feff}[]".as_bytes()] {
        let dialogue = read(body, &settings_of(json!({}))).unwrap_or_else(|e| panic!("{}", e.reason.en));
        assert_eq!((dialogue.asks(), dialogue.remarks()), (vec![], vec![]));
    }
}

#[test]
fn settings_with_a_typo_or_an_empty_id_are_refused() {
    for values in [
        json!({"bonus_payment_type": []}),
        json!({"bonus_payment_types": [""]}),
        json!({"receipt_types": {"hall": "place"}}),
        json!({"categories": {"00000000-0000-0000-0000-000000000000": "x"}}),
    ] {
        assert!(
            Iiko.check_settings(&settings_of(values.clone())).is_err(),
            "{values}"
        );
        let reply = read(b"[]", &settings_of(values))
            .err()
            .map(|unreadable| unreadable.reply.status);
        assert_eq!(
            reply,
            Some(503),
            "nothing is taken in before the connection is set up"
        );
    }
    assert!(Iiko.check_settings(&settings_of(json!(null))).is_ok());
}
