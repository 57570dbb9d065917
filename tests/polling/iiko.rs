//! iiko's cloud as the net under its webhooks, through the worker and the real adapter, on both databases.

use chrono::{DateTime, Duration, Utc};
use kopilka::pos::ADAPTERS;
use kopilka::storage::Store;
use kopilka::worker::polling::{VendorClient, poll_due};
use serde_json::{Value, json};

use super::iiko_server::{Cloud, LOGIN, PLACE};
use crate::api::client::Service;
use crate::databases::each_database_async;
use crate::pos::{Till, fixture};

/// A venue with its restaurant in the cloud.
pub(super) struct Asking {
    pub(super) till: Till,
    pub(super) cloud: Cloud,
    client: VendorClient,
}

impl Asking {
    async fn new(store: Store, more: Value) -> Self {
        let cloud = Cloud::open(Service::on(store.clone()).clock_now()).await;
        let mut settings = json!({"organizations": [PLACE], "cloud": {
            "api_login": LOGIN, "poll_seconds": 60, "menu_hours": 0}});
        for (name, value) in more.as_object().unwrap() {
            settings["cloud"][name] = value.clone();
        }
        // Nothing is kept with orders that only asking by id would bring.
        (settings["member_data_key"], settings["transaction_data_key"]) = (json!(""), json!(""));
        Asking::set(store, settings, cloud).await
    }

    pub(super) async fn set(store: Store, mut settings: Value, cloud: Cloud) -> Self {
        settings["cloud"]["address"] = json!(cloud.address);
        let service = Service::on(store);
        let till = Till::new(&service, "iiko", settings).await;
        Asking {
            till,
            cloud,
            client: VendorClient::new().unwrap(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.till.service.clock_now()
    }

    /// One pass of the worker; what the cloud was asked in it.
    pub(super) async fn pass(&self) -> Vec<String> {
        self.pass_of(&self.till.service).await
    }

    pub(super) async fn pass_of(&self, service: &Service) -> Vec<String> {
        poll_due(&service.app, &self.client, ADAPTERS).await.unwrap();
        self.cloud.asked()
    }

    pub(super) fn wait(&self, time: Duration) {
        let then = self.now() + time;
        self.till.service.clock.move_to(then);
        self.cloud.office().now = then;
    }

    async fn after(&self, time: Duration) -> Vec<String> {
        self.wait(time);
        self.pass().await
    }

    /// A delivery that stands like this from now on; gives the webhook that tells so.
    pub(super) fn delivery(&self, number: u32, status: &str, sum: i64) -> String {
        let mut events: Value =
            serde_json::from_str(&fixture("iiko/fixtures/delivery-closed.request.json")).unwrap();
        let info = &mut events[0]["eventInfo"];
        info["id"] = json!(format!("f0e1d2c3-b4a5-4697-8879-6a5b4c3d{number:04x}"));
        info["posId"] = json!(format!("f0e1d2c3-b4a5-4697-8879-6a5b4c3e{number:04x}"));
        info["timestamp"] = json!(self.now().timestamp_millis());
        let order = &mut info["order"];
        let local = (self.now() + Duration::hours(3))
            .format("%Y-%m-%d %H:%M:%S%.3f")
            .to_string();
        (order["status"], order["sum"], order["whenClosed"]) = (json!(status), json!(sum), json!(local));
        order["items"] = json!([{"type": "Service", "service": {"id": "8a000000-0000-4000-8000-000000000003", "name": "Пицца"},
            "cost": sum, "amount": 1, "status": "Served", "deleted": null}]);
        order["payments"] = json!([]);
        self.cloud.office().put("delivery", info);
        events.to_string()
    }

    pub(super) async fn webhook(&self, events: &str) -> Value {
        let answer = self.till.send("POST", "webhook", events).await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        answer.json()
    }

    /// What the books have accrued and taken back, oldest first.
    async fn posted(&self) -> Vec<String> {
        self.till.assert_books();
        let all = self.till.transactions().await;
        let sign = |direction: &str| if direction == "accrual" { "" } else { "-" };
        all.into_iter()
            .map(|(_, direction, amount)| format!("{}{amount}", sign(&direction)))
            .collect()
    }

    async fn messages(&self) -> Vec<String> {
        let list = self
            .till
            .owner
            .get("/api/v1/messages?limit=100")
            .await
            .expect(200);
        let text = |m: &Value, name: &str| m[name].as_str().unwrap().to_owned();
        let items = list["items"].as_array().unwrap().iter().rev();
        items
            .map(|m| format!("{} {}", text(m, "path"), text(m, "outcome")))
            .collect()
    }

    /// How asking goes, as people see it.
    pub(super) async fn standing(&self) -> Value {
        let list = self.till.owner.get("/api/v1/connections").await.expect(200);
        list["items"][0]["polling"].clone()
    }
}

#[test]
fn a_delivery_whose_webhook_was_lost_is_caught_and_one_that_came_is_one_receipt() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({})).await;
        let first = asking.delivery(1, "Closed", 1000);
        let asked = asking.pass().await;
        assert_eq!(
            asked.len(),
            4,
            "a token, two days, what changed meanwhile: {asked:?}"
        );
        assert_eq!(asked.last().unwrap(), "by_revision 10");
        assert_eq!(asking.posted().await, ["50.00"]);
        // Its webhook comes late, and again.
        asking.webhook(&first).await;
        asking.webhook(&first).await;
        assert_eq!(asking.posted().await, ["50.00"]);
        // The webhook first, the cloud afterwards.
        asking.wait(Duration::minutes(1));
        let second = asking.delivery(2, "Closed", 200);
        asking.webhook(&second).await;
        assert_eq!(asking.pass().await, ["by_revision 10"]);
        assert_eq!(asking.posted().await, ["50.00", "10.00"]);
        // Lost for ever: what was sold is taken back, what is open is not told.
        asking.wait(Duration::minutes(1));
        asking.delivery(1, "Cancelled", 1000);
        asking.delivery(3, "OnWay", 300);
        assert_eq!(asking.pass().await, ["by_revision 20"]);
        assert_eq!(asking.posted().await, ["50.00", "10.00", "-50.00"]);
        assert_eq!(asking.after(Duration::minutes(1)).await, ["by_revision 40"]);
        // The older webhook changes nothing any more.
        asking.webhook(&first).await;
        assert_eq!(asking.posted().await.len(), 3);
        assert!(
            asking
                .messages()
                .await
                .contains(&"poll/delivery posted".to_owned())
        );
    });
}

