//! The same order by the plugin and by webhooks, in whatever order they come and whatever each of them knows.

use serde_json::{Value, json};

use super::iiko_plugin::{ORDER, Plugin, example, webhook};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// The order's id in the cloud.
const IN_CLOUD: &str = "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e901";
/// When the plugin's order was closed.
const CLOSED_AT: i64 = 1_795_336_925_000;

/// The order as the cloud shows it so many seconds after it was closed.
fn told(status: &str, seconds: i64) -> Value {
    let mut event = webhook("table-closed-points-as-discount");
    let info = &mut event[0]["eventInfo"];
    info["timestamp"] = json!(CLOSED_AT + seconds * 1000);
    info["order"]["status"] = json!(status);
    info["order"]["whenClosed"] = json!("2026-11-22 11:42:05.000");
    event
}

/// The same under its name in the cloud only.
fn named_by_cloud(mut event: Value) -> Value {
    event[0]["eventInfo"]["posId"] = Value::Null;
    event
}

/// The plugin's order without points; `guest`: with its guest.
fn closed(plugin: &Plugin, guest: bool, revision: u32, closed_at: &str) -> Value {
    let mut order = example("close", "points", &plugin.guest);
    order["revision"] = json!(revision);
    order["closedAt"] = json!(closed_at);
    if !guest {
        order["memberId"] = Value::Null;
    }
    order["loyaltyTransactions"] = json!([]);
    order["payments"] = json!([{"kind": "Cash", "sum": "1485.50"}]);
    order
}

const ELEVEN_42: &str = "2026-11-22T11:42:05+03:00";

async fn by_phone(plugin: &Plugin) -> Option<String> {
    let found = plugin
        .till
        .owner
        .get("/api/v1/customers?phone=%2B79005550101")
        .await
        .expect(200);
    found["items"][0]["id"].as_str().map(str::to_owned)
}

#[test]
fn a_guest_whom_only_the_webhook_knows_stays_the_guest_whichever_comes_first() {
    each_database_async(|store| async move {
        for webhook_first in [true, false] {
            let login = format!("{webhook_first}");
            let service = Service::on(store.clone());
            let plugin = Plugin::of(&login, &service, json!({})).await;
            let order = closed(&plugin, false, 21, ELEVEN_42);
            if webhook_first {
                plugin.webhook(&told("Closed", 2)).await;
                plugin.say("close", &order).await.expect(200);
            } else {
                assert_eq!(plugin.say("close", &order).await.expect(200)["earned"], "0.00");
                plugin.webhook(&told("Closed", 2)).await;
            }
            let guest = by_phone(&plugin).await.unwrap();
            assert_eq!(plugin.till.balance(&guest).await, "74.27", "{webhook_first}");
            // Neither of them again, nor a higher revision, takes him away.
            plugin.say("close", &order).await.expect(200);
            plugin.webhook(&told("Closed", 9)).await;
            let next = closed(&plugin, false, 22, ELEVEN_42);
            plugin.say("close", &next).await.expect(200);
            assert_eq!(plugin.till.balance(&guest).await, "74.27");
            assert_eq!(plugin.sold().await["customer_id"], guest);
            plugin.till.assert_books();
        }
    });
}

#[test]
fn a_guest_whom_the_cashier_took_off_is_not_brought_back_by_the_cloud() {
    each_database_async(|store| async move {
        for webhook_first in [true, false] {
            let login = format!("{webhook_first}");
            let plugin = Plugin::of(&login, &Service::on(store.clone()), json!({})).await;
            if webhook_first {
                plugin.webhook(&told("Closed", 2)).await;
            }
            let mut order = closed(&plugin, true, 21, ELEVEN_42);
            plugin.say("close", &order).await.expect(200);
            assert_eq!(plugin.balance().await, "714.27");
            // Taken off; the telephone stays in the order.
            (order["revision"], order["memberId"]) = (json!(22), Value::Null);
            (order["memberRemoved"], order["phone"]) = (json!(true), json!("+79005550101"));
            assert_eq!(plugin.say("close", &order).await.expect(200)["earned"], "0.00");
            assert_eq!(plugin.balance().await, "640.00");
            // The cloud names its telephone, and the till says nothing more of him.
            let mut next = closed(&plugin, false, 23, ELEVEN_42);
            next["comment"] = json!("без гостя");
            for seconds in [2, 9] {
                plugin.webhook(&told("Closed", seconds)).await;
                plugin.say("close", &next).await.expect(200);
                assert_eq!(plugin.sold().await["customer_id"], Value::Null, "{webhook_first}");
            }
            plugin.webhook(&told("Deleted", 60)).await;
            plugin.webhook(&told("Closed", 120)).await;
            assert_eq!(plugin.sold().await["customer_id"], Value::Null);
            // A newer word of the till that names a guest does.
            plugin
                .say("close", &closed(&plugin, true, 24, "2026-11-22T11:52:05+03:00"))
                .await
                .expect(200);
            assert_eq!(plugin.balance().await, "714.27");
            if let Some(other) = by_phone(&plugin).await {
                assert_eq!(plugin.till.balance(&other).await, "0.00");
            }
            plugin.till.assert_books();
        }
    });
}

