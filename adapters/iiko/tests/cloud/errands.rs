//! Orders that were announced, orders of a till, and words for the till.

use chrono::Duration;
use kopilka_contract::{Errand, Next, Refusal, Words};
use serde_json::{Value, json};

use crate::round::{PLACE, Round, call, delivery, failed, messages, now};

const GROUP: &str = "d4c3b2a1-0f1e-4d2c-9b3a-4a5b6c7d8e81";

/// A connection that only carries errands out, with these.
fn with(errands: Vec<Errand>) -> Round {
    let mut round = Round::new(json!({"poll_seconds": 0}));
    round.errands = errands;
    round.step(None);
    round
}

fn announced(kind: &str, number: u32) -> Vec<Errand> {
    let event = json!([{"eventType": format!("{kind}OrderUpdate"), "organizationId": PLACE,
        "eventInfo": {"id": delivery(number, "New", 0)["id"], "organizationId": PLACE, "timestamp": 1,
                      "creationStatus": "Success", "order": null}}]);
    let round = Round::new(json!({}));
    let errands = round
        .read("webhook", event.to_string().as_bytes())
        .unwrap()
        .errands();
    assert_eq!(errands.len(), 1);
    errands
}

/// A delivery as an order of a table.
fn table(number: u32, status: &str) -> Value {
    let mut order = delivery(number, status, 0);
    order["posId"] = json!(format!("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0{number:04x}"));
    order
}

fn closed_by_plugin(round: &Round, terminal: &Value) -> Vec<Errand> {
    closed(round, 7, terminal)
}

fn closed(round: &Round, number: u32, terminal: &Value) -> Vec<Errand> {
    let order = json!({"orderId": table(number, "")["posId"], "revision": 3, "closedAt": "2026-03-14T19:42:05+03:00",
        "terminal": terminal,
        "lines": [{"lineId": "1", "name": "Чай", "quantity": "1", "gross": "100.00", "net": "100.00"}],
        "payments": [{"kind": "Cash", "sum": "100.00"}]});
    let read = round.read("v1/close", order.to_string().as_bytes());
    match read {
        Ok(dialogue) => dialogue.errands(),
        Err(unreadable) => panic!("{}", unreadable.reason.en),
    }
}

#[test]
fn announced_orders_are_read_by_id_together() {
    let mut round = with(
        [
            announced("Delivery", 1),
            announced("Table", 2),
            announced("Delivery", 3),
        ]
        .concat(),
    );
    let (first, third) = (delivery(1, "Closed", 0), delivery(3, "OnWay", 0));
    let asked = json!({"organizationId": PLACE, "orderIds": [first["id"], third["id"]],
        "returnExternalDataKeys": ["loyalty.memberId", "loyalty.transactionId"]});
    assert_eq!(call(&round.token()), ("1/deliveries/by_id".to_owned(), asked));
    let step = round.ok(&json!({"correlationId": "c", "orders": [third, first]}));
    assert_eq!(
        messages(&step).len(),
        1,
        "one is on its way: a webhook will tell of it"
    );
    assert_eq!(step.done.len(), 2);
    let second = table(2, "Deleted");
    let asked = json!({"organizationIds": [PLACE], "orderIds": [second["id"]],
        "returnExternalDataKeys": ["loyalty.memberId", "loyalty.transactionId"]});
    assert_eq!(call(&round.step(None)), ("1/order/by_id".to_owned(), asked));
    let step = round.ok(&json!({"correlationId": "c", "orders": [second]}));
    let (path, body) = messages(&step).remove(0);
    assert_eq!(
        (path.as_str(), &body["eventType"]),
        ("table", &json!("TableOrderUpdate"))
    );
    assert!(matches!(round.next(None), Next::Rest { .. }));
}

#[test]
fn no_call_has_more_ids_than_iiko_allows() {
    let mut round = with(
        (0..450)
            .flat_map(|number| announced("Delivery", number))
            .collect(),
    );
    let mut step = round.token();
    for left in [200, 200, 50] {
        assert_eq!(call(&step).1["orderIds"].as_array().unwrap().len(), left);
        step = round.ok(&json!({"orders": []}));
    }
    assert!(matches!(step.next, Next::Rest { .. }), "{step:?}");
}

