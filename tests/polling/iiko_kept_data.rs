//! What a site keeps with a delivery at iiko: who the guest is, and which reservation has paid. Lists of deliveries do not
//! bring it, so that what they bring is read once more by id.

use chrono::Duration;
use kopilka::storage::Store;
use serde_json::{Value, json};

use super::iiko::Asking;
use super::iiko_server::{Cloud, LOGIN, PLACE};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// Our payment type at iiko.
const POINTS: &str = "2b4c6d8e-1111-4222-8333-944455566601";
const HOLD: &str = "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c01";

/// A venue with a guest of 300.00 who has reserved 100.00 of them on a site.
struct Site {
    asking: Asking,
    guest: String,
}

impl Site {
    async fn new(store: Store) -> Self {
        Site::knowing(store, &[POINTS]).await
    }

    /// Where the settings name these payment types as bonuses.
    async fn knowing(store: Store, types: &[&str]) -> Self {
        let cloud = Cloud::open(Service::on(store.clone()).clock_now()).await;
        let settings = json!({"organizations": [PLACE], "bonus_payment_types": types,
            "member_data_key": "our.guest", "transaction_data_key": "our.hold",
            "cloud": {"api_login": LOGIN, "poll_seconds": 60, "menu_hours": 0}});
        let asking = Asking::set(store, settings, cloud).await;
        // Not the telephone of the order.
        let guest = asking
            .till
            .customer("2900000001734", "+79215550101", "300.00")
            .await;
        let reserve = json!({"orderId": HOLD, "transactionId": HOLD, "memberId": guest, "pointsRequested": "100.00",
            "orderTotal": "1000.00"});
        let answer = asking.till.send("POST", "v1/reserve", reserve.to_string()).await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        asking.pass().await;
        asking.wait(Duration::minutes(16));
        Site { asking, guest }
    }

    /// A delivery that points pay a part of; gives the webhook that tells so, with what the site keeps.
    fn delivery(&self, status: &str) -> Value {
        self.delivery_paid(status, 100)
    }

    /// A delivery of which points pay so much.
    fn delivery_paid(&self, status: &str, points: u32) -> Value {
        let mut events: Value = self.asking.delivery(1, status, 1000).parse().unwrap();
        let info = &mut events[0]["eventInfo"];
        let paid = |id: &str, kind: &str, sum: u32| json!({"paymentType": {"id": id, "name": kind, "kind": kind}, "sum": sum, "isPreliminary": false});
        info["order"]["payments"] = json!([
            paid(POINTS, "External", points),
            paid("09322f46-578a-4210-add7-eec222a08871", "Cash", 1000 - points)
        ]);
        let mut office = self.asking.cloud.office();
        office.put("delivery", info);
        office.orders.last_mut().unwrap().kept =
            json!({"our.guest": self.guest, "our.hold": HOLD, "other": "x"});
        info["order"]["externalData"] =
            json!([{"key": "our.guest", "value": self.guest}, {"key": "our.hold", "value": HOLD}]);
        events
    }

    async fn balance(&self) -> String {
        self.asking.till.assert_books();
        self.asking.till.balance(&self.guest).await
    }

    /// What of it he may spend: not what is set aside.
    async fn available(&self) -> Value {
        let path = format!("/api/v1/customers/{}/balance?venue_id=r", self.guest);
        self.asking.till.owner.get(&path).await.expect(200)["available"].clone()
    }

