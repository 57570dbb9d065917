//! r_keeper: the day of one receipt, with everything that a till does to it.

use serde_json::json;

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

fn says(answer: &crate::api::client::Answer, text: &str) {
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    assert!(answer.text.contains(text), "{text} is not in {}", answer.text);
}

#[test]
fn a_card_is_read_with_what_it_may_pay() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        till.customer("9000000017", "+79215550101", "1240.00").await;
        let answer = till
            .send(
                "POST",
                "getcardinfoex.php",
                fixture("rkeeper/fixtures/card-read.xml"),
            )
            .await;
        says(&answer, r#"Result="0""#);
        says(&answer, r#"Holder="Анна К.""#);
        says(&answer, r#"Summa="124000""#);
        let unknown = fixture("rkeeper/fixtures/card-read.xml").replace("9000000017", "9000000018");
        says(
            &till.send("POST", "getcardinfoex.php", unknown).await,
            r#"Result="1""#,
        );
        assert_eq!(till.transactions().await.len(), 1, "a card read changes nothing");
    });
}

#[test]
fn a_sale_with_redemption_is_posted_once_repeated_at_will_and_returned() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let sale = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        let first = till.send("POST", "transactionsex.php", sale.clone()).await;
        says(&first, r#"<TransactionsEx Result="0"/>"#);
        // 1615.00 paid, 500.00 of it with bonuses: 5 % of 1115.00.
        assert_eq!(till.balance(&guest).await, "155.75");
        let again = till.send("POST", "transactionsex.php", sale.clone()).await;
        assert_eq!(first.text, again.text, "byte for byte");
        let later = fixture("rkeeper/fixtures/sale-with-redemption-repeat.xml");
        says(
            &till.send("POST", "transactionsex.php", later).await,
            r#"<TransactionsEx Result="0"/>"#,
        );
        assert_eq!(till.balance(&guest).await, "155.75");

        let back = sale
            .replace(
                r#"generateddatetime="2026-03-14T19:58:40" chmode="1""#,
                r#"generateddatetime="2026-03-14T20:31:05" chmode="3""#,
            )
            .replace(r#"Kind="0" Summa="-50000""#, r#"Kind="0" Summa="50000""#)
            .replace(r#"Kind="1" Summa="-8500""#, r#"Kind="1" Summa="8500""#)
            .replace(r#"Kind="3" Summa="111500""#, r#"Kind="3" Summa="-111500""#);
        assert_ne!(back, sale);
        for _ in 0..2 {
            says(
                &till.send("POST", "transactionsex.php", back.clone()).await,
                r#"<TransactionsEx Result="0"/>"#,
            );
            assert_eq!(till.balance(&guest).await, "600.00");
        }
        // After the return the till may still repeat the sale: the stored answer, nothing posted.
        says(
            &till.send("POST", "transactionsex.php", sale).await,
            r#"<TransactionsEx Result="0"/>"#,
        );
        assert_eq!(till.balance(&guest).await, "600.00");
        let kinds: Vec<_> = till
            .transactions()
            .await
            .into_iter()
            .map(|(kind, ..)| kind)
            .collect();
        assert_eq!(kinds, ["admin", "place", "place", "reversal", "reversal"]);
        till.assert_books();
    });
}

#[test]
fn a_redemption_beyond_the_balance_is_refused_in_words_and_may_succeed_later() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "320.00").await;
        let sale = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        let refused = till.send("POST", "transactionsex.php", sale.clone()).await;
        says(&refused, r#"<TransactionsEx Result="1"/>"#);
        says(&refused, "Недостаточно бонусов: доступно 320.00");
        assert_eq!(till.balance(&guest).await, "320.00");
        let credit = json!({"amount": "180.00"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/credits"), credit)
            .await
            .expect(201);
        says(
            &till.send("POST", "transactionsex.php", sale).await,
            r#"<TransactionsEx Result="0"/>"#,
        );
        assert_eq!(till.balance(&guest).await, "55.75");
        till.assert_books();
    });
}

#[test]
fn a_rollback_before_its_sale_is_remembered_and_a_newer_attempt_sells() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "500.00").await;
        let at = |stamp: &str, chmode: &str, sign: &str| {
            fixture("rkeeper/fixtures/sale-with-redemption.xml")
                .replace(
                    "generateddatetime=\"2026-03-14T19:58:40\" chmode=\"1\"",
                    &format!("generateddatetime=\"{stamp}\" chmode=\"{chmode}\""),
                )
                .replace("Summa=\"-50000\"", &format!("Summa=\"{sign}50000\""))
        };
        let rollback = at("2026-03-14T20:00:00", "2", "");
        says(
            &till.send("POST", "transactionsex.php", rollback).await,
            r#"<TransactionsEx Result="0"/>"#,
        );
        let late = at("2026-03-14T19:58:40", "1", "-");
        till.send("POST", "transactionsex.php", late.clone()).await;
        assert_eq!(
            till.balance(&guest).await,
            "500.00",
            "the attempt that was rolled back leaves no trace"
        );
        says(
            &till.send("POST", "transactionsex.php", late).await,
            r#"<TransactionsEx Result="1"/>"#,
        );
        let anew = at("2026-03-14T20:01:00", "1", "-");
        says(
            &till.send("POST", "transactionsex.php", anew).await,
            r#"<TransactionsEx Result="0"/>"#,
        );
        assert_eq!(till.balance(&guest).await, "55.75");
        till.assert_books();
    });
}

#[test]
fn broken_messages_get_an_answer_that_the_till_understands_and_are_kept() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        for name in [
            "broken-message",
            "entity-bomb",
            "external-entity",
            "wrong-encoding",
        ] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("adapters/rkeeper/fixtures/{name}.xml"));
            let answer = till
                .send("POST", "transactionsex.php", std::fs::read(path).unwrap())
                .await;
            says(&answer, r#"Result="1""#);
        }
        assert!(till.transactions().await.is_empty());
    });
}
