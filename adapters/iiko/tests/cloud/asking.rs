//! The account, the restaurants, the changes of deliveries, and troubles.

use chrono::Duration;
use kopilka_contract::{Adapter, Next, Step};
use kopilka_iiko::Iiko;
use serde_json::json;

use crate::round::{OTHER, PLACE, Round, by_place, call, delivery, failed, messages, now, raw_call};

#[test]
fn without_an_account_nothing_is_asked_and_nothing_is_left_to_be_asked() {
    let mut round = Round::of(json!({}));
    assert_eq!(round.next(None), Next::Off);
    let event = json!([{"eventType": "DeliveryOrderUpdate", "organizationId": PLACE,
        "eventInfo": {"id": OTHER, "timestamp": 1, "creationStatus": "Success", "order": null}}]);
    assert!(
        round
            .read("webhook", event.to_string().as_bytes())
            .unwrap()
            .errands()
            .is_empty()
    );
    let refused = round.read("menu", b"").err().unwrap();
    assert_eq!(refused.reply.status, 409);
    // What was left while there was an account is dropped.
    let mut round = Round::new(json!({}));
    round.errands = round.read("menu", b"").unwrap().errands();
    round.settings.values = json!({});
    let step = round.step(None);
    assert_eq!((step.next, step.done), (Next::Off, vec!["menu".to_owned()]));
}

#[test]
fn an_account_of_either_kind_gets_its_token() {
    let mut round = Round::new(json!({}));
    let step = round.step(None);
    assert_eq!(
        call(&step),
        ("1/access_token".to_owned(), json!({"apiLogin": "s3cret"}))
    );
    let application = json!({"api_key": "k", "app_id": "a", "client_secret": "c"});
    let mut round = Round::of(json!({"cloud": {"application": application}}));
    let body = json!({"apiKey": "k", "appId": "a", "clientSecret": "c"});
    assert_eq!(call(&round.step(None)), ("v2/access_token".to_owned(), body));
    for secret in [
        "/cloud/api_login",
        "/cloud/application/api_key",
        "/cloud/application/client_secret",
    ] {
        assert!(Iiko.secrets().contains(&secret), "{secret}");
    }
}

#[test]
fn the_restaurants_are_those_of_the_settings_or_else_the_one_of_the_account() {
    let mut round = Round::new(json!({}));
    round.step(None);
    let step = round.token();
    assert_eq!(call(&step), ("1/organizations".to_owned(), json!({})));
    assert_eq!(
        raw_call(&step).headers[1],
        ("Authorization", "Bearer abc".to_owned())
    );
    let listed = json!({"correlationId": "c", "organizations": [
        {"responseType": "Simple", "id": PLACE, "name": "Кафе"}]});
    assert_eq!(call(&round.ok(&listed)).1["organizationIds"], json!([PLACE]));
    // An account that sees nothing is a person's business.
    let mut round = Round::new(json!({}));
    round.step(None);
    round.token();
    let step = round.ok(&json!({"organizations": []}));
    assert_eq!(failed(&step).0, "iikoCloud: the account sees no restaurant");
    for place in ["organizations", "cloud"] {
        let mut round = Round::new(json!({}));
        match place {
            "cloud" => round.settings.values["cloud"]["organizations"] = json!([OTHER.to_uppercase()]),
            _ => round.settings.values["organizations"] = json!([OTHER]),
        }
        round.step(None);
        assert_eq!(
            call(&round.token()).1["organizationIds"],
            json!([OTHER]),
            "{place}"
        );
    }
}

#[test]
fn of_several_restaurants_of_an_account_a_person_says_which_are_this_connections() {
    let mut round = Round::new(json!({"menu_hours": 24}));
    round.step(None);
    round.token();
    let chain = json!({"organizations": [{"id": PLACE, "name": "Кафе"}, {"id": OTHER, "name": "Бар"}]});
    for _ in 0..2 {
        let (reason, retry) = failed(&round.ok(&chain));
        assert!(reason.contains("2 restaurants, and none is asked"), "{reason}");
        assert!(
            reason.contains(&format!("`organizations` (Кафе {PLACE}, Бар {OTHER})")),
            "{reason}"
        );
        // They are listed anew then: the key may be one restaurant's by now.
        let until = now() + Duration::seconds(retry.unwrap());
        assert_eq!(until, round.now + Duration::minutes(15));
        round.now = until;
        assert_eq!(call(&round.step(None)).0, "1/organizations");
    }
    let one = json!({"organizations": [{"id": PLACE, "name": "Кафе"}]});
    assert_eq!(call(&round.ok(&one)).1["organizationIds"], json!([PLACE]));

    // What a person names is asked at once, and what was announced is read all the same.
    let mut round = Round::new(json!({}));
    round.step(None);
    round.token();
    let event = json!([{"eventType": "DeliveryOrderUpdate", "organizationId": PLACE,
        "eventInfo": {"id": delivery(1, "New", 0)["id"], "timestamp": 1, "creationStatus": "Success", "order": null}}]);
    round.errands = round
        .read("webhook", event.to_string().as_bytes())
        .unwrap()
        .errands();
    assert_eq!(call(&round.ok(&chain)).0, "1/deliveries/by_id");
    failed(&round.ok(&json!({"orders": [delivery(1, "OnWay", 0)]})));
    round.settings.values["organizations"] = json!([OTHER]);
    assert_eq!(call(&round.step(None)).1["organizationIds"], json!([OTHER]));
}

