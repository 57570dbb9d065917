//! The journal of delivery orders: those of guests who have joined and of those who are only known from an order.

use serde_json::{Value, json};

use super::client::Service;
use crate::databases::each_database_async;
use crate::pos::{Till, fixture};

#[test]
fn delivery_orders_are_listed_whoever_told_of_them_and_whether_or_not_they_accrued() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        till.send(
            "POST",
            "webhook",
            fixture("iiko/fixtures/delivery-closed.request.json"),
        )
        .await;
        let anna = till.customer("9000000017", "+79215550199", "0.00").await;
        for (id, kind, customer) in [
            ("site-1", "delivery", json!({"card": "9000000017"})),
            ("hall-1", "place", json!({"card": "9000000017"})),
            ("site-2", "delivery", Value::Null),
        ] {
            let sale = json!({"external_id": id, "venue_id": "r", "closed_at": "2026-11-22T10:00:00+03:00",
                "type": kind, "customer": customer, "total": "1000.00", "advertising_source": "leaflet"});
            till.owner.post("/api/v1/receipts", sale).await.expect(201);
        }
        let listed = async |query: &str| {
            let path = format!("/api/v1/delivery-orders?{query}");
            till.owner.get(&path).await.expect(200)
        };
        let all = listed("").await;
        let orders = all["items"].as_array().unwrap();
        assert_eq!(orders.len(), 3, "the hall is another list: {all}");
        assert_eq!(
            (&orders[0]["external_id"], &orders[0]["customer"]),
            (&json!("site-2"), &Value::Null)
        );
        assert_eq!(
            (&orders[1]["customer"]["id"], &orders[1]["advertising_source"]),
            (&json!(anna), &json!("leaflet"))
        );
        assert_eq!(orders[1]["customer"]["phone"], "+79215550199");
        let potential = listed("customer_status=potential").await;
        assert_eq!(potential["items"].as_array().unwrap().len(), 1);
        assert_eq!(potential["items"][0]["customer"]["status"], "potential");
        let hers = listed(&format!("customer_id={anna}&from=2026-11-22&to=2026-11-22")).await;
        assert_eq!(hers["items"][0]["external_id"], "site-1");
        assert_eq!(
            listed("customer_status=registered&to=2026-11-21").await["items"],
            json!([])
        );

        let first = listed("limit=2").await;
        let next = listed(&format!(
            "limit=2&cursor={}",
            first["next_cursor"].as_str().unwrap()
        ))
        .await;
        assert_eq!(
            (next["items"].as_array().unwrap().len(), &next["next_cursor"]),
            (1, &Value::Null)
        );
    });
}
