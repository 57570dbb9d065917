//! The contract for a plugin of iikoFront: what its description shows works, and the same order told by the plugin and by a
//! webhook is one receipt.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::{Answer, Service};
use crate::api::json_schema::faults;
use crate::databases::each_database_async;

pub(super) const ORDER: &str = "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902";

fn description() -> Value {
    fixture("iiko/openapi.json").parse().unwrap()
}

/// An example of a call as a plugin of this guest sends it.
pub(super) fn example(call: &str, name: &str, member: &str) -> Value {
    let path =
        format!("/paths/~1v1~1{call}/post/requestBody/content/application~1json/examples/{name}/value");
    let value = description()
        .pointer(&path)
        .unwrap_or_else(|| panic!("{path}"))
        .clone();
    value
        .to_string()
        .replace("cus_01hgw3zj3q7hx", member)
        .parse()
        .unwrap()
}

pub(super) struct Plugin {
    pub(super) till: Till,
    pub(super) guest: String,
}

impl Plugin {
    async fn new(service: &Service) -> Self {
        Plugin::set(service, json!({})).await
    }

    pub(super) async fn set(service: &Service, settings: Value) -> Self {
        Plugin::of("owner", service, settings).await
    }

    /// One of several on a database.
    pub(super) async fn of(login: &str, service: &Service, settings: Value) -> Self {
        let login = format!("{login}@iiko.example");
        let till = Till::of(&login, service, "iiko", settings).await;
        // Not the telephone that the order's webhook has.
        let guest = till.customer("2900000001734", "+79215550101", "640.00").await;
        Plugin { till, guest }
    }

    pub(super) async fn say(&self, call: &str, body: &Value) -> Answer {
        self.till
            .send("POST", &format!("v1/{call}"), body.to_string())
            .await
    }

    pub(super) async fn example(&self, call: &str, name: &str) -> Value {
        let body = example(call, name, &self.guest);
        self.say(call, &body).await.expect(200)
    }

    pub(super) async fn webhook(&self, event: &Value) {
        assert_eq!(
            self.till.send("POST", "webhook", event.to_string()).await.status,
            200
        );
    }

    /// The receipt of an order, which is named by its id at the till.
    pub(super) async fn receipt(&self, order: &str) -> Answer {
        let connections = self.till.owner.get("/api/v1/connections").await.expect(200);
        let source = connections["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/receipts?venue_id=r&source={source}&external_id={order}");
        self.till.owner.get(&path).await
    }

    pub(super) async fn sold(&self) -> Value {
        self.receipt(ORDER).await.expect(200)
    }

    pub(super) async fn balance(&self) -> String {
        self.till.balance(&self.guest).await
    }
}

pub(super) fn webhook(name: &str) -> Value {
    fixture(&format!("iiko/fixtures/{name}.request.json"))
        .parse()
        .unwrap()
}

#[test]
fn what_the_description_shows_works_from_the_card_to_the_return() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let served = plugin
            .till
            .service
            .anybody()
            .get("/pos/iiko/openapi.json")
            .await
            .expect(200);
        let mut shown = 0;
        for call in ["identify", "quote", "reserve", "cancel", "close", "return"] {
            let operation = &served["paths"][format!("/v1/{call}")]["post"];
            let json = &operation["requestBody"]["content"]["application/json"];
            for (name, example) in json["examples"].as_object().unwrap() {
                let request = faults(
                    &example["value"],
                    &json["schema"],
                    &served["components"]["schemas"],
                );
                assert!(request.is_empty(), "{call} {name}: {request:?}");
                let told = plugin.example(call, name).await;
                let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
                let wrong = faults(&told, schema, &served["components"]["schemas"]);
                assert!(wrong.is_empty(), "{call} {name}: {wrong:?} in {told}");
                shown += 1;
            }
        }
        assert_eq!((shown, served["paths"].as_object().unwrap().len()), (9, 6));
        plugin.till.assert_books();
    });
}