#[test]
fn a_webhook_of_a_restaurant_that_the_cloud_is_not_asked_for_is_not_this_connections() {
    let event = json!([{"eventType": "DeliveryOrderUpdate", "organizationId": PLACE, "eventInfo": delivery(1, "Closed", 0)}]);
    for (asked, told) in [(PLACE, 1), (OTHER, 0)] {
        let round = Round::new(json!({"organizations": [asked]}));
        let read = round.read("webhook", event.to_string().as_bytes()).unwrap();
        assert_eq!(read.asks().len(), told);
    }
    // The connection's own restaurants go before.
    let mut round = Round::new(json!({"organizations": [OTHER]}));
    round.settings.values["organizations"] = json!([PLACE]);
    assert_eq!(
        round
            .read("webhook", event.to_string().as_bytes())
            .unwrap()
            .asks()
            .len(),
        1
    );
}

#[test]
fn changes_become_messages_that_a_webhook_would_have_been() {
    let mut round = Round::going(json!({"poll_seconds": 30}));
    assert_eq!(
        round.next(None),
        Next::Rest {
            until: now() + Duration::seconds(30)
        }
    );
    round.now += Duration::seconds(30);
    let step = round.step(None);
    let asked = json!({"startRevision": 100, "organizationIds": [PLACE]});
    assert_eq!(call(&step), ("1/deliveries/by_revision".to_owned(), asked));
    // Only what became of orders is told; what can't be read a person should see.
    let mut broken = delivery(4, "Closed", 0);
    broken["order"]["sum"] = json!("a lot");
    let orders = [
        delivery(1, "Closed", 1),
        delivery(2, "OnWay", 1),
        delivery(3, "Cancelled", 1),
        broken,
    ];
    let step = round.ok(&by_place(&orders, 120));
    let told = messages(&step);
    assert_eq!(told.len(), 3);
    let webhook =
        json!({"eventType": "DeliveryOrderUpdate", "organizationId": PLACE, "eventInfo": orders[0]});
    assert_eq!(told[0], ("delivery".to_owned(), webhook.clone()));
    let asks = |path: &str, body: String| format!("{:?}", round.read(path, body.as_bytes()).unwrap().asks());
    let by_webhook = asks("webhook", json!([webhook]).to_string());
    assert_eq!(asks("poll/delivery", told[0].1.to_string()), by_webhook);
    assert!(
        round
            .read("poll/delivery", told[2].1.to_string().as_bytes())
            .is_err()
    );
    // Once these are kept the next revision is asked for.
    assert_eq!(
        round.next(None),
        Next::Rest {
            until: round.now + Duration::seconds(30)
        }
    );
    round.now += Duration::seconds(30);
    assert_eq!(call(&round.step(None)).1["startRevision"], 120);
    // An answer without orders does not take the revision back.
    assert!(matches!(round.ok(&by_place(&[], 0)).next, Next::Rest { .. }));
    round.now += Duration::seconds(30);
    assert_eq!(call(&round.step(None)).1["startRevision"], 120);
}

#[test]
fn a_round_that_was_broken_off_is_asked_again_from_the_same_revision() {
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(1);
    let before = round.state.clone();
    round.step(None);
    round.ok(&by_place(&[delivery(1, "Closed", 0)], 130));
    // The messages were not kept: the state of before is what remains.
    round.state = before;
    assert_eq!(call(&round.step(None)).1["startRevision"], 100);
}

#[test]
fn a_token_that_ended_is_replaced_once_and_a_new_one_that_is_refused_is_a_failure() {
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(1);
    round.step(None);
    assert_eq!(call(&round.step(Some((401, "{}")))).0, "1/access_token");
    assert_eq!(call(&round.token()).0, "1/deliveries/by_revision");
    let (reason, retry) = failed(&round.step(Some((401, "{}"))));
    assert_eq!(
        reason,
        "iikoCloud: a new token was refused: check the rights of the API key"
    );
    assert!(retry.is_some());
    // In the end of its hour another one is asked for unasked.
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(50);
    assert_eq!(call(&round.step(None)).0, "1/access_token");
    // Another account needs another token, but no other revision.
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(1);
    round.settings.values["cloud"]["api_login"] = json!("other");
    assert_eq!(call(&round.step(None)).1, json!({"apiLogin": "other"}));
    assert_eq!(call(&round.token()).1["startRevision"], 100);
}

