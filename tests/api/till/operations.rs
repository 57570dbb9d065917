//! What the till did today, and the totals of the shift.

use serde_json::{Value, json};

use super::{Cafe, sale, text};
use crate::databases::each_database_async;

#[test]
fn a_day_at_the_till() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let post = async |body: Value| cafe.till.post("/api/v1/receipts", body).await.expect(201);
        let mut numbered = sale("u-1", "100.00");
        numbered["number"] = json!("0007");
        let first = post(numbered).await;
        let mut nobody = sale("u-2", "0.00");
        nobody["customer"] = Value::Null;
        nobody["closed_at"] = json!("2026-11-22T11:55:00+03:00");
        let second = post(nobody).await;
        // Yesterday's, and another till's of the venue.
        let mut yesterday = sale("u-3", "0.00");
        yesterday["closed_at"] = json!("2026-11-21T23:59:00+03:00");
        post(yesterday).await;
        let mut foreign = sale("r-1", "0.00");
        foreign["source"] = json!("rkeeper");
        foreign["venue_id"] = json!("a");
        foreign["waiter"] = json!("Официант");
        cafe.owner.post("/api/v1/receipts", foreign).await.expect(201);
        let path = format!("/api/v1/receipts/{}/returns", text(&first, "id"));
        let back = json!({"external_id": "b-1", "lines": [{"line_id": "1", "quantity": "1"}]});
        let back = cafe.till.post(&path, back).await.expect(201);

        let list = async |query: &str| {
            cafe.till
                .get(&format!("/api/v1/till/operations?{query}"))
                .await
                .expect(200)
        };
        let mine = list("").await;
        assert_eq!(
            mine["items"][0],
            json!({"kind": "return", "id": back["id"], "receipt_id": first["id"], "at": "2026-11-22T09:00:00Z",
                "number": "0007", "external_id": "b-1", "total": "150.00", "redeemed": back["redemption_undone"],
                "to_pay": back["refund"], "accrued": back["accrual_undone"], "returned": "150.00", "status": "partly_returned",
                "guest": {"id": cafe.guest, "name": "Гость Первый", "phone": "+7 ··· 01-01"},
                "cashier": "Катя", "till": "Касса 1", "lines": 2})
        );
        let ids = |page: &Value| -> Vec<String> {
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| text(o, "id"))
                .collect()
        };
        let (b, s2, s1) = (text(&back, "id"), text(&second, "id"), text(&first, "id"));
        assert_eq!(ids(&mine), [b.clone(), s2.clone(), s1.clone()]);
        let sold = &mine["items"][2];
        assert_eq!(
            (
                &sold["redeemed"],
                &sold["to_pay"],
                &sold["returned"],
                &sold["cashier"],
                &sold["accrued"]
            ),
            (
                &json!("100.00"),
                &json!("300.00"),
                &json!("150.00"),
                &json!("Катя"),
                &first["accrued"]
            )
        );
        assert_eq!(list("device=all").await["items"].as_array().unwrap().len(), 4);
        assert_eq!(list("day=2026-11-21").await["items"].as_array().unwrap().len(), 1);
        assert_eq!(ids(&list("q=0007").await), [b.clone(), s1.clone()]);
        assert_eq!(
            ids(&list("q=%D0%BF%D0%B5%D1%80%D0%B2").await),
            [b.clone(), s1.clone()],
            "перв"
        );
        assert_eq!(ids(&list("q=50101").await), [b.clone(), s1.clone()]);
        assert_eq!(ids(&list("q=400,00").await), [b.clone(), s2.clone(), s1.clone()]);
        assert_eq!(ids(&list("q=zzz").await), Vec::<String>::new());
        // Page by page it is the same list.
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("limit=1{cursor}")).await;
            paged.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, [b, s2, s1]);
        cafe.till
            .get("/api/v1/till/operations?cursor=x")
            .await
            .refused(400, "invalid-cursor");
        cafe.till
            .get("/api/v1/till/operations?day=x")
            .await
            .refused(422, "invalid-request");
        cafe.till
            .get("/api/v1/till/operations?limit=0")
            .await
            .refused(422, "invalid-request");

        let shift = cafe.till.get("/api/v1/till/shift").await.expect(200);
        assert_eq!(
            (&shift["day"], &shift["since"]),
            (&json!("2026-11-22"), &json!("2026-11-21T21:00:00Z"))
        );
        let own = &shift["device"];
        for (field, is) in [
            ("receipts", json!(2)),
            ("total", json!("800.00")),
            ("redeemed", json!("100.00")),
            ("paid", json!("700.00")),
            ("accrued", first["accrued"].clone()),
            ("returns", json!(1)),
            ("returned", json!("150.00")),
            ("refunded", back["refund"].clone()),
            ("guests", json!(1)),
            ("new_guests", json!(1)),
            (
                "by_cashier",
                json!([{"name": "Катя", "receipts": 2, "total": "800.00"}]),
            ),
        ] {
            assert_eq!(own[field], is, "{field}: {own}");
        }
        let venue = &shift["venue"];
        assert_eq!(
            (&venue["receipts"], &venue["total"]),
            (&json!(3), &json!("1200.00"))
        );
        assert_eq!(venue["by_cashier"].as_array().unwrap().len(), 2);
        let past = cafe
            .till
            .get("/api/v1/till/shift?day=2026-11-21")
            .await
            .expect(200);
        assert_eq!(past["device"]["receipts"], 1);
        cafe.books_are_right();
    });
}

#[test]
fn what_a_till_posts_is_the_tills_own() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let mut body = sale("u-1", "0.00");
        body["source"] = json!("rkeeper");
        body["till"] = json!("Чужая");
        let posted = cafe.till.post("/api/v1/receipts", body.clone()).await.expect(201);
        let found = cafe
            .till
            .get("/api/v1/receipts?source=till&external_id=u-1")
            .await
            .expect(200);
        assert_eq!(found["id"], posted["id"]);
        cafe.till
            .get("/api/v1/receipts?source=rkeeper&external_id=u-1")
            .await
            .refused(404, "not-found");
        let again = cafe.till.post("/api/v1/receipts", body).await.expect(200);
        assert_eq!(again["id"], posted["id"]);
        let listed = cafe.till.get("/api/v1/till/operations").await.expect(200);
        assert_eq!(listed["items"][0]["till"], "Касса 1");
        let log = cafe
            .owner
            .get(&format!("/api/v1/customers/{}/transactions?limit=1", cafe.guest))
            .await
            .expect(200);
        let katya = text(&cafe.start["cashier"], "id");
        assert_eq!(log["items"][0]["actor"], format!("user:{katya}"), "{log}");
        // Cancelled, it is told so, and a second time the same.
        let path = format!("/api/v1/receipts/{}/cancel", text(&posted, "id"));
        cafe.till.post(&path, json!({})).await.expect(201);
        cafe.till.post(&path, json!({})).await.expect(200);
        let listed = cafe.till.get("/api/v1/till/operations").await.expect(200);
        let status: Vec<&Value> = listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| &o["status"])
            .collect();
        assert_eq!(status, ["cancelled", "cancelled"]);
    });
}
