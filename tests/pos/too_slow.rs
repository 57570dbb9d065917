//! What a till was told that waited too long agrees with what is done, and the inbox says how it ended.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use kopilka::storage::{AnyConnection, Store};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::iiko_plugin::{Plugin, example};
use super::iikocard::Site;
use super::{Till, fixture};
use crate::api::client::{Answer, Service};
use crate::databases::each_database_async;

/// So long the tills of these tests wait while the ledger stands still.
const PATIENCE: Duration = Duration::from_millis(500);
const CARD: &str = "2900000001734";

/// A ledger that can't write a message down until it is let go.
struct Standstill {
    lock: AnyConnection,
    others: Vec<JoinHandle<Answer>>,
}

impl Standstill {
    /// A command that comes now is decided, and waits in its commit.
    fn of(store: &Store) -> Self {
        let mut lock = store.own_connection().unwrap();
        let lock_up = if store.is_sqlite() {
            "BEGIN IMMEDIATE"
        } else {
            "BEGIN; LOCK TABLE messages IN EXCLUSIVE MODE"
        };
        lock.batch_execute(lock_up).unwrap();
        Standstill {
            lock,
            others: Vec::new(),
        }
    }

    /// A command that comes now waits behind others, of which every writer has one in its commit.
    async fn behind_others(till: &Till) -> Self {
        let mut still = Standstill::of(&till.service.app.store);
        for number in 0..8 {
            let owner = till.owner.clone();
            let receipt = json!({"external_id": format!("other-{number}"), "venue_id": "r",
                "closed_at": "2026-11-22T10:00:00+03:00", "total": "100.00"});
            still.others.push(tokio::spawn(async move {
                owner.post("/api/v1/receipts", receipt).await
            }));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        still
    }

    async fn end(mut self) {
        self.lock.batch_execute("ROLLBACK").unwrap();
        for other in self.others {
            assert!(other.await.unwrap().status.is_success());
        }
    }
}

impl Till {
    /// The same till, which does not wait long.
    fn impatient(&self) -> Till {
        Till {
            service: self.service.impatient(PATIENCE),
            owner: self.owner.clone(),
            kind: self.kind,
            token: self.token.clone(),
        }
    }

    /// The newest message of the till, once it is kept and as it should be.
    async fn newest(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let newest = || async {
            let kept = self
                .owner
                .get(&format!("/api/v1/messages?kind={}", self.kind))
                .await
                .expect(200);
            kept["items"][0].clone()
        };
        self.service.until(|| async { is_it(&newest().await) }).await;
        newest().await
    }

    /// The newest message was not done, and waits for nobody.
    async fn assert_not_done(&self) -> Value {
        let message = self.newest(|message| message["code"] == "too-slow").await;
        assert_eq!(
            (&message["outcome"], &message["needs_nobody"], &message["subject"]),
            (&json!("refused"), &json!("answered"), &Value::Null),
            "{message}"
        );
        assert!(
            message["detail"].as_str().unwrap().starts_with("Не сделано"),
            "{message}"
        );
        let waiting = self
            .owner
            .post("/api/v1/messages/replay", json!({}))
            .await
            .expect(200);
        assert_eq!(waiting["items"], json!([]));
        message
    }

    /// The newest message was done, after its sender had been answered.
    async fn assert_done_late(&self) {
        let is_done = |message: &Value| message["outcome"] == "posted" && message["code"] == "too-slow";
        let message = self.newest(is_done).await;
        assert_eq!(message["needs_nobody"], Value::Null);
        assert!(
            message["detail"].as_str().unwrap().contains("Ответ опоздал"),
            "{message}"
        );
        assert!(message["subject"].is_string(), "{message}");
    }
}

fn sale() -> String {
    fixture("rkeeper/fixtures/sale-with-redemption.xml")
}

fn returned() -> String {
    sale()
        .replace(
            r#"generateddatetime="2026-03-14T19:58:40" chmode="1""#,
            r#"generateddatetime="2026-03-14T20:31:05" chmode="3""#,
        )
        .replace(r#"Kind="0" Summa="-50000""#, r#"Kind="0" Summa="50000""#)
        .replace(r#"Kind="1" Summa="-8500""#, r#"Kind="1" Summa="8500""#)
        .replace(r#"Kind="3" Summa="111500""#, r#"Kind="3" Summa="-111500""#)
}

async fn pay(till: &Till, message: String, result: &str) -> String {
    let told = till.send("POST", "transactionsex.php", message).await;
    assert!(
        told.text.contains(&format!(r#"Result="{result}""#)),
        "{}",
        told.text
    );
    told.text
}

#[test]
fn a_redemption_whose_till_was_told_no_is_not_done_behind_its_back_and_its_repeat_is_done_once() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let still = Standstill::behind_others(&till).await;
        let told = pay(&till.impatient(), sale(), "1").await;
        assert!(told.contains("не ответил вовремя"), "{told}");
        still.end().await;
        till.assert_not_done().await;
        assert_eq!(till.balance(&guest).await, "600.00");
        for _ in 0..2 {
            pay(&till, sale(), "0").await;
            assert_eq!(till.balance(&guest).await, "155.75");
        }
        till.assert_books();
    });
}

#[test]
fn a_sale_with_a_guest_that_was_not_done_is_done_again_by_its_id() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let still = Standstill::behind_others(&till).await;
        pay(&till.impatient(), fixture("rkeeper/fixtures/sale.xml"), "1").await;
        still.end().await;
        let message = till.assert_not_done().await;
        assert_eq!(till.balance(&guest).await, "600.00");
        let replay = format!("/api/v1/messages/{}/replay", message["id"].as_str().unwrap());
        for _ in 0..2 {
            let done = till.owner.post(&replay, json!({})).await.expect(200);
            assert_eq!(done["done"], true, "{done}");
        }
        assert_ne!(till.balance(&guest).await, "600.00");
        let kept = till.messages("replayed").await;
        assert_eq!(kept["items"][0]["id"], message["id"]);
        till.assert_books();
    });
}

