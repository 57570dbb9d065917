//! 1C: documents in batches, in versions, and by more than one road.

use kopilka::pos::inbox::replay;
use kopilka::storage::books::all_networks;
use serde_json::{Value, json};

use super::{Till, fixture, imported};
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";

/// A sale of one line, of which 5 % accrue.
fn sale(id: &str, version: &str, amount: u32) -> Value {
    json!({
        "documentId": id, "dataVersion": version, "operation": "Продажа", "date": "2026-11-22T12:00:00",
        "card": CARD, "total": amount,
        "lines": [{"lineId": 1, "item": {"id": "coffee", "name": "Кофе"}, "quantity": 1, "amount": amount}],
    })
}

async fn push(till: &Till, document: &Value) -> Value {
    till.send("POST", "v1/receipts", document.to_string())
        .await
        .json()
}

async fn messages(till: &Till, outcome: &str) -> Vec<Value> {
    let path = format!("/api/v1/messages?outcome={outcome}&limit=100");
    let kept = till.owner.get(&path).await.expect(200);
    kept["items"].as_array().unwrap().clone()
}

#[test]
fn documents_of_a_batch_are_kept_mended_and_replayed_one_by_one() {
    each_database_async(|store| async move {
        let till = Till::new(
            &Service::on(store.clone()),
            "onec",
            json!({"receipt_redemption": "now"}),
        )
        .await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let mut broken = sale("b", "AAAAAAAAAAE=", 200);
        broken["lines"][0]["amount"] = json!("двести");
        // The guest has no bonuses to pay with.
        let mut refused = sale("c", "AAAAAAAAAAE=", 300);
        refused["lines"][0]["bonusDiscount"] = json!(50);
        let batch = json!([
            sale("a", "AAAAAAAAAAE=", 100),
            broken,
            refused,
            sale("d", "AAAAAAAAAAE=", 400)
        ]);
        let told: Value = till
            .send("POST", "v1/receipts/batch", batch.to_string())
            .await
            .json();
        let statuses: Vec<&str> = told["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, ["accepted", "refused", "refused", "accepted"], "{told}");
        assert_eq!(till.balance(&guest).await, "25.00");

        let (posted, unread, refused) = (
            messages(&till, "posted").await,
            messages(&till, "unreadable").await,
            messages(&till, "refused").await,
        );
        assert_eq!((posted.len(), unread.len(), refused.len()), (2, 1, 1));
        assert!(
            unread[0]["detail"].as_str().unwrap().contains("/lines/0/amount"),
            "{unread:?}"
        );

        // The cause is mended, and only this document is posted.
        let credit = json!({"amount": "50.00"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/credits"), credit)
            .await
            .expect(201);
        let tenant = all_networks(&mut store.connection().unwrap()).unwrap().remove(0);
        let one = refused[0]["id"].as_str().unwrap().parse().unwrap();
        let replayed = replay(&till.service.app, tenant, one).await.unwrap();
        assert!(replayed.done, "{}", replayed.answer);
        assert_eq!(
            replayed.answer.matches("documentId").count(),
            1,
            "{}",
            replayed.answer
        );
        // 75.00 less 50.00 paid; 5 % of 300.00 accrue.
        assert_eq!(till.balance(&guest).await, "40.00");
        till.assert_books();
    });
}

#[test]
fn what_a_base_says_of_a_document_itself_is_newer_than_a_file_that_repeats_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"receipt_redemption": "now"})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let file = fixture("onec/fixtures/commerce_ml/documents.xml");
        let sold = file.split("  <Документ>\n    <Ид>8d2f").next().unwrap();
        let file = format!("{sold}</КоммерческаяИнформация>");
        let later = file.replace("2026-03-14T20:00:03", "2026-03-15T20:00:03");
        let good = imported(1, 0, 0);
        assert_eq!(till.send("POST", "v1/commerceml", file).await.text, good);
        assert_eq!(till.balance(&guest).await, "424.77");

        // The base has written far fewer times than a clock has ticks.
        let id = "7c1f2a34-90ab-11f0-8d3a-00155d0a0101";
        let told = push(&till, &sale(id, "AAAAAAAB6KQ=", 1000)).await;
        assert_ne!(told["status"], "duplicate", "{told}");
        assert_eq!(till.balance(&guest).await, "550.00");
        // A file of before or after tells nothing new, a newer version does, and an older one does not.
        let known = till.send("POST", "v1/commerceml", later).await.text;
        assert_eq!(known, imported(0, 1, 0));
        assert_eq!(till.balance(&guest).await, "550.00");
        for (version, amount, status) in [
            ("AAAAAAAB6KY=", 2000, "updated"),
            ("AAAAAAAB6KY=", 2000, "duplicate"),
            ("AAAAAAAB6KU=", 3000, "stale"),
            ("AAAAAAAB6KU=", 2000, "duplicate"),
        ] {
            let told = push(&till, &sale(id, version, amount)).await;
            assert_eq!(told["status"], status, "{version} {told}");
        }
        assert_eq!(till.balance(&guest).await, "600.00");
        till.assert_books();
    });
}

