//! Asking a vendor's system: tokens that end, troubles, several instances, restarts; all of it on both databases.

mod iiko;
mod iiko_kept_data;
mod iiko_server;
mod olap;
mod reach;
mod vendor;

use chrono::Duration;
use kopilka::pos::connection_cache;
use kopilka::pos::conversation;
use kopilka::pos::incoming::Incoming;
use kopilka::storage::Store;
use kopilka::worker::polling::{VendorClient, poll_due};
use kopilka::worker::watching;
use kopilka_contract::Adapter;
use serde_json::{Value, json};

use crate::api::client::Service;
use crate::databases::each_database_async;
use crate::pos::Till;
use vendor::{Vendor, VendorAdapter};

/// A venue whose vendor can be asked.
struct Asking {
    till: Till,
    vendor: Vendor,
    adapters: &'static [&'static dyn Adapter],
    client: VendorClient,
}

impl Asking {
    async fn new(store: Store) -> Self {
        // "open sesame" is the vendor's secret, wherever an adapter keeps it.
        let till = Till::new(
            &Service::on(store),
            "iiko",
            json!({"bonus_payment_types": ["open sesame"]}),
        )
        .await;
        let vendor = Vendor::open().await;
        let adapters = VendorAdapter::of(&vendor);
        Asking {
            till,
            vendor,
            adapters,
            client: VendorClient::new().unwrap(),
        }
    }

    /// One pass of the worker; what the vendor was asked in it.
    async fn pass(&self) -> Vec<String> {
        self.pass_of(&self.till.service).await
    }

    async fn pass_of(&self, service: &Service) -> Vec<String> {
        poll_due(&service.app, &self.client, self.adapters).await.unwrap();
        self.vendor.asked()
    }

    async fn after(&self, time: Duration) -> Vec<String> {
        let clock = &self.till.service.clock;
        clock.move_to(self.till.service.clock_now() + time);
        self.pass().await
    }

    /// The vendor's webhook: an order that is to be fetched.
    async fn announce(&self, order: &str) {
        let app = &self.till.service.app;
        let known = connection_cache::find(app, &self.till.token, [127, 0, 0, 1].into())
            .await
            .unwrap();
        let incoming = Incoming {
            method: "POST".to_owned(),
            path: "announce".to_owned(),
            query: String::new(),
            content_type: None,
            body: order.as_bytes().to_vec().into(),
            login: None,
            received_at: app.clock.now(),
            replay_of: None,
        };
        let held = conversation::hold(app, self.adapters[0], &known, incoming, None).await;
        assert_eq!((held.refused, held.kept), (None, true));
    }

    fn sell(&self, id: &str, total: &str) {
        self.vendor
            .office()
            .orders
            .insert(id.to_owned(), total.to_owned());
    }

    /// What the books have accrued, oldest first.
    async fn accrued(&self) -> Vec<String> {
        self.till.assert_books();
        let all = self.till.transactions().await;
        all.into_iter().map(|(_, _, amount)| amount).collect()
    }

    async fn outcomes(&self) -> Vec<String> {
        let list = self.till.owner.get("/api/v1/messages?limit=50").await.expect(200);
        let items = list["items"].as_array().unwrap().iter().rev();
        items
            .filter(|m| m["kind"] == "iiko")
            .map(|m| {
                format!(
                    "{} {}",
                    m["path"].as_str().unwrap(),
                    m["outcome"].as_str().unwrap()
                )
            })
            .collect()
    }

    async fn standing(&self) -> (i64, i64, Option<String>) {
        let store = &self.till.service.app.store;
        let mut connection = store.connection().unwrap();
        let tenant = kopilka::storage::books::all_networks(&mut connection)
            .unwrap()
            .remove(0);
        let all = kopilka::storage::till_connections::list(&mut connection, tenant, None, None, 1).unwrap();
        let standing = kopilka::storage::polls::standing(&mut connection, tenant, all[0].id).unwrap();
        (
            standing.failures.into(),
            standing.errands.into(),
            standing.failure,
        )
    }
}

#[test]
fn what_was_sold_is_fetched_posted_once_and_the_cursor_outlives_a_restart() {
    each_database_async(|store| async move {
        let asking = Asking::new(store.clone()).await;
        asking.sell("1", "1000.00");
        asking.sell("2", "200.00");
        assert_eq!(asking.pass().await, ["token", "changes 0", "changes 2"]);
        assert_eq!(asking.accrued().await, ["50.00", "10.00"]);
        assert_eq!(
            asking.after(Duration::seconds(59)).await,
            Vec::<String>::new(),
            "it rests"
        );

        // Another process on the same database goes on from there, with the token that was got before.
        let restarted = Service::on(store);
        restarted
            .clock
            .move_to(asking.till.service.clock_now() + Duration::seconds(2));
        asking.sell("3", "100.00");
        assert_eq!(asking.pass_of(&restarted).await, ["changes 2", "changes 3"]);
        assert_eq!(asking.accrued().await, ["50.00", "10.00", "5.00"]);
        assert_eq!(asking.outcomes().await, vec!["poll/order posted"; 3]);
    });
}

