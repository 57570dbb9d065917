//! Deliveries that were found, read once more by id with what sites and plugins keep with them.

use chrono::Duration;
use kopilka_contract::{CustomerRef, Next};
use serde_json::{Value, json};

use crate::round::{PLACE, Round, by_place, call, delivery, failed, messages};

/// A round in which these deliveries were found, and the first question about them.
fn found(orders: &[Value]) -> (Round, (String, Value)) {
    let mut round = Round::going(json!({}));
    let keys = ["member_data_key", "transaction_data_key"];
    for (key, value) in keys.into_iter().zip(["our.guest", "our.hold"]) {
        round.settings.values[key] = json!(value);
    }
    round.now += Duration::minutes(1);
    round.step(None);
    let asked = call(&round.ok(&by_place(orders, 120)));
    (round, asked)
}

/// A delivery with what a site keeps with it.
fn with_guest(mut order: Value) -> Value {
    order["order"]["externalData"] = json!([{"key": "our.guest", "value": "M-1"}]);
    order
}

#[test]
fn what_was_found_is_read_by_id_together_and_posted_from_that() {
    let orders = [
        delivery(1, "Closed", 1),
        delivery(2, "OnWay", 1),
        delivery(3, "Cancelled", 1),
    ];
    let (mut round, asked) = found(&orders);
    let body = json!({"organizationId": PLACE, "orderIds": [orders[0]["id"], orders[2]["id"]],
        "returnExternalDataKeys": ["our.guest", "our.hold"]});
    assert_eq!(asked, ("1/deliveries/by_id".to_owned(), body));
    let told = messages(&round.ok(&json!({"orders": [orders[2], with_guest(orders[0].clone())]})));
    assert_eq!(told.len(), 2);
    let dialogue = round.read("poll/delivery", told[0].1.to_string().as_bytes());
    let asks = dialogue.unwrap().asks();
    let [kopilka_contract::Ask::Close(close)] = asks.as_slice() else {
        panic!("{asks:?}")
    };
    assert_eq!(
        close.receipt.customer,
        Some(CustomerRef::MaybeId("M-1".to_owned()))
    );
    assert!(matches!(round.next(None), Next::Rest { .. }), "and not again");
}

#[test]
fn no_question_names_more_than_iiko_allows_and_none_is_forgotten() {
    let orders: Vec<Value> = (0..450).map(|number| delivery(number, "Closed", 1)).collect();
    let (mut round, mut asked) = found(&orders);
    for left in [200, 200, 50] {
        assert_eq!(asked.1["orderIds"].as_array().unwrap().len(), left);
        let ids = asked.1["orderIds"].as_array().unwrap().clone();
        let shown: Vec<&Value> = orders.iter().filter(|order| ids.contains(&order["id"])).collect();
        assert_eq!(messages(&round.ok(&json!({"orders": shown}))).len(), left);
        let step = round.step(None);
        if left == 200 {
            asked = call(&step);
        }
    }
}

#[test]
fn a_delivery_that_is_not_shown_is_asked_for_again_and_posted_as_it_was_found_in_the_end() {
    let order = delivery(1, "Closed", 1);
    let older = delivery(1, "Closed", 2);
    for answer in [
        Some((500, json!({}))),
        Some((408, json!({}))),
        Some((200, json!({"orders": []}))),
        Some((200, json!({"orders": [older]}))),
        None,
    ] {
        let (mut round, _) = found(std::slice::from_ref(&order));
        let mut told = Vec::new();
        for tries in 1..=8 {
            let said = answer.as_ref().map(|(status, body)| (*status, body.to_string()));
            let mut step = round.step(said.as_ref().map(|(status, body)| (*status, body.as_str())));
            if tries == 8 {
                told = messages(&step);
                break;
            }
            // Meanwhile changes are asked for as ever.
            while !matches!(step.next, Next::Rest { .. } | Next::Failed { .. }) {
                assert_ne!(call(&step).0, "1/deliveries/by_id", "{answer:?}");
                step = round.ok(&by_place(&[], 120));
            }
            if answer.as_ref().is_none_or(|(status, _)| *status != 200) {
                assert!(failed(&step).0.contains("orders by id"), "a person sees it");
            }
            round.now += Duration::minutes(15);
            let mut step = round.step(None);
            if call(&step).0 == "1/access_token" {
                step = round.token();
            }
            assert_eq!(call(&step).0, "1/deliveries/by_id", "{answer:?}");
        }
        assert_eq!((told.len(), told[0].0.as_str()), (1, "delivery-as-found"));
        let read = round.read("poll/delivery-as-found", told[0].1.to_string().as_bytes());
        let read = read.unwrap();
        assert_eq!(read.asks().len(), 1);
        assert!(read.remarks().last().unwrap().en.contains("externalData"));
    }
}

