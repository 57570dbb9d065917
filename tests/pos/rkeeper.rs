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
        // A till that lost the answer compares with `Summa`: what the receipt has redeemed is its own to use.
        let reading = till.send("POST", "getcardinfoex.php", of("card-read")).await;
        says(&reading, r#"Summa="65575""#);
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
        says(&refused, "Недостаточно бонусов: доступно 320,00");
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
        for _ in 0..2 {
            let answer = till.send("POST", "transactionsex.php", late.clone()).await;
            says(&answer, r#"<TransactionsEx Result="1"/>"#);
            assert_eq!(
                till.transactions().await.len(),
                1,
                "the attempt that was rolled back leaves no trace"
            );
        }
        // Its messages are kept, and nobody has anything to do.
        let kept = till.messages("ignored").await;
        assert_eq!(kept["items"].as_array().unwrap().len(), 2);
        let waiting = till.messages("refused").await;
        assert_eq!(waiting["items"].as_array().unwrap().len(), 0);
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

const TRANSACTIONS: &str = "transactionsex.php";

fn of(name: &str) -> String {
    fixture(&format!("rkeeper/fixtures/{name}.xml"))
}

const APPLIED: &str = r#"<TransactionsEx Result="0"/>"#;
const REFUSED: &str = r#"<TransactionsEx Result="1"/>"#;

#[test]
fn a_return_that_the_till_could_not_finish_is_undone() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let newer = |name: &str, stamp: &str| {
            let body = of(name);
            let changed = body
                .replace("2026-03-14T20:31:05", stamp)
                .replace("2026-03-14T20:31:20", stamp);
            assert_ne!(body, changed);
            changed
        };
        for (body, balance) in [
            (of("sale-with-redemption"), "155.75"),
            (of("return"), "600.00"),
            (of("return-rollback"), "155.75"),
            (of("return-rollback"), "155.75"),
            // The return that was undone comes once more, late.
            (of("return"), "155.75"),
            // Another one is another one, and can be undone as well.
            (newer("return", "2026-03-14T20:40:00"), "600.00"),
            (newer("return", "2026-03-14T20:40:30"), "600.00"),
            // Older than the return that stands.
            (of("return-rollback"), "600.00"),
            (newer("return-rollback", "2026-03-14T20:41:00"), "155.75"),
            (of("sale-with-redemption"), "155.75"),
        ] {
            says(&till.send("POST", TRANSACTIONS, body).await, APPLIED);
            assert_eq!(till.balance(&guest).await, balance);
            till.assert_books();
        }
    });
}

#[test]
fn a_rollback_of_a_return_that_comes_first_is_remembered() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        for body in [of("sale-with-redemption"), of("return-rollback"), of("return")] {
            says(&till.send("POST", TRANSACTIONS, body).await, APPLIED);
            assert_eq!(till.balance(&guest).await, "155.75");
        }
        till.assert_books();
    });
}

#[test]
fn a_return_with_an_older_stamp_than_its_sale_is_a_return() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        says(
            &till.send("POST", TRANSACTIONS, of("sale-with-redemption")).await,
            APPLIED,
        );
        let slow_clock = of("return").replace("2026-03-14T20:31:05", "2026-03-14T19:58:39");
        assert_ne!(slow_clock, of("return"));
        for body in [slow_clock, of("return")] {
            says(&till.send("POST", TRANSACTIONS, body).await, APPLIED);
            assert_eq!(till.balance(&guest).await, "600.00");
        }
        till.assert_books();
    });
}

#[test]
fn zero_bytes_after_the_end_of_a_message_are_forgiven() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let c_string = of("sale-with-redemption") + "\0\0";
        says(&till.send("POST", TRANSACTIONS, c_string).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "155.75");
        let inside = of("return").replace("</CHECK>", "\0</CHECK>");
        says(&till.send("POST", TRANSACTIONS, inside).await, REFUSED);
    });
}

