//! The first start, and what is missing after an outage.

use chrono::Duration;
use kopilka_contract::{Next, Step};
use serde_json::{Value, json};

use crate::round::{PLACE, Round, by_place, call, delivery, failed, messages, now};

fn dates(body: &Value) -> (&str, &str) {
    let date = |name: &str| body[name].as_str().unwrap();
    (date("deliveryDateFrom"), date("deliveryDateTo"))
}

/// A connection to one restaurant that was never asked, with its token.
fn new() -> Round {
    let mut round = Round::new(json!({})).keeping_nothing();
    round.settings.values["organizations"] = json!([PLACE]);
    round.step(None);
    round
}

#[test]
fn at_the_first_start_a_day_is_fetched_by_dates_and_then_what_changed_meanwhile() {
    let mut round = new();
    let (method, body) = call(&round.token());
    assert_eq!(method, "1/deliveries/by_delivery_date_and_status");
    assert_eq!(body["statuses"], json!(["Closed", "Cancelled"]));
    // In the venue's time, a day to spare on both ends, the newest first.
    assert_eq!(
        dates(&body),
        ("2026-03-13 20:00:00.000", "2026-03-15 20:00:00.000")
    );
    // Of before the look back nothing is told: the books were not ours then.
    let old = delivery(1, "Closed", 24 * 60 + 1);
    let step = round.ok(&by_place(&[delivery(2, "Closed", 23 * 60), old], 500));
    assert_eq!(messages(&step).len(), 1);
    let (_, body) = call(&round.step(None));
    assert_eq!(
        dates(&body),
        ("2026-03-12 20:00:00.000", "2026-03-13 20:00:00.000")
    );
    // The newest revision of an older day is newer than the first answer: it is not gone on from.
    let (method, body) = call(&round.ok(&by_place(&[], 510)));
    assert_eq!(
        (method.as_str(), &body["startRevision"]),
        ("1/deliveries/by_revision", &json!(500))
    );
    assert!(matches!(round.ok(&by_place(&[], 510)).next, Next::Rest { .. }));
    let mut round = new();
    round.settings.values["accrue_on_delivered"] = json!(true);
    assert_eq!(
        call(&round.token()).1["statuses"],
        json!(["Delivered", "Closed", "Cancelled"])
    );
}

#[test]
fn an_outage_of_more_than_three_hours_is_filled_by_dates_from_where_it_began() {
    let mut round = Round::going(json!({}));
    round.now += Duration::minutes(169);
    round.step(None);
    assert_eq!(call(&round.token()).0, "1/deliveries/by_revision", "not yet");
    let mut round = Round::going(json!({}));
    round.now += Duration::hours(30);
    round.step(None);
    assert_eq!(
        dates(&call(&round.token()).1),
        ("2026-03-15 02:00:00.000", "2026-03-17 02:00:00.000")
    );
    // Ten minutes to spare for the clocks of others.
    let orders = [
        delivery(1, "Closed", 9),
        delivery(2, "Closed", 11),
        delivery(3, "Closed", -600),
    ];
    assert_eq!(messages(&round.ok(&by_place(&orders, 900))).len(), 2);
    let (_, body) = call(&round.step(None));
    assert_eq!(
        dates(&body),
        ("2026-03-14 02:00:00.000", "2026-03-15 02:00:00.000")
    );
    // One that was promised days ago may have been cancelled in the gap: seven days are looked through.
    let mut last = String::new();
    let mut step = round.ok(&by_place(&[], 901));
    while call(&step).0.ends_with("by_delivery_date_and_status") {
        last = dates(&call(&step).1).0.to_owned();
        step = round.ok(&by_place(&[delivery(4, "Cancelled", 1)], 902));
        assert_eq!(messages(&step).len(), 1);
        step = round.step(None);
    }
    assert_eq!(last, "2026-03-09 02:00:00.000");
    assert_eq!(call(&step).1["startRevision"], 900);
}

#[test]
fn a_gap_that_is_broken_off_goes_on_where_it_was() {
    let mut round = Round::going(json!({}));
    round.now += Duration::hours(100);
    round.step(None);
    round.token();
    round.ok(&by_place(&[], 900));
    let step = round.step(Some((500, "")));
    assert!(failed(&step).0.contains("500"));
    round.now += Duration::minutes(30);
    let (_, body) = call(&round.step(None));
    assert_eq!(
        dates(&body),
        ("2026-03-17 00:00:00.000", "2026-03-18 00:00:00.000")
    );
}