#[test]
fn a_guest_pays_with_points_and_gets_them_back_with_his_lemonade() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let known = plugin.example("identify", "barcode").await;
        assert_eq!(known["member"]["id"], plugin.guest.as_str());
        assert_eq!(
            (&known["member"]["displayName"], &known["balance"]["available"]),
            (&json!("Анна К."), &json!("640.00"))
        );
        assert_eq!(plugin.example("identify", "nobody").await["found"], false);

        let quoted = plugin.example("quote", "order").await;
        assert_eq!(
            (&quoted["maxPoints"], &quoted["points"], &quoted["toPay"]),
            (&json!("640.00"), &json!("259.50"), &json!("1485.50"))
        );
        let reserved = plugin.example("reserve", "payment").await;
        assert_eq!(
            (&reserved["duplicate"], &reserved["balance"]["available"]),
            (&json!(false), &json!("380.50"))
        );

        let closed = plugin.example("close", "points").await;
        assert_eq!(
            (&closed["spent"], &closed["earned"]),
            (&json!("259.50"), &json!("74.27"))
        );
        assert_eq!(
            closed["cashierMessage"],
            "Начислено баллов: 74,27. Списано баллов: 259,50."
        );
        assert_eq!(
            closed["receiptLines"][2],
            json!({"left": "Баланс", "right": "454,77"})
        );
        let parts = plugin
            .till
            .owner
            .get(&format!(
                "/api/v1/receipts/{}",
                closed["receiptId"].as_str().unwrap()
            ))
            .await
            .expect(200);
        assert_eq!(parts["total"], "1745.00");
        let redeemed: Vec<&str> = parts["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["redeemed"].as_str().unwrap())
            .collect();
        assert_eq!(
            redeemed,
            ["62.00", "9.00", "55.50", "133.00"],
            "as the till printed it"
        );

        let back = plugin.example("return", "partial").await;
        assert_eq!(
            (&back["pointsReturned"], &back["refund"]),
            (&json!("66.50"), &json!("173.50"))
        );
        assert_eq!(plugin.example("return", "partial").await["duplicate"], true);
        plugin.till.assert_books();
    });
}

#[test]
fn a_payment_reserved_twice_is_reserved_once_and_one_that_was_cancelled_stays_so() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let reserve = example("reserve", "payment", &plugin.guest);
        let first = plugin.say("reserve", &reserve).await.expect(200);
        let again = plugin.say("reserve", &reserve).await.expect(200);
        assert_eq!(
            (&again["duplicate"], &again["reservationId"]),
            (&json!(true), &first["reservationId"])
        );
        assert_eq!(
            (&again["expiresAt"], &again["balance"]["available"]),
            (&first["expiresAt"], &json!("380.50"))
        );

        let cancel = json!({"transactionId": reserve["transactionId"]});
        for _ in 0..2 {
            let cancelled = plugin.say("cancel", &cancel).await.expect(200);
            assert_eq!(
                (&cancelled["known"], &cancelled["pointsReleased"]),
                (&json!(true), &json!("259.50"))
            );
        }
        // The first request comes once more, late.
        let late = plugin.say("reserve", &reserve).await.expect(422);
        assert_eq!(late["code"], "hold-voided");
        let known = plugin.example("identify", "barcode").await;
        assert_eq!(known["balance"]["available"], "640.00");

        // More than there is: quote anew. More than the venue allows: a refusal with the limit.
        let mut much = reserve.clone();
        much["transactionId"] = json!("52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c03");
        much["pointsRequested"] = json!("640.01");
        let refused = plugin.say("reserve", &much).await.expect(409);
        assert_eq!(
            (&refused["code"], &refused["maxPoints"]),
            (&json!("insufficient-balance"), &json!("640.00"))
        );
        much["pointsRequested"] = json!("100.00");
        much["orderTotal"] = json!("60.00");
        let refused = plugin.say("reserve", &much).await.expect(422);
        assert_eq!(
            (&refused["code"], &refused["maxPoints"]),
            (&json!("redeem-limit"), &json!("60.00"))
        );
        assert!(refused["cashierMessage"].as_str().unwrap().contains("60,00"));
        plugin.till.assert_books();
    });
}