#[test]
fn an_announced_order_is_fetched_at_once_and_coming_by_both_roads_it_is_one_receipt() {
    each_database_async(|store| async move {
        let asking = Asking::new(store).await;
        asking.pass().await;
        asking.sell("7", "1000.00");
        asking.announce("7").await;
        asking.announce("7").await;
        assert_eq!(asking.pass().await, ["order 7", "changes 0", "changes 7"]);
        assert_eq!(asking.accrued().await, ["50.00"]);
        let expected = [
            "announce ignored",
            "announce ignored",
            "poll/order posted",
            "poll/order repeated",
        ];
        assert_eq!(asking.outcomes().await, expected);
        assert_eq!(asking.standing().await, (0, 0, None));
    });
}

#[test]
fn a_token_that_has_ended_is_replaced() {
    each_database_async(|store| async move {
        let asking = Asking::new(store).await;
        asking.pass().await;
        asking.vendor.office().end_tokens();
        assert_eq!(
            asking.after(Duration::minutes(1)).await,
            ["changes 0", "token", "changes 0"]
        );
    });
}

#[test]
fn troubles_of_the_vendor_are_waited_out_longer_each_time_and_new_errands_do_not_hurry_it() {
    each_database_async(|store| async move {
        let asking = Asking::new(store).await;
        asking.pass().await;
        asking.sell("1", "1000.00");
        asking.vendor.office().trouble = Some(500);
        assert_eq!(asking.after(Duration::minutes(1)).await, ["changes 0"]);
        asking.announce("1").await;
        assert_eq!(asking.pass().await.len(), 0);
        for seconds in [7, 13, 26, 51] {
            assert_eq!(
                asking
                    .after(Duration::milliseconds(seconds * 1000 / 3))
                    .await
                    .len(),
                0
            );
            assert_eq!(
                asking.after(Duration::seconds(seconds)).await,
                ["order 1"],
                "{seconds}"
            );
        }
        let (failures, errands, reason) = asking.standing().await;
        assert_eq!((failures, errands), (5, 1));
        let app = &asking.till.service.app;
        assert_eq!(watching::look_after_connections(app).await.unwrap(), 1);
        let alerts = "/api/v1/connection-alerts?open=true";
        let told = asking.till.owner.get(alerts).await.expect(200);
        assert_eq!(told["items"][0]["kind"], "unreachable");
        assert_eq!(reason.unwrap(), "answered 500; the secret was ***");
        asking.vendor.office().trouble = None;
        asking.after(Duration::minutes(2)).await;
        assert_eq!(asking.accrued().await, ["50.00"]);
        assert_eq!(asking.standing().await.0, 0);
        assert_eq!(watching::look_after_connections(app).await.unwrap(), 1);
        let told = asking.till.owner.get(alerts).await.expect(200);
        assert_eq!(told["items"], json!([]), "it is well again");
    });
}

#[test]
fn an_order_that_is_not_there_yet_waits_alone() {
    each_database_async(|store| async move {
        let asking = Asking::new(store).await;
        asking.pass().await;
        asking.announce("8").await;
        asking.announce("9").await;
        asking.sell("9", "100.00");
        let calls = asking.pass().await;
        assert!(
            calls.starts_with(&["order 8".to_owned()]) && calls.contains(&"order 9".to_owned()),
            "{calls:?}"
        );
        assert_eq!(asking.accrued().await, ["5.00"]);
        assert_eq!(asking.standing().await.1, 1);
        assert!(
            !asking
                .after(Duration::minutes(5))
                .await
                .contains(&"order 8".to_owned())
        );
        asking.sell("8", "200.00");
        assert!(
            asking
                .after(Duration::minutes(5))
                .await
                .contains(&"order 8".to_owned())
        );
        assert_eq!(asking.accrued().await, ["5.00", "10.00"]);
        // Announced anew it does not wait.
        asking.announce("80").await;
        asking.pass().await;
        asking.announce("80").await;
        assert!(asking.pass().await.contains(&"order 80".to_owned()));
    });
}

#[test]
fn two_instances_ask_once() {
    each_database_async(|store| async move {
        let asking = Asking::new(store.clone()).await;
        asking.pass().await;
        let other = Service::on(store);
        let later = asking.till.service.clock_now() + Duration::minutes(1);
        for service in [&asking.till.service, &other] {
            service.clock.move_to(later);
        }
        let (first, second) = tokio::join!(
            poll_due(&asking.till.service.app, &asking.client, asking.adapters),
            poll_due(&other.app, &asking.client, asking.adapters),
        );
        assert_eq!(first.unwrap() + second.unwrap(), 1);
        assert_eq!(asking.vendor.asked(), ["changes 0"]);
    });
}

#[test]
fn what_the_service_fetches_itself_nobody_else_may_send() {
    each_database_async(|store| async move {
        let asking = Asking::new(store).await;
        let forged: Value = json!({"id": "1", "total": "1000.00"});
        for path in ["poll/order", "poll%2Forder"] {
            let answer = asking.till.send("POST", path, forged.to_string()).await;
            assert_eq!(answer.status.as_u16(), 404, "{answer:?}");
        }
        assert!(asking.outcomes().await.is_empty());
    });
}