#[test]
fn webhook_and_cloud_at_the_same_moment_are_one_receipt() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({})).await;
        asking.pass().await;
        let mut expected = Vec::new();
        for number in 1..=8 {
            asking.wait(Duration::minutes(16));
            let event = asking.delivery(number, "Closed", 100 * i64::from(number));
            let (asked, _, _) = tokio::join!(asking.pass(), asking.webhook(&event), asking.webhook(&event));
            assert!(!asked.is_empty());
            expected.push(format!("{}.00", 5 * number));
            assert_eq!(asking.posted().await, expected);
        }
    });
}

#[test]
fn after_an_outage_of_hours_nothing_is_missing_and_nothing_is_asked_for_ever() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({})).await;
        asking.delivery(1, "Closed", 100);
        asking.pass().await;
        // Two days without us: a delivery every five hours, none of whose webhooks arrived.
        for number in 2..=10 {
            asking.wait(Duration::hours(5));
            asking.delivery(number, "Closed", 100);
        }
        asking.wait(Duration::hours(4));
        let asked = asking.pass().await;
        let days = asked
            .iter()
            .filter(|a| a.starts_with("by_delivery_date_and_status"));
        assert_eq!(
            days.count(),
            7,
            "what was promised days ago may have been cancelled: {asked:?}"
        );
        assert_eq!(asking.posted().await, vec!["5.00"; 10]);
        // The newest revision is more than three hours old: iiko knows it while nothing newer is missing.
        assert_eq!(asked.last().unwrap(), "by_revision 100");
        // Then something newer is, and iiko refuses.
        asking.wait(Duration::minutes(2));
        asking.delivery(11, "Closed", 100);
        asking.cloud.office().orders.last_mut().unwrap().changed_at -= Duration::hours(6);
        assert_eq!(asking.pass().await, ["by_revision 100"]);
        assert_eq!(asking.after(Duration::minutes(14)).await, Vec::<String>::new());
        let asked = asking.after(Duration::minutes(1)).await;
        let days = asked
            .iter()
            .filter(|a| a.starts_with("by_delivery_date_and_status"));
        assert_eq!(
            days.count(),
            7,
            "an old promise may have been cancelled just then: {asked:?}"
        );
        assert_eq!(asking.posted().await, vec!["5.00"; 11]);
        assert_eq!(asking.after(Duration::minutes(1)).await, ["by_revision 110"]);
        assert_eq!(asking.standing().await["failures"], 0);
    });
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_round_is_replaced_there() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({})).await;
        asking.delivery(1, "Closed", 100);
        asking.cloud.office().calls_per_token = Some(1);
        let asked: Vec<String> = asking.pass().await;
        let short: Vec<&str> = asked.iter().map(|a| a.split(' ').next().unwrap()).collect();
        let day = "by_delivery_date_and_status";
        let token = "access_token";
        assert_eq!(
            short,
            [token, day, day, token, day, "by_revision", token, "by_revision"]
        );
        assert_eq!(asking.posted().await, ["5.00"]);
        asking.cloud.office().calls_per_token = None;
        asking.cloud.office().end_tokens();
        asking.wait(Duration::minutes(1));
        assert_eq!(
            asking.pass().await,
            ["by_revision 10", "access_token", "by_revision 10"]
        );
    });
}

