//! Without a network: the allowance, sales that come late, and those that a person must settle.

use serde_json::{Value, json};

use super::{Cafe, hire, sale, text};
use crate::databases::each_database_async;

/// A sale that was made at 12:10 without a network.
fn queued(id: &str, redeem: &str, permit: Option<&Value>) -> Value {
    let mut body = sale(id, redeem);
    body["closed_at"] = json!("2026-11-22T12:10:00+03:00");
    body["offline"] =
        json!({"queued_at": "2026-11-22T12:10:00+03:00", "device_time": "2026-11-22T12:30:00+03:00"});
    if let Some(permit) = permit {
        body["offline"]["permit"] = permit["permit"].clone();
    }
    body
}

async fn permit(cafe: &Cafe) -> Value {
    let asked = json!({"customer_id": cafe.guest});
    cafe.till.post("/api/v1/till/permits", asked).await.expect(201)
}

async fn conflicts(cafe: &Cafe) -> Vec<Value> {
    let page = cafe.owner.get("/api/v1/till/conflicts").await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[test]
fn an_allowance_is_a_hold_in_the_books() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let first = permit(&cafe).await;
        assert_eq!(
            (&first["amount"], &first["expires_at"], &first["customer_id"]),
            (
                &json!("300.00"),
                &json!("2026-11-22T10:00:00Z"),
                &json!(cafe.guest)
            )
        );
        assert_eq!(cafe.available().await, "200.00");
        // Asked for again it is renewed, not doubled.
        let second = permit(&cafe).await;
        assert_ne!(first["hold_id"], second["hold_id"]);
        assert_eq!(cafe.available().await, "200.00");
        // Another till gets what is left; nobody spends what is set aside.
        let other = cafe.device("katya", "Касса 2").await;
        let asked = json!({"customer_id": "crm-1"});
        let rest = other
            .post("/api/v1/till/permits", asked.clone())
            .await
            .expect(201);
        assert_eq!(rest["amount"], "200.00");
        let third = cafe.device("katya", "Касса 3").await;
        third
            .post("/api/v1/till/permits", asked.clone())
            .await
            .refused(422, "insufficient-balance");
        third
            .post("/api/v1/receipts", sale("s-1", "1.00"))
            .await
            .refused(422, "insufficient-balance");
        // A sale with a network names the hold; what it does not use goes back.
        let mut online = sale("s-2", "250.00");
        online["hold_id"] = second["hold_id"].clone();
        cafe.till.post("/api/v1/receipts", online).await.expect(201);
        let path = format!("/api/v1/holds/{}/void", text(&rest, "hold_id"));
        other.post(&path, json!({})).await.expect(200);
        assert_eq!(
            cafe.available().await,
            "265.00",
            "500 − 250, and 10 % of 150 accrued"
        );
        let off = json!({"settings": {}});
        cafe.owner.patch("/api/v1/venues/a", off).await.expect(200);
        cafe.till
            .post("/api/v1/till/permits", asked)
            .await
            .refused(422, "offline-redemption-off");
        cafe.books_are_right();
    });
}

#[test]
fn a_sale_within_its_allowance_is_paid_whenever_it_comes() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let given = permit(&cafe).await;
        cafe.later(30);
        cafe.unlock().await;
        // While the hold lives: what others can't touch pays.
        cafe.owner
            .post("/api/v1/customers/crm-1/debits", json!({"amount": "200.00"}))
            .await
            .expect(201);
        let body = queued("o-1", "250.00", Some(&given));
        let posted = cafe.till.post("/api/v1/receipts", body.clone()).await.expect(201);
        assert_eq!(posted["redeemed"], "250.00");
        assert_eq!(
            cafe.till.post("/api/v1/receipts", body).await.expect(200)["id"],
            posted["id"]
        );
        let stored = cafe
            .till
            .get(&format!("/api/v1/receipts/{}", text(&posted, "id")))
            .await
            .expect(200);
        assert_eq!(
            stored["closed_at"], "2026-11-22T09:10:00Z",
            "the time of the sale"
        );
        // After its end: what he has pays.
        let body = queued("o-2", "30.00", Some(&given));
        cafe.later(120);
        cafe.unlock().await;
        cafe.till.post("/api/v1/receipts", body).await.expect(201);
        assert!(conflicts(&cafe).await.is_empty());
        cafe.books_are_right();
    });
}

#[test]
fn a_renewed_allowance_pays_for_sales_of_the_former_one() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let debit = json!({"amount": "200.00"});
        cafe.owner
            .post("/api/v1/customers/crm-1/debits", debit)
            .await
            .expect(201);
        let former = permit(&cafe).await;
        cafe.later(15);
        cafe.unlock().await;
        permit(&cafe).await;
        assert_eq!(cafe.available().await, "0.00");
        let body = queued("o-1", "300.00", Some(&former));
        cafe.till.post("/api/v1/receipts", body).await.expect(201);
        cafe.books_are_right();
    });
}