#[test]
fn a_closed_order_said_again_is_one_receipt_and_only_a_higher_revision_changes_it() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        plugin.example("reserve", "payment").await;
        let close = example("close", "points", &plugin.guest);
        assert_eq!(plugin.say("close", &close).await.expect(200)["duplicate"], false);
        assert_eq!(plugin.say("close", &close).await.expect(200)["duplicate"], true);
        let mut changed = close.clone();
        changed["lines"][0]["modifiers"] = json!([]);
        changed["payments"][1]["sum"] = json!("919.00");
        changed["loyaltyTransactions"][0]["points"] = json!("250.50");
        changed["revision"] = json!(20);
        assert_eq!(plugin.say("close", &changed).await.expect(200)["duplicate"], true);
        assert_eq!(plugin.sold().await["total"], "1745.00");
        // The parmesan was taken off: points of 250.50 paid, 9.00 come back.
        changed["revision"] = json!(22);
        assert_eq!(plugin.say("close", &changed).await.expect(200)["spent"], "250.50");
        assert_eq!(plugin.sold().await["total"], "1655.00");
        // A payment that an order has used is not cancelled any more.
        let cancel = json!({"transactionId": close["loyaltyTransactions"][0]["transactionId"]});
        assert_eq!(
            plugin.say("cancel", &cancel).await.expect(422)["code"],
            "hold-captured"
        );
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_of_the_plugin_and_of_a_webhook_is_one_receipt_whichever_comes_first() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let plugin = Plugin::new(&service).await;
        // The webhook knows the order by another telephone, and nothing of points.
        let mut event = webhook("table-closed");
        plugin.example("reserve", "payment").await;
        let close = example("close", "points", &plugin.guest);
        for round in 0..2 {
            plugin.webhook(&event).await;
            plugin.say("close", &close).await.expect(200);
            plugin.webhook(&event).await;
            // The cloud's next snapshot of the same order.
            let stamp = event[0]["eventInfo"]["timestamp"].as_i64().unwrap();
            event[0]["eventInfo"]["timestamp"] = json!(stamp + 1000);
            plugin.webhook(&event).await;
            let sold = plugin.sold().await;
            assert_eq!(
                (&sold["redeemed"], &sold["customer_id"]),
                (&json!("259.50"), &json!(plugin.guest)),
                "round {round}"
            );
            // Under the id in the cloud there is nothing.
            plugin
                .receipt("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e901")
                .await
                .expect(404);
            assert_eq!(plugin.balance().await, "454.77");
        }
        // What the webhook gave to whom it knew by the telephone is taken back.
        let other = plugin
            .till
            .owner
            .get("/api/v1/customers?phone=%2B79005550101")
            .await
            .expect(200);
        let other = other["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(plugin.till.balance(&other).await, "0.00");
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_that_the_cloud_told_by_its_own_name_first_is_still_one_receipt() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let mut event = webhook("table-closed");
        let with_both = event.clone();
        event[0]["eventInfo"]["posId"] = Value::Null;
        plugin.webhook(&event).await;
        plugin.webhook(&with_both).await;
        plugin.example("reserve", "payment").await;
        plugin.example("close", "points").await;
        let sold = plugin
            .receipt("b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e901")
            .await
            .expect(200);
        assert_eq!(
            (&sold["redeemed"], &sold["customer_id"]),
            (&json!("259.50"), &json!(plugin.guest))
        );
        plugin.receipt(ORDER).await.expect(404);
        plugin.example("return", "partial").await;
        plugin.till.assert_books();
    });
}

#[test]
fn messages_that_come_at_once_agree_on_the_name_of_their_order() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        for round in 1..=12 {
            let renamed = |event: &Value| -> Value {
                let text = event.to_string().replace("b8a3b0d2", &format!("{round:08x}"));
                text.parse().unwrap()
            };
            let both = renamed(&webhook("table-closed"));
            let mut of_the_cloud = both.clone();
            of_the_cloud[0]["eventInfo"]["posId"] = Value::Null;
            tokio::join!(
                plugin.webhook(&both),
                plugin.webhook(&of_the_cloud),
                plugin.webhook(&both),
                plugin.webhook(&of_the_cloud),
            );
            let name = |last: &str| format!("{round:08x}-1c3e-4f3a-8d0e-31c1b7f0e90{last}");
            let found = [plugin.receipt(&name("1")).await, plugin.receipt(&name("2")).await];
            let receipts = found.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(receipts, 1, "round {round}");
        }
        plugin.till.assert_books();
    });
}