#[test]
fn too_many_questions_wait_as_long_as_iiko_wants_and_lose_nothing() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({})).await;
        asking.pass().await;
        asking.wait(Duration::minutes(16));
        asking.delivery(1, "Closed", 100);
        asking.cloud.office().trouble = Some(429);
        assert_eq!(asking.pass().await.len(), 1);
        let standing = asking.standing().await;
        assert_eq!(standing["failures"], 1);
        assert!(
            standing["failure"]
                .as_str()
                .unwrap()
                .contains("iikoCloud: iiko was asked too often"),
            "{standing}"
        );
        asking.cloud.office().trouble = None;
        assert_eq!(asking.after(Duration::seconds(89)).await.len(), 0);
        assert!(!asking.after(Duration::seconds(1)).await.is_empty());
        assert_eq!(asking.posted().await, ["5.00"]);
        assert_eq!(asking.standing().await["failures"], 0);
    });
}

#[test]
fn a_restart_between_calls_loses_nothing_and_posts_nothing_twice() {
    each_database_async(|store| async move {
        let asking = Asking::new(store.clone(), json!({})).await;
        asking.delivery(1, "Closed", 100);
        asking.pass().await;
        asking.wait(Duration::hours(50));
        asking.delivery(2, "Closed", 200);
        // The cloud fails in the middle of the gap, and another process goes on.
        asking.cloud.office().fail_after = Some(2);
        assert_eq!(asking.pass().await.len(), 3);
        assert_eq!(asking.posted().await.len(), 2, "the newest day first");
        asking.wait(Duration::minutes(1));
        asking.delivery(2, "Closed", 400);
        asking.cloud.office().fail_after = None;
        let restarted = Service::on(store);
        restarted.clock.move_to(asking.now() + Duration::minutes(10));
        asking.cloud.office().now = restarted.clock_now();
        let asked = asking.pass_of(&restarted).await;
        assert!(!asked.contains(&"access_token".to_owned()), "{asked:?}");
        assert!(asked.last().unwrap().starts_with("by_revision"), "{asked:?}");
        assert_eq!(asking.posted().await, ["5.00", "10.00", "10.00"]);
    });
}

#[test]
fn an_announced_order_is_read_and_one_that_is_refused_is_told_to_the_till() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({"poll_seconds": 0, "notify_refusals": true})).await;
        let mut event: Value = serde_json::from_str(&asking.delivery(1, "Closed", 100)).unwrap();
        event[0]["eventInfo"]["order"] = Value::Null;
        asking.webhook(&event.to_string()).await;
        assert_eq!(asking.pass().await, ["access_token", "by_id"]);
        assert_eq!(asking.posted().await, ["5.00"]);
        assert_eq!(asking.pass().await, Vec::<String>::new(), "once");
        // The books refuse what is sold where nothing is sold any more.
        let archived = json!({"archived": true});
        asking
            .till
            .owner
            .patch("/api/v1/venues/r", archived)
            .await
            .expect(200);
        asking.wait(Duration::minutes(2));
        let event = asking.delivery(2, "Closed", 100);
        let told = asking.webhook(&event).await;
        assert_eq!(told["refused"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(asking.pass().await, ["send"]);
        assert_eq!(asking.cloud.office().told.len(), 1);
        // One that can't be read waits for a person, and the till is told.
        let mut event: Value = serde_json::from_str(&asking.delivery(3, "Closed", 100)).unwrap();
        event[0]["eventInfo"]["order"]["items"] = json!([7]);
        let other = json!({"eventType": "StopListUpdate", "eventInfo": {}});
        asking.webhook(&json!([event[0], other]).to_string()).await;
        assert_eq!(asking.pass().await, ["send"]);
        assert!(asking.cloud.office().told[1].contains("не смог прочитать"));
    });
}