#[test]
fn an_allowance_is_good_for_what_it_says_only() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let given = permit(&cafe).await;
        let refused = async |body: Value, code: &str, pointer: &str| {
            let problem = cafe.till.post("/api/v1/receipts", body).await.refused(422, code);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        };
        refused(
            queued("o-1", "1.00", None),
            "offline-permit-missing",
            "/offline/permit",
        )
        .await;
        refused(queued("o-2", "300.01", Some(&given)), "redeem-limit", "/redeem").await;
        let mut late = queued("o-3", "1.00", Some(&given));
        late["closed_at"] = json!("2026-11-22T13:00:00+03:00");
        refused(late, "offline-permit-expired", "/offline/permit").await;
        let mut another = queued("o-4", "1.00", Some(&given));
        let guest = json!({"external_id": "crm-2", "card": "888"});
        cafe.owner.post("/api/v1/customers", guest).await.expect(201);
        cafe.owner
            .post("/api/v1/customers/crm-2/credits", json!({"amount": "50.00"}))
            .await
            .expect(201);
        another["customer"] = json!({"id": "crm-2"});
        refused(another, "offline-permit-invalid", "/offline/permit").await;
        let mut forged = text(&given, "permit");
        forged.replace_range(20..21, if &forged[20..21] == "A" { "B" } else { "A" });
        for wrong in [forged, "x".to_owned(), ".".to_owned(), String::new()] {
            let body = queued("o-5", "1.00", Some(&json!({"permit": wrong})));
            refused(body, "offline-permit-invalid", "/offline/permit").await;
        }
        assert_eq!(conflicts(&cafe).await.len(), 5, "each waits for a person, once");
        assert_eq!(
            cafe.available().await,
            "200.00",
            "nothing was posted, and the hold stands"
        );
        cafe.books_are_right();
    });
}

#[test]
fn a_refused_sale_waits_for_a_person_who_settles_it_once() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let given = permit(&cafe).await;
        // The allowance ends, and the bonuses are spent elsewhere, before the till has a network again.
        cafe.later(70);
        cafe.unlock().await;
        let debit = json!({"amount": "400.00"});
        cafe.owner
            .post("/api/v1/customers/crm-1/debits", debit)
            .await
            .expect(201);
        let body = queued("o-1", "300.00", Some(&given));
        for _ in 0..2 {
            let problem = cafe.till.post("/api/v1/receipts", body.clone()).await;
            problem.refused(422, "offline-permit-spent");
        }
        let waiting = conflicts(&cafe).await;
        assert_eq!(waiting.len(), 1);
        let conflict = &waiting[0];
        assert_eq!(
            (
                &conflict["reason"],
                &conflict["at"],
                &conflict["till"],
                &conflict["cashier"]["name"]
            ),
            (
                &json!("offline-permit-spent"),
                &json!("2026-11-22T09:10:00Z"),
                &json!("Касса 1"),
                &json!("Катя")
            )
        );
        assert_eq!(conflict["receipt"], body, "as it was sent");
        assert!(text(conflict, "words").contains("100,00"), "{conflict}");
        let at_till = cafe.till.get("/api/v1/till/conflicts").await.expect(200);
        assert_eq!(at_till["items"][0]["id"], conflict["id"]);

        let path = format!("/api/v1/till/conflicts/{}/settle", text(conflict, "id"));
        let how = |action: &str, note: &str| json!({"action": action, "note": note});
        cafe.till
            .post(&path, how("dismiss", " "))
            .await
            .refused(422, "invalid-request");
        cafe.till
            .post(&path, how("forget", "x"))
            .await
            .refused(422, "invalid-request");
        let settled = cafe
            .till
            .post(&path, how("without_redemption", "доплатил"))
            .await
            .expect(200);
        assert_eq!(
            (
                &settled["receipt"]["redeemed"],
                &settled["receipt"]["customer_id"],
                &settled["conflict"]["status"]
            ),
            (&json!("0.00"), &json!(cafe.guest), &json!("without_redemption"))
        );
        let again = cafe
            .till
            .post(&path, how("without_redemption", ""))
            .await
            .expect(200);
        assert_eq!(again["receipt"]["id"], settled["receipt"]["id"]);
        cafe.till
            .post(&path, how("without_guest", ""))
            .await
            .refused(409, "conflict-settled");
        cafe.till
            .post(&path, how("dismiss", "x"))
            .await
            .refused(409, "conflict-settled");
        assert!(conflicts(&cafe).await.is_empty());
        let stored = cafe
            .till
            .get("/api/v1/receipts?source=till&external_id=o-1")
            .await
            .expect(200);
        assert_eq!(stored["total"], "400.00");
        // The till that still has it hears that it was posted otherwise.
        cafe.till
            .post("/api/v1/receipts", body)
            .await
            .refused(409, "receipt-conflict");
        assert!(conflicts(&cafe).await.is_empty(), "and nobody is asked again");
        let log = cafe
            .owner
            .get("/api/v1/audit?action=till.settle")
            .await
            .expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
        assert_eq!(log["items"][0]["after"]["note"], "доплатил");
        cafe.books_are_right();
    });
}

