//! A sale that comes again after the settings of its connection were changed: they are for the sales to come.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// Something that a till says to the door.
struct Message {
    path: &'static str,
    body: String,
}

/// A sale before and after settings are changed.
struct Sale {
    told: Message,
    /// Just the same, with a newer stamp.
    again: Message,
    /// An earlier attempt that is taken back late, where tills do so.
    undone: Option<Message>,
    /// Newer, and with something else in it.
    changed: Message,
}

/// How many messages came to an outcome.
async fn outcomes(till: &Till, outcome: &str) -> usize {
    till.messages(outcome).await["items"].as_array().unwrap().len()
}

async fn say(till: &Till, message: &Message, context: &str) {
    let answer = till.send("POST", message.path, message.body.clone()).await;
    assert_eq!(answer.status.as_u16(), 200, "{context}: {answer:?}");
}

/// The sale is told, and once more under other settings: nothing is posted. What has changed in it is.
async fn comes_again(till: Till, sale: Sale, since: Value) {
    let posted = outcomes(&till, "posted").await;
    say(&till, &sale.told, "first").await;
    assert_eq!(outcomes(&till, "posted").await, posted + 1);
    let books = till.transactions().await;

    let context = since.to_string();
    till.set(since).await;
    say(&till, &sale.again, &context).await;
    assert_eq!(outcomes(&till, "repeated").await, 1, "{context}");
    if let Some(undone) = &sale.undone {
        say(&till, undone, &context).await;
    }
    assert_eq!(till.transactions().await, books, "{context}");

    let posted = outcomes(&till, "posted").await;
    say(&till, &sale.changed, &context).await;
    assert_eq!(outcomes(&till, "posted").await, posted + 1, "{context}");
    assert_eq!(outcomes(&till, "repeated").await, 1, "{context}");
    till.assert_books();
}

/// Plays cases, each in a network of its own: what the sale is made of, settings before and since.
fn play<C: Clone + 'static>(kind: &'static str, cases: &[(C, Value, Value)], sale: fn(&C) -> Sale) {
    each_database_async(|store| {
        let cases = cases.to_vec();
        async move {
            let service = Service::on(store);
            for (number, (of, before, since)) in (1..).zip(cases) {
                let owner = format!("owner@{number}.example");
                let till = Till::of(&owner, &service, kind, before).await;
                till.customer("9000000017", "+79215550101", "600.00").await;
                till.customer("1234", "+79000000017", "700.00").await;
                comes_again(till, sale(&of), since).await;
            }
        }
    });
}

/// The text with something else in it.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let change = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    changes.iter().fold(text.to_owned(), change)
}

