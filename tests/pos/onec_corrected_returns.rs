//! 1C: returns that are told once more with other lines, and what a file says after other roads.

use chrono::Duration;
use serde_json::{Value, json};

use super::onec_base::{CARD, lock_and_write_off, push};
use super::{Till, imported};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// Data versions of a base, in their order.
const VERSIONS: [&str; 6] = [
    "AAAAAAAAAAE=",
    "AAAAAAAAAAI=",
    "AAAAAAAAAAM=",
    "AAAAAAAAAAQ=",
    "AAAAAAAAAAU=",
    "AAAAAAAAAAY=",
];

/// Two coffees for 1000.00, of which bonuses have paid 200.00, and a cheese for 200.00.
fn sale() -> Value {
    json!({
        "documentId": "a", "dataVersion": VERSIONS[0], "operation": "sale", "date": "2026-11-22T12:00:00", "card": CARD,
        "lines": [
            {"lineId": 1, "item": {"id": "coffee"}, "quantity": 2, "amount": 800, "bonusDiscount": 200},
            {"lineId": 2, "item": {"id": "cheese"}, "quantity": 1, "amount": 200, "bonusDiscount": 0},
        ],
    })
}

/// A return of the sale: so many of its lines.
fn back(id: &str, version: usize, lines: &[(u32, u32)]) -> Value {
    let line = |(line, quantity): &(u32, u32)| json!({"saleLineId": line, "quantity": quantity});
    json!({
        "documentId": id, "dataVersion": VERSIONS[version - 1], "operation": "return", "date": "2026-11-22T13:00:00",
        "saleDocumentId": "a", "lines": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

async fn open(store: kopilka::storage::Store) -> (Till, String) {
    let till = Till::new(&Service::on(store), "onec", json!({"receipt_redemption": "now"})).await;
    let guest = till.customer(CARD, "+79005550101", "500.00").await;
    (till, guest)
}

/// What each return of the sale gives back and takes, by the receipt's own page.
async fn returned(till: &Till) -> Vec<(Value, Value)> {
    let connections = till.owner.get("/api/v1/connections").await.expect(200);
    let source = connections["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/receipts?venue_id=r&source={source}&external_id=a");
    let receipt = till.owner.get(&path).await.expect(200);
    let returns = receipt["returns"].as_array().unwrap().iter();
    returns
        .map(|one| (one["redemption_undone"].clone(), one["accrual_undone"].clone()))
        .collect()
}

#[test]
fn a_newer_version_of_a_return_takes_the_place_of_the_older_one_and_an_older_one_is_passed_over() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        // 500.00 less 200.00, and 5 % of 800.00 and of 200.00.
        assert_eq!(till.balance(&guest).await, "350.00");
        // (version, lines, status, what the balance is then)
        for (version, lines, status, balance) in [
            (2, vec![(1, 1)], "accepted", "430.00"),
            (2, vec![(1, 1)], "duplicate", "430.00"),
            (3, vec![(1, 2)], "updated", "510.00"),
            (2, vec![(1, 1)], "stale", "510.00"),
            (4, vec![(2, 1)], "updated", "340.00"),
            (4, vec![(2, 1)], "duplicate", "340.00"),
            (3, vec![(1, 2)], "stale", "340.00"),
            (5, vec![(2, 1), (1, 2)], "updated", "500.00"),
            (6, vec![(1, 1)], "updated", "430.00"),
        ] {
            let told = push(&till, &back("b", version, &lines)).await;
            assert_eq!(told["status"], status, "{version}: {told}");
            assert_eq!(till.balance(&guest).await, balance, "{version}");
        }
        assert_eq!(returned(&till).await, [(json!("100.00"), json!("20.00"))]);
        till.assert_books();
    });
}

#[test]
fn a_corrected_return_leaves_the_other_returns_of_its_sale_alone() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 1)])).await;
        push(&till, &back("c", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "510.00");
        // The other one has brought the second coffee back.
        let refused = push(&till, &back("b", 3, &[(1, 2)])).await;
        assert_eq!(refused["code"], "return-exceeds-sale", "{refused}");
        assert_eq!(till.balance(&guest).await, "510.00");
        let refused = till.messages("refused").await;
        assert_eq!(refused["items"].as_array().unwrap().len(), 1, "{refused}");

        let told = push(&till, &back("b", 3, &[(2, 1)])).await;
        assert_eq!(
            (&told["status"], &told["spentGivenBack"], &told["earnedTakenBack"]),
            (&json!("updated"), &json!("0.00"), &json!("10.00")),
            "{told}"
        );
        assert_eq!(till.balance(&guest).await, "420.00");
        assert_eq!(
            returned(&till).await,
            [(json!("0.00"), json!("10.00")), (json!("100.00"), json!("20.00"))]
        );
        // What is left comes back, and all is as if nothing had been sold.
        push(&till, &back("d", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "500.00");
        // A document that its base takes back altogether: the others stand.
        let told = push(&till, &unposted(back("d", 3, &[(1, 1)]))).await;
        assert_eq!(told["status"], "accepted", "{told}");
        assert_eq!(till.balance(&guest).await, "420.00");
        assert_eq!(
            returned(&till).await,
            [
                (json!("0.00"), json!("10.00")),
                (json!("100.00"), json!("20.00")),
                (json!("0.00"), json!("0.00"))
            ]
        );
        till.assert_books();
    });
}

