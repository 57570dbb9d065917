//! Nothing that reached us is lost: a person sees it, mends the cause, and replays it.

use kopilka::domain::ids::MessageId;
use kopilka::pos::inbox::replay;
use kopilka::storage::books::all_networks;
use kopilka::storage::messages::{self, MessageFilter};
use serde_json::json;

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

#[test]
fn a_refused_message_is_kept_and_posts_when_it_is_replayed() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store.clone()), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "320.00").await;
        till.send(
            "POST",
            "transactionsex.php",
            fixture("rkeeper/fixtures/sale-with-redemption.xml"),
        )
        .await;
        till.send(
            "POST",
            "transactionsex.php",
            fixture("rkeeper/fixtures/broken-message.xml"),
        )
        .await;
        let body = json!({"external_id": "x", "venue_id": "r", "closed_at": "2026-11-22T10:00:00+03:00",
            "customer": {"card": "9000000017"}, "total": "100.00", "redeem": "1000.00"});
        till.owner.post("/api/v1/receipts", body).await.expect(422);

        let mut connection = store.connection().unwrap();
        let tenant = all_networks(&mut connection).unwrap().remove(0);
        let mut waiting = |outcome: &str| -> Vec<MessageId> {
            let filter = MessageFilter {
                outcome: Some(outcome.to_owned()),
                ..MessageFilter::default()
            };
            messages::list(&mut connection, tenant, &filter, 10)
                .unwrap()
                .into_iter()
                .map(|m| m.id)
                .collect()
        };
        let refused = waiting("refused");
        assert_eq!((refused.len(), waiting("unreadable").len()), (2, 1));

        let app = &till.service.app;
        assert!(
            !replay(app, tenant, refused[1]).await.unwrap().done,
            "the cause is still there"
        );
        let credit = json!({"amount": "1500.00"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/credits"), credit)
            .await
            .expect(201);
        assert!(replay(app, tenant, refused[1]).await.unwrap().done);
        assert_eq!(till.balance(&guest).await, "1375.75");
        // 1000.00 of 100.00 stays impossible, whoever asks.
        let still = replay(app, tenant, refused[0]).await.unwrap();
        assert!(!still.done && still.answer.contains("redeem-limit"), "{still:?}");
        till.assert_books();
    });
}

#[test]
fn what_a_till_sends_by_rest_is_kept_even_where_it_cannot_be_read() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store.clone()), "rkeeper", json!({})).await;
        let at = "2026-11-22T10:00:00+03:00";
        let unknown_venue =
            json!({"external_id": "1", "venue_id": "nowhere", "closed_at": at, "total": "1.00"});
        till.owner
            .post("/api/v1/receipts", unknown_venue)
            .await
            .expect(404);
        let too_precise = json!({"external_id": "2", "venue_id": "r", "closed_at": at, "total": "1.005"});
        till.owner.post("/api/v1/receipts", too_precise).await.expect(422);
        till.owner
            .post("/api/v1/returns", json!({"external_id": "3", "sale": {}}))
            .await
            .expect(422);

        let mut connection = store.connection().unwrap();
        let tenant = all_networks(&mut connection).unwrap().remove(0);
        let kept = messages::list(&mut connection, tenant, &MessageFilter::default(), 10).unwrap();
        let kept: Vec<_> = kept
            .iter()
            .rev()
            .map(|m| (m.outcome.as_str(), m.raw.path.as_str()))
            .collect();
        assert_eq!(
            kept,
            [
                ("refused", "/api/v1/receipts"),
                ("refused", "/api/v1/receipts"),
                ("refused", "/api/v1/returns")
            ]
        );
    });
}