#[test]
fn one_order_that_iiko_refuses_keeps_no_other_that_was_announced_from_being_read() {
    let mut round = with((0..7).flat_map(|number| announced("Delivery", number)).collect());
    let bad = delivery(3, "Closed", 0)["id"].clone();
    let mut step = round.token();
    let (mut read, mut put_off) = (Vec::new(), Vec::new());
    loop {
        put_off.extend(step.put_off.iter().map(|put_off| put_off.key.clone()));
        step = match &step.next {
            Next::Failed { reason, .. } => {
                assert!(reason.contains("orders by id, it answered 400"), "{reason}");
                break;
            }
            Next::Deliver(_) => {
                read.extend(messages(&step));
                round.step(None)
            }
            _ => {
                let ids = call(&step).1["orderIds"].as_array().unwrap().clone();
                let orders = (0..7).map(|number| delivery(number, "Closed", 0));
                let shown: Vec<Value> = orders.filter(|order| ids.contains(&order["id"])).collect();
                match ids.contains(&bad) {
                    true => round.step(Some((400, "{}"))),
                    false => round.ok(&json!({"orders": shown})),
                }
            }
        };
    }
    assert_eq!(read.len(), 6);
    assert_eq!(put_off, [format!("delivery/{}", bad.as_str().unwrap())]);
}

#[test]
fn an_order_that_is_not_there_yet_waits_and_in_the_end_a_person_is_told() {
    for answer in [
        (200, json!({"orders": []})),
        (404, json!({})),
        (500, json!({})),
        (200, json!({})),
    ] {
        let mut round = with(announced("Delivery", 1));
        round.token();
        let step = round.step(Some((answer.0, &answer.1.to_string())));
        assert_eq!(step.put_off[0].until, now() + Duration::seconds(30));
        let mut last = announced("Delivery", 1);
        last[0].tries = 8;
        let mut round = with(last);
        round.token();
        let step = round.step(Some((answer.0, &answer.1.to_string())));
        let (path, body) = messages(&step).remove(0);
        assert_eq!((path.as_str(), step.done.len()), ("missing", 1));
        let unreadable = round
            .read("poll/missing", body.to_string().as_bytes())
            .err()
            .unwrap();
        assert!(
            unreadable.reason.en.contains("6a5b4c3d0001"),
            "{}",
            unreadable.reason.en
        );
    }
    // In the making is not there yet either.
    let mut round = with(announced("Delivery", 1));
    round.token();
    let mut order = delivery(1, "Closed", 0);
    (order["creationStatus"], order["order"]) = (json!("InProgress"), Value::Null);
    assert_eq!(round.ok(&json!({"orders": [order]})).put_off.len(), 1);
}