#[test]
fn documents_without_versions_that_have_an_order_are_as_late_as_they_came() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"data_version": "opaque"})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let clock = &till.service.clock;
        let second = chrono::Duration::seconds(1);
        for (version, posted, balance) in [
            (json!("w="), json!(true), "50.00"),
            (json!("w="), json!(true), "50.00"),
            (json!("a="), json!(false), "0.00"),
            (json!("b="), json!(true), "50.00"),
            (json!(null), json!(false), "0.00"),
            (json!(null), json!(true), "50.00"),
        ] {
            clock.move_to(till.service.clock_now() + second);
            let mut document = sale("a", "", 1000);
            document["dataVersion"] = version;
            document["posted"] = posted;
            let told = push(&till, &document).await;
            assert_eq!(till.balance(&guest).await, balance, "{document} {told}");
        }
        till.assert_books();
    });
}

#[test]
fn a_document_that_was_once_told_without_a_version_is_followed_by_those_that_have_one() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let clock = &till.service.clock;
        let none = json!(null);
        let counted = |version: &str| json!(version);
        for (version, amount, posted, status, balance) in [
            (none.clone(), 1000, true, "accepted", "50.00"),
            (counted("AAAAAAAAAAI="), 2000, true, "updated", "100.00"),
            (counted("AAAAAAAAAAE="), 1000, true, "stale", "100.00"),
            (none.clone(), 3000, true, "updated", "150.00"),
            (counted("AAAAAAAAAAM="), 3000, true, "duplicate", "150.00"),
            (counted("AAAAAAAAAAM="), 3000, true, "duplicate", "150.00"),
            (none.clone(), 3000, false, "accepted", "0.00"),
            (counted("AAAAAAAAAAQ="), 4000, true, "accepted", "200.00"),
            (counted("AAAAAAAAAAU="), 4000, false, "accepted", "0.00"),
            (none.clone(), 1000, true, "accepted", "50.00"),
            (counted("AAAAAAAAAAY="), 2000, true, "updated", "100.00"),
        ] {
            clock.move_to(till.service.clock_now() + chrono::Duration::seconds(1));
            let mut document = sale("a", "", amount);
            document["dataVersion"] = version;
            document["posted"] = json!(posted);
            let told = push(&till, &document).await;
            assert_eq!(told["status"], status, "{document} {told}");
            assert_eq!(till.balance(&guest).await, balance, "{document} {told}");
        }
        for (version, quantity, posted, balance) in [
            (none.clone(), "0.1", true, "90.00"),
            (counted("AAAAAAAAAAc="), "0.2", true, "80.00"),
            (counted("AAAAAAAAAAE="), "0.5", true, "80.00"),
            (none.clone(), "0.3", true, "70.00"),
            (counted("AAAAAAAAAAg="), "0.3", false, "100.00"),
            (none.clone(), "0.4", true, "60.00"),
            (none.clone(), "0.4", false, "100.00"),
            (counted("AAAAAAAAAAk="), "0.5", true, "50.00"),
        ] {
            clock.move_to(till.service.clock_now() + chrono::Duration::seconds(1));
            let document = json!({
                "documentId": "b", "dataVersion": version, "operation": "return", "date": "2026-11-22T13:00:00",
                "saleDocumentId": "a", "posted": posted, "lines": [{"saleLineId": 1, "quantity": quantity}],
            });
            let told = push(&till, &document).await;
            assert_eq!(till.balance(&guest).await, balance, "{document} {told}");
        }
        till.assert_books();
    });
}

#[test]
fn an_exchange_of_goods_with_many_pictures_ends_well() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        till.send("GET", "exchange?type=catalog&mode=init", "").await;
        for picture in 0..100 {
            let path = format!("exchange?type=catalog&mode=file&filename=import_files/{picture}.jpg");
            let taken = till.send("POST", &path, vec![0xff, 0xd8, 0, 1]).await;
            assert_eq!(taken.text, "success", "{picture}");
        }
        let file = fixture("onec/fixtures/commerce_ml/import.xml");
        let taken = till
            .send(
                "POST",
                "exchange?type=catalog&mode=file&filename=import.xml",
                file,
            )
            .await;
        assert_eq!(taken.text, "success");
        let taken = till
            .send("GET", "exchange?type=catalog&mode=import&filename=import.xml", "")
            .await;
        assert_eq!(taken.text, "success\nменю: добавлено 4, изменено 0, пропущено 0");
    });
}