#[test]
fn bonuses_spent_between_a_return_and_its_rollback_become_a_debt() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        for name in ["sale-with-redemption", "return"] {
            says(&till.send("POST", TRANSACTIONS, of(name)).await, APPLIED);
        }
        till.owner
            .post(
                &format!("/api/v1/customers/{guest}/debits"),
                json!({"amount": "550.00"}),
            )
            .await
            .expect(201);
        says(
            &till.send("POST", TRANSACTIONS, of("return-rollback")).await,
            APPLIED,
        );
        assert_eq!(till.balance(&guest).await, "-394.25");
        till.assert_books();
    });
}

#[test]
fn several_cards_of_a_receipt_all_pay_or_none_does() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let first = till.customer("9000000017", "+79215550101", "600.00").await;
        let second = till.customer("5000123", "+79215550102", "199.99").await;
        let balances = async || (till.balance(&first).await, till.balance(&second).await);
        let are = |first: &str, second: &str| (first.to_owned(), second.to_owned());
        let sale = of("sale-with-two-cards");
        let refused = till.send("POST", TRANSACTIONS, sale.clone()).await;
        says(&refused, REFUSED);
        says(&refused, "199,99");
        assert_eq!(balances().await, are("600.00", "199.99"));
        till.owner
            .post(
                &format!("/api/v1/customers/{second}/credits"),
                json!({"amount": "0.01"}),
            )
            .await
            .expect(201);
        for _ in 0..2 {
            let answer = till.send("POST", TRANSACTIONS, sale.clone()).await;
            says(&answer, APPLIED);
            says(&answer, r#"cardcode="5000123""#);
            // 5 % of the 1115.00 that money paid, to the first card.
            assert_eq!(balances().await, are("355.75", "0.00"));
        }
        till.assert_books();
        for _ in 0..2 {
            says(&till.send("POST", TRANSACTIONS, of("return")).await, APPLIED);
            assert_eq!(balances().await, are("600.00", "200.00"));
        }
        till.assert_books();
        // The till could not finish it: each pays again what he had paid.
        for _ in 0..2 {
            says(
                &till.send("POST", TRANSACTIONS, of("return-rollback")).await,
                APPLIED,
            );
            assert_eq!(balances().await, are("355.75", "0.00"));
        }
        till.assert_books();
    });
}

#[test]
fn what_one_card_pays_is_not_offered_to_another() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        till.customer("9000000017", "+79215550101", "2000.00").await;
        till.customer("5000123", "+79215550102", "2000.00").await;
        let row = |card: &str, sum: &str| {
            format!(
                "<CHECKPAYMENTS count=\"1\"><PAYMENT id=\"{{9CA200F8-5961-4A6F-AE22-A095C65D1485}}\" code=\"10\" uni=\"23\" \
                 paytype=\"3\" interface=\"11\" cardcode=\"{card}\" bsum=\"{sum}\" sum=\"{sum}\"/></CHECKPAYMENTS></CHECKDATA>"
            )
        };
        let order = |card: &str, sum: &str| of("card-read").replace("</CHECKDATA>", &row(card, sum));
        for (card, paid, summa) in [
            ("9000000017", "200", "170000"),
            ("5000123", "200", "150000"),
            ("5000123", "1700", "0"),
        ] {
            let answer = till.send("POST", "getcardinfoex.php", order(card, paid)).await;
            says(&answer, &format!("Summa=\"{summa}\""));
        }
    });
}