#[test]
fn an_order_that_a_plugin_closed_can_be_followed_in_the_cloud() {
    each_database_async(|store| async move {
        let more = json!({"poll_seconds": 0, "load_till_orders": true});
        let asking = Asking::new(store, more).await;
        let order = "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902";
        let body = json!({"orderId": order, "revision": 3, "closedAt": (asking.now() - Duration::minutes(5)).to_rfc3339(),
            "phone": "+79005550202",
            "terminal": {"organizationId": PLACE, "terminalGroupId": "d4c3b2a1-0f1e-4d2c-9b3a-4a5b6c7d8e81"},
            "lines": [{"lineId": "1", "name": "Чай", "quantity": "1", "gross": "100.00", "net": "100.00"}],
            "payments": [{"kind": "Cash", "sum": "100.00"}]});
        let answer = asking.till.send("POST", "v1/close", body.to_string()).await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        assert_eq!(asking.posted().await, ["5.00"]);
        assert_eq!(
            asking.pass().await,
            ["access_token", "by_id", "init_by_posOrder", "by_id"]
        );
        // The cloud has it a minute later: the same receipt.
        let events: Value =
            serde_json::from_str(&fixture("iiko/fixtures/table-closed.request.json")).unwrap();
        let mut info = events[0]["eventInfo"].clone();
        assert_eq!(info["posId"], order);
        asking.cloud.office().put("table", &info);
        assert_eq!(asking.after(Duration::minutes(1)).await, ["by_id"]);
        assert_eq!(asking.posted().await, ["5.00"]);
        // A webhook that only knows the cloud's name of it takes it back.
        info["posId"] = Value::Null;
        info["timestamp"] = json!(asking.now().timestamp_millis() + 1000);
        info["order"]["status"] = json!("Deleted");
        let event = json!([{"eventType": "TableOrderUpdate", "organizationId": PLACE, "eventInfo": info}]);
        asking.webhook(&event.to_string()).await;
        assert_eq!(asking.posted().await, ["5.00", "-5.00"]);
    });
}

#[test]
fn the_menu_comes_once_a_day_and_when_somebody_asks() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({"poll_seconds": 0, "menu_hours": 24})).await;
        let group = "0a9b8c7d-0000-4000-8000-000000000002";
        let product = |name: &str, number: u32| {
            json!({"id": format!("3c1f6f20-93a1-4f7a-8a5d-5e2f7b1c{number:04}"), "name": name, "parentGroup": group,
                "isDeleted": false, "sizePrices": [{"sizeId": null, "price": {"currentPrice": 350.5, "isIncludedInMenu": true}}]})
        };
        let menu = |products: Value| {
            json!({"correlationId": "c", "revision": 7, "productCategories": [], "sizes": [], "products": products,
                "groups": [{"id": group, "name": "Супы", "parentGroup": null, "isDeleted": false}]})
        };
        asking.cloud.office().menu = menu(json!([product("Борщ", 1)]));
        assert_eq!(asking.pass().await, ["access_token", "nomenclature"]);
        let names = || async {
            let list = asking
                .till
                .owner
                .get("/api/v1/venues/r/products")
                .await
                .expect(200);
            let items = list["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|p| p["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["Борщ"]);
        asking.cloud.office().menu = menu(json!([product("Борщ", 1), product("Уха", 2)]));
        assert_eq!(asking.after(Duration::hours(23)).await, Vec::<String>::new());
        let answer = asking.till.send("POST", "menu", "").await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        assert_eq!(asking.pass().await, ["access_token", "nomenclature"]);
        assert_eq!(names().await, ["Борщ", "Уха"]);
    });
}

#[test]
fn an_order_that_waits_is_asked_for_in_time_though_something_else_failed_until_tomorrow() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({"poll_seconds": 0, "menu_hours": 24})).await;
        asking.cloud.office().menu = json!({"groups": 7});
        let mut event: Value = serde_json::from_str(&asking.delivery(1, "Closed", 100)).unwrap();
        event[0]["eventInfo"]["order"] = Value::Null;
        let late = asking.cloud.office().orders.pop().unwrap();
        asking.webhook(&event.to_string()).await;
        let asked = asking.pass().await;
        assert!(
            asked.contains(&"by_id".to_owned()) && asked.contains(&"nomenclature".to_owned()),
            "{asked:?}"
        );
        assert_eq!(asking.standing().await["failures"], 1);
        asking.cloud.office().orders.push(late);
        assert_eq!(asking.after(Duration::minutes(2)).await, ["by_id"]);
        assert_eq!(asking.posted().await, ["5.00"]);
    });
}

#[test]
fn the_key_of_the_cloud_is_never_shown_and_a_wrong_one_is_told() {
    each_database_async(|store| async move {
        let asking = Asking::new(store, json!({"api_login": "wrong-login"})).await;
        assert_eq!(asking.pass().await, ["access_token"]);
        let list = asking.till.owner.get("/api/v1/connections").await.expect(200);
        assert!(!list.to_string().contains("wrong-login"), "{list}");
        let standing = asking.standing().await;
        assert!(
            standing["failure"].as_str().unwrap().contains("api_login"),
            "{standing}"
        );
    });
}