    /// What is remarked at the newest message.
    async fn remark(&self) -> String {
        let newest = self
            .asking
            .till
            .owner
            .get("/api/v1/messages?limit=1")
            .await
            .expect(200);
        newest["items"][0]["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// 300.00 less what he paid with, and 5% of the 900.00 that were paid with money.
const AFTER: &str = "245.00";

#[test]
fn a_delivery_that_only_asking_finds_has_its_guest_and_spends_his_reservation() {
    each_database_async(|store| async move {
        let site = Site::new(store).await;
        let event = site.delivery("Closed");
        let asked = site.asking.pass().await;
        assert!(asked.contains(&"by_id".to_owned()), "{asked:?}");
        assert_eq!(site.balance().await, AFTER);
        // Its webhook comes late, and asking finds a newer state: neither takes anything back.
        site.asking.webhook(&event.to_string()).await;
        assert_eq!(site.balance().await, AFTER);
        site.asking.wait(Duration::minutes(1));
        site.delivery("Closed");
        assert_eq!(site.asking.pass().await.last().unwrap(), "by_id");
        assert_eq!(site.balance().await, AFTER);
        // Cancelled, it gives all of it back.
        site.asking.wait(Duration::minutes(1));
        site.delivery("Cancelled");
        site.asking.pass().await;
        assert_eq!(site.balance().await, "300.00");
        assert_eq!(site.asking.standing().await["failures"], 0);
    });
}

#[test]
fn what_a_webhook_kept_back_is_made_good_by_asking_for_the_very_same_state() {
    each_database_async(|store| async move {
        let site = Site::new(store).await;
        let mut event = site.delivery("Closed");
        event[0]["eventInfo"]["order"]["externalData"] = Value::Null;
        site.asking.webhook(&event.to_string()).await;
        assert_eq!(
            site.balance().await,
            "300.00",
            "another guest's, by the telephone"
        );
        site.asking.pass().await;
        assert_eq!(site.balance().await, AFTER);
        let posted = site.asking.till.transactions().await.len();
        // Whatever comes once more changes nothing.
        site.asking.webhook(&event.to_string()).await;
        event[0]["eventInfo"]["order"]["externalData"] = json!([{"key": "our.hold", "value": HOLD}]);
        site.asking.webhook(&event.to_string()).await;
        assert_eq!(site.balance().await, AFTER);
        assert_eq!(site.asking.till.transactions().await.len(), posted);
    });
}

#[test]
fn a_guest_whom_a_webhook_kept_back_is_the_orders_where_it_named_nobody() {
    each_database_async(|store| async move {
        let site = Site::new(store).await;
        let mut event = site.delivery_paid("Closed", 0);
        let order = &mut event[0]["eventInfo"]["order"];
        (order["phone"], order["customer"]) = (Value::Null, Value::Null);
        let mut named = event.clone();
        let order = &mut event[0]["eventInfo"]["order"];
        order["externalData"] = Value::Null;
        named[0]["eventInfo"]["order"]["externalData"] = json!([{"key": "our.guest", "value": site.guest}]);
        for (event, balance) in [
            (&event, "300.00"),
            (&named, "350.00"),
            (&event, "350.00"),
            (&named, "350.00"),
        ] {
            site.asking.webhook(&event.to_string()).await;
            assert_eq!(site.balance().await, balance);
        }
    });
}

#[test]
fn a_reservation_is_let_go_where_the_order_was_paid_otherwise() {
    each_database_async(|store| async move {
        let site = Site::new(store).await;
        assert_eq!(site.available().await, "200.00");
        let event = site.delivery_paid("Closed", 0);
        site.asking.webhook(&event.to_string()).await;
        // 5% of 1000.00 accrue, and nothing is set aside any more.
        assert_eq!(
            (site.balance().await.as_str(), site.available().await),
            ("350.00", json!("350.00"))
        );
        let remark = site.remark().await;
        assert!(remark.contains(&format!("резерв {HOLD} отпущен")), "{remark}");
    });
}

#[test]
fn a_reservation_that_may_have_paid_stays_set_aside_and_a_person_is_told() {
    each_database_async(|store| async move {
        let site = Site::knowing(store, &[]).await;
        let event = site.delivery("Closed");
        site.asking.webhook(&event.to_string()).await;
        assert_eq!(
            (site.balance().await.as_str(), site.available().await),
            ("350.00", json!("250.00"))
        );
        let remark = site.remark().await;
        assert!(remark.contains(&format!("резерв {HOLD} не списан")), "{remark}");
    });
}

#[test]
fn a_delivery_that_is_not_shown_by_id_waits_is_told_of_and_is_never_lost() {
    each_database_async(|store| async move {
        let site = Site::new(store.clone()).await;
        site.asking.cloud.office().by_id_trouble = Some(500);
        site.delivery("Closed");
        site.asking.pass().await;
        assert_eq!(site.balance().await, "300.00", "nothing is posted yet");
        let standing = site.asking.standing().await;
        let failure = standing["failure"].as_str().unwrap();
        assert!(failure.contains("orders by id"), "{failure}");
        // Another process goes on where this one was killed.
        site.asking.wait(Duration::minutes(3));
        let restarted = Service::on(store);
        restarted.clock.move_to(site.asking.now());
        site.asking.cloud.office().by_id_trouble = None;
        let asked = site.asking.pass_of(&restarted).await;
        assert!(asked.contains(&"by_id".to_owned()), "{asked:?}");
        assert_eq!(site.balance().await, AFTER);
    });
}

#[test]
fn without_the_right_to_ask_by_id_deliveries_are_posted_and_take_back_nothing() {
    each_database_async(|store| async move {
        let site = Site::new(store).await;
        let event = site.delivery("Closed");
        site.asking.webhook(&event.to_string()).await;
        assert_eq!(site.balance().await, AFTER);
        site.asking.cloud.office().by_id_trouble = Some(403);
        site.asking.wait(Duration::minutes(1));
        let mut newer = site.delivery("Closed")[0]["eventInfo"].take();
        // What the site keeps is not shown: the telephone, which is his, names the guest, and no reservation is named.
        newer["order"]["phone"] = json!("+79215550101");
        newer["order"]["externalData"] = Value::Null;
        site.asking.cloud.office().put("delivery", &newer);
        site.asking.pass().await;
        assert_eq!(
            site.balance().await,
            AFTER,
            "what was redeemed stands while it is seen"
        );
        let list = site
            .asking
            .till
            .owner
            .get("/api/v1/messages?limit=100")
            .await
            .expect(200);
        let remarked = list["items"].as_array().unwrap().iter().any(|m| {
            m["path"] == "poll/delivery-as-found"
                && m["detail"].as_str().is_some_and(|d| d.contains("externalData"))
        });
        assert!(remarked, "{list}");
        assert!(
            site.asking.standing().await["failure"]
                .as_str()
                .unwrap()
                .contains("orders by id")
        );
    });
}
