//! 1C: much at once. Long imports, large messages, and what their senders are told.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kopilka::pos;
use kopilka::pos::connection_cache;
use kopilka::pos::conversation::{Incoming, hold};
use serde_json::{Value, json};

use super::Till;
use super::onec_base::CARD;
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
        body: Vec::new(),
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
        assert_eq!(done, format!("success\nдокументов: {DOCUMENTS}, не принято: 0"));
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