#[test]
fn what_is_too_old_to_be_had_is_said_to_a_person_once() {
    let mut round = Round::going(json!({}));
    round.now += Duration::days(20);
    let told = messages(&round.step(None));
    assert_eq!(told[0].0, "gap");
    let unreadable = round
        .read("poll/gap", told[0].1.to_string().as_bytes())
        .err()
        .unwrap();
    assert!(
        unreadable
            .reason
            .en
            .contains("2026-03-14T16:50:00Z to 2026-03-27T17:00:00Z"),
        "{}",
        unreadable.reason.en
    );
    let mut days = 0;
    round.step(None);
    let mut step = round.token();
    while call(&step).0.ends_with("by_delivery_date_and_status") {
        step = round.ok(&by_place(&[], 900));
        days += 1;
        assert!(days < 20);
    }
    assert_eq!(
        days, 7,
        "seven days, and one to spare; the first answer has two of them"
    );
    assert_eq!(call(&step).1["startRevision"], 900);
}

#[test]
fn a_revision_that_iiko_does_not_know_any_more_is_replaced_without_a_hole_and_without_haste() {
    for (status, answer) in [
        (400, json!({"errorDescription": "too old"})),
        (200, by_place(&[], 3)),
    ] {
        let mut round = Round::going(json!({}));
        round.now += Duration::minutes(1);
        round.step(None);
        let until = round.now + Duration::minutes(15);
        assert_eq!(
            round.next(Some((status, &answer.to_string()))),
            Next::Rest { until }
        );
        round.now = until;
        assert_eq!(
            call(&round.step(None)).0,
            "1/deliveries/by_delivery_date_and_status"
        );
        // Nothing of it is lost: it reaches back to the last good answer.
        let step = round.ok(&by_place(&[delivery(1, "Closed", 5)], 4));
        assert_eq!(messages(&step).len(), 1);
        // One that was promised days ago may have been cancelled just then: seven days are looked through.
        let step = round.step(None);
        let step = rest_of_gap(&mut round, step, 6);
        assert_eq!(call(&step).1["startRevision"], 4);
        assert!(matches!(round.ok(&by_place(&[], 4)).next, Next::Rest { .. }));
        // Another one is lost, and after it the same again and again (a quiet night): once for each all is looked through.
        for days in [7, 2, 2] {
            round.now += Duration::minutes(1);
            assert_eq!(call(&asking(&mut round)).1["startRevision"], 4);
            assert!(matches!(round.next(Some((400, "{}"))), Next::Rest { .. }));
            round.now += Duration::minutes(15);
            let step = asking(&mut round);
            let step = rest_of_gap(&mut round, step, days);
            assert_eq!(call(&step).1["startRevision"], 4);
            assert!(matches!(round.ok(&by_place(&[], 4)).next, Next::Rest { .. }));
        }
    }
}

/// Begins a round, with a new token where the old one has ended.
fn asking(round: &mut Round) -> Step {
    let step = round.step(None);
    if call(&step).0 == "1/access_token" {
        return round.token();
    }
    step
}

/// Answers the questions for so many days of a gap, and tells what is asked after them.
fn rest_of_gap(round: &mut Round, mut step: Step, days: u32) -> Step {
    for _ in 0..days {
        assert_eq!(call(&step).0, "1/deliveries/by_delivery_date_and_status");
        step = round.ok(&by_place(&[], 4));
    }
    step
}

#[test]
fn where_no_revision_is_known_dates_are_asked_now_and_then() {
    let mut round = new();
    round.token();
    round.ok(&by_place(&[], 0));
    let Next::Rest { until } = round.ok(&by_place(&[], 800)).next else {
        panic!()
    };
    assert_eq!(until, now() + Duration::minutes(15));
    round.now = until;
    let (method, _) = call(&round.step(None));
    assert_eq!(method, "1/deliveries/by_delivery_date_and_status");
}

#[test]
fn a_gap_that_may_not_be_filled_does_not_stop_the_round() {
    let mut round = new();
    round.token();
    let (reason, retry) = failed(&round.step(Some((403, "{}"))));
    assert!(reason.contains("deliveries by date"), "{reason}");
    assert_eq!(retry, Some(900));
    round.now += Duration::minutes(15);
    assert_eq!(
        call(&round.step(None)).0,
        "1/deliveries/by_delivery_date_and_status"
    );
}