#[test]
fn an_order_that_the_plugin_closed_is_cancelled_by_the_cloud_or_by_the_plugin() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        plugin.example("reserve", "payment").await;
        let mut close = example("close", "points", &plugin.guest);
        plugin.say("close", &close).await.expect(200);
        let mut event = webhook("table-closed");
        event[0]["eventInfo"]["order"]["status"] = json!("Deleted");
        event[0]["eventInfo"]["timestamp"] = json!(1_795_336_925_000_i64 + 60_000);
        for _ in 0..2 {
            plugin.webhook(&event).await;
            assert_eq!(plugin.balance().await, "640.00");
        }
        assert_eq!(plugin.sold().await["status"], "cancelled");
        // Said late once more it stays cancelled; opened again on the till and closed, it is sold.
        let late = plugin.say("close", &close).await.expect(422);
        assert_eq!(late["code"], "receipt-cancelled");
        close["revision"] = json!(30);
        close["closedAt"] = json!("2026-11-22T11:52:05+03:00");
        assert_eq!(plugin.say("close", &close).await.expect(200)["spent"], "259.50");
        assert_eq!(plugin.balance().await, "454.77");
        let removed =
            json!({"originalOrderId": ORDER, "closedAt": "2026-11-22T12:30:00+03:00", "kind": "removed"});
        for duplicate in [false, true] {
            let told = plugin.say("return", &removed).await.expect(200);
            assert_eq!(
                (&told["status"], &told["duplicate"]),
                (&json!("cancelled"), &json!(duplicate))
            );
        }
        assert_eq!(plugin.balance().await, "640.00");
        plugin.till.assert_books();
    });
}

#[test]
fn a_close_from_before_a_deletion_waits_for_a_person_unless_it_was_posted_before() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        plugin.example("reserve", "payment").await;
        let mut close = example("close", "points", &plugin.guest);
        plugin.say("close", &close).await.expect(200);
        let mut event = webhook("table-closed");
        event[0]["eventInfo"]["timestamp"] = json!(1_795_336_925_000_i64 + 60_000);
        let sold = event.clone();
        event[0]["eventInfo"]["order"]["status"] = json!("Deleted");
        event[0]["eventInfo"]["timestamp"] = json!(1_795_336_925_000_i64 + 120_000);
        plugin.webhook(&event).await;
        let waiting = async || {
            let path = "/api/v1/messages?outcome=waiting";
            let found = plugin.till.owner.get(path).await.expect(200);
            found["items"].as_array().unwrap().len()
        };
        // The till's own close once more is an attempt of before, and so is what the cloud says of the time before.
        plugin.say("close", &close).await.expect(422);
        plugin.webhook(&sold).await;
        assert_eq!(waiting().await, 0);
        // A revision that the till closed before the deletion, as its clock says: that may be wrong, a person looks.
        close["revision"] = json!(30);
        close["closedAt"] = json!("2026-11-22T11:43:05+03:00");
        let refused = plugin.say("close", &close).await.expect(422);
        assert_eq!(refused["code"], "receipt-cancelled");
        assert_eq!(waiting().await, 1);
        assert_eq!(plugin.balance().await, "640.00");
    });
}

