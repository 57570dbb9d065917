//! By what a newer snapshot of an order is known for the same sale.

use kopilka_contract::{AsTold, Ask};
use serde_json::{Value, json};

use crate::fixtures::{fixture, read, settings_of};

fn order() -> Value {
    serde_json::from_slice(&fixture("delivery-closed").body).unwrap()
}

fn words_with(event: &Value, settings: Value) -> AsTold {
    let dialogue = read(event.to_string().as_bytes(), &settings_of(settings));
    match dialogue.map(|dialogue| dialogue.asks()).as_deref() {
        Ok([Ask::Close(close)]) => close.as_told.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn words(event: &Value) -> AsTold {
    words_with(event, json!({}))
}

/// The order with another value somewhere.
fn changed(pointer: &str, value: Value) -> Value {
    let mut event = order();
    *event[0]["eventInfo"].pointer_mut(pointer).unwrap() = value;
    event
}

#[test]
fn a_snapshot_says_the_same_whatever_is_of_no_interest_and_whatever_is_set() {
    let said = words(&order());
    for (pointer, noise) in [
        ("/timestamp", json!(1_773_483_804_880_i64)),
        ("/order/operator", json!(null)),
        ("/order/courierInfo", json!(null)),
        ("/order/whenClosed", json!("2026-03-14 13:40:00.000")),
        ("/order/items/0/status", json!("CookedCompleted")),
        ("/order/items/0/primaryComponent/product/name", json!("Маргарита")),
        ("/order/customer/name", json!("Игорь П.")),
        ("/order/number", json!(89)),
    ] {
        assert_eq!(words(&changed(pointer, noise)), said, "{pointer}");
    }
    let paid = "0c000000-0000-4000-8000-000000000001";
    for settings in [
        json!({"payment_kinds": {paid: "online"}}),
        json!({"bonus_payment_types": [paid]}),
        json!({"aggregators": ["site"]}),
        json!({"categories": {"8a000000-0000-4000-8000-000000000001": "pizza"}}),
    ] {
        assert_eq!(words_with(&order(), settings.clone()), said, "{settings}");
    }
}

#[test]
fn whatever_changes_in_an_order_changes_what_is_said_of_it() {
    let said = words(&order());
    let another = "8a000000-0000-4000-8000-00000000000a";
    for (pointer, value) in [
        ("/order/sum", json!(1039)),
        ("/order/items/0/amount", json!(2)),
        ("/order/items/0/primaryComponent/product/id", json!(another)),
        ("/order/items/0/primaryComponent/resultSum", json!(390)),
        ("/order/items/1/cost", json!(180)),
        ("/order/items/0/primaryComponent/positionId", json!(another)),
        ("/order/payments/0/sum", json!(1000)),
        ("/order/payments/0/paymentType/id", json!(another)),
        ("/order/payments/0/paymentType/kind", json!("Card")),
        ("/order/payments/0/isPreliminary", json!(true)),
        (
            "/order/discounts",
            json!([{"discountType": {"id": another}, "sum": 10}]),
        ),
        ("/order/customer/id", json!(another)),
        ("/order/phone", json!("+79005550203")),
        ("/order/sourceKey", json!("market")),
        ("/order/orderType/id", json!(another)),
        (
            "/order/externalData",
            json!([{"key": "loyalty.transactionId", "value": "52b1"}]),
        ),
    ] {
        assert_ne!(words(&changed(pointer, value)), said, "{pointer}");
    }
}