/// A document as its base has it when it does not stand any more.
fn unposted(mut document: Value) -> Value {
    document["posted"] = json!(false);
    document
}

fn sale_in(version: usize) -> Value {
    let mut sale = sale();
    sale["dataVersion"] = json!(VERSIONS[version - 1]);
    sale
}

#[test]
fn a_return_is_taken_back_while_another_of_its_sale_stands_and_may_be_posted_again() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 1)])).await;
        push(&till, &back("c", 2, &[(2, 1)])).await;
        assert_eq!(till.balance(&guest).await, "420.00");
        for (document, balance) in [
            (unposted(back("b", 3, &[(1, 1)])), "340.00"),
            (unposted(back("b", 3, &[(1, 1)])), "340.00"),
            (back("b", 4, &[(1, 2)]), "500.00"),
            (unposted(back("c", 3, &[(2, 1)])), "510.00"),
            (unposted(back("b", 5, &[(1, 2)])), "350.00"),
        ] {
            let told = push(&till, &document).await;
            assert_ne!(told["status"], "refused", "{told}");
            assert_eq!(till.balance(&guest).await, balance, "{document}");
        }
        let nothing = (json!("0.00"), json!("0.00"));
        assert_eq!(returned(&till).await, [nothing.clone(), nothing]);
        till.assert_books();
    });
}

#[test]
fn a_return_stands_though_its_sale_is_unposted_and_posted_again() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "430.00");
        let mut dearer = sale_in(5);
        dearer["lines"][1]["amount"] = json!(400);
        for (document, balance) in [
            (unposted(sale_in(2)), "500.00"),
            (sale_in(3), "430.00"),
            // The base tells nothing of the return meanwhile; it is known all the same.
            (back("b", 2, &[(1, 1)]), "430.00"),
            (unposted(sale_in(4)), "500.00"),
            (dearer, "440.00"),
            (back("b", 3, &[(1, 2)]), "520.00"),
            (unposted(sale_in(6)), "500.00"),
            (unposted(back("b", 4, &[(1, 2)])), "500.00"),
        ] {
            push(&till, &document).await;
            assert_eq!(till.balance(&guest).await, balance, "{document}");
        }
        till.assert_books();
    });
}

#[test]
fn a_return_that_does_not_fit_its_sale_as_it_is_posted_again_waits_for_a_person() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(2, 1)])).await;
        push(&till, &unposted(sale_in(2))).await;
        let mut without = sale_in(3);
        without["lines"].as_array_mut().unwrap().pop();
        push(&till, &without).await;
        assert_eq!(till.balance(&guest).await, "340.00");
        let listed = till.owner.get("/api/v1/returns?status=refused").await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        // The base has it mended.
        push(&till, &back("b", 3, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "420.00");
        till.assert_books();
    });
}

#[test]
fn a_cancelled_sale_stays_cancelled_when_its_return_is_taken_back_too() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 2), (2, 1)])).await;
        push(&till, &unposted(sale_in(2))).await;
        push(&till, &unposted(back("b", 3, &[(1, 2), (2, 1)]))).await;
        assert_eq!(till.balance(&guest).await, "500.00");
        push(&till, &sale_in(3)).await;
        assert_eq!(till.balance(&guest).await, "350.00");
        till.assert_books();
    });
}

#[test]
fn bonuses_that_a_correction_takes_back_may_be_spent_already_and_become_debt() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 2)])).await;
        assert_eq!(till.balance(&guest).await, "510.00");
        let debit = json!({"amount": "510.00"});
        let path = format!("/api/v1/customers/{guest}/debits");
        till.owner.post(&path, debit).await.expect(201);
        let told = push(&till, &back("b", 3, &[(2, 1)])).await;
        assert_eq!(told["status"], "updated", "{told}");
        let account = till
            .owner
            .get(&format!("/api/v1/customers/{guest}/balance"))
            .await;
        // 200.00 are redeemed again, 40.00 accrue again, 10.00 of the cheese go.
        assert_eq!(account.expect(200)["debt"], "170.00");
        // And back again.
        push(&till, &back("b", 4, &[(1, 2)])).await;
        assert_eq!(till.balance(&guest).await, "0.00");
        till.assert_books();
    });
}