#[test]
fn no_more_than_so_many_wait_to_be_read_and_the_rest_are_posted_as_they_were_found() {
    let orders: Vec<Value> = (0..620).map(|number| delivery(number, "Closed", 1)).collect();
    let (mut round, _) = found(&orders);
    let mut told = Vec::new();
    let mut step = round.step(Some((500, "{}")));
    while !matches!(step.next, Next::Failed { .. }) {
        step = match &step.next {
            Next::Deliver(_) => {
                told.extend(messages(&step));
                round.step(None)
            }
            _ if call(&step).0 == "1/deliveries/by_id" => round.step(Some((500, "{}"))),
            _ => round.ok(&by_place(&[], 120)),
        };
    }
    assert_eq!(told.len(), 120);
    assert!(told.iter().all(|(path, _)| path == "delivery-as-found"));
    assert_eq!(
        round.state["cloud"]["state"]["rereads"]
            .as_object()
            .unwrap()
            .len(),
        500
    );
    // The others are read as soon as iiko shows them.
    round.now += Duration::minutes(1);
    let mut step = round.step(None);
    let mut read = Vec::new();
    while !matches!(step.next, Next::Rest { .. }) {
        step = match &step.next {
            Next::Deliver(_) => {
                read.extend(messages(&step));
                round.step(None)
            }
            _ if call(&step).0 == "1/deliveries/by_id" => round.ok(&json!({"orders": orders})),
            _ => round.ok(&by_place(&[], 120)),
        };
    }
    assert_eq!(read.len(), 500);
    assert!(read.iter().all(|(path, _)| path == "delivery"));
}

#[test]
fn without_the_right_to_read_by_id_deliveries_are_posted_as_they_were_found_and_a_person_is_told() {
    let (mut round, _) = found(&[delivery(1, "Closed", 1), delivery(2, "Closed", 1)]);
    let told = messages(&round.step(Some((403, "{}"))));
    assert!(told.iter().all(|(path, _)| path == "delivery-as-found"));
    assert_eq!(told.len(), 2);
    assert!(failed(&round.step(None)).0.contains("orders by id"));
}

#[test]
fn one_order_that_iiko_refuses_keeps_no_other_from_being_read_and_is_asked_for_singly_until_it_is_given_up() {
    let orders: Vec<Value> = (0..7).map(|number| delivery(number, "Closed", 1)).collect();
    let bad = &orders[3]["id"];
    let (mut round, mut asked) = found(&orders);
    let mut read = Vec::new();
    let mut singly = 0;
    let mut left = Vec::new();
    while left.is_empty() {
        assert_eq!(asked.0, "1/deliveries/by_id");
        let ids = asked.1["orderIds"].as_array().unwrap().clone();
        let mut step = if ids.contains(bad) {
            singly += usize::from(ids.len() == 1);
            round.step(Some((400, "{}")))
        } else {
            let shown = orders.iter().filter(|order| ids.contains(&order["id"]));
            let shown: Vec<Value> = shown.cloned().map(with_guest).collect();
            read.extend(messages(&round.ok(&json!({"orders": shown}))));
            round.step(None)
        };
        // Until it is due again changes are asked for as ever, and a person sees what is amiss.
        while !matches!(&step.next, Next::Call(_)) || call(&step).0 != "1/deliveries/by_id" {
            match &step.next {
                Next::Deliver(_) => {
                    left = messages(&step);
                    break;
                }
                Next::Call(_) if call(&step).0 == "1/access_token" => step = round.token(),
                Next::Call(_) => step = round.ok(&by_place(&[], 120)),
                _ => {
                    round.now += Duration::minutes(15);
                    step = round.step(None);
                }
            }
        }
        if left.is_empty() {
            asked = call(&step);
        }
    }
    assert_eq!(read.len(), 6);
    assert!(read.iter().all(|(path, _)| path == "delivery"), "{read:?}");
    assert_eq!((left.len(), left[0].0.as_str()), (1, "delivery-as-found"));
    assert_eq!(singly, 8);
}

#[test]
fn what_waits_survives_another_key_of_the_account_and_the_end_of_asking() {
    let (mut round, _) = found(&[delivery(1, "Closed", 1)]);
    round.settings.values["cloud"]["api_login"] = json!("another");
    round.step(None);
    assert_eq!(call(&round.token()).0, "1/deliveries/by_id");
    round.settings.values["cloud"]["api_login"] = Value::Null;
    assert_eq!(messages(&round.step(None)).len(), 1);
    assert_eq!(round.next(None), Next::Off);
}

#[test]
fn a_delivery_that_was_opened_again_meanwhile_is_left_to_its_next_change() {
    let (mut round, _) = found(&[delivery(1, "Closed", 1)]);
    let step = round.ok(&json!({"orders": [delivery(1, "OnWay", 0)]}));
    assert!(matches!(step.next, Next::Rest { .. }), "{step:?}");
}
