//! 1C: much at once. Long imports, large messages, and what their senders are told.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kopilka::pos;
use kopilka::pos::connection_cache;
use kopilka::pos::conversation::hold;
use kopilka::pos::incoming::Incoming;
use serde_json::{Value, json};

use super::onec_base::CARD;
use super::{Till, imported};
use crate::api::client::Service;
use crate::databases::each_database_async;

const DOCUMENTS: usize = 150;

/// A file of many sales of 100.00.
fn file() -> String {
    let document = |number: usize| {
        format!(
            "<Документ><Ид>d{number}</Ид><Номер>{number}</Номер><Дата>2026-11-22</Дата><ХозОперация>Отпуск товара</ХозОперация>\
             <Сумма>100</Сумма><Товары><Товар><Ид>coffee</Ид><Наименование>Кофе</Наименование><Количество>1</Количество>\
             <Сумма>100</Сумма></Товар></Товары><ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>КодКарты</Наименование>\
             <Значение>{CARD}</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Документ>"
        )
    };
    let documents: String = (0..DOCUMENTS).map(document).collect();
    format!("<КоммерческаяИнформация ВерсияСхемы=\"2.08\">{documents}</КоммерческаяИнформация>")
}

/// Asks for the import, and waits no longer than so.
async fn import(till: &Till, query: &str, patience: Duration) -> String {
    let app = &till.service.app;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let known = connection_cache::find(app, &till.token, here).await.unwrap();
    let incoming = Incoming {
        method: "GET".to_owned(),
        path: "exchange".to_owned(),
        query: query.to_owned(),
        content_type: None,
        body: Vec::new().into(),
        login: None,
        received_at: till.service.clock_now(),
        replay_of: None,
    };
    let adapter = pos::adapter("onec").unwrap();
    let held = hold(app, adapter, &known, incoming, Some(patience)).await;
    String::from_utf8(held.reply.body).unwrap()
}

#[test]
fn an_import_that_takes_longer_than_1c_waits_goes_on_and_is_done_once() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        till.send("GET", "exchange?type=catalog&mode=init", "").await;
        let part = "exchange?type=catalog&mode=file&filename=sales.xml";
        assert_eq!(till.send("POST", part, file()).await.text, "success");
        let query = "type=catalog&mode=import&filename=sales.xml";
        let mut heard = Vec::new();
        let done = loop {
            let said = import(&till, query, Duration::from_millis(30)).await;
            if said.starts_with("success") {
                break said;
            }
            assert!(heard.len() < 2000, "{said}");
            heard.push(said);
        };
        assert!(heard.iter().any(|said| said == "progress"), "{heard:?}");
        assert_eq!(done, imported(DOCUMENTS, 0, 0));
        assert_eq!(till.balance(&guest).await, "750.00");
        let kept = |outcome: &str| format!("/api/v1/messages?limit=500&outcome={outcome}");
        let posted = till.owner.get(&kept("posted")).await.expect(200);
        assert_eq!(posted["items"].as_array().unwrap().len(), DOCUMENTS);
        let repeated = till.owner.get(&kept("repeated")).await.expect(200);
        assert_eq!(repeated["items"], json!([]), "the work was done once: {repeated}");
        till.assert_books();
    });
}