#[test]
fn a_return_that_waits_for_its_sale_is_corrected_before_it_comes() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &back("b", 2, &[(1, 2)])).await;
        push(&till, &back("b", 3, &[(1, 1)])).await;
        let stale = push(&till, &back("b", 2, &[(1, 2)])).await;
        assert_eq!(stale["status"], "stale", "{stale}");
        push(&till, &sale()).await;
        assert_eq!(till.balance(&guest).await, "430.00");
        let again = push(&till, &back("b", 3, &[(1, 1)])).await;
        assert_eq!(again["status"], "duplicate", "{again}");
        till.assert_books();
    });
}

#[test]
fn a_return_is_corrected_also_where_its_sale_was_written_off_only_after_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "500.00").await;
        let at = till.service.clock_now().with_timezone(&chrono_tz::Europe::Moscow);
        let mut sold = sale();
        sold["date"] = json!(at.format("%Y-%m-%dT%H:%M:%S").to_string());
        push(&till, &sold).await;
        push(&till, &back("b", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "530.00");
        lock_and_write_off(&till, &["200"]).await;
        assert_eq!(till.balance(&guest).await, "430.00");
        let told = push(&till, &back("b", 3, &[(1, 2)])).await;
        assert_eq!(told["status"], "updated", "{told}");
        assert_eq!(till.balance(&guest).await, "510.00");
        push(&till, &back("b", 4, &[(2, 1)])).await;
        assert_eq!(till.balance(&guest).await, "340.00");
        till.assert_books();
    });
}

/// A file that was made at a moment and says of a document that it stands no more.
fn deleted(till: &Till, minutes: i64, id: &str, of: Option<&str>) -> String {
    let at = till.service.clock_now() + Duration::minutes(minutes);
    let at = at
        .with_timezone(&chrono_tz::Europe::Moscow)
        .format("%Y-%m-%dT%H:%M:%S");
    let property = |name: &str, value: &str| {
        format!(
            "<ЗначениеРеквизита><Наименование>{name}</Наименование><Значение>{value}</Значение></ЗначениеРеквизита>"
        )
    };
    format!(
        "<КоммерческаяИнформация ВерсияСхемы=\"2.08\" ДатаФормирования=\"{at}\"><Документ><Ид>{id}</Ид><Номер>1</Номер>\
         <Дата>2026-11-22</Дата><ХозОперация>{}</ХозОперация><Сумма>0</Сумма><ЗначенияРеквизитов>{}{}</ЗначенияРеквизитов>\
         </Документ></КоммерческаяИнформация>",
        if of.is_some() {
            "Возврат товара"
        } else {
            "Отпуск товара"
        },
        property("ПометкаУдаления", "true"),
        of.map_or_else(String::new, |sale| property("ЧекПродажи", sale)),
    )
}

#[test]
fn what_a_file_says_of_before_does_not_undo_what_the_base_has_told_since() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        let clock = &till.service.clock;
        let forth = |minutes| clock.move_to(till.service.clock_now() + Duration::minutes(minutes));
        push(&till, &sale()).await;
        push(&till, &back("b", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "430.00");
        forth(30);
        // Made ten minutes before they were told.
        for (id, of) in [("b", Some("a")), ("a", None)] {
            let file = deleted(&till, -40, id, of);
            let told = till.send("POST", "v1/commerceml", file).await.text;
            assert_eq!(told, imported(0, 1, 0), "{id}");
            assert_eq!(till.balance(&guest).await, "430.00", "{id}");
        }
        // Made after that.
        let file = deleted(&till, -10, "b", Some("a"));
        till.send("POST", "v1/commerceml", file).await;
        assert_eq!(till.balance(&guest).await, "350.00");
        // The same return by its own road is what the file has undone; a newer version stands.
        push(&till, &back("b", 2, &[(1, 1)])).await;
        assert_eq!(till.balance(&guest).await, "350.00");
        push(&till, &back("b", 3, &[(1, 2)])).await;
        assert_eq!(till.balance(&guest).await, "510.00");
        forth(30);
        let file = deleted(&till, -10, "a", None);
        till.send("POST", "v1/commerceml", file).await;
        assert_eq!(till.balance(&guest).await, "500.00");

        // A deletion that comes before the document itself, which was told later.
        let file = deleted(&till, -10, "z", None);
        till.send("POST", "v1/commerceml", file).await;
        forth(5);
        let mut sold = sale();
        sold["documentId"] = json!("z");
        push(&till, &sold).await;
        assert_eq!(till.balance(&guest).await, "350.00");
        till.assert_books();
    });
}
