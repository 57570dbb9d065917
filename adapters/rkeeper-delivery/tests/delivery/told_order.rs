//! By what a newer reading of an order is known for the same sale.

use kopilka_contract::{AsTold, Ask};
use serde_json::{Value, json};

use crate::fixtures::{fixture, read, settings_of};

fn order() -> Value {
    serde_json::from_slice(&fixture("order.bonuses").body).unwrap()
}

fn words_with(order: &Value, settings: Value) -> AsTold {
    let dialogue = read("poll/order", order.to_string().as_bytes(), &settings_of(settings));
    match dialogue.map(|dialogue| dialogue.asks()).as_deref() {
        Ok([Ask::Close(close)]) => close.as_told.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn words(order: &Value) -> AsTold {
    words_with(order, json!({}))
}

/// The order with another value somewhere.
fn changed(pointer: &str, value: Value) -> Value {
    let mut order = order();
    *order["result"].pointer_mut(pointer).unwrap() = value;
    order
}

#[test]
fn a_reading_says_the_same_whatever_is_of_no_interest_and_whatever_is_set() {
    let said = words(&order());
    for (pointer, noise) in [
        ("/updatedAt", json!("2026-03-15T10:00:00.000+00:00")),
        ("/comment", json!("позвонить")),
        ("/guest/firstName", json!("Анна К.")),
        ("/dishList/0/name", json!("Борщ с говядиной")),
        ("/payments/1/name", json!("МИР")),
    ] {
        assert_eq!(words(&changed(pointer, noise)), said, "{pointer}");
    }
    for settings in [
        json!({"bonus_currencies": ["9ca200f8-5961-4a6f-ae22-a095c65d1485"], "hold_key": "external"}),
        json!({"payment_kinds": {"card": "bank_card"}, "receipt_type": "online"}),
    ] {
        assert_eq!(words_with(&order(), settings.clone()), said, "{settings}");
    }
}

#[test]
fn whatever_changes_in_an_order_changes_what_is_said_of_it() {
    let said = words(&order());
    for (pointer, value) in [
        ("/amount", json!(1880)),
        ("/dishList/0/externalId", json!("102")),
        ("/dishList/0/quantity", json!(1)),
        ("/dishList/0/price", json!(400)),
        ("/payments/0/amount", json!(200)),
        ("/payments/1/code", json!("cash")),
        ("/paymentTypeId", json!("cash")),
        ("/guest/phone", json!("79000000018")),
        ("/orderExternalId", json!("site-88122")),
    ] {
        assert_ne!(words(&changed(pointer, value)), said, "{pointer}");
    }
}