#[test]
fn a_receipt_sent_again_after_a_dish_was_renamed_and_classified_anew_is_the_same() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        says(
            &till.send("POST", TRANSACTIONS, of("sale-with-redemption")).await,
            APPLIED,
        );
        // The rules have changed since: a difference would show.
        let venue = till.owner.get("/api/v1/venues").await.expect(200)["items"][0]["id"].clone();
        let path = format!("/api/v1/venues/{}", venue.as_str().unwrap());
        till.owner
            .patch(&path, json!({"base_percent": "50"}))
            .await
            .expect(200);
        let later = of("sale-with-redemption-repeat")
            .replace("name=\"Борщ\"", "name=\"Борщ украинский\"")
            .replace(
                "CA7E0000-0001-4000-8000-000000000017",
                "CA7E0000-0001-4000-8000-000000000018",
            );
        assert_ne!(later, of("sale-with-redemption-repeat"));
        says(&till.send("POST", TRANSACTIONS, later).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "155.75");
        // Another sum is another sale.
        let dearer = of("sale-with-redemption-repeat")
            .replace("2026-03-14T20:04:12", "2026-03-15T20:04:12")
            .replace("sum=\"1187.5\"", "sum=\"1287.5\"")
            .replace("bsum=\"1200\" sum=\"1200\"", "bsum=\"1300\" sum=\"1300\"");
        says(&till.send("POST", TRANSACTIONS, dearer).await, APPLIED);
        assert_ne!(till.balance(&guest).await, "155.75");
        // Whoever looks at the message sees that it took another's place.
        let posted = till.messages("posted").await;
        let detail = posted["items"][0]["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("сумма 1615.00 → 1715.00"), "{posted}");
        till.assert_books();
    });
}

#[test]
fn a_delivery_order_of_the_till_makes_no_second_receipt() {
    each_database_async(|store| async move {
        let settings = json!({"delivery_order_categories": ["1"]});
        let till = Till::new(&Service::on(store), "rkeeper", settings).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        says(&till.send("POST", TRANSACTIONS, of("sale")).await, APPLIED);
        let source = till.owner.get("/api/v1/connections").await.expect(200)["items"][0]["id"].clone();
        let receipt = format!(
            "/api/v1/receipts?venue_id=r&source={}&external_id=E2D4C9A8-1F37-4B6E-8A21-7C9B50D3F411",
            source.as_str().unwrap()
        );
        till.owner.get(&receipt).await.expect(404);
        assert_eq!(till.balance(&guest).await, "600.00");
        let kept = till.owner.get("/api/v1/messages").await.expect(200);
        let detail = kept["items"][0]["detail"].as_str().unwrap();
        assert!(
            detail.contains("его проводит подключение r_keeper Delivery"),
            "{kept}"
        );
        // Nobody's work: neither this nor the attempt is waited for.
        assert_eq!(
            till.owner
                .get("/api/v1/returns?older_than_minutes=0")
                .await
                .expect(200)["items"],
            json!([])
        );
    });
}

#[test]
fn a_delivery_order_that_is_paid_without_bonuses_after_all_gives_them_back() {
    each_database_async(|store| async move {
        let settings = json!({"delivery_order_categories": ["1"]});
        let till = Till::new(&Service::on(store), "rkeeper", settings).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let paid = of("sale-with-redemption");
        says(&till.send("POST", TRANSACTIONS, paid.clone()).await, APPLIED);
        let left = till.balance(&guest).await;
        assert_ne!(left, "600.00");
        // The till did not say that it gave the attempt up; the next one has no bonuses.
        let again = of("sale").replace(
            "generateddatetime=\"2026-03-14T19:58:40",
            "generateddatetime=\"2026-03-14T19:58:50",
        );
        says(&till.send("POST", TRANSACTIONS, again).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "600.00");
        // The attempt itself, late and once more, pays nothing any more.
        till.send("POST", TRANSACTIONS, paid).await;
        assert_eq!(till.balance(&guest).await, "600.00");
        till.assert_books();
    });
}

#[test]
fn an_order_posted_elsewhere_takes_nothing_from_a_sale_of_before_the_setting() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        says(&till.send("POST", TRANSACTIONS, of("sale")).await, APPLIED);
        let sold = till.balance(&guest).await;
        assert_ne!(sold, "600.00");
        till.set(json!({"delivery_order_categories": ["1"]})).await;
        let late = of("sale").replace(
            "generateddatetime=\"2026-03-14T19:58:40",
            "generateddatetime=\"2026-03-14T19:58:50",
        );
        says(&till.send("POST", TRANSACTIONS, late).await, APPLIED);
        assert_eq!(till.balance(&guest).await, sold);
        till.assert_books();
    });
}