#[test]
fn an_order_that_a_plugin_closed_is_loaded_into_the_cloud_and_read() {
    let terminal = json!({"organizationId": PLACE, "terminalGroupId": GROUP});
    let cloud = json!({"load_till_orders": true, "poll_seconds": 0});
    assert!(
        closed_by_plugin(&Round::new(json!({})), &terminal).is_empty(),
        "only where it is wanted"
    );
    assert!(
        closed_by_plugin(&Round::new(cloud.clone()), &json!({})).is_empty(),
        "only where it is known whence"
    );
    let mut round = Round::new(cloud);
    round.errands = closed_by_plugin(&round, &terminal);
    round.step(None);
    let order = table(7, "Closed");
    let asked = json!({"organizationIds": [PLACE], "posOrderIds": [order["posId"]],
        "returnExternalDataKeys": ["loyalty.memberId", "loyalty.transactionId"]});
    let read = ("1/order/by_id".to_owned(), asked);
    assert_eq!(call(&round.token()), read);
    // The cloud does not have it yet: it is loaded there, and read again.
    let body = json!({"organizationId": PLACE, "terminalGroupId": GROUP, "posOrderIds": [order["posId"]]});
    let load = ("1/order/init_by_posOrder".to_owned(), body);
    assert_eq!(call(&round.ok(&json!({"orders": []}))), load);
    // The till was off.
    let step = round.step(Some((408, "{}")));
    assert_eq!(step.put_off.len(), 1);
    round.now += Duration::minutes(15);
    let again = |round: &mut Round, tries: u32| {
        let mut again = closed_by_plugin(round, &terminal);
        again[0].tries = tries;
        round.errands = again;
        round.step(None)
    };
    assert_eq!(call(&again(&mut round, 1)), read);
    assert_eq!(call(&round.ok(&json!({"orders": []}))), load);
    assert_eq!(call(&round.ok(&json!({"correlationId": "c"}))), read);
    // Loading takes its time: it is only read from now on.
    let step = round.ok(&json!({"orders": []}));
    assert_eq!(step.put_off.len(), 1);
    assert_eq!(call(&again(&mut round, 2)), read);
    assert_eq!(round.ok(&json!({"orders": []})).put_off.len(), 1);
    // That it was taken to be loaded does not say that it was: now and then it is loaded once more.
    for tries in 3..=7 {
        assert_eq!(call(&again(&mut round, tries)), read);
        let mut step = round.ok(&json!({"orders": []}));
        if [3, 6].contains(&tries) {
            assert_eq!(call(&step), load);
            assert_eq!(call(&round.ok(&json!({"correlationId": "c"}))), read);
            step = round.ok(&json!({"orders": []}));
        }
        assert_eq!(step.put_off.len(), 1, "{tries}");
    }
    assert_eq!(call(&again(&mut round, 7)), read);
    let step = round.ok(&json!({"orders": [order]}));
    let (_, body) = messages(&step).remove(0);
    let dialogue = round.read("poll/table", body.to_string().as_bytes()).unwrap();
    let names = [
        order["posId"].as_str().unwrap().to_owned(),
        order["id"].as_str().unwrap().to_owned(),
    ];
    assert_eq!(
        dialogue.orders(),
        [names.to_vec()],
        "from now on either name means it"
    );
    // The plugin has told of the order: nobody is bothered where the cloud never gets it.
    let mut last = closed_by_plugin(&round, &terminal);
    last[0].tries = 8;
    round.errands = last;
    round.step(None);
    assert_eq!(call(&round.ok(&json!({"orders": []}))), load);
    round.ok(&json!({"correlationId": "c"}));
    let step = round.ok(&json!({"orders": []}));
    assert_eq!(step.done.len(), 1);
    assert!(matches!(step.next, Next::Rest { .. }));
}

#[test]
fn a_tills_order_that_is_refused_to_be_loaded_does_not_hold_up_another() {
    let terminal = json!({"organizationId": PLACE, "terminalGroupId": GROUP});
    let mut round = Round::new(json!({"load_till_orders": true, "poll_seconds": 0}));
    round.errands = [closed(&round, 7, &terminal), closed(&round, 8, &terminal)].concat();
    let (bad, good) = (table(7, "Closed")["posId"].clone(), table(8, "Closed"));
    let asked = |step: &kopilka_contract::Step| {
        let (method, body) = call(step);
        (method, body["posOrderIds"].clone())
    };
    let load = |ids: Value| ("1/order/init_by_posOrder".to_owned(), ids);
    let read = |ids: Value| ("1/order/by_id".to_owned(), ids);
    round.step(None);
    round.token();
    let step = round.ok(&json!({"orders": []}));
    assert_eq!(asked(&step), load(json!([bad, good["posId"]])));
    let step = round.step(Some((400, "{}")));
    assert_eq!(asked(&step), load(json!([bad])));
    let step = round.step(Some((400, "{}")));
    assert_eq!(step.put_off.len(), 1, "not loaded: it is tried again");
    assert_eq!(asked(&step), read(json!([good["posId"]])));
    let step = round.ok(&json!({"orders": []}));
    assert_eq!(asked(&step), load(json!([good["posId"]])));
    assert_eq!(
        asked(&round.ok(&json!({"correlationId": "c"}))),
        read(json!([good["posId"]]))
    );
    assert_eq!(messages(&round.ok(&json!({"orders": [good]}))).len(), 1);
    // A refused order is no loaded one: it is loaded at its next try, and left alone after the last.
    for (tries, done) in [(1, 0), (8, 1)] {
        round.errands = closed(&round, 7, &terminal);
        round.errands[0].tries = tries;
        round.now += Duration::minutes(15);
        round.step(None);
        assert_eq!(asked(&round.ok(&json!({"orders": []}))), load(json!([bad])));
        let step = round.step(Some((400, "{}")));
        assert_eq!((step.done.len(), step.put_off.len()), (done, 1 - done), "{tries}");
    }
}