#[test]
fn a_refused_sale_is_dismissed_posted_to_nobody_or_accepted_later() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let unknown = |id: &str| {
            let mut body = queued(id, "0.00", None);
            body["customer"] = json!({"id": "crm-9"});
            body
        };
        for id in ["o-1", "o-2", "o-3"] {
            let problem = cafe.till.post("/api/v1/receipts", unknown(id)).await;
            problem.refused(404, "customer-not-found");
        }
        let waiting = conflicts(&cafe).await;
        let path = |i: usize| format!("/api/v1/till/conflicts/{}/settle", text(&waiting[i], "id"));
        let without = json!({"action": "without_guest"});
        let settled = cafe.owner.post(&path(0), without).await.expect(200);
        assert!(settled["receipt"].get("customer_id").is_none(), "{settled}");
        let dismissed = json!({"action": "dismiss", "note": "пробный чек"});
        let settled = cafe.owner.post(&path(1), dismissed.clone()).await.expect(200);
        assert!(settled.get("receipt").is_none(), "{settled}");
        cafe.owner.post(&path(1), dismissed).await.expect(200);
        // The cause is mended, and the till tries once more.
        let guest = json!({"external_id": "crm-9", "card": "999"});
        cafe.owner.post("/api/v1/customers", guest).await.expect(201);
        cafe.till
            .post("/api/v1/receipts", unknown("o-3"))
            .await
            .expect(201);
        assert!(conflicts(&cafe).await.is_empty());
        // What can't be read as a receipt is not lost either, and an ordinary refusal is nobody's conflict.
        let mut broken = queued("o-4", "0.00", None);
        broken["lines"] = json!("x");
        cafe.till
            .post("/api/v1/receipts", broken)
            .await
            .refused(422, "invalid-request");
        cafe.till
            .post("/api/v1/receipts", sale("s-1", "999.00"))
            .await
            .refused(422, "insufficient-balance");
        let waiting = conflicts(&cafe).await;
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0]["receipt"]["external_id"], "o-4");
        // Till systems of others have the same door.
        let (_, secret) = cafe.owner.new_key(json!({"name": "k", "scopes": ["till"]})).await;
        let key = cafe.service.anybody().key(&secret);
        let asked = json!({"customer_id": "crm-1", "venue_id": "a"});
        let given = key.post("/api/v1/till/permits", asked).await.expect(201);
        let mut theirs = queued("k-1", "300.00", Some(&given));
        theirs["venue_id"] = json!("a");
        theirs["source"] = json!("shop");
        key.post("/api/v1/receipts", theirs).await.expect(201);
        cafe.books_are_right();
    });
}

#[test]
fn a_locked_till_still_empties_its_queue() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let katya = text(&cafe.start["cashier"], "id");
        hire(&cafe.owner, "marina", "Марина").await;
        cafe.till.delete("/api/v1/till/session").await.expect(204);
        let post = async |body: Value| cafe.till.post("/api/v1/receipts", body).await;
        post(sale("s-1", "0.00")).await.refused(401, "till-locked");
        post(queued("o-1", "0.00", None))
            .await
            .refused(401, "till-locked");
        let mut body = queued("o-1", "0.00", None);
        body["offline"]["cashier_id"] = json!("usr_01hgw3zj3q7hx");
        post(body.clone()).await.refused(401, "till-locked");
        assert!(conflicts(&cafe).await.is_empty(), "it is about who sends it");
        body["offline"]["cashier_id"] = json!(katya);
        cafe.till
            .without("x-csrf-token")
            .post("/api/v1/receipts", body.clone())
            .await
            .refused(403, "csrf");
        post(body.clone()).await.expect(201);
        post(body.clone()).await.expect(200);
        // Somebody else stands there: the sale is still hers who made it.
        let marina = json!({"login": "marina", "password": crate::api::client::PASSWORD});
        cafe.till.post("/api/v1/till/session", marina).await.expect(200);
        body["external_id"] = json!("o-2");
        post(body).await.expect(201);
        let shift = cafe.till.get("/api/v1/till/shift").await.expect(200);
        assert_eq!(
            shift["device"]["by_cashier"],
            json!([{"name": "Катя", "receipts": 2, "total": "800.00"}])
        );
        let log = cafe
            .owner
            .get(&format!("/api/v1/customers/{}/transactions?limit=1", cafe.guest))
            .await
            .expect(200);
        assert_eq!(log["items"][0]["actor"], format!("user:{katya}"));
    });
}
