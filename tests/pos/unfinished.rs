//! What waits for a person: write-offs whose receipt does not come, returns whose sale does not come or which do not fit it.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";
const WAITING: &str = "/api/v1/write-offs?older_than_minutes=0";

/// A till of 1C that has written 149.50 off, of the guest's 1,250.50, and told of no receipt.
struct WrittenOff {
    till: Till,
    guest: String,
    /// The address to settle it at.
    settle: String,
}

impl WrittenOff {
    async fn new(service: &Service) -> Self {
        let till = Till::new(service, "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "1250.50").await;
        let spend =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=149,5");
        assert_eq!(till.send("POST", &spend, "").await.text, "Бонусы успешно списаны");
        assert_eq!(till.balance(&guest).await, "1101.00");
        till.service
            .clock
            .move_to(till.service.clock_now() + Duration::minutes(5));
        let list = till.owner.get(WAITING).await.expect(200);
        let id = list["items"][0]["transaction_id"].as_str().unwrap();
        let settle = format!("/api/v1/write-offs/{id}/settle");
        WrittenOff { till, guest, settle }
    }

    async fn assert_none_waits(&self) {
        let list = self.till.owner.get(WAITING).await.expect(200);
        assert_eq!(list["items"], json!([]));
    }

    /// The receipt comes after all: 1485.50, of which 149.50 were written off.
    async fn receipt(&self) {
        let sale = fixture("onec/fixtures/receipt_json/sale_with_redemption.request.json");
        let told: Value = self.till.send("POST", "v1/receipts", sale).await.json();
        assert_eq!(told["status"], "accepted", "{told}");
    }
}

#[test]
fn bonuses_of_a_write_off_come_back_once_and_pay_for_no_receipt_any_more() {
    each_database_async(|store| async move {
        let case = WrittenOff::new(&Service::on(store)).await;
        let (owner, settle) = (&case.till.owner, &case.settle);
        let back = json!({"settlement": "given_back", "note": "Чек не пробивали"});
        for _ in 0..2 {
            let settled = owner.post(settle, back.clone()).await.expect(200);
            assert_eq!(
                (&settled["settlement"], &settled["note"], &settled["amount"]),
                (&json!("given_back"), &json!("Чек не пробивали"), &json!("149.50"))
            );
            assert_eq!(case.till.balance(&case.guest).await, "1250.50");
        }
        case.assert_none_waits().await;
        let kept = json!({"settlement": "kept", "note": "Всё же был"});
        owner.post(settle, kept).await.refused(409, "write-off-settled");
        case.till.assert_books();
        // The money part of a late receipt accrues; that bonuses paid is said, and nothing is taken once more.
        case.receipt().await;
        assert_eq!(case.till.balance(&case.guest).await, "1324.77");
        case.till.assert_books();
    });
}

#[test]
fn a_write_off_that_a_person_kept_is_still_its_receipts() {
    each_database_async(|store| async move {
        let case = WrittenOff::new(&Service::on(store)).await;
        let (owner, settle) = (&case.till.owner, &case.settle);
        let note = |text: &str| json!({"settlement": "kept", "note": text});
        owner
            .post(settle, note(" "))
            .await
            .refused(422, "invalid-request");
        let settled = owner.post(settle, note("Чек потерян")).await.expect(200);
        assert_eq!(settled["settlement"], "kept");
        assert_eq!(case.till.balance(&case.guest).await, "1101.00");
        case.assert_none_waits().await;
        case.till.assert_books();
        // 5 % of 1485.50 accrue, and nothing is redeemed again.
        case.receipt().await;
        assert_eq!(case.till.balance(&case.guest).await, "1175.27");
        let back = json!({"settlement": "given_back", "note": "Передумали"});
        owner.post(settle, back).await.refused(409, "write-off-settled");
        case.till.assert_books();
    });
}

#[test]
fn what_a_debt_paid_comes_back_to_the_debt() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"debt_limit": "100.00"})).await;
        let guest = till.customer(CARD, "+79005550101", "100.00").await;
        let spend = format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=160");
        assert_eq!(till.send("POST", &spend, "").await.text, "Бонусы успешно списаны");
        assert_eq!(till.balance(&guest).await, "-60.00");
        till.service
            .clock
            .move_to(till.service.clock_now() + Duration::minutes(5));
        let list = till.owner.get(WAITING).await.expect(200);
        let id = list["items"][0]["transaction_id"].as_str().unwrap();
        let back = json!({"settlement": "given_back", "note": "Отказ от заказа"});
        let settle = format!("/api/v1/write-offs/{id}/settle");
        till.owner.post(&settle, back).await.expect(200);
        assert_eq!(till.balance(&guest).await, "100.00");
        till.assert_books();
    });
}

#[test]
fn returns_that_could_not_be_applied_are_listed_until_a_person_settles_them() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let sale = |lines: Value| {
            json!({"venue_id": "r", "source": "site", "external_id": "order-1", "customer": {"id": guest},
                "closed_at": "2026-11-22T11:00:00+03:00", "lines": lines})
        };
        let give_back = |id: &str, sale: &str| {
            json!({"external_id": id, "sale": {"venue_id": "r", "source": "site", "external_id": sale},
                "lines": [{"line_id": "1", "quantity": "2"}]})
        };
        for (id, of) in [("back-1", "order-1"), ("back-2", "order-2")] {
            till.owner
                .post("/api/v1/returns", give_back(id, of))
                .await
                .expect(202);
        }
        let ids = |list: Value| -> Vec<(String, String)> {
            let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
            let items = list["items"].as_array().unwrap().iter();
            items
                .map(|item| (text(item, "external_id"), text(item, "status")))
                .collect()
        };
        let pair = |id: &str, status: &str| (id.to_owned(), status.to_owned());
        // A sale may be on its way.
        assert_eq!(ids(till.owner.get("/api/v1/returns").await.expect(200)), []);
        till.service
            .clock
            .move_to(till.service.clock_now() + Duration::minutes(61));
        assert_eq!(
            ids(till.owner.get("/api/v1/returns").await.expect(200)),
            [pair("back-1", "waiting"), pair("back-2", "waiting")]
        );
        // The sale comes, and less was sold than came back.
        let lines = json!([{"line_id": "1", "name": "Кофе", "quantity": "1", "amount": "200.00"}]);
        till.owner.post("/api/v1/receipts", sale(lines)).await.expect(201);
        assert_eq!(
            ids(till.owner.get("/api/v1/returns").await.expect(200)),
            [pair("back-1", "refused"), pair("back-2", "waiting")]
        );
        let refused = till.owner.get("/api/v1/returns?status=refused").await.expect(200);
        let (id, line) = (&refused["items"][0]["id"], &refused["items"][0]["lines"][0]);
        assert_eq!(line, &json!({"line_id": "1", "quantity": "2"}));
        let settle = format!("/api/v1/returns/{}/settle", id.as_str().unwrap());
        let note = json!({"note": "Вернули вручную"});
        for _ in 0..2 {
            let settled = till.owner.post(&settle, note.clone()).await.expect(200);
            assert_eq!(settled["note"], "Вернули вручную");
        }
        let other = json!({"note": "Не вернули"});
        till.owner
            .post(&settle, other)
            .await
            .refused(409, "return-settled");
        assert_eq!(
            ids(till.owner.get("/api/v1/returns?limit=1").await.expect(200)),
            [pair("back-2", "waiting")]
        );
        assert_eq!(till.balance(&guest).await, "10.00");
        till.assert_books();
    });
}
