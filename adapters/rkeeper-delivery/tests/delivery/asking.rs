//! What r_keeper Delivery is asked, step by step.

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{Adapter, Errand, HttpAnswer, HttpCall, Next, Settings, Situation, Step};
use kopilka_rkeeper_delivery::RKeeperDelivery;
use serde_json::{Value, json};

use crate::fixtures::{received_at, settings_of};

/// A round, driven by hand.
struct Round {
    settings: Settings,
    state: Value,
    errands: Vec<Errand>,
    now: DateTime<Utc>,
}

impl Round {
    fn new(values: Value) -> Self {
        Round {
            settings: settings_of(values),
            state: Value::Null,
            errands: Vec::new(),
            now: received_at(),
        }
    }

    fn account() -> Self {
        Round::new(json!({"client_id": "cafe", "client_secret": "s3cret", "list_minutes": 0}))
    }

    fn announced(mut self, order: &str) -> Self {
        let what = json!({"order": order, "status": 11});
        self.errands.push(Errand::new(format!("order/{order}"), what));
        self
    }

    fn step(&mut self, answer: Option<(u16, &str)>) -> Step {
        let answer = answer.map(|(status, body)| HttpAnswer {
            status,
            headers: vec![("retry-after".to_owned(), "40".to_owned())],
            body: body.as_bytes().to_vec(),
        });
        let step = RKeeperDelivery.poll().unwrap().step(&Situation {
            settings: &self.settings,
            state: &self.state,
            errands: &self.errands,
            now: self.now,
            answer: answer.as_ref(),
        });
        self.state = step.state.clone();
        let gone = |e: &Errand| step.done.contains(&e.key) || step.put_off.iter().any(|p| p.key == e.key);
        self.errands.retain(|e| !gone(e));
        step
    }

    fn token(&mut self) -> Step {
        self.step(Some((
            200,
            r#"{"access_token": "abc", "expires_in": 3600, "token_type": "Bearer"}"#,
        )))
    }
}