#[test]
fn too_many_questions_wait_as_long_as_iiko_says() {
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(1);
    round.step(None);
    let (reason, retry) = failed(&round.step(Some((429, ""))));
    assert_eq!(
        (reason.as_str(), retry),
        ("iikoCloud: iiko was asked too often", Some(60 + 40))
    );
    round.now += Duration::seconds(39);
    assert!(matches!(round.next(None), Next::Failed { .. }), "not before");
    round.now += Duration::seconds(1);
    assert_eq!(call(&round.step(None)).1["startRevision"], 100);
    // The same for a token.
    let mut round = Round::new(json!({}));
    round.step(None);
    assert_eq!(failed(&round.step(Some((429, "")))).1, Some(40));
}

#[test]
fn troubles_of_the_cloud_end_the_round_and_its_refusals_only_a_question() {
    for (status, body) in [(500, "{}"), (408, "{}"), (302, ""), (200, "<html>"), (200, "{}")] {
        let mut round = Round::going(json!({}));
        round.now += Duration::minutes(1);
        round.step(None);
        let (reason, _) = failed(&round.step(Some((status, body))));
        assert!(reason.starts_with("iikoCloud: "), "{reason}");
    }
    let (mut round, _) = both_due();
    let refused = json!({"errorDescription": "no right: Orders: receiving by revision"}).to_string();
    let step = round.step(Some((403, &refused)));
    assert_eq!(
        call(&step).1["organizationIds"],
        json!([OTHER]),
        "the others are asked"
    );
    let (reason, retry) = failed(&round.ok(&by_place(&[], 7)));
    assert_eq!(
        reason,
        "iikoCloud: asked for changed deliveries, it answered 403 no right: Orders: receiving by revision"
    );
    assert_eq!(retry, Some(120), "the other one is due then");
    for (status, reason) in [
        (401, "the account was refused"),
        (500, "asked for a token, it answered 500"),
    ] {
        let mut round = Round::new(json!({}));
        round.step(None);
        assert!(failed(&round.step(Some((status, "{}")))).0.contains(reason));
    }
    let mut round = Round::new(json!({}));
    round.step(None);
    assert!(failed(&round.ok(&json!({"token": ""}))).0.contains("no token"));
}

#[test]
fn a_restaurant_that_iiko_can_not_tell_of_now_does_not_starve_the_others() {
    for answer in [Some((500, "{}")), None] {
        let (mut round, step) = both_due();
        assert_eq!(call(&step).1["organizationIds"], json!([PLACE]));
        let step = round.step(answer);
        assert_eq!(call(&step).1["organizationIds"], json!([OTHER]), "{answer:?}");
    }
}

#[test]
fn the_restaurant_that_has_waited_longest_is_asked_first() {
    let (mut round, _) = both_due();
    let step = round.ok(&by_place(&[delivery(1, "Closed", 0)], 120));
    assert_eq!(messages(&step).len(), 1);
    // The books were busy: the first one is due again by now.
    round.now += Duration::minutes(2);
    for place in [OTHER, PLACE] {
        let step = round.step(None);
        assert_eq!(call(&step).1["organizationIds"], json!([place]));
        let step = round.ok(&by_place(&[delivery(2, "Closed", 0)], 130));
        assert_eq!(messages(&step).len(), 1);
        round.now += Duration::minutes(2);
    }
}

/// Two restaurants whose changes are due, and the question about the first.
fn both_due() -> (Round, Step) {
    let mut round = Round::going(json!({}));
    round.settings.values["organizations"] = json!([PLACE, OTHER]);
    round.now += Duration::minutes(1);
    // The one that was never asked comes first.
    assert_eq!(call(&round.step(None)).1["organizationIds"], json!([OTHER]));
    round.ok(&by_place(&[], 7));
    let step = round.ok(&by_place(&[], 7));
    (round, step)
}

#[test]
fn an_account_with_very_many_restaurants_lets_others_have_their_turn_between_two_questions() {
    let mut round = Round::new(json!({})).keeping_nothing();
    let places: Vec<String> = (0..150)
        .map(|number| format!("5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f{number:04x}"))
        .collect();
    round.settings.values["organizations"] = json!(places);
    let (mut seen, mut rounds) = (std::collections::BTreeSet::new(), Vec::new());
    while rounds.last() != Some(&0) {
        let mut calls = 0;
        let mut step = round.step(None);
        while let Next::Call(_) = step.next {
            calls += 1;
            let (method, body) = call(&step);
            seen.insert(body["organizationIds"][0].to_string());
            step = match method.as_str() {
                "1/access_token" => round.token(),
                _ => round.ok(&json!({"maxRevision": 1, "ordersByOrganizations": []})),
            };
        }
        let Next::Rest { until } = step.next else {
            panic!("{:?}", step.next)
        };
        // There is more to ask: the next round begins at once.
        assert_eq!(until == now(), calls == 400, "{calls}");
        rounds.push(if until == now() { calls } else { 0 });
    }
    assert_eq!(rounds, [400, 0]);
    assert_eq!(seen.len(), 1 + places.len(), "all were asked, and the token once");
}
