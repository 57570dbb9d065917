//! 1C: an exchange in CommerceML, from its first step to the books.

use serde_json::{Value, json};

use super::{Till, fixture, imported};
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";

/// The steps before a file, as 1C makes them.
async fn begin(till: &Till, kind: &str) {
    let known = till
        .send("GET", &format!("exchange?type={kind}&mode=checkauth"), "")
        .await;
    assert!(known.text.starts_with("success\n"), "{}", known.text);
    let init = till
        .send("GET", &format!("exchange?type={kind}&mode=init"), "")
        .await;
    assert_eq!(init.text, "zip=no\nfile_limit=1048576");
}

async fn part(till: &Till, kind: &str, name: &str, body: &[u8]) -> String {
    let path = format!("exchange?type={kind}&mode=file&filename={name}");
    till.send("POST", &path, body.to_vec()).await.text
}

async fn import(till: &Till, kind: &str, name: &str) -> String {
    let path = format!("exchange?type={kind}&mode=import&filename={name}");
    till.send("GET", &path, "").await.text
}

async fn products(till: &Till) -> Vec<Value> {
    let list = till.owner.get("/api/v1/venues/r/products").await.expect(200);
    list["items"].as_array().unwrap().clone()
}

#[test]
fn documents_that_come_in_parts_are_receipts_exactly_once() {
    each_database_async(|store| async move {
        let settings = json!({"receipt_redemption": "now"});
        let till = Till::new(&Service::on(store), "onec", settings).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let file = fixture("onec/fixtures/commerce_ml/documents.xml").into_bytes();
        let (first, second) = file.split_at(1500);

        begin(&till, "sale").await;
        assert_eq!(part(&till, "sale", "orders.xml", first).await, "success");
        // The answer was lost, and the base sends the part again.
        assert_eq!(part(&till, "sale", "orders.xml", first).await, "success");
        // Older exchanges of documents have no import: the last part posts.
        let posted = part(&till, "sale", "orders.xml", second).await;
        assert_eq!(posted, imported(2, 0, 0));
        // 500.00 − 149.50 + 5 % of 1485.50, and the cheese came back: 50.87 of bonuses return, and what 505.50 had accrued goes.
        let after = till.balance(&guest).await;
        assert_eq!(after, "450.37");
        assert_eq!(part(&till, "sale", "orders.xml", second).await, imported(0, 2, 0));
        assert_eq!(import(&till, "sale", "orders.xml").await, imported(0, 2, 0));
        assert_eq!(till.balance(&guest).await, after);

        // The next exchange has a file of the same name, and this one does not begin with an `init`.
        assert_eq!(part(&till, "sale", "orders.xml", &file).await, imported(0, 2, 0));
        assert_eq!(import(&till, "sale", "orders.xml").await, imported(0, 2, 0));
        assert_eq!(till.balance(&guest).await, after);

        // What was imported is kept whole, and can be replayed.
        let kept = till.owner.get("/api/v1/messages?limit=100").await.expect(200);
        let posted = kept["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["outcome"] == "posted")
            .unwrap();
        let replay = format!("/api/v1/messages/{}/replay", posted["id"].as_str().unwrap());
        till.owner.post(&replay, json!({})).await.expect(200);
        assert_eq!(till.balance(&guest).await, after);
        till.assert_books();
    });
}

#[test]
fn a_document_that_cannot_be_read_waits_for_a_person_by_itself() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"receipt_redemption": "now"})).await;
        till.customer(CARD, "+79005550101", "500.00").await;
        let file = fixture("onec/fixtures/commerce_ml/documents_broken_amount.xml");
        let answer = till.send("POST", "v1/commerceml", file).await.text;
        // The sale is broken; its return waits for it.
        let said = imported(1, 0, 1) + "\nМГ00-000431: поле /lines/0/amount: ожидалось число";
        assert_eq!(answer, said);
        let kept = till.messages("unreadable").await;
        let unread = kept["items"].as_array().unwrap();
        assert_eq!(unread.len(), 1, "{kept}");
        assert!(
            unread[0]["detail"].as_str().unwrap().contains("/lines/0/amount"),
            "{kept}"
        );
        till.assert_books();
    });
}