#[test]
fn what_happened_anyway_is_done_late_and_says_so() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        pay(&till, sale(), "0").await;
        let still = Standstill::behind_others(&till).await;
        pay(&till.impatient(), returned(), "1").await;
        still.end().await;
        till.assert_done_late().await;
        assert_eq!(till.balance(&guest).await, "600.00");
        till.assert_books();
    });
}

#[test]
fn a_receipt_that_its_till_closes_whatever_happens_is_not_lost() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let still = Standstill::behind_others(&till).await;
        let receipt = fixture("rkeeper/fixtures/receipt-without-card.xml");
        pay(&till.impatient(), receipt, "0").await;
        still.end().await;
        till.assert_done_late().await;
    });
}

#[test]
fn a_receipt_that_its_till_closes_whatever_happens_is_tried_again_where_we_were_busy() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::with_short_queue(store.clone()), "rkeeper", json!({})).await;
        let still = Standstill::of(&store);
        let receipt = |number: usize| {
            let other = format!("E2D4C9A{number}");
            fixture("rkeeper/fixtures/receipt-without-card.xml").replace("E2D4C9A8", &other)
        };
        // One is in its commit, one waits, the others find no room.
        for number in 0..4 {
            pay(&till.impatient(), receipt(number), "0").await;
        }
        still.end().await;
        let posted = || async { till.messages("posted").await["items"].as_array().unwrap().len() };
        till.service.until(|| async { posted().await == 4 }).await;
        till.assert_books();
    });
}

#[test]
fn a_redemption_that_was_committed_while_its_till_was_told_no_says_so_in_the_inbox() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store.clone()), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        // Known at the door: only the ledger stands still.
        pay(&till, fixture("rkeeper/fixtures/guest-bill.xml"), "0").await;
        let still = Standstill::of(&store);
        pay(&till.impatient(), sale(), "1").await;
        still.end().await;
        till.assert_done_late().await;
        assert_eq!(till.balance(&guest).await, "155.75");
        pay(&till, sale(), "0").await;
        assert_eq!(till.balance(&guest).await, "155.75");
        till.assert_books();
    });
}

#[test]
fn a_write_off_of_1c_is_done_late_since_its_fiscal_receipt_is_printed() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let find = format!("hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&BlockBonuses=1");
        let still = Standstill::behind_others(&till).await;
        till.impatient().send("GET", &find, "").await;
        still.end().await;
        till.assert_not_done().await;

        let write_off =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=100");
        let still = Standstill::behind_others(&till).await;
        let told = till.impatient().send("POST", &write_off, "").await;
        assert!(told.text.contains("не ответил вовремя"), "{told:?}");
        still.end().await;
        till.assert_done_late().await;
        assert_eq!(till.balance(&guest).await, "400.00");
        till.assert_books();
    });
}

#[test]
fn a_plugin_reserves_nothing_late_and_closes_late_what_is_closed() {
    each_database_async(|store| async move {
        let plugin = Plugin::set(&Service::on(store), json!({})).await;
        let till = &plugin.till;
        let reserve = example("reserve", "payment", &plugin.guest).to_string();
        let still = Standstill::behind_others(till).await;
        till.impatient()
            .send("POST", "v1/reserve", reserve.clone())
            .await
            .expect(503);
        still.end().await;
        till.assert_not_done().await;
        let reserved = till.send("POST", "v1/reserve", reserve).await.expect(200);
        assert_eq!(reserved["duplicate"], false, "{reserved}");

        let close = example("close", "points", &plugin.guest).to_string();
        let still = Standstill::behind_others(till).await;
        till.impatient()
            .send("POST", "v1/close", close.clone())
            .await
            .expect(503);
        still.end().await;
        till.assert_done_late().await;
        let told = till.send("POST", "v1/close", close).await.expect(200);
        assert_eq!(told["duplicate"], true, "{told}");
        till.assert_books();
    });
}

#[test]
fn a_site_that_was_told_no_gives_no_bonuses_twice() {
    each_database_async(|store| async move {
        let mut site = Site::logged_in(&Service::on(store)).await;
        let guest = json!({"phone": "79005550101", "name": "Анна"});
        let guest = site.loyalty("customer/create_or_update", guest).await.expect(200);
        let guest = &guest["id"];
        let program = site.loyalty("program", json!({})).await.expect(200);
        let top_up = json!({"customerId": guest, "walletId": program["Programs"][0]["walletId"], "sum": 500});
        let patient = site.till.service.clone();
        let still = Standstill::behind_others(&site.till).await;
        site.till.service = patient.impatient(PATIENCE);
        site.loyalty("customer/wallet/topup", top_up.clone())
            .await
            .expect(500);
        site.till.service = patient;
        still.end().await;
        site.till.assert_not_done().await;
        site.loyalty("customer/wallet/topup", top_up).await.expect(200);
        assert_eq!(site.balance(guest).await, 500.0);
        site.till.assert_books();
    });
}