fn call(step: &Step) -> &HttpCall {
    match &step.next {
        Next::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

const OPEN: &str = r#"{"result": {"orderId": "7", "orderStatusId": 10}}"#;
const DONE: &str = r#"{"result": {"orderId": "7", "orderStatusId": 11}}"#;

#[test]
fn an_announced_order_is_read_with_a_token_that_is_kept() {
    let mut round = Round::account().announced("7");
    let step = round.step(None);
    let token = call(&step);
    assert_eq!(
        (token.method, token.url.as_str()),
        ("POST", "https://auth-delivery.ucs.ru/connect/token")
    );
    let form = String::from_utf8(token.body.clone()).unwrap();
    assert_eq!(
        form,
        "grant_type=client_credentials&client_id=cafe&client_secret=s3cret&scope=orders"
    );
    let step = round.token();
    let order = call(&step);
    assert_eq!(
        (order.method, order.url.as_str()),
        ("GET", "https://delivery.ucs.ru/orders/api/v1/orders/7")
    );
    assert_eq!(order.headers, [("Authorization", "Bearer abc".to_owned())]);
    let step = round.step(Some((200, DONE)));
    let Next::Deliver(messages) = &step.next else {
        panic!("{:?}", step.next)
    };
    assert_eq!(
        (messages[0].path.as_str(), messages[0].body.as_slice()),
        ("order", DONE.as_bytes())
    );
    assert_eq!(step.done, ["order/7"]);
    assert!(matches!(round.step(None).next, Next::Rest { .. }));
    // The next order needs no other token, until it ends.
    let mut round = round.announced("8");
    assert_eq!(call(&round.step(None)).method, "GET");
    round.now += Duration::hours(1);
    assert_eq!(call(&round.step(None)).method, "POST");
}

#[test]
fn another_account_needs_another_token() {
    let mut round = Round::account().announced("7");
    round.step(None);
    round.token();
    round.settings.values["client_id"] = json!("other");
    assert_eq!(call(&round.step(None)).method, "POST");
}

#[test]
fn a_token_that_ended_early_is_replaced_once_and_a_fresh_one_that_is_refused_is_a_failure() {
    let mut round = Round::account().announced("7");
    round.step(None);
    round.token();
    round.step(Some((200, DONE)));
    let mut round = round.announced("8");
    round.step(None);
    assert_eq!(call(&round.step(Some((401, "")))).method, "POST");
    round.token();
    let step = round.step(Some((401, "")));
    let Next::Failed { reason, retry_at } = step.next else {
        panic!("{step:?}")
    };
    assert!(reason.contains("rights"), "{reason}");
    assert_eq!(retry_at, None, "longer each time");
    assert_eq!(round.errands.len(), 1, "the order waits");
}

#[test]
fn troubles_are_failures_and_their_pause_is_kept() {
    for (status, body) in [(429, ""), (302, "")] {
        let mut round = Round::account().announced("7");
        round.step(None);
        round.token();
        let step = round.step(Some((status, body)));
        let Next::Failed { reason, retry_at } = step.next else {
            panic!("{step:?}")
        };
        assert_eq!(
            reason,
            format!("asked for order 7, r_keeper Delivery answered {status}")
        );
        assert_eq!(retry_at, Some(round.now + Duration::seconds(40)));
    }
    let mut round = Round::account().announced("7");
    round.step(None);
    assert!(matches!(round.step(Some((200, "{}"))).next, Next::Failed { .. }));
    let mut round = Round::account().announced("7");
    round.step(None);
    assert!(matches!(round.step(Some((400, "{}"))).next, Next::Failed { .. }));
}

#[test]
fn an_order_whose_webhook_was_ahead_of_it_waits_while_others_go_on() {
    let mut round = Round::account().announced("7").announced("8");
    round.step(None);
    round.token();
    let step = round.step(Some((200, OPEN)));
    assert_eq!(step.put_off[0].key, "order/7");
    assert!(call(&step).url.ends_with("/orders/8"));
    // In the end it is taken as it stands.
    let mut round = Round::account().announced("7");
    round.errands[0].tries = 4;
    round.step(None);
    round.token();
    assert!(matches!(round.step(Some((200, OPEN))).next, Next::Deliver(_)));
}

#[test]
fn an_order_that_is_not_there_is_tried_for_a_day_and_then_waits_for_a_person() {
    let mut round = Round::account().announced("7");
    round.step(None);
    round.token();
    assert_eq!(
        round.step(Some((404, ""))).put_off[0].until,
        round.now + Duration::seconds(30)
    );
    let mut round = Round::account().announced("7");
    round.errands[0].tries = 12;
    round.step(None);
    round.token();
    let step = round.step(Some((404, "")));
    let Next::Deliver(messages) = &step.next else {
        panic!("{step:?}")
    };
    assert_eq!(messages[0].path, "missing");
    assert_eq!(step.done, ["order/7"]);
}

#[test]
fn an_order_that_can_not_be_given_is_put_off_and_the_others_go_on() {
    for status in [400, 422, 500, 503] {
        let mut round = Round::account().announced("7").announced("8");
        round.step(None);
        round.token();
        let step = round.step(Some((status, "")));
        assert_eq!(step.put_off[0].key, "order/7", "{status}");
        assert!(call(&step).url.ends_with("/orders/8"), "{status}");
        let mut round = Round::account().announced("7");
        round.errands[0].tries = 12;
        round.step(None);
        round.token();
        let step = round.step(Some((status, "")));
        let Next::Deliver(messages) = &step.next else {
            panic!("{step:?}")
        };
        assert_eq!(messages[0].path, "missing");
        let told: Value = serde_json::from_slice(&messages[0].body).unwrap();
        assert_eq!(told, json!({"orderId": "7", "status": status}));
    }
}

#[test]
fn an_order_that_the_account_may_not_read_is_put_off_once_a_fresh_token_did_not_help() {
    let mut round = Round::account().announced("7").announced("8");
    round.step(None);
    round.token();
    let step = round.step(Some((403, "")));
    assert_eq!(step.put_off[0].key, "order/7");
    assert!(call(&step).url.ends_with("/orders/8"));
    // With a token that has worked, another one is tried first.
    round.step(Some((200, DONE)));
    let mut round = round.announced("9");
    round.step(None);
    assert_eq!(call(&round.step(Some((403, "")))).method, "POST");
    round.token();
    assert_eq!(round.step(Some((403, ""))).put_off[0].key, "order/9");
}

#[test]
fn an_order_of_the_list_that_can_not_be_given_goes_to_the_end_of_it_and_at_last_to_a_person() {
    let mut round = Round::new(json!({"client_id": "cafe", "client_secret": "s3cret", "list_minutes": 30}));
    round.step(None);
    round.token();
    let at = (received_at() - Duration::hours(1)).to_rfc3339();
    let listed = |id: &str| json!({"orderId": id, "orderStatusId": 11, "updatedAt": at});
    let list = json!({"result": [listed("1"), listed("2")]});
    assert!(
        call(&round.step(Some((200, &list.to_string()))))
            .url
            .ends_with("/orders/1")
    );
    assert!(matches!(round.step(Some((500, ""))).next, Next::Failed { .. }));
    assert!(call(&round.step(None)).url.ends_with("/orders/2"));
    round.step(Some((200, DONE)));
    for _ in 0..10 {
        assert!(call(&round.step(None)).url.ends_with("/orders/1"));
        assert!(matches!(round.step(Some((500, ""))).next, Next::Failed { .. }));
    }
    round.step(None);
    let Next::Deliver(messages) = round.step(Some((500, ""))).next else {
        panic!()
    };
    assert_eq!(messages[0].path, "missing");
    assert!(matches!(round.step(None).next, Next::Rest { .. }));
}

#[test]
fn the_list_finds_orders_whose_webhook_was_lost() {
    let mut round = Round::new(json!({"client_id": "cafe", "client_secret": "s3cret", "list_minutes": 30}));
    round.step(None);
    assert!(call(&round.token()).url.ends_with("/v1/orders"));
    let at = |hours: i64| (received_at() - Duration::hours(hours)).to_rfc3339();
    let list = json!({"result": {"total": 4, "orders": [
        {"orderId": "1", "orderStatusId": 11, "updatedAt": at(30)},
        {"orderId": "2", "orderStatusId": 11, "updatedAt": at(2)},
        {"orderId": 3, "orderStatusId": 12, "updatedAt": at(1)},
        {"orderId": "4", "orderStatusId": 5, "updatedAt": at(1)},
    ]}});
    let step = round.step(Some((200, &list.to_string())));
    assert!(call(&step).url.ends_with("/orders/2"));
    round.step(Some((200, DONE)));
    assert!(call(&round.step(None)).url.ends_with("/orders/3"));
    round.step(Some((404, "")));
    let until = round.now + Duration::minutes(30);
    assert_eq!(round.step(None).next, Next::Rest { until });
    // The same list again brings nothing new.
    round.now = until;
    assert!(call(&round.step(None)).url.ends_with("/v1/orders"));
    assert!(matches!(
        round.step(Some((200, &list.to_string()))).next,
        Next::Rest { .. }
    ));
    // An account without a right to lists lives by webhooks.
    round.now += Duration::minutes(30);
    round.step(None);
    round.token();
    assert!(matches!(round.step(Some((404, ""))).next, Next::Rest { .. }));
}

#[test]
fn of_a_list_longer_than_the_queue_the_oldest_are_read_first_and_none_is_lost() {
    let mut round = Round::new(json!({"client_id": "cafe", "client_secret": "s3cret", "list_minutes": 10}));
    round.step(None);
    round.token();
    let at = |minutes: i64| (received_at() - Duration::minutes(minutes)).to_rfc3339();
    // The newest first; where the queue is full, two changed at one moment.
    let changed = |n| at(if n == 102 { 103 } else { n });
    let orders = (1..=602).map(|n| json!({"orderId": n, "orderStatusId": 11, "updatedAt": changed(n)}));
    let list = json!({"result": orders.collect::<Vec<Value>>()}).to_string();
    let mut read = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let mut step = round.step(Some((200, &list)));
        while let Next::Call(call) = &step.next {
            let order = call.url.rsplit('/').next().unwrap().to_owned();
            assert!(read.insert(order), "once");
            round.step(Some((200, DONE)));
            step = round.step(None);
        }
        round.now += Duration::minutes(10);
        assert!(call(&round.step(None)).url.ends_with("/v1/orders"));
    }
    assert_eq!(read.len(), 602);
}

#[test]
fn an_order_that_is_still_sold_is_waited_for_where_it_was_announced_cancelled_and_the_webhook_is_not_old() {
    let (before, at, after) = (
        "2026-03-14T17:05:09Z",
        "2026-03-14T17:05:10Z",
        "2026-03-14T20:05:11+03:00",
    );
    for (announced, changed, stands, waits) in [
        (12, json!(after), 11, true),
        (11, json!(after), 12, false),
        (12, json!(before), 11, false),
        (11, json!(at), 12, false),
        // It does not say when: a sale may be cancelled yet.
        (12, json!("[…]"), 11, true),
        (11, Value::Null, 12, false),
        (12, json!(before), 10, true),
        (11, json!(after), 11, false),
        (12, json!(after), 12, false),
    ] {
        let mut round = Round::account();
        let what = json!({"order": "7", "status": announced, "changed": changed});
        round.errands.push(Errand::new("order/7", what.clone()));
        round.step(None);
        round.token();
        let order = json!({"result": {"orderId": "7", "orderStatusId": stands, "updatedAt": at}});
        let step = round.step(Some((200, &order.to_string())));
        assert_eq!(!step.put_off.is_empty(), waits, "{what}: {stands}");
    }
}

#[test]
fn without_an_account_nothing_is_asked_and_waiting_orders_are_a_failure() {
    let mut round = Round::new(json!({}));
    assert_eq!(round.step(None).next, Next::Off);
    let mut round = round.announced("7");
    assert!(matches!(round.step(None).next, Next::Failed { .. }));
}
