//! What tills hear, and what is kept, where we fail, or their clocks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Duration;
use kopilka::domain::ids::IdSource;
use kopilka::id_source::TimeOrderedIds;
use kopilka::pos::inbox::replay;
use kopilka::storage::books::all_networks;
use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// Ids, of which one is none: whoever asks for that breaks down.
struct Breaking {
    ids: TimeOrderedIds,
    breaks: AtomicBool,
}

impl IdSource for Breaking {
    fn next_id(&self) -> i64 {
        assert!(
            !self.breaks.swap(false, Ordering::SeqCst),
            "no id: a test breaks the ledger down"
        );
        self.ids.next_id()
    }
}

#[test]
fn what_breaks_the_ledger_down_is_kept_for_a_person_and_stops_nobody() {
    each_database_async(|store| async move {
        let ids = Arc::new(Breaking {
            ids: TimeOrderedIds::new(1),
            breaks: AtomicBool::new(false),
        });
        let service = Service::with_ids(store.clone(), ids.clone());
        let till = Till::new(&service, "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "1000.00").await;
        ids.breaks.store(true, Ordering::SeqCst);
        let sale = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        let told = till.send("POST", "transactionsex.php", sale).await;
        assert!(told.text.contains(r#"Result="1""#), "{}", told.text);
        // Nobody's bonuses, so nobody has to wait: the till closes it.
        ids.breaks.store(true, Ordering::SeqCst);
        let without_card =
            fixture("rkeeper/fixtures/receipt-without-card.xml").replace("E2D4C9A8", "E2D4C9A9");
        let told = till.send("POST", "transactionsex.php", without_card).await;
        assert!(told.text.contains(r#"Result="0""#), "{}", told.text);

        let waiting = till.messages("waiting").await;
        let waiting = waiting["items"].as_array().unwrap();
        assert_eq!(waiting.len(), 2, "{waiting:?}");
        let tenant = all_networks(&mut store.connection().unwrap()).unwrap().remove(0);
        for message in waiting {
            assert_eq!(message["code"], "internal", "{message}");
            let id = message["id"].as_str().unwrap().parse().unwrap();
            let done = replay(&till.service.app, tenant, id).await.unwrap();
            assert!(done.done, "{done:?}");
        }
        assert_eq!(till.balance(&guest).await, "555.75");
        till.assert_books();
    });
}

#[test]
fn a_time_that_none_can_be_is_refused_and_the_ledger_goes_on() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let sale =
            |at: &str| json!({"external_id": "x", "venue_id": "r", "closed_at": at, "total": "100.00"});
        for at in [
            "+262142-12-31T23:30:00Z",
            "+010000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
        ] {
            let refused = till.owner.post("/api/v1/receipts", sale(at)).await;
            assert_eq!(
                refused.refused(422, "invalid-request")["errors"][0]["pointer"],
                "/closed_at"
            );
        }
        let at = "2026-11-22T10:00:00+03:00";
        till.owner.post("/api/v1/receipts", sale(at)).await.expect(201);
        let back = json!({"external_id": "b", "venue_id": "r", "returned_at": "+262142-12-31T23:30:00Z",
            "sale": {"external_id": "x", "venue_id": "r"}});
        till.owner
            .post("/api/v1/returns", back)
            .await
            .refused(422, "invalid-request");
        till.assert_books();
    });
}

#[test]
fn bonuses_that_were_refused_are_not_given_again_for_each_time_that_they_were_asked_for() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let gift = || {
            till.owner
                .post("/api/v1/customers/crm-1/credits", json!({"amount": "500.00"}))
        };
        for _ in 0..3 {
            gift().await.refused(404, "customer-not-found");
        }
        let customer = json!({"external_id": "crm-1", "phone": "+79215550101"});
        till.owner.post("/api/v1/customers", customer).await.expect(201);
        gift().await.expect(201);
        // Whoever asked was told no, and has asked again.
        assert_eq!(till.messages("waiting").await["items"], json!([]));
        assert_eq!(
            till.messages("refused").await["items"].as_array().unwrap().len(),
            3
        );
    });
}

#[test]
fn a_guests_code_in_a_late_close_is_read_as_of_the_sale_and_what_is_refused_is_kept() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "0.00").await;
        let path = format!("/api/v1/customers/{guest}/qr");
        let code = till.owner.post(&path, json!({})).await.expect(200);
        let close = |order: &str, closed_at: &str| {
            let mut close: Value = serde_json::from_str(&fixture(
                "iiko/fixtures/plugin/close.card-read-without-network.request.json",
            ))
            .unwrap();
            close["orderId"] = json!(order);
            close["closedAt"] = json!(closed_at);
            close["memberCard"] = code["qr"].clone();
            close.to_string()
        };
        till.service
            .clock
            .move_to(till.service.clock_now() + Duration::hours(1));
        for _ in 0..2 {
            let in_time = close(
                "11111111-0000-4000-8000-000000000001",
                "2026-11-22T12:03:00+03:00",
            );
            let told = till.send("POST", "v1/close", in_time).await;
            assert_eq!(told.status, 200, "{told:?}");
        }
        assert_ne!(till.balance(&guest).await, "0.00");
        let too_late = close(
            "11111111-0000-4000-8000-000000000002",
            "2026-11-22T12:30:00+03:00",
        );
        let told = till.send("POST", "v1/close", too_late).await;
        assert_eq!(told.status, 422, "{told:?}");
        let waiting = till.messages("waiting").await;
        assert_eq!(waiting["items"].as_array().unwrap().len(), 1, "{waiting}");
        till.assert_books();
    });
}

#[test]
fn what_its_sender_may_not_do_is_not_done_again_with_a_persons_rights() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let mine = json!({"name": "Кафе", "external_id": "mine", "time_zone": "Europe/Moscow", "base_percent": "5",
            "types": ["place"], "default_type": "place"});
        till.owner.post("/api/v1/venues", mine).await.expect(201);
        let (_, secret) = till
            .owner
            .new_key(json!({"name": "mine", "scopes": ["till"], "venue_id": "mine"}))
            .await;
        let limited = till.service.anybody().key(&secret);
        let sale = json!({"external_id": "1", "venue_id": "r", "closed_at": "2026-11-22T10:00:00+03:00", "total": "100.00"});
        limited
            .post("/api/v1/receipts", sale)
            .await
            .refused(404, "unknown-venue");
        assert_eq!(till.messages("refused").await["items"][0]["code"], "forbidden");
        let again = till
            .owner
            .post("/api/v1/messages/replay", json!({}))
            .await
            .expect(200);
        assert_eq!(again["items"], json!([]));
    });
}