#[test]
fn a_sale_kept_aside_by_a_wrong_setting_is_posted_by_its_replay_or_told_again() {
    each_database_async(|store| async move {
        for again in ["replay", "resend"] {
            let service = Service::on(store.clone());
            let settings = json!({"delivery_order_categories": ["1"]});
            let till = Till::of(&format!("{again}@rkeeper.example"), &service, "rkeeper", settings).await;
            let guest = till.customer("9000000017", "+79215550101", "0.00").await;
            says(&till.send("POST", TRANSACTIONS, of("sale")).await, APPLIED);
            let kept = till.messages("ignored").await;
            let id = kept["items"][0]["id"]
                .as_str()
                .expect("it waits for nobody")
                .to_owned();
            assert!(
                kept["items"][0]["detail"]
                    .as_str()
                    .unwrap()
                    .contains("его проводит подключение r_keeper Delivery"),
                "{kept}"
            );
            till.set(json!({})).await;
            if again == "replay" {
                let path = format!("/api/v1/messages/{id}/replay");
                till.owner.post(&path, json!({})).await.expect(200);
            } else {
                says(&till.send("POST", TRANSACTIONS, of("sale")).await, APPLIED);
            }
            assert_eq!(till.balance(&guest).await, "80.75", "{again}");
            till.assert_books();
        }
    });
}

#[test]
fn a_payment_without_a_receipt_that_is_undone_may_be_made_again() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let paid = of("sale-without-receipt-xml");
        let undone = paid
            .replace("Summa=\"-", "Summa=\"+")
            .replace("Summa=\"111500", "Summa=\"-111500")
            .replace("Summa=\"+", "Summa=\"");
        for _ in 0..2 {
            for (body, balance) in [(&paid, "155.75"), (&undone, "600.00")] {
                says(&till.send("POST", TRANSACTIONS, body.clone()).await, APPLIED);
                assert_eq!(till.balance(&guest).await, balance);
                let clock = &till.service.clock;
                clock.move_to(till.service.clock_now() + chrono::Duration::seconds(20));
            }
        }
        says(&till.send("POST", TRANSACTIONS, paid).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "155.75");
        till.assert_books();
    });
}

#[test]
fn a_cards_number_is_nobodys_telephone_where_the_connection_says_so() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({"card_as_phone": false})).await;
        till.customer("9215550117", "+79215550101", "0.00").await;
        till.customer("5000123", "+79215550117", "0.00").await;
        let look_up = |text: &str| format!("<ROOT><QRY Email=\"{text}\"/></ROOT>");
        for (shown, card) in [
            ("9215550117", "9215550117"),
            // Nobody writes a card's number so.
            ("+79215550117", "5000123"),
            ("8 (921) 555-01-17", "5000123"),
        ] {
            let answer = till.send("POST", "findemail.php", look_up(shown)).await;
            says(&answer, &format!("CardCode=\"{card}\""));
        }
    });
}

#[test]
fn a_later_attempt_with_other_cards_takes_the_place_of_the_former() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let first = till.customer("9000000017", "+79215550101", "600.00").await;
        let second = till.customer("5000123", "+79215550102", "200.00").await;
        says(
            &till.send("POST", TRANSACTIONS, of("sale-with-two-cards")).await,
            APPLIED,
        );
        let alone = of("sale-with-redemption-repeat");
        says(&till.send("POST", TRANSACTIONS, alone).await, APPLIED);
        assert_eq!(till.balance(&first).await, "155.75");
        assert_eq!(till.balance(&second).await, "200.00");
        till.assert_books();
        let rollback = of("rollback").replace("chmode=\"2\"", "chmode=\"3\"");
        till.send("POST", TRANSACTIONS, rollback).await;
        till.assert_books();
    });
}

