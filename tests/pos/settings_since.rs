//! A sale that comes again after the settings of its connection were changed: they are for the sales to come.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

const TRANSACTIONS: &str = "transactionsex.php";

fn of(name: &str) -> String {
    fixture(&format!("rkeeper/fixtures/{name}.xml"))
}

/// The same attempt with another stamp.
fn at(message: &str, stamp: &str) -> String {
    let later = message.replace("2026-03-14T19:58:40", stamp);
    assert_ne!(later, message);
    later
}

async fn balances(till: &Till, guests: &[String]) -> Vec<String> {
    let mut balances = Vec::new();
    for guest in guests {
        balances.push(till.balance(guest).await);
    }
    balances
}

/// What became of the newest messages of these outcomes: how many there are.
async fn outcomes(till: &Till, outcome: &str) -> usize {
    till.messages(outcome).await["items"].as_array().unwrap().len()
}

/// A day of r_keeper: a sale, other settings, the very same sale with a newer stamp, and a changed one.
async fn r_keeper(till: Till, name: &str, since: Value) {
    let guests = [
        till.customer("9000000017", "+79215550101", "600.00").await,
        till.customer("1234", "+79000000017", "700.00").await,
    ];
    let sale = of(name);
    let first = till.send("POST", TRANSACTIONS, sale.clone()).await;
    assert!(
        first.text.contains(r#"TransactionsEx Result="0""#),
        "{}",
        first.text
    );
    let (books, posted) = (balances(&till, &guests).await, till.transactions().await);

    till.set(since.clone()).await;
    let again = till
        .send("POST", TRANSACTIONS, at(&sale, "2026-03-21T10:00:00"))
        .await;
    let context = format!("{name} {since}");
    assert!(
        again.text.contains(r#"TransactionsEx Result="0""#),
        "{context}: {}",
        again.text
    );
    assert_eq!(outcomes(&till, "repeated").await, 1, "{context}");
    assert_eq!(balances(&till, &guests).await, books, "{context}");
    assert_eq!(till.transactions().await, posted, "{context}");

    // An earlier attempt that is taken back late is not this sale.
    let rollback = at(&of("rollback"), "2026-03-20T10:00:00");
    till.send("POST", TRANSACTIONS, rollback).await;
    assert_eq!(balances(&till, &guests).await, books, "{context}");

    let before = outcomes(&till, "posted").await;
    // Another soup: a newer version of the sale, read as the settings are now.
    let changed = at(&sale, "2026-03-22T10:00:00")
        .replace(r#"quantity="1" sum="427.5""#, r#"quantity="2" sum="855""#)
        .replace(r#"name="Супы" sum="427.5""#, r#"name="Супы" sum="855""#);
    till.send("POST", TRANSACTIONS, changed).await;
    assert_eq!(outcomes(&till, "repeated").await, 1, "{context}");
    assert_eq!(outcomes(&till, "posted").await, before + 1, "{context}");
    till.assert_books();
}

#[test]
fn a_sale_of_r_keeper_that_comes_again_stands_as_it_was_read_when_it_was_made() {
    let cases = [
        (
            "sale-with-bonus-of-the-till",
            json!({}),
            json!({"accrual_source": "till"}),
        ),
        (
            "sale-with-bonus-of-the-till",
            json!({"accrual_source": "till"}),
            json!({}),
        ),
        (
            "sale",
            json!({}),
            json!({"payment_kinds": {"4": "gift_certificate"}}),
        ),
        ("sale", json!({}), json!({"bonus_currencies": ["4"]})),
        ("sale", json!({}), json!({"card_as_phone": false})),
        ("sale-with-redemption", json!({"card_as_phone": false}), json!({})),
        (
            "sale-with-redemption",
            json!({}),
            json!({"lines_net_of_bonuses": true}),
        ),
        (
            "sale-with-redemption",
            json!({}),
            json!({"delivery_order_categories": ["1"]}),
        ),
        (
            "sale-with-kinds-of-the-site",
            json!({}),
            json!({"transaction_kinds": {"52": "payment"}}),
        ),
    ];
    each_database_async(|store| {
        let cases = cases.clone();
        async move {
            let service = Service::on(store);
            for (number, (name, before, since)) in (1..).zip(cases) {
                let owner = format!("owner@{number}.example");
                let till = Till::of(&owner, &service, "rkeeper", before).await;
                r_keeper(till, name, since).await;
            }
        }
    });
}
