//! The demo network, smaller than it is shown: its books are right, its keys work, and every line that it prints does.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use kopilka::demo::credentials::{LIVE_KEY, LOGINS, TEST_KEY};
use kopilka::demo::samples::{Sample, samples};
use kopilka::demo::{Loaded, Scale, load};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::verify;
use kopilka::storage::Store;
use serde_json::{Value, json};

use crate::api::client::{Answer, Client, Service, start};
use crate::databases::each_database_async;

const SMALL: Scale = Scale {
    customers: 150,
    strangers: 12,
    days: 50,
    receipts_per_day: 20,
};

/// A service with the demo network.
pub async fn demo(store: Store) -> (Service, Loaded) {
    let ids = Arc::new(TimeOrderedIds::new(1));
    let mut shown = Vec::new();
    let loaded = load(&store, ids, SMALL, start(), |percent| shown.push(percent))
        .await
        .unwrap();
    assert!(shown.len() > 5 && shown.last() <= Some(&100), "{shown:?}");
    (Service::on(store), loaded)
}

async fn send(service: &Service, sample: &Sample) -> Answer {
    let mut request = Request::builder().method("POST").uri(&sample.path);
    for (name, value) in &sample.headers {
        request = request.header(*name, value);
    }
    service
        .send(request.body(Body::from(sample.body.clone())).unwrap())
        .await
}

async fn anna(client: &Client) -> Value {
    let who = json!({"card": "9000000017", "venue_id": "restaurant"});
    client.post("/api/v1/customers/identify", who).await.expect(200)
}

fn is_clean(store: &Store) -> verify::Report {
    let report = verify::verify(store).unwrap();
    assert!(report.is_clean(), "{report:?}");
    report
}

#[test]
fn the_books_of_the_demo_are_right_and_full() {
    each_database_async(|store| async move {
        let (service, loaded) = demo(store.clone()).await;
        let report = is_clean(&store);
        assert_eq!((report.networks, loaded.customers), (1, 162));
        assert_eq!(report.receipts, u64::try_from(loaded.receipts).unwrap());
        assert!((800..1200).contains(&loaded.receipts), "{loaded:?}");
        assert!(loaded.of_guests * 2 > loaded.receipts, "{loaded:?}");
        assert!(loaded.with_redemption * 20 > loaded.of_guests, "{loaded:?}");
        assert!(loaded.returns > 5, "{loaded:?}");

        let client = service.anybody().key(LIVE_KEY);
        let anna = anna(&client).await;
        assert_eq!(anna["name"], "Анна К.");
        assert_eq!(anna["phone"], "+79215550117");
        assert_eq!(anna["coefficient"], "2");
        assert_eq!(anna["balance"]["available"], "1240.00");
        assert_eq!(anna["balance"]["expiring_next"]["amount"], "120.00");
        for kind in [
            "place",
            "delivery",
            "online",
            "promotion",
            "admin",
            "expiry",
            "reversal",
        ] {
            let path = format!("/api/v1/transactions?type={kind}&limit=1");
            let page = client.get(&path).await.expect(200);
            assert_eq!(page["items"].as_array().unwrap().len(), 1, "{kind}");
        }
        let potential = client
            .get("/api/v1/customers?status=potential&with_total=true")
            .await
            .expect(200);
        assert_eq!(potential["total"], 12);
    });
}

#[test]
fn keys_and_logins_of_the_demo_work() {
    each_database_async(|store| async move {
        let (service, _) = demo(store).await;
        for key in [LIVE_KEY, TEST_KEY] {
            service.anybody().key(key).get("/api/v1/venues").await.expect(200);
        }
        for login in LOGINS {
            let answer = service
                .anybody()
                .post(
                    "/api/v1/sessions",
                    json!({"login": login.login, "password": login.password}),
                )
                .await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
    });
}

#[test]
fn every_printed_line_works_and_works_again() {
    each_database_async(|store| async move {
        let (service, _) = demo(store.clone()).await;
        let client = service.anybody().key(LIVE_KEY);
        let before = is_clean(&store).receipts;
        let mut after_first = Value::Null;
        for round in 0..3 {
            for sample in samples(start()) {
                let answer = send(&service, &sample).await;
                assert!(answer.status.is_success(), "{}: {answer:?}", sample.title);
                match sample.path.rsplit('/').next().unwrap() {
                    "quote" => assert_eq!(answer.json()["status"], "quoted"),
                    "TransactionsEx" => {
                        assert!(answer.text.contains(r#"Result="0""#), "{answer:?}");
                        assert!(answer.text.contains("Начислено"), "{answer:?}");
                    }
                    "receipts" if sample.path.starts_with("/pos/") => {
                        let status = if round == 0 { "accepted" } else { "duplicate" };
                        assert_eq!(answer.json()["status"], status, "{answer:?}");
                        assert_ne!(answer.json()["earned"], "0.00", "{answer:?}");
                    }
                    "receipts" => {
                        assert_eq!(answer.status, if round == 0 { 201 } else { 200 });
                        assert_eq!(answer.json()["redeemed"], "300.00");
                        assert_eq!(answer.json()["lines"][0]["line_id"], "1");
                    }
                    "webhook" => assert_eq!(answer.json(), json!({"received": true})),
                    "identify" => assert_eq!(answer.json()["name"], "Анна К."),
                    _ => assert_eq!(
                        answer.json(),
                        json!({"received": 1, "unreadable": 0, "refused": []})
                    ),
                }
            }
            let balance = anna(&client).await["balance"].clone();
            if round == 0 {
                after_first = balance;
            } else {
                assert_eq!(balance, after_first);
            }
        }
        assert_eq!(is_clean(&store).receipts, before + 4);
        // Each of the tills found its guest: one receipt, one accrual.
        let id = anna(&client).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/customers/{id}/transactions?direction=accrual&limit=4");
        let page = client.get(&path).await.expect(200);
        for transaction in page["items"].as_array().unwrap() {
            assert!(transaction["receipt_id"].is_string(), "{transaction}");
        }
    });
}
