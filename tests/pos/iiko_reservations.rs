//! An order of a plugin that is paid by several reservations of points: those of one guest, and those of several.

use serde_json::{Value, json};

use super::iiko_plugin::{Plugin, example};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// Names of two payments in points.
const FIRST: &str = "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c01";
const SECOND: &str = "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c02";

/// A reservation for the order of the examples.
fn reserve(guest: &str, transaction: &str, points: &str) -> Value {
    let mut body = example("reserve", "payment", guest);
    (body["transactionId"], body["pointsRequested"]) = (json!(transaction), json!(points));
    body
}

/// The order of the examples, which points of 259.50 pay: 159.50 and 100.00.
fn paid_twice(call: &str, name: &str, guest: &str) -> Value {
    let mut order = example(call, name, guest);
    order["loyaltyTransactions"] = json!([
        {"transactionId": FIRST, "points": "159.50"}, {"transactionId": SECOND, "points": "100.00"},
    ]);
    order
}

/// How much a payment that is cancelled lets go.
async fn released(plugin: &Plugin, transaction: &str) -> Value {
    let cancelled = plugin.say("cancel", &json!({"transactionId": transaction})).await;
    cancelled.expect(200)["pointsReleased"].clone()
}

#[test]
fn two_guests_pay_one_order_each_with_his_own_points() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let other = plugin
            .till
            .customer("2900000001741", "+79215550102", "300.00")
            .await;
        let (anna, boris) = (plugin.guest.as_str(), other.as_str());
        plugin
            .say("reserve", &reserve(anna, FIRST, "159.50"))
            .await
            .expect(200);
        plugin
            .say("reserve", &reserve(boris, SECOND, "100.00"))
            .await
            .expect(200);

        let mut quote = paid_twice("quote", "order", anna);
        let quoted = plugin.say("quote", &quote).await.expect(200);
        assert_eq!(
            (&quoted["points"], &quoted["toPay"], &quoted["maxPoints"]),
            (&json!("259.50"), &json!("1485.50"), &json!("740.00")),
            "all that she has, and what he has set aside"
        );
        quote["pointsRequested"] = json!("300.00");
        let more = plugin.say("quote", &quote).await.expect(200);
        assert_eq!(more["points"], "300.00", "hers pay the rest");

        let close = paid_twice("close", "points", anna);
        let closed = plugin.say("close", &close).await.expect(200);
        assert_eq!(
            (&closed["spent"], &closed["earned"]),
            (&json!("259.50"), &json!("74.27"))
        );
        let balances = || async { (plugin.balance().await, plugin.till.balance(boris).await) };
        let expected = |anna: &str, boris: &str| (anna.to_owned(), boris.to_owned());
        assert_eq!(balances().await, expected("554.77", "200.00"));
        for again in [FIRST, SECOND] {
            let cancel = json!({"transactionId": again});
            assert_eq!(
                plugin.say("cancel", &cancel).await.expect(422)["code"],
                "hold-captured"
            );
        }

        // The same said again, in another order of its payments, and by a newer revision.
        let mut again = close.clone();
        again["loyaltyTransactions"].as_array_mut().unwrap().reverse();
        again["revision"] = json!(22);
        assert_eq!(plugin.say("close", &again).await.expect(200)["duplicate"], true);
        // A revision that changes a line: each pays anew what he pays of it.
        let mut changed = again;
        changed["lines"][0]["modifiers"] = json!([]);
        changed["payments"][1]["sum"] = json!("919.00");
        changed["loyaltyTransactions"][0]["points"] = json!("91.00");
        changed["revision"] = json!(23);
        assert_eq!(plugin.say("close", &changed).await.expect(200)["spent"], "250.50");
        assert_eq!(plugin.till.balance(boris).await, "209.00");

        let mut back = example("return", "partial", anna);
        (back["kind"], back["lines"]) = (json!("full"), json!([]));
        assert_eq!(
            plugin.say("return", &back).await.expect(200)["pointsReturned"],
            "250.50"
        );
        assert_eq!(balances().await, expected("640.00", "300.00"));
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_may_be_paid_by_another_guest_than_its_own_alone() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let boris = plugin
            .till
            .customer("2900000001741", "+79215550102", "300.00")
            .await;
        plugin
            .say("reserve", &reserve(&boris, FIRST, "259.50"))
            .await
            .expect(200);
        let closed = plugin.example("close", "points").await;
        assert_eq!(
            (&closed["spent"], &closed["earned"]),
            (&json!("259.50"), &json!("74.27"))
        );
        assert_eq!(plugin.balance().await, "714.27");
        assert_eq!(plugin.till.balance(&boris).await, "40.50");
        plugin.till.assert_books();
    });
}