#[test]
fn a_deletion_of_before_the_close_leaves_a_trace() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin
            .say("close", &closed(&plugin, true, 21, ELEVEN_42))
            .await
            .expect(200);
        plugin.webhook(&told("Deleted", -1)).await;
        assert_eq!(plugin.balance().await, "714.27");
        let list = plugin
            .till
            .owner
            .get("/api/v1/messages?code=older-than-sale")
            .await
            .expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let newest = &list["items"][0];
        assert_eq!(
            (&newest["path"], &newest["outcome"]),
            (&json!("webhook"), &json!("ignored"))
        );
        let detail = newest["detail"].as_str().unwrap();
        assert!(detail.contains("закрыт заново"), "{detail}");
        plugin.till.assert_books();
    });
}

#[test]
fn a_negative_sum_waits_for_a_person_who_says_what_it_means() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin.webhook(&told("Closed", 2)).await;
        let guest = by_phone(&plugin).await.unwrap();
        let mut both = told("Closed", 9);
        both[0]["eventInfo"]["order"]["sum"] = json!(-347);
        let mut other = told("Closed", 9)[0].take();
        (other["eventInfo"]["id"], other["eventInfo"]["posId"]) =
            (json!(IN_CLOUD.replace('b', "c")), Value::Null);
        both.as_array_mut().unwrap().push(other);
        plugin.webhook(&both).await;
        // What stands beside it is posted, the sale before it stands, and it waits by itself.
        assert_eq!(plugin.till.balance(&guest).await, "148.54");
        let list = plugin.till.messages("unreadable").await;
        let waiting = list["items"].as_array().unwrap();
        assert_eq!(waiting.len(), 1, "{list}");
        assert!(
            waiting[0]["detail"].as_str().unwrap().contains("negative_sum"),
            "{list}"
        );
        let connections = plugin.till.owner.get("/api/v1/connections").await.expect(200);
        let path = format!(
            "/api/v1/connections/{}",
            connections["items"][0]["id"].as_str().unwrap()
        );
        let settings = json!({"settings": {"negative_sum": "undo"}});
        plugin.till.owner.patch(&path, settings).await.expect(200);
        let replay = format!("/api/v1/messages/{}/replay", waiting[0]["id"].as_str().unwrap());
        plugin.till.owner.post(&replay, json!({})).await.expect(200);
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_that_was_known_by_two_names_is_one_receipt_once_a_message_has_both() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin.webhook(&named_by_cloud(told("Closed", 2))).await;
        plugin
            .say("close", &closed(&plugin, true, 21, ELEVEN_42))
            .await
            .expect(200);
        let other = by_phone(&plugin).await.unwrap();
        assert_eq!(
            (plugin.till.balance(&other).await, plugin.balance().await),
            ("74.27".to_owned(), "714.27".to_owned()),
            "nothing says yet that it is one order"
        );
        for seconds in [3, 4] {
            plugin.webhook(&told("Closed", seconds)).await;
            assert_eq!(
                (plugin.till.balance(&other).await, plugin.balance().await),
                ("0.00".to_owned(), "714.27".to_owned())
            );
        }
        assert_eq!(plugin.receipt(IN_CLOUD).await.expect(200)["status"], "cancelled");
        // From now on either name means the receipt that stands.
        plugin.webhook(&named_by_cloud(told("Deleted", 60))).await;
        assert_eq!(plugin.sold().await["status"], "cancelled");
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_that_is_not_sold_yet_tells_its_names_already() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin.webhook(&told("Bill", -60)).await;
        plugin.webhook(&named_by_cloud(told("Closed", 2))).await;
        plugin
            .say("close", &closed(&plugin, true, 21, ELEVEN_42))
            .await
            .expect(200);
        assert_eq!(plugin.sold().await["customer_id"], plugin.guest.as_str());
        plugin.receipt(IN_CLOUD).await.expect(404);
        assert_eq!(plugin.balance().await, "714.27");
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_that_was_written_off_afterwards_earns_nothing_and_a_newer_sale_of_it_does() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let written_off = |seconds: i64| {
            let mut event = told("Closed", seconds);
            let payments = json!([{"paymentType": {"id": "09322f46-578a-4210-add7-eec222a08871", "name": "Списание",
                "kind": "Writeoff"}, "sum": 1485.5, "isPreliminary": false}]);
            event[0]["eventInfo"]["order"]["payments"] = payments;
            event
        };
        plugin.webhook(&told("Closed", 2)).await;
        let guest = by_phone(&plugin).await.unwrap();
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        for _ in 0..2 {
            plugin.webhook(&written_off(3)).await;
            assert_eq!(plugin.till.balance(&guest).await, "0.00");
        }
        plugin.webhook(&told("Closed", 4)).await;
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        // An older word of it changes nothing.
        plugin.webhook(&written_off(3)).await;
        assert_eq!(plugin.till.balance(&guest).await, "74.27");

        // By the plugin, the same.
        let mut meal = closed(&plugin, true, 21, "2026-11-22T11:43:05+03:00");
        meal["payments"] = json!([{"kind": "Writeoff", "sum": "1485.50"}]);
        let answer = plugin.say("close", &meal).await.expect(200);
        assert_eq!(
            (&answer["earned"], &answer["duplicate"]),
            (&json!("0.00"), &json!(false))
        );
        assert_eq!(plugin.say("close", &meal).await.expect(200)["duplicate"], true);
        assert_eq!(plugin.till.balance(&guest).await, "0.00");
        let sale = closed(&plugin, true, 22, "2026-11-22T11:44:05+03:00");
        plugin.say("close", &sale).await.expect(200);
        assert_eq!(plugin.sold().await["status"], "closed");
        plugin.till.assert_books();
    });
}