#[test]
fn a_sale_of_r_keeper_stands_as_it_was_read_when_it_was_made() {
    const STAMP: &str = "2026-03-14T19:58:40";
    fn fixture_of(name: &str) -> String {
        fixture(&format!("rkeeper/fixtures/{name}.xml"))
    }
    let sale = |name: &&'static str| {
        let message = |body| Message {
            path: "transactionsex.php",
            body,
        };
        let told = fixture_of(name);
        let soup = [
            (r#"quantity="1" sum="427.5""#, r#"quantity="2" sum="855""#),
            (r#"name="Супы" sum="427.5""#, r#"name="Супы" sum="855""#),
            (STAMP, "2026-03-22T10:00:00"),
        ];
        Sale {
            again: message(with(&told, &[(STAMP, "2026-03-21T10:00:00")])),
            undone: Some(message(with(
                &fixture_of("rollback"),
                &[(STAMP, "2026-03-20T10:00:00")],
            ))),
            changed: message(with(&told, &soup)),
            told: message(told),
        }
    };
    let none = || json!({});
    let by_till = "sale-with-bonus-of-the-till";
    let redeems = "sale-with-redemption";
    let cases = [
        (by_till, none(), json!({"accrual_source": "till"})),
        (by_till, json!({"accrual_source": "till"}), none()),
        (
            "sale",
            none(),
            json!({"payment_kinds": {"4": "gift_certificate"}}),
        ),
        ("sale", none(), json!({"bonus_currencies": ["4"]})),
        ("sale", none(), json!({"card_as_phone": false})),
        (redeems, json!({"card_as_phone": false}), none()),
        (redeems, none(), json!({"lines_net_of_bonuses": true})),
        (redeems, none(), json!({"delivery_order_categories": ["1"]})),
        (
            "sale-with-kinds-of-the-site",
            none(),
            json!({"transaction_kinds": {"52": "payment"}}),
        ),
    ];
    play("rkeeper", &cases, sale);
}

#[test]
fn an_order_of_iikos_cloud_stands_as_it_was_read_when_it_was_closed() {
    let sale = |(): &()| {
        let message = |event: &Value| Message {
            path: "",
            body: event.to_string(),
        };
        let told: Value = fixture("iiko/fixtures/delivery-closed.request.json")
            .parse()
            .unwrap();
        let mut again = told.clone();
        again[0]["eventInfo"]["timestamp"] = json!(1_773_483_804_880_i64);
        // Nothing that the books are about.
        again[0]["eventInfo"]["order"]["operator"] = Value::Null;
        let mut changed = told.clone();
        changed[0]["eventInfo"]["timestamp"] = json!(1_773_483_904_880_i64);
        let order = &mut changed[0]["eventInfo"]["order"];
        order["items"][1]["cost"] = json!(90);
        order["sum"] = json!(940);
        order["payments"][0]["sum"] = json!(940);
        Sale {
            told: message(&told),
            again: message(&again),
            undone: None,
            changed: message(&changed),
        }
    };
    let online = "0c000000-0000-4000-8000-000000000001";
    let cases = [
        json!({"payment_kinds": {online: "online"}}),
        json!({"bonus_payment_types": [online]}),
        json!({"aggregators": ["site"]}),
    ];
    let cases: Vec<_> = cases.map(|since| ((), json!({}), since)).into();
    play("iiko", &cases, sale);
}

#[test]
fn an_order_of_iikos_plugin_stands_as_it_was_read_when_it_was_closed() {
    let sale = |(): &()| {
        let message = |revision: u32, sum: &str| {
            Message {
            path: "v1/close",
            body: json!({
                "orderId": "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e903",
                "revision": revision,
                "closedAt": "2026-11-22T11:50:00+03:00",
                "phone": "+79215550101",
                "lines": [{"lineId": "10000000-0000-4000-8000-000000000021", "name": "Лимонад", "quantity": "1",
                    "gross": sum, "net": sum}],
                "payments": [{"kind": "External", "typeId": "09322f46-578a-4210-add7-eec222a08871", "sum": sum}],
            })
            .to_string(),
        }
        };
        Sale {
            told: message(4, "240.00"),
            again: message(5, "240.00"),
            undone: None,
            changed: message(6, "280.00"),
        }
    };
    let external = "09322f46-578a-4210-add7-eec222a08871";
    let cases = [
        json!({"payment_kinds": {external: "voucher"}}),
        json!({"bonus_payment_types": [external]}),
    ];
    let cases: Vec<_> = cases.map(|since| ((), json!({}), since)).into();
    play("iiko", &cases, sale);
}

#[test]
fn a_receipt_of_1c_stands_as_it_was_read_when_it_came() {
    let sale = |(): &()| {
        let message = |version: &str, quantity: u32| {
            let mut document: Value = fixture("onec/fixtures/receipt_json/sale.request.json")
                .parse()
                .unwrap();
            document["dataVersion"] = json!(version);
            document["lines"][0]["quantity"] = json!(quantity);
            // Of a product without an id its group tells which it is.
            document["lines"][0]["item"]["id"] = Value::Null;
            Message {
                path: "v1/receipts",
                body: document.to_string(),
            }
        };
        Sale {
            told: message("AAAAAAAB6Kk=", 1),
            again: message("AAAAAAAB6Ko=", 1),
            undone: None,
            changed: message("AAAAAAAB6Ks=", 2),
        }
    };
    let none = json!({"category_source": "none"});
    let cases = [((), json!({}), none.clone()), ((), none, json!({}))];
    play("onec", &cases, sale);
}