#[test]
fn what_a_plugin_gets_wrong_is_named_and_kept_and_nothing_is_posted() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let close = example("close", "points", &plugin.guest);
        let with = |pointer: &str, value: Value| {
            let mut body = close.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        for (body, pointer) in [
            (with("/closedAt", Value::Null), "/closedAt"),
            (with("/closedAt", json!("2026-11-22 11:42:05")), "/closedAt"),
            (with("/lines/1/gross", json!("-1.00")), "/lines/1/gross"),
            (with("/lines/1/quantity", json!("0")), "/lines/1/quantity"),
            (with("/lines/1/net", json!("499.501")), "/lines/1/net"),
            (with("/memberId", Value::Null), "/memberId"),
            (with("/payments/0/sum", json!("480.50")), "/payments"),
            (
                with("/loyaltyTransactions/0/transactionId", json!("hld_01hgw3zj3q7hx")),
                "/loyaltyTransactions/0/transactionId",
            ),
            (
                with("/orderId", json!("00000000-0000-0000-0000-000000000000")),
                "/orderId",
            ),
        ] {
            let refused = plugin.say("close", &body).await.expect(422);
            assert_eq!(
                (&refused["code"], &refused["pointer"]),
                (&json!("invalid-request"), &json!(pointer)),
                "{refused}"
            );
            assert!(refused["cashierMessage"].is_string() && refused["detail"].is_string());
        }
        let broken = plugin.till.send("POST", "v1/close", "{").await.expect(400);
        assert_eq!(broken["code"], "malformed-json");
        assert_eq!(plugin.till.send("GET", "v1/close", "").await.status, 405);
        assert_eq!(plugin.till.send("POST", "v1/else", "{}").await.status, 404);
        plugin.receipt(ORDER).await.expect(404);
        let kept = plugin
            .till
            .owner
            .get("/api/v1/messages?outcome=unreadable&limit=100")
            .await
            .expect(200);
        assert_eq!(kept["items"].as_array().unwrap().len(), 12);
    });
}

#[test]
fn a_plugin_of_another_restaurant_is_refused() {
    each_database_async(|store| async move {
        let settings = json!({"organizations": ["11111111-2f0b-4a9e-9b1a-6f1d4f3f7a10"]});
        let till = Till::new(&Service::on(store), "iiko", settings).await;
        let body = example("identify", "barcode", "");
        let refused = till
            .send("POST", "v1/identify", body.to_string())
            .await
            .expect(403);
        assert_eq!(refused["code"], "wrong-terminal");
    });
}

#[test]
fn lines_are_in_the_categories_of_the_menu_and_a_repeat_is_the_same_whatever_the_menu_says_by_then() {
    each_database_async(|store| async move {
        let plugin = Plugin::new(&Service::on(store)).await;
        let owner = &plugin.till.owner;
        let drinks = json!({"external_id": "drinks", "name": "Напитки", "coefficient": "3"});
        owner
            .post("/api/v1/venues/r/categories", drinks)
            .await
            .expect(201);
        let lemonade = json!({"name": "Лимонад", "external_id": "5e308142-b5c3-4b9c-8c7f-70419d3e2c53",
            "category_id": "drinks"});
        let lemonade = owner
            .post("/api/v1/venues/r/products", lemonade)
            .await
            .expect(201);

        let mut sale = example("close", "nobody", &plugin.guest);
        sale["memberId"] = json!(plugin.guest);
        let closed = plugin.say("close", &sale).await.expect(200);
        assert_eq!(closed["earned"], "36.00", "240.00 × 5 % × 3");
        let order = sale["orderId"].as_str().unwrap();
        let receipt = plugin.receipt(order).await.expect(200);
        assert_eq!(receipt["lines"][0]["category_id"], "drinks");

        let product = format!("/api/v1/venues/r/products/{}", lemonade["id"].as_str().unwrap());
        let nowhere = json!({"category_id": null});
        owner.patch(&product, nowhere).await.expect(200);
        let again = plugin.say("close", &sale).await.expect(200);
        sale["revision"] = json!(5);
        let newer = plugin.say("close", &sale).await.expect(200);
        for told in [&again, &newer] {
            assert_eq!(
                (&told["duplicate"], &told["earned"]),
                (&json!(true), &json!("36.00"))
            );
        }

        // What the till says anew is looked up anew.
        sale["revision"] = json!(6);
        sale["lines"][0]["quantity"] = json!("2");
        sale["lines"][0]["gross"] = json!("480.00");
        sale["lines"][0]["net"] = json!("480.00");
        sale["payments"][0]["sum"] = json!("480.00");
        let changed = plugin.say("close", &sale).await.expect(200);
        assert_eq!(changed["earned"], "24.00");
        plugin.till.assert_books();
    });
}