#[test]
fn a_deletion_by_the_cloud_undoes_the_sale_before_it_and_not_the_one_after() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        // Sold, deleted, sold again, of which only the cloud tells.
        plugin.example("reserve", "payment").await;
        let mut order = example("close", "points", &plugin.guest);
        plugin.say("close", &order).await.expect(200);
        assert_eq!(plugin.balance().await, "454.77");
        plugin.webhook(&told("Deleted", 60)).await;
        assert_eq!(plugin.balance().await, "640.00");
        let mut again = told("Closed", 120);
        // As the plugin told it: with the points, which the cloud does not know.
        again[0]["eventInfo"]["order"]["sum"] = json!(1745);
        for item in again[0]["eventInfo"]["order"]["items"].as_array_mut().unwrap() {
            item["resultSum"] = item["cost"].clone();
            for modifier in item["modifiers"].as_array_mut().unwrap() {
                modifier["resultSum"] = modifier["price"].clone();
            }
        }
        again[0]["eventInfo"]["order"]["discounts"] = json!([]);
        plugin.webhook(&again).await;
        assert_eq!(plugin.sold().await["status"], "closed");
        assert_eq!(plugin.balance().await, "454.77", "as its till told it");
        // A word of before the deletion does not sell it again.
        plugin.webhook(&told("Deleted", 180)).await;
        plugin.webhook(&told("Closed", 150)).await;
        order["revision"] = json!(22);
        assert_eq!(
            plugin.say("close", &order).await.expect(422)["code"],
            "receipt-cancelled"
        );
        assert_eq!(plugin.balance().await, "640.00");
        // Opened again and closed; the deletion of before comes last.
        order["revision"] = json!(30);
        order["closedAt"] = json!("2026-11-22T11:52:05+03:00");
        plugin.say("close", &order).await.expect(200);
        plugin.webhook(&told("Deleted", 181)).await;
        assert_eq!(plugin.sold().await["status"], "closed");
        assert_eq!(plugin.balance().await, "454.77");
        plugin.till.assert_books();
    });
}

#[test]
fn a_deletion_that_overtakes_a_close_waits_for_it() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin.webhook(&told("Deleted", 60)).await;
        let late = closed(&plugin, true, 21, ELEVEN_42);
        plugin.say("close", &late).await;
        assert_eq!(plugin.balance().await, "640.00");
        let newer = closed(&plugin, true, 30, "2026-11-22T11:52:05+03:00");
        plugin.say("close", &newer).await.expect(200);
        assert_eq!(plugin.balance().await, "714.27");
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_is_removed_as_often_as_it_was_closed() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        for (round, revision) in [(0, 21), (1, 30)] {
            let order = closed(&plugin, true, revision, ELEVEN_42);
            plugin.say("close", &order).await.expect(200);
            assert_eq!(plugin.balance().await, "714.27", "round {round}");
            let removed = json!({"originalOrderId": ORDER, "closedAt": ELEVEN_42, "kind": "removed",
                "revision": revision + 1});
            for duplicate in [false, true] {
                let answer = plugin.say("return", &removed).await.expect(200);
                assert_eq!(answer["duplicate"], duplicate, "round {round}");
            }
            assert_eq!(plugin.balance().await, "640.00", "round {round}");
        }
        plugin.till.assert_books();
    });
}