#[test]
fn a_document_that_its_base_cancels_takes_the_receipt_back() {
    each_database_async(|store| async move {
        let settings = json!({"receipt_redemption": "now"});
        let till = Till::new(&Service::on(store), "onec", settings).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let sold = fixture("onec/fixtures/commerce_ml/documents.xml");
        let sold = format!(
            "{}</КоммерческаяИнформация>",
            sold.split("  <Документ>\n    <Ид>8d2f").next().unwrap()
        );
        let answer = till.send("POST", "v1/commerceml", sold.clone()).await.text;
        assert_eq!(answer, imported(1, 0, 0));
        assert_eq!(till.balance(&guest).await, "424.77");
        let yes = "<ЗначениеРеквизита><Наименование>Пометка удаления</Наименование><Значение>true</Значение></ЗначениеРеквизита>";
        let gone = sold
            .replace("2026-03-14T20:00:03", "2026-03-14T21:00:03")
            .replace("<ЗначенияРеквизитов>", &format!("<ЗначенияРеквизитов>{yes}"));
        assert_eq!(till.send("POST", "v1/commerceml", gone).await.text, answer);
        assert_eq!(till.balance(&guest).await, "500.00");
        // And posted again, later.
        let again = sold.replace("2026-03-14T20:00:03", "2026-03-14T22:00:03");
        assert_eq!(till.send("POST", "v1/commerceml", again).await.text, answer);
        assert_eq!(till.balance(&guest).await, "424.77");
        till.assert_books();
    });
}

#[test]
fn an_archive_comes_in_parts_and_files_of_it_are_imported_by_their_names() {
    each_database_async(|store| async move {
        let settings = json!({"receipt_redemption": "now", "commerce_ml": {"zip": true}});
        let till = Till::new(&Service::on(store), "onec", settings).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let init = till.send("GET", "exchange?type=sale&mode=init", "").await;
        assert_eq!(init.text, "zip=yes\nfile_limit=1048576");
        let archive = std::fs::read("adapters/onec/fixtures/commerce_ml/archive_of_documents.zip").unwrap();
        let (first, second) = archive.split_at(700);
        assert_eq!(part(&till, "sale", "v8_5F3A.zip", first).await, "success");
        let posted = part(&till, "sale", "v8_5F3A.zip", second).await;
        assert_eq!(posted, imported(2, 0, 0));
        let again = import(&till, "sale", "documents.xml").await;
        assert_eq!(again, imported(0, 2, 0));
        assert_eq!(till.balance(&guest).await, "450.37");
        // By the name of the archive too, and once more.
        assert_eq!(import(&till, "sale", "v8_5F3A.zip").await, again);
        assert_eq!(till.balance(&guest).await, "450.37");
        let missing = import(&till, "sale", "prices.xml").await;
        assert_eq!(missing, "failure\nв архиве нет файла prices.xml");
        till.assert_books();
    });
}

#[test]
fn goods_are_taken_over_and_a_file_that_did_not_come_is_a_failure() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        begin(&till, "catalog").await;
        let missing = import(&till, "catalog", "import.xml").await;
        assert_eq!(missing, "failure\nфайл import.xml не получен: сначала mode=file");
        for name in ["import", "offers"] {
            let file = fixture(&format!("onec/fixtures/commerce_ml/{name}.xml"));
            let name = format!("{name}.xml");
            assert_eq!(part(&till, "catalog", &name, file.as_bytes()).await, "success");
        }
        let taken = import(&till, "catalog", "import.xml").await;
        assert_eq!(taken, "success\nменю: добавлено 4, изменено 0, пропущено 0");
        let priced = import(&till, "catalog", "offers.xml").await;
        assert_eq!(priced, "success\nменю: добавлено 0, изменено 1, пропущено 0");
        let products = products(&till).await;
        let shown: Vec<_> = products
            .iter()
            .map(|p| (&p["name"], &p["price"], &p["unit"]))
            .collect();
        assert_eq!(
            shown,
            [
                (&json!("Кофе в зёрнах 1 кг"), &json!("1200.00"), &json!("piece")),
                (&json!("Сыр весовой"), &json!(null), &json!("kg")),
            ]
        );
        // A new exchange forgets the files of the one before.
        begin(&till, "catalog").await;
        assert_eq!(import(&till, "catalog", "import.xml").await, missing);
    });
}
