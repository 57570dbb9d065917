//! 1C: two tills of one connection, and guests who are found by an e-mail or by the end of a telephone number.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Till;
use super::onec_base::push;
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";
const WRITTEN_OFF: &str = "Бонусы успешно списаны";
const UNLOCKED: &str = "Бонусы разблокированы";

fn find(by: &str, lock: &str) -> String {
    format!("hs/loyaltyservice/findclientcard/?{by}&BlockBonuses={lock}&ClientGUID=&CardGUID=")
}

fn write_off(by: &str, amount: &str) -> String {
    format!("hs/loyaltyservice/writeoffclientbonuses/?{by}&CardGUID=&BonusesCount={amount}")
}

fn unlock(by: &str) -> String {
    format!("hs/loyaltyservice/unlockclientbonuses/?{by}&CardGUID=")
}

fn card() -> String {
    format!("ClientCardID={CARD}&Phone=&Email=")
}

fn counts(found: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let cards = found["LoyaltyCardsList"].as_array().unwrap();
    let card = |card: &Value| (text(&card["Barcode"]), text(&card["BonusData"]["BonusCount"]));
    cards.iter().map(card).collect()
}

impl Till {
    async fn found_by(&self, login: &str, by: &str, lock: &str) -> Vec<(String, String)> {
        counts(&self.send_as(login, "GET", &find(by, lock), "").await.json())
    }

    async fn said(&self, login: &str, path: &str) -> String {
        self.send_as(login, "POST", path, "").await.text
    }
}

#[test]
fn the_second_till_of_a_connection_has_nothing_of_what_the_first_has_locked() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let locked = |count: &str| vec![(CARD.to_owned(), count.to_owned())];
        assert_eq!(till.found_by("kassa1", &card(), "1").await, locked("500"));
        assert_eq!(till.found_by("kassa2", &card(), "1").await, locked("0"));
        // The older dialogue, too.
        let older = format!("hs/loyaltyservice/getclientbonuses/?{}", card());
        let told: Value = till.send_as("kassa2", "GET", &older, "").await.json();
        assert_eq!(told["BonusCount"].to_string(), "0", "{told}");
        // The first may look again, and loses nothing.
        let told: Value = till.send_as("kassa1", "GET", &older, "").await.json();
        assert_eq!(told["BonusCount"].to_string(), "500", "{told}");

        // The second has locked nothing, so it has nothing to write off; nor does its unlock free what the first has.
        assert_ne!(till.said("kassa2", &write_off(&card(), "300")).await, WRITTEN_OFF);
        assert_eq!(till.said("kassa2", &unlock(&card())).await, UNLOCKED);
        assert_eq!(till.said("kassa1", &write_off(&card(), "300")).await, WRITTEN_OFF);
        assert_eq!(till.balance(&guest).await, "200.00");
        assert_eq!(till.said("kassa1", &unlock(&card())).await, UNLOCKED);

        // Now it is the second one's turn: the same amount is no repetition of the other till's.
        assert_eq!(till.found_by("kassa2", &card(), "1").await, locked("200"));
        assert_eq!(till.said("kassa2", &write_off(&card(), "300")).await, WRITTEN_OFF);
        assert_eq!(till.balance(&guest).await, "-100.00");
        till.assert_books();
    });
}

/// A receipt of 1000.00 of which bonuses paid so much, closed now.
fn paid(till: &Till, id: &str, bonuses: u32) -> Value {
    let at = till.service.clock_now().with_timezone(&chrono_tz::Europe::Moscow);
    json!({
        "documentId": id, "operation": "sale", "date": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "card": CARD,
        "lines": [{"lineId": 1, "item": {"id": "coffee"}, "quantity": 1, "amount": 1000 - bonuses, "bonusDiscount": bonuses}],
    })
}

#[test]
fn what_is_left_of_a_lock_goes_with_the_receipt_of_its_write_off_and_a_lock_taken_since_stays() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let free = async || till.found_by("kassa2", &card(), "0").await[0].1.clone();
        till.found_by("kassa1", &card(), "1").await;
        assert_eq!(till.said("kassa1", &write_off(&card(), "100")).await, WRITTEN_OFF);
        assert_eq!(free().await, "0");
        // 5 % of 900.00, and what was left of the lock.
        push(&till, &paid(&till, "a", 100)).await;
        assert_eq!(free().await, "445");
        // A part of the same sale that the till writes off only now, and its receipt.
        assert_eq!(till.said("kassa1", &write_off(&card(), "40")).await, WRITTEN_OFF);
        let told = push(&till, &paid(&till, "b", 40)).await;
        assert_eq!(told["spent"], "40.00", "{told}");
        assert_eq!(free().await, "453");

        // The card is read for the next sale before the receipt of this one comes.
        till.found_by("kassa1", &card(), "1").await;
        assert_eq!(till.said("kassa1", &write_off(&card(), "50")).await, WRITTEN_OFF);
        assert_eq!(till.found_by("kassa1", &card(), "1").await[0].1, "403");
        push(&till, &paid(&till, "c", 50)).await;
        assert_eq!(free().await, "47.5");

        // A receipt that comes before its write-off.
        push(&till, &paid(&till, "d", 30)).await;
        assert_eq!(free().await, "96");
        assert_eq!(till.said("kassa1", &write_off(&card(), "30")).await, WRITTEN_OFF);
        assert_eq!(free().await, "469");
        assert_eq!(till.balance(&guest).await, "469.00");
        till.assert_books();
    });
}