#[test]
fn all_payments_in_points_of_an_order_keep_to_its_limit_together() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let reserve = |order: &str, transaction: &str, points: &str| {
            json!({"orderId": order, "transactionId": transaction, "memberId": plugin.guest,
                "pointsRequested": points, "orderTotal": "500.00"})
        };
        plugin
            .say("reserve", &reserve(ORDER, "aa-1", "300.00"))
            .await
            .expect(200);
        let refused = plugin
            .say("reserve", &reserve(ORDER, "aa-2", "300.00"))
            .await
            .expect(422);
        assert_eq!(
            (&refused["code"], &refused["maxPoints"]),
            (&json!("redeem-limit"), &json!("200.00"))
        );
        // Said again, or with another amount, a payment does not stand in its own way.
        plugin
            .say("reserve", &reserve(ORDER, "aa-1", "300.00"))
            .await
            .expect(200);
        plugin
            .say("reserve", &reserve(ORDER, "aa-1", "310.00"))
            .await
            .expect(200);
        plugin
            .say("reserve", &reserve(IN_CLOUD, "aa-2", "300.00"))
            .await
            .expect(200);
        plugin.till.assert_books();
    });
}

#[test]
fn a_cancel_that_overtakes_its_reserve_is_not_forgotten() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let reserve = example("reserve", "payment", &plugin.guest);
        let cancel = json!({"transactionId": reserve["transactionId"]});
        for _ in 0..2 {
            assert_eq!(plugin.say("cancel", &cancel).await.expect(200)["known"], false);
        }
        assert_eq!(
            plugin.say("reserve", &reserve).await.expect(422)["code"],
            "hold-voided"
        );
        assert_eq!(plugin.balance().await, "640.00");
        plugin.till.assert_books();
    });
}

#[test]
fn a_payment_that_another_guest_makes_lets_the_first_ones_points_go() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let other = plugin
            .till
            .customer("2900000001735", "+79215550102", "300.00")
            .await;
        let mut reserve = example("reserve", "payment", &plugin.guest);
        plugin.say("reserve", &reserve).await.expect(200);
        reserve["memberId"] = json!(other);
        plugin.say("reserve", &reserve).await.expect(200);
        let quote = |who: &str| {
            json!({"orderId": IN_CLOUD, "memberId": who, "lines": [
            {"lineId": "1", "name": "Чай", "quantity": "1", "gross": "1000.00", "net": "1000.00"}]})
        };
        let free = plugin.say("quote", &quote(&plugin.guest)).await.expect(200);
        assert_eq!(free["maxPoints"], "640.00");
        let held = plugin.say("quote", &quote(&other)).await.expect(200);
        assert_eq!(held["maxPoints"], "40.50");
        plugin.till.assert_books();
    });
}

#[test]
fn a_closed_order_that_is_refused_is_never_to_be_quoted_anew() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let mut order = example("close", "points", &plugin.guest);
        plugin.example("reserve", "payment").await;
        plugin
            .say(
                "cancel",
                &json!({"transactionId": order["loyaltyTransactions"][0]["transactionId"]}),
            )
            .await
            .expect(200);
        let take = json!({"amount": "600.00", "comment": "-"});
        let path = format!("/api/v1/customers/{}/debits", plugin.guest);
        plugin.till.owner.post(&path, take).await.expect(201);
        order["orderId"] = json!(IN_CLOUD);
        let refused = plugin.say("close", &order).await.expect(422);
        assert_eq!(refused["code"], "insufficient-balance");
    });
}

