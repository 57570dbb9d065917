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