#[test]
fn a_list_of_documents_may_be_large_and_what_is_too_large_is_told_so_for_good() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let document = json!({
            "documentId": "a", "operation": "sale", "date": "2026-11-22T12:00:00", "card": CARD,
            "lines": [{"lineId": 1, "item": {"id": "coffee"}, "quantity": 1, "amount": 100}],
            "comment": "x".repeat(2 * 1024 * 1024),
        });
        let taken: Value = till
            .send("POST", "v1/receipts/batch", json!([document]).to_string())
            .await
            .json();
        assert_eq!(taken["results"][0]["status"], "accepted", "{taken}");
        assert_eq!(till.balance(&guest).await, "5.00");

        // A single receipt is a till's: never so large.
        let alone = till.send("POST", "v1/receipts", document.to_string()).await;
        assert_eq!(alone.status, 413);
        let alone = alone.json();
        assert_eq!(
            (&alone["code"], &alone["retryable"]),
            (&json!("body-too-large"), &Value::Null),
            "{alone}"
        );
        assert_eq!(
            alone["error"],
            "Сообщение больше 1 МиБ: присылайте меньше за один раз."
        );
        let much = vec![b' '; 17 * 1024 * 1024];
        let batch = till.send("POST", "v1/receipts/batch", much.clone()).await;
        assert_eq!(batch.status, 413, "{}", batch.text);
        let said = "failure\nСообщение больше 16 МиБ: присылайте меньше за один раз.";
        let file = till.send("POST", "v1/commerceml", much.clone()).await;
        assert_eq!((file.status.as_u16(), file.text.as_str()), (413, said));
        let part = "exchange?type=sale&mode=file&filename=a.xml";
        let part = till.send("POST", part, much).await;
        assert_eq!((part.status.as_u16(), part.text.as_str()), (200, said));
        assert_eq!(till.balance(&guest).await, "5.00");
    });
}

/// A sale, or a return of one, of so many things for 100.00 each.
fn document(id: &str, card: &str, of: Option<&str>, quantity: u32) -> Value {
    let line = if of.is_some() { "saleLineId" } else { "lineId" };
    json!({
        "documentId": id, "operation": if of.is_some() { "return" } else { "sale" }, "date": "2026-11-22T12:00:00",
        "card": card, "saleDocumentId": of,
        "lines": [{line: 1, "item": {"id": "coffee"}, "quantity": quantity, "amount": quantity * 100}],
    })
}

#[test]
fn documents_of_many_guests_are_posted_at_once_and_those_of_one_guest_or_sale_in_their_order() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"receipt_redemption": "now"})).await;
        let mut guests = Vec::new();
        let mut documents = Vec::new();
        for number in 0..20 {
            let (card, phone) = (
                format!("29000000018{number:02}"),
                format!("+790055502{number:02}"),
            );
            guests.push(till.customer(&card, &phone, "0.00").await);
            // Each is right only after the one before: the second sale is paid with what the first has accrued, the return brings half of
            // the first back.
            let id = |of: &str| format!("{of}{number}");
            documents.push(document(&id("a"), &card, None, 20));
            let mut paid = document(&id("b"), &card, None, 1);
            paid["lines"][0]["bonusDiscount"] = json!(100);
            paid["lines"][0]["amount"] = json!(0);
            documents.push(paid);
            documents.push(document(&id("c"), &card, Some(&id("a")), 10));
        }
        let told: Value = till
            .send("POST", "v1/receipts/batch", Value::from(documents).to_string())
            .await
            .json();
        let results = told["results"].as_array().unwrap();
        assert_eq!(results.len(), 60);
        for (number, result) in results.iter().enumerate() {
            let id = format!("{}{}", ["a", "b", "c"][number % 3], number / 3);
            assert_eq!(
                (&result["documentId"], &result["status"]),
                (&json!(id), &json!("accepted")),
                "{result}"
            );
        }
        for guest in &guests {
            let account = till
                .owner
                .get(&format!("/api/v1/customers/{guest}/balance"))
                .await;
            // 5 % of 2000.00, all of it spent, half of it taken back.
            assert_eq!(account.expect(200)["debt"], "50.00");
        }
        till.assert_books();
    });
}

#[test]
fn of_who_does_not_show_the_password_no_more_is_read_than_of_a_till() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"password": "open"})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let documents = |length: usize| {
            let mut document = document("a", CARD, None, 1);
            document["comment"] = json!("x".repeat(length));
            json!([document]).to_string()
        };
        for length in [10, 2 * 1024 * 1024, 17 * 1024 * 1024] {
            let told = till.send("POST", "v1/receipts/batch", documents(length)).await;
            assert_eq!(told.status, 401, "{length}: {}", told.text);
            assert_eq!(told.json()["code"], "unauthorized");
        }
        // What was small is kept for a person.
        let kept = till.messages("refused").await;
        assert_eq!(kept["items"].as_array().unwrap().len(), 1, "{kept}");
        assert_eq!(till.balance(&guest).await, "0.00");
    });
}