#[test]
fn a_free_modifier_can_be_given_back_with_its_dish() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let mut order = closed(&plugin, true, 21, ELEVEN_42);
        let free = json!({"lineId": "10000000-0000-4000-8000-000000000012", "name": "Без лука", "quantity": "1",
            "gross": "0.00", "net": "0.00"});
        order["lines"][2]["modifiers"] = json!([free]);
        plugin.say("close", &order).await.expect(200);
        let back = |line: Value| {
            json!({"returnOrderId": format!("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0ea7{}", line["quantity"].as_str().unwrap()),
                "originalOrderId": ORDER, "closedAt": "2026-11-22T11:55:00+03:00", "kind": "partial", "lines": [
                {"originalLineId": "10000000-0000-4000-8000-000000000003", "quantity": "1"}, line]})
        };
        let told = back(json!({"originalLineId": free["lineId"], "quantity": "1"}));
        plugin.say("return", &told).await.expect(200);
        // One that the order was closed without.
        let told =
            back(json!({"originalLineId": "of-nothing", "quantity": "2", "gross": "0.00", "net": "0.00"}));
        plugin.say("return", &told).await.expect(200);
        plugin.till.assert_books();
    });
}

#[test]
fn points_that_may_be_one_of_the_payments_are_not_taken_for_a_discount() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        plugin.example("reserve", "payment").await;
        let mut order = example("close", "points", &plugin.guest);
        order["payments"] =
            json!([{"kind": "Cash", "sum": "1226.00"}, {"kind": "External", "sum": "259.50"}]);
        let refused = plugin.say("close", &order).await.expect(422);
        assert!(
            refused["detail"].as_str().unwrap().contains("pointsAs"),
            "{refused}"
        );
        order["pointsAs"] = json!("discount");
        plugin.say("close", &order).await.expect(200);
        plugin.till.assert_books();
    });
}

#[test]
fn the_guest_is_the_one_whom_the_orders_external_data_name_and_else_the_one_of_its_telephone() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let with = |id: &str| {
            let mut event = told("Closed", 2);
            event[0]["eventInfo"]["order"]["externalData"] =
                json!([{"key": "loyalty.memberId", "value": id}]);
            event
        };
        let mut unknown = with("M-000173");
        unknown[0]["eventInfo"]["id"] = json!("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e911");
        unknown[0]["eventInfo"]["posId"] = json!("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e912");
        plugin.webhook(&unknown).await;
        let guest = by_phone(&plugin).await.unwrap();
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        plugin.webhook(&with(&plugin.guest)).await;
        assert_eq!(plugin.balance().await, "714.27");
        assert_eq!(plugin.till.balance(&guest).await, "74.27");
        plugin.till.assert_books();
    });
}

#[test]
fn a_reservation_that_the_orders_external_data_name_is_spent_by_the_webhook() {
    each_database_async(|store| async move {
        let settings = json!({"bonus_payment_types": ["2b4c6d8e-1111-4222-8333-944455566601"]});
        let plugin = Plugin::set(&Service::on(store), settings).await;
        plugin.example("reserve", "payment").await;
        let mut event = told("Closed", 2);
        let order = &mut event[0]["eventInfo"]["order"];
        order["externalData"] = json!([{"key": "loyalty.memberId", "value": plugin.guest},
            {"key": "loyalty.transactionId", "value": "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c01"}]);
        order["payments"] = json!([
            {"paymentType": {"id": "2b4c6d8e-1111-4222-8333-944455566601", "name": "Баллы", "kind": "External"},
             "sum": 259.5, "isPreliminary": false},
            {"paymentType": {"id": "09322f46-578a-4210-add7-eec222a08871", "name": "Наличные", "kind": "Cash"},
             "sum": 1226, "isPreliminary": false}]);
        plugin.webhook(&event).await;
        assert_eq!(plugin.sold().await["redeemed"], "259.50");
        // A later snapshot spends nothing more.
        event[0]["eventInfo"]["timestamp"] = json!(CLOSED_AT + 9000);
        plugin.webhook(&event).await;
        assert_eq!(plugin.sold().await["redeemed"], "259.50");
        plugin.till.assert_books();
    });
}

#[test]
fn orders_are_told_by_the_roads_that_the_connection_names() {
    each_database_async(|store| async move {
        for (hall, by_webhook, by_plugin) in [
            ("webhook", "74.27", 422),
            ("plugin", "0.00", 200),
            ("none", "0.00", 422),
        ] {
            let service = Service::on(store.clone());
            let plugin = Plugin::of(hall, &service, json!({"hall": hall})).await;
            plugin.webhook(&told("Closed", 2)).await;
            let balance = match by_phone(&plugin).await {
                Some(guest) => plugin.till.balance(&guest).await,
                None => "0.00".to_owned(),
            };
            assert_eq!(balance, by_webhook, "{hall}");
            let answer = plugin
                .say("close", &closed(&plugin, true, 21, ELEVEN_42))
                .await
                .expect(by_plugin);
            if by_plugin == 422 {
                assert_eq!(answer["code"], "road-off", "{hall}");
            }
            plugin.till.assert_books();
        }
    });
}
