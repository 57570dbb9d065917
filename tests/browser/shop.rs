//! The demo network, small, served on a socket behind a network that can be cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use kopilka::api::router;
use kopilka::demo::credentials::LIVE_KEY;
use kopilka::demo::{Scale, load};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::verify;
use kopilka::server::serve;
use kopilka::storage::Store;
use kopilka::storage::schema::receipts;
use kopilka_contract::Money;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

use super::network::Network;
use crate::api::client::{Client, Service, start};

const TINY: Scale = Scale {
    customers: 20,
    strangers: 2,
    days: 50,
    receipts_per_day: 1,
};

/// The service with a shop in it, whose clock goes.
pub struct Shop {
    store: Store,
    service: Service,
    /// Seconds by which its clock goes before the machine's.
    ahead: Arc<AtomicU64>,
    /// Between it and the browser.
    pub network: Network,
}

impl Shop {
    /// Opens it on an empty, migrated database.
    pub async fn open(store: Store) -> Self {
        let opened = start().max(Utc::now());
        load(&store, Arc::new(TimeOrderedIds::new(2)), TINY, opened, |_| ())
            .await
            .unwrap();
        let service = Service::on(store.clone());
        let clock = Arc::clone(&service.clock);
        let ahead = Arc::new(AtomicU64::new(0));
        let passed = Arc::clone(&ahead);
        clock.move_to(opened);
        tokio::spawn(async move {
            let began = std::time::Instant::now();
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let passed = Duration::from_secs(passed.load(Ordering::SeqCst));
                clock.move_to(opened + began.elapsed() + passed);
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(
            listener,
            router(service.app.clone()),
            std::future::pending(),
        ));
        Shop {
            store,
            service,
            ahead,
            network: Network::before(address).await,
        }
    }

    /// Time passes for the service, at once.
    pub async fn wait_minutes(&self, minutes: u64) {
        let before = self.service.clock_now();
        self.ahead.fetch_add(minutes * 60, Ordering::SeqCst);
        while self.service.clock_now() - before < chrono::Duration::minutes(1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Where a browser finds the page.
    pub fn page(&self) -> String {
        format!("http://{}/till", self.network.address)
    }

    /// Somebody with a key, who does not come through the network.
    pub fn api(&self) -> Client {
        self.service.anybody().key(LIVE_KEY)
    }

    /// What Anna has at the café: (available, balance).
    pub async fn anna(&self) -> (String, String) {
        let who = json!({"card": "9000000017", "venue_id": "cafe"});
        let guest = self
            .api()
            .post("/api/v1/customers/identify", who)
            .await
            .expect(200);
        let of = |name: &str| guest["balance"][name].as_str().unwrap().to_owned();
        (of("available"), of("balance"))
    }

    /// Waits until Anna has so much available.
    pub async fn anna_has_left(&self, available: &str) {
        for _ in 0..1000 {
            if self.anna().await.0 == available {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{:?} is not {available}", self.anna().await);
    }

    /// What Anna may spend at the till that has set 500.00 aside for her, in kopecks.
    pub async fn anna_may_spend_here(&self) -> i64 {
        let available: Money = self.anna().await.0.parse().unwrap();
        available.kopecks() + 50_000
    }

    /// Takes all that Anna has away.
    pub async fn empty_anna(&self) {
        let all = json!({"amount": self.anna().await.0});
        let who = json!({"card": "9000000017", "venue_id": "cafe"});
        let guest = self
            .api()
            .post("/api/v1/customers/identify", who)
            .await
            .expect(200);
        let path = format!("/api/v1/customers/{}/debits", guest["id"].as_str().unwrap());
        self.api().post(&path, all).await.expect(201);
    }

    /// What the till has sold, the oldest first: (total, redeemed) in kopecks.
    pub fn sold(&self) -> Vec<(i64, i64)> {
        receipts::table
            .filter(receipts::source.eq("till"))
            .order(receipts::id)
            .select((receipts::total, receipts::redeemed))
            .load(&mut self.store.connection().unwrap())
            .unwrap()
    }

    /// Sells something elsewhere.
    pub async fn sell_elsewhere(&self, external_id: &str, total: &str, redeem: &str) -> Value {
        let receipt = json!({
            "source": "another till", "external_id": external_id, "venue_id": "cafe", "total": total, "redeem": redeem,
            "closed_at": self.service.clock_now(), "customer": {"card": "9000000017"},
        });
        self.api().post("/api/v1/receipts", receipt).await.expect(201)
    }

    /// The books must be right, whatever happened at the till.
    pub fn is_right(&self) {
        let report = verify::verify(&self.store).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
}