#[test]
fn the_till_is_told_of_a_refusal_where_that_is_switched_on() {
    let event = json!([{"eventType": "DeliveryOrderUpdate", "organizationId": PLACE, "eventInfo": delivery(1, "Closed", 0)}]);
    let refusal = |retryable| {
        Err(Refusal {
            code: "customer-blocked".to_owned(),
            words: Words::new("Карта заблокирована", "The card is blocked"),
            pointer: None,
            retryable,
            most: None,
        })
    };
    let quiet = Round::new(json!({}));
    let read = |round: &Round, event: &Value| round.read("webhook", event.to_string().as_bytes());
    assert!(
        read(&quiet, &event)
            .unwrap()
            .errands_after(&[refusal(false)])
            .is_empty()
    );
    let telling = Round::new(json!({"notify_refusals": true, "poll_seconds": 0}));
    let dialogue = read(&telling, &event).unwrap();
    assert!(
        dialogue.errands_after(&[refusal(true)]).is_empty(),
        "it is tried again"
    );
    let errands = dialogue.errands_after(&[refusal(false)]);
    let mut round = telling;
    round.errands = errands;
    round.step(None);
    let body = json!({"messageType": "order_attention", "organizationId": PLACE, "orderSource": "Kopilka",
        "orderId": delivery(1, "", 0)["id"], "additionalInfo": "Карта заблокирована"});
    assert_eq!(call(&round.token()), ("1/notifications/send".to_owned(), body));
    assert_eq!(round.ok(&json!({"correlationId": "c"})).done.len(), 1);
    // An event that can't be read, beside one that can.
    let mut broken = event[0].clone();
    broken["eventInfo"]["order"]["items"] = json!([{"type": "Product"}, 7]);
    let both = json!([event[0], broken]);
    assert_eq!(read(&round, &both).unwrap().errands().len(), 1);
}

#[test]
fn what_the_till_can_not_be_told_is_given_up() {
    let notify = || {
        let round = Round::new(json!({"notify_refusals": true}));
        let mut broken = delivery(1, "Closed", 0);
        broken["order"]["items"] = json!([7]);
        let other = json!({"eventType": "StopListUpdate"});
        let both = json!([{"eventType": "DeliveryOrderUpdate", "eventInfo": broken}, other]);
        round
            .read("webhook", both.to_string().as_bytes())
            .unwrap()
            .errands()
    };
    for (tries, status, done, put_off) in [(0, 500, 0, 1), (4, 500, 1, 0), (0, 403, 1, 0), (0, 400, 1, 0)] {
        let mut errands = notify();
        errands[0].tries = tries;
        let mut round = with(errands);
        round.token();
        let step = round.step(Some((status, "{}")));
        assert_eq!(
            (step.done.len(), step.put_off.len()),
            (done, put_off),
            "{tries} {status}"
        );
        if done > 0 {
            assert!(failed(&step).0.contains("a message to the till"));
        }
    }
}

#[test]
fn an_order_that_gets_no_answer_waits_and_deliveries_are_asked_for() {
    let mut round = Round::going(json!({}));
    round.errands = announced("Table", 2);
    round.now += Duration::minutes(1);
    assert_eq!(call(&round.step(None)).0, "1/order/by_id");
    // The round ended there; the next one does not begin with it.
    let step = round.step(None);
    assert_eq!(
        step.put_off.len(),
        1,
        "what was not answered is not asked again first"
    );
    assert_eq!(call(&step).0, "1/deliveries/by_revision");
}