#[test]
fn two_cards_of_one_guest_pay_as_that_guest() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "600.00").await;
        let another = json!({"number": "5000123", "kind": "virtual"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/cards"), another)
            .await
            .expect(201);
        says(
            &till.send("POST", TRANSACTIONS, of("sale-with-two-cards")).await,
            APPLIED,
        );
        assert_eq!(till.balance(&guest).await, "155.75");
        says(&till.send("POST", TRANSACTIONS, of("return")).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "600.00");
        till.assert_books();
    });
}

#[test]
fn where_the_till_counts_what_accrues_the_rules_of_the_venue_do_not() {
    each_database_async(|store| async move {
        let settings = json!({"accrual_source": "till", "bonus_code": 7});
        let till = Till::new(&Service::on(store), "rkeeper", settings).await;
        let guest = till.customer("9000000017", "+79215550101", "0.00").await;
        let sale = of("sale-with-bonus-of-the-till").replace("Summa=\"8075\"", "Summa=\"1234\"");
        for _ in 0..2 {
            says(&till.send("POST", TRANSACTIONS, sale.clone()).await, APPLIED);
            assert_eq!(till.balance(&guest).await, "12.34");
        }
        says(&till.send("POST", TRANSACTIONS, of("return")).await, APPLIED);
        assert_eq!(till.balance(&guest).await, "0.00");
        till.assert_books();
    });
}

#[test]
fn a_guest_is_looked_up_by_whatever_he_shows() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "10.00").await;
        let uuid = "0f0a9c55-6f5b-4a53-9a53-3d3b0b1f8a11";
        let change = json!({"email": "anna@example.org", "external_id": uuid});
        till.owner
            .patch(&format!("/api/v1/customers/{guest}"), change)
            .await
            .expect(200);
        let code = till
            .owner
            .post(&format!("/api/v1/customers/{guest}/qr"), json!({}))
            .await;
        let code = code.expect(200)["qr"].as_str().unwrap().to_owned();
        let look_up = |text: &str| format!("<ROOT><QRY Email=\"{text}\"/></ROOT>");
        for shown in [
            "Anna@Example.org",
            "+7 921 555-01-01",
            "8 (921) 555-01-01",
            "7 921 555-01-01",
            uuid,
            "9000000017",
            &code,
        ] {
            let answer = till.send("POST", "findemail.php", look_up(shown)).await;
            says(&answer, r#"Result="0""#);
            // Not the card, whose number a till takes for a telephone.
            says(&answer, r#"CardCode="9215550101""#);
        }
        // As a card the code would end before the payment: the cashier is told what to do.
        let read = of("card-read").replace("9000000017", &code);
        let answer = till.send("POST", "getcardinfoex.php", read).await;
        says(&answer, r#"Locked="1""#);
        says(&answer, "FindEmail");
        let forged = format!("{}A", &code[..code.len() - 1]);
        let forged = if forged == code {
            format!("{}B", &code[..code.len() - 1])
        } else {
            forged
        };
        for nobody in ["boris@example.org", "+79215550109", "nobody", &forged] {
            let answer = till.send("POST", "findemail.php", look_up(nobody)).await;
            says(&answer, r#"Result="1""#);
        }
        let picture = till.send("POST", "getcardimageex.php", of("card-image")).await;
        assert_eq!(
            (picture.status.as_u16(), &picture.headers["content-type"]),
            (200, &"image/bmp".parse().unwrap())
        );
    });
}

#[test]
fn a_till_is_told_in_its_own_language_even_where_its_message_is_too_large() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let answer = till.send("POST", TRANSACTIONS, vec![b' '; 2 * 1024 * 1024]).await;
        assert_eq!(answer.status, 200);
        says(&answer, r#"Result="1""#);
    });
}
