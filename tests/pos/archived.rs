//! A venue that was put out of use: its tills are told so, and what they sold before still comes in.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

fn sale(number: &str, closed_at: &str) -> Value {
    json!({"venue_id": "r", "source": "till", "external_id": number, "closed_at": closed_at,
        "customer": {"card": "9000000017"}, "lines": [{"line_id": "1", "name": "Обед", "amount": "100.00"}]})
}

#[test]
fn an_archived_venue_takes_only_what_was_closed_before() {
    each_database_async(|store| async move {
        // It is noon in Moscow.
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let owner = &till.owner;
        let post = async |body: Value| owner.post("/api/v1/receipts", body).await;
        let before = sale("1", "2026-11-22T11:00:00+03:00");
        let sold = post(before.clone()).await.expect(201);
        let archived = owner
            .patch("/api/v1/venues/r", json!({"archived": true}))
            .await
            .expect(200);
        assert_eq!(
            (&archived["archived"], &archived["archived_at"]),
            (&json!(true), &json!("2026-11-22T09:00:00Z"))
        );

        // What was known is answered as ever, what is late is taken.
        assert_eq!(post(before).await.expect(200)["id"], sold["id"]);
        post(sale("2", "2026-11-22T11:59:59+03:00")).await.expect(201);
        let late = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        let answer = till.send("POST", "transactionsex.php", late.clone()).await;
        assert!(answer.text.contains(r#"Result="0""#), "{answer:?}");
        // What was sold may come back.
        let back = json!({"external_id": "R1"});
        let path = format!("/api/v1/receipts/{}/returns", sold["id"].as_str().unwrap());
        owner.post(&path, back).await.expect(201);

        // What is new is refused, and the cashier learns why.
        let balance = till.balance(&guest).await;
        let after = sale("3", "2026-11-22T12:00:00+03:00");
        let refused = post(after.clone()).await.refused(422, "venue-archived");
        assert_eq!(refused["errors"][0]["pointer"], "/venue_id");
        owner
            .post(
                "/api/v1/receipts/quote",
                json!({"venue_id": "r", "total": "5.00"}),
            )
            .await
            .refused(422, "venue-archived");
        let hold = json!({"venue_id": "r", "customer": {"card": "9000000017"}, "amount": "5.00"});
        owner
            .post("/api/v1/holds", hold)
            .await
            .refused(422, "venue-archived");
        let new = late
            .replace("2026-03-14", "2026-11-23")
            .replace("E2D4C9A8", "E2D4C9A9");
        let answer = till.send("POST", "transactionsex.php", new.clone()).await;
        assert!(answer.text.contains("Это заведение в архиве"), "{answer:?}");
        assert_eq!(till.balance(&guest).await, balance);

        // Back in use it takes what it had refused.
        owner
            .patch("/api/v1/venues/r", json!({"archived": false}))
            .await
            .expect(200);
        post(after).await.expect(201);
        let answer = till.send("POST", "transactionsex.php", new).await;
        assert!(!answer.text.contains("архиве"), "{answer:?}");
        till.assert_books();
    });
}

#[test]
fn a_newer_version_of_an_order_that_stands_is_taken_after_the_venue_was_archived() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let order: Value =
            serde_json::from_str(&fixture("iiko/fixtures/delivery-closed.request.json")).unwrap();
        till.send("POST", "", order.to_string()).await;
        let posted = till.transactions().await.len();
        assert_eq!(posted, 1);
        // The order was closed in March; the clock of this venue stood before that when it was archived.
        till.owner
            .patch("/api/v1/venues/r", json!({"archived": true}))
            .await
            .expect(200);
        let sql = "UPDATE venues SET archived_at = '2026-01-01 00:00:00'; UPDATE networks SET version = version + 1";
        diesel::connection::SimpleConnection::batch_execute(
            &mut *till.service.app.store.connection().unwrap(),
            sql,
        )
        .unwrap();
        let mut cancelled = order.clone();
        cancelled[0]["eventInfo"]["timestamp"] =
            json!(order[0]["eventInfo"]["timestamp"].as_i64().unwrap() + 1000);
        cancelled[0]["eventInfo"]["order"]["status"] = json!("Cancelled");
        till.send("POST", "", cancelled.to_string()).await;
        assert!(till.transactions().await.len() > posted);
        till.assert_books();
    });
}