#[test]
fn two_payments_of_one_guest_spend_all_that_he_has_and_stay_where_the_order_is_refused() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let guest = plugin
            .till
            .customer("2900000001741", "+79215550102", "259.50")
            .await;
        plugin
            .say("reserve", &reserve(&guest, FIRST, "159.50"))
            .await
            .expect(200);
        plugin
            .say("reserve", &reserve(&guest, SECOND, "100.00"))
            .await
            .expect(200);
        let quoted = plugin
            .say("quote", &paid_twice("quote", "order", &guest))
            .await
            .expect(200);
        assert_eq!(
            (&quoted["points"], &quoted["maxPoints"]),
            (&json!("259.50"), &json!("259.50"))
        );

        let close = paid_twice("close", "points", &guest);
        let mut refused = close.clone();
        refused["memberId"] = json!("cus_01hgw3zj3q7hx");
        let refused = plugin.say("close", &refused).await.expect(422);
        assert_eq!(refused["code"], "customer-not-found");
        assert_eq!(plugin.say("close", &close).await.expect(200)["spent"], "259.50");
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        plugin.till.assert_books();
    });
}

#[test]
fn points_that_expire_while_they_are_reserved_pay_all_the_same() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let plugin = Plugin::set(&service, json!({})).await;
        let guest = plugin
            .till
            .customer("2900000001741", "+79215550102", "159.50")
            .await;
        let today = service.clock_now();
        let credit = json!({"amount": "100.00", "burns_on": today.date_naive()});
        let credits = format!("/api/v1/customers/{guest}/credits");
        plugin.till.owner.post(&credits, credit).await.expect(201);
        // What expires soonest is reserved first.
        plugin
            .say("reserve", &reserve(&guest, SECOND, "100.00"))
            .await
            .expect(200);
        plugin
            .say("reserve", &reserve(&guest, FIRST, "159.50"))
            .await
            .expect(200);
        service.clock.move_to(today + chrono::Duration::hours(23));
        let close = paid_twice("close", "points", &guest);
        assert_eq!(plugin.say("close", &close).await.expect(200)["spent"], "259.50");
        plugin.till.assert_books();
    });
}

#[test]
fn reservations_of_all_guests_keep_to_what_points_may_pay_of_the_order() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let boris = plugin
            .till
            .customer("2900000001741", "+79215550102", "300.00")
            .await;
        let of_small_order = |guest: &str, transaction: &str, points: &str| {
            let mut body = reserve(guest, transaction, points);
            body["orderTotal"] = json!("200.00");
            body
        };
        let first = of_small_order(&plugin.guest, FIRST, "150.00");
        plugin.say("reserve", &first).await.expect(200);
        let refused = plugin
            .say("reserve", &of_small_order(&boris, SECOND, "100.00"))
            .await;
        let refused = refused.expect(422);
        assert_eq!(
            (&refused["code"], &refused["maxPoints"]),
            (&json!("redeem-limit"), &json!("50.00"))
        );
        // The first guest's points do not stand in his own way, nor in that of another order.
        assert_eq!(plugin.say("reserve", &first).await.expect(200)["duplicate"], true);
        let mut elsewhere = of_small_order(&boris, SECOND, "100.00");
        elsewhere["orderId"] = json!("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e903");
        plugin.say("reserve", &elsewhere).await.expect(200);
        assert_eq!(released(&plugin, SECOND).await, "100.00");
        // What was let go is free for the other.
        assert_eq!(released(&plugin, FIRST).await, "150.00");
        let third = of_small_order(&boris, "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c03", "200.00");
        plugin.say("reserve", &third).await.expect(200);
        plugin.till.assert_books();
    });
}