#[test]
fn a_lock_is_one_by_card_number_reference_and_e_mail() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let email = json!({"email": "Anna@Example.com"});
        till.owner
            .patch(&format!("/api/v1/customers/{guest}"), email)
            .await
            .expect(200);
        let phone = "ClientCardID=&Phone=%2B79005550101&Email=";
        let by_email = "ClientCardID=&Phone=&Email=Anna@Example.com";
        assert_eq!(
            till.found_by("kassa1", by_email, "1").await,
            [(CARD.to_owned(), "500".to_owned())]
        );
        assert_eq!(till.found_by("kassa1", &card(), "1").await[0].1, "500");
        for (by, amount) in [
            (phone, "10"),
            (by_email, "20"),
            ("ClientCardID=%2B79005550101", "40"),
        ] {
            assert_eq!(
                till.said("kassa1", &write_off(by, amount)).await,
                WRITTEN_OFF,
                "{by}"
            );
        }
        // Told once more, by another name.
        assert_eq!(till.said("kassa1", &write_off(&card(), "40")).await, WRITTEN_OFF);
        assert_eq!(till.balance(&guest).await, "430.00");
        assert_eq!(till.said("kassa1", &unlock(phone)).await, UNLOCKED);
        assert_eq!(till.found_by("kassa2", &card(), "1").await[0].1, "430");
        // The first till has nothing locked any more: whom does it mean?
        assert_ne!(till.said("kassa1", &write_off(by_email, "5")).await, WRITTEN_OFF);
        let kept = till.messages("refused").await;
        assert_eq!(kept["items"].as_array().unwrap().len(), 1, "{kept}");
        assert_eq!(till.balance(&guest).await, "430.00");
        till.assert_books();
    });
}

#[test]
fn the_end_of_a_telephone_number_lists_whom_it_may_mean_and_locks_only_the_only_one() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let anna = till.customer(CARD, "+79005550101", "500.00").await;
        let boris = till.customer("2900000001741", "+79160000101", "70.00").await;
        till.customer("2900000001758", "+79160000102", "9.00").await;
        let end = "ClientCardID=&Phone=*0101&Email=";
        let of = |first: &str, second: &str| {
            vec![
                (CARD.to_owned(), first.to_owned()),
                ("2900000001741".to_owned(), second.to_owned()),
            ]
        };
        assert_eq!(till.found_by("kassa1", end, "0").await, of("500", "70"));
        // What is not locked is not promised.
        assert_eq!(till.found_by("kassa1", end, "1").await, of("0", "0"));
        assert_ne!(till.said("kassa1", &write_off(end, "50")).await, WRITTEN_OFF);
        // The cashier has chosen.
        let boris_card = "ClientCardID=2900000001741&Phone=&Email=";
        assert_eq!(till.found_by("kassa1", boris_card, "1").await[0].1, "70");
        assert_eq!(till.said("kassa1", &write_off(end, "50")).await, WRITTEN_OFF);
        assert_eq!(till.balance(&boris).await, "20.00");
        assert_eq!(till.said("kassa1", &unlock(end)).await, UNLOCKED);

        // More of the number means one guest: locked at once.
        for by in ["Phone=*9005550101", "Phone=*8(900)5550101", "Phone=*50101"] {
            let by = format!("ClientCardID=&{by}&Email=");
            let locked = [(CARD.to_owned(), "500".to_owned())];
            assert_eq!(till.found_by("kassa1", &by, "1").await, locked, "{by}");
        }
        let nobody = "ClientCardID=&Phone=*90101&Email=";
        assert!(till.found_by("kassa1", nobody, "1").await.is_empty());
        assert_eq!(till.balance(&anna).await, "500.00");
        till.assert_books();
    });
}

#[test]
fn a_connection_with_a_password_hears_only_those_who_show_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"password": "s3cret"})).await;
        let document = json!({
            "documentId": "a", "operation": "sale", "date": "2026-11-22T12:00:00", "card": CARD,
            "lines": [{"lineId": 1, "item": {"id": "coffee"}, "quantity": 1, "amount": 100}],
        });
        let send = |authorization: Option<String>, method: &'static str, path: &'static str| {
            let uri = format!("/pos/onec/{}/{path}", till.token);
            let mut request = Request::builder().method(method).uri(uri);
            if let Some(authorization) = authorization {
                request = request.header("Authorization", authorization);
            }
            let request = request.body(Body::from(document.to_string())).unwrap();
            let service = till.service.clone();
            async move { service.send(request).await }
        };
        let basic = |password: &str| Some(format!("Basic {}", STANDARD.encode(format!("касса1:{password}"))));
        for wrong in [
            None,
            basic(""),
            basic("s3cre"),
            Some("Bearer other".to_owned()),
            Some("Basic ?".to_owned()),
        ] {
            let told = send(wrong.clone(), "POST", "v1/receipts").await;
            assert_eq!(told.status, 401, "{wrong:?} {}", told.text);
            assert_eq!(told.json()["code"], "unauthorized", "{wrong:?}");
            let told = send(wrong.clone(), "GET", "hs/loyaltyservice/ping").await;
            assert_eq!(told.status, 401, "{wrong:?}");
            let told = send(
                wrong.clone(),
                "GET",
                "hs/loyaltyservice/findclientcard/?ClientCardID=1",
            )
            .await;
            assert_eq!((told.status.as_u16(), &told.json()["Error"]), (200, &json!(true)));
            let told = send(wrong, "GET", "exchange?type=sale&mode=checkauth").await;
            assert!(told.text.starts_with("failure\nневерный пароль"), "{}", told.text);
        }
        let told = send(basic("s3cret"), "POST", "v1/receipts").await;
        assert_eq!(told.json()["status"], "accepted", "{}", told.text);
        let told = send(Some("Bearer s3cret".to_owned()), "POST", "v1/receipts").await;
        assert_eq!(told.json()["status"], "duplicate", "{}", told.text);
        let shown = till.owner.get("/api/v1/connections").await.expect(200);
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
    });
}
