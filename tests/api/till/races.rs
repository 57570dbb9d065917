//! Tills that want the same at the same moment.

use serde_json::json;
use tokio::join;

use super::{Cafe, sale, text};
use crate::databases::each_database_async;

#[test]
fn two_tills_one_guest_one_balance() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let other = cafe.device("katya", "Касса 2").await;
        for round in 0..5 {
            let credit = json!({"amount": "100.00"});
            cafe.owner
                .post("/api/v1/customers/crm-1/credits", credit)
                .await
                .expect(201);
            let left = cafe.available().await;
            // Bonuses pay all of it, so that nothing accrues that the loser could spend.
            let spend = |till: &str| {
                let mut body = sale(&format!("{till}-{round}"), &left);
                body["lines"] = json!([{"name": "Обед", "amount": left}]);
                body["total"] = json!(left);
                body
            };
            let (one, two) = join!(
                cafe.till.post("/api/v1/receipts", spend("a")),
                other.post("/api/v1/receipts", spend("b")),
            );
            let (won, lost) = if one.status == 201 {
                (&one, &two)
            } else {
                (&two, &one)
            };
            assert_eq!(won.expect(201)["redeemed"], left.as_str());
            lost.refused(422, "insufficient-balance");
        }
        cafe.books_are_right();
    });
}

#[test]
fn an_allowance_against_a_sale() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let other = cafe.device("katya", "Касса 2").await;
        let mut won = [0, 0];
        for round in 0..6 {
            let left = cafe.available().await;
            let mut body = sale(&format!("r-{round}"), &left);
            body["lines"] = json!([{"name": "Обед", "amount": "2000.00"}]);
            body["total"] = json!("2000.00");
            let asked = json!({"customer_id": cafe.guest});
            let (permit, sold) = join!(
                cafe.till.post("/api/v1/till/permits", asked),
                other.post("/api/v1/receipts", body),
            );
            // Either comes first. First the sale: what it accrues is all there is to allow. First the allowance: the sale
            // has too little.
            if sold.status == 201 {
                won[0] += 1;
                let accrued = text(&sold.json(), "accrued");
                assert_eq!(permit.expect(201)["amount"], accrued.as_str());
            } else {
                won[1] += 1;
                sold.refused(422, "insufficient-balance");
                permit.expect(201);
            }
            let path = format!("/api/v1/holds/{}/void", text(&permit.json(), "hold_id"));
            cafe.till.post(&path, json!({})).await.expect(200);
            cafe.books_are_right();
        }
        assert_eq!(won[0] + won[1], 6);
    });
}

#[test]
fn one_sale_sent_by_two_tabs_is_posted_once() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        for round in 0..5 {
            let body = sale(&format!("t-{round}"), "10.00");
            let (one, two, three) = join!(
                cafe.till.post("/api/v1/receipts", body.clone()),
                cafe.till.post("/api/v1/receipts", body.clone()),
                cafe.till.post("/api/v1/receipts", body.clone()),
            );
            let mut status = [one.status.as_u16(), two.status.as_u16(), three.status.as_u16()];
            status.sort_unstable();
            assert_eq!(status, [200, 200, 201]);
            assert_eq!(one.json()["id"], two.json()["id"]);
            assert_eq!(one.json()["id"], three.json()["id"]);
        }
        cafe.books_are_right();
    });
}
