//! 1C: receipts that are told before the till writes their bonuses off.

use chrono::Duration;
use serde_json::{Value, json};

use super::Till;
use super::onec_base::{CARD, lock_and_write_off, push};
use crate::api::client::Service;
use crate::databases::each_database_async;

/// A shop with a guest who has 1000.00.
async fn open(store: kopilka::storage::Store) -> (Till, String) {
    let till = Till::new(&Service::on(store), "onec", json!({})).await;
    let guest = till.customer(CARD, "+79005550101", "1000.00").await;
    (till, guest)
}

/// A sale of two of a thing for 1000.00, of which bonuses paid so much; closed so many minutes ago.
fn sale(till: &Till, id: &str, bonuses: u32, minutes: i64) -> Value {
    let at = till.service.clock_now() - Duration::minutes(minutes);
    let at = at.with_timezone(&chrono_tz::Europe::Moscow);
    json!({
        "documentId": id, "operation": "sale", "date": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "card": CARD,
        "lines": [{"lineId": 1, "item": {"id": "coffee"}, "quantity": 2, "amount": 1000 - bonuses, "bonusDiscount": bonuses}],
    })
}

fn back(id: &str, sale: &str, quantity: u32) -> Value {
    json!({
        "documentId": id, "operation": "return", "date": "2026-11-22T12:00:00", "saleDocumentId": sale,
        "lines": [{"saleLineId": 1, "item": {"id": "coffee"}, "quantity": quantity}],
    })
}

/// Write-offs that no receipt has taken over.
async fn free(till: &Till) -> usize {
    let clock = &till.service.clock;
    clock.move_to(till.service.clock_now() + Duration::minutes(5));
    let path = "/api/v1/write-offs?older_than_minutes=0&venue_id=r";
    let list = till.owner.get(path).await.expect(200);
    list["items"].as_array().unwrap().len()
}

#[test]
fn a_write_off_that_comes_after_its_receipt_becomes_its_redemption() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        let told = push(&till, &sale(&till, "a", 150, 0)).await;
        assert_eq!(
            (&told["spent"], &told["earned"]),
            (&json!("0.00"), &json!("42.50")),
            "{told}"
        );
        let said = told["cashierMessage"].as_str().unwrap();
        assert!(said.contains("списания в программе не было"), "{told}");
        lock_and_write_off(&till, &["150"]).await;
        // 5 % of 850.00 had accrued, and nothing accrues again.
        assert_eq!(till.balance(&guest).await, "892.50");
        assert_eq!(free(&till).await, 0, "the receipt has taken it over");
        let mut again = sale(&till, "a", 150, 5);
        again["dataVersion"] = json!("AAAAAAAB6KQ=");
        let again = push(&till, &again).await;
        assert_eq!(again["spent"], "150.00", "{again}");
        assert_eq!(again["cashierMessage"], Value::Null, "{again}");
        assert_eq!(till.balance(&guest).await, "892.50");
        let given = push(&till, &back("b", "a", 1)).await;
        assert_eq!(given["spentGivenBack"], "75.00", "{given}");
        let given = push(&till, &back("c", "a", 1)).await;
        assert_eq!(given["spentGivenBack"], "75.00", "{given}");
        assert_eq!(till.balance(&guest).await, "1000.00");
        till.assert_books();
    });
}

#[test]
fn a_receipt_waits_until_write_offs_come_to_what_it_says_and_takes_no_others() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale(&till, "a", 150, 0)).await;
        lock_and_write_off(&till, &["100"]).await;
        assert_eq!(free(&till).await, 1);
        lock_and_write_off(&till, &["60"]).await;
        assert_eq!(free(&till).await, 2);
        // With the first of the two it comes to 150.00.
        lock_and_write_off(&till, &["50"]).await;
        assert_eq!(free(&till).await, 1);
        // And the next is for the sale that says so.
        let told = push(&till, &sale(&till, "b", 60, 10)).await;
        assert_eq!(told["spent"], "60.00", "{told}");
        assert_eq!(free(&till).await, 0);
        assert_eq!(till.balance(&guest).await, "879.50");
        till.assert_books();
    });
}

#[test]
fn of_two_receipts_that_wait_the_nearer_one_takes_the_write_off() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale(&till, "far", 150, 300)).await;
        push(&till, &sale(&till, "near", 150, 2)).await;
        lock_and_write_off(&till, &["150"]).await;
        let near = push(&till, &back("b", "near", 2)).await;
        assert_eq!(near["spentGivenBack"], "150.00", "{near}");
        let far = push(&till, &back("c", "far", 2)).await;
        assert_eq!(far["spentGivenBack"], "0.00", "{far}");
        assert_eq!(till.balance(&guest).await, "1000.00");
        till.assert_books();
    });
}

#[test]
fn what_came_back_before_the_write_off_gives_its_bonuses_back_with_it() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        push(&till, &sale(&till, "a", 150, 0)).await;
        push(&till, &back("b", "a", 1)).await;
        assert_eq!(till.balance(&guest).await, "1021.25");
        lock_and_write_off(&till, &["150"]).await;
        assert_eq!(till.balance(&guest).await, "946.25");
        assert_eq!(free(&till).await, 0);
        push(&till, &back("c", "a", 1)).await;
        assert_eq!(till.balance(&guest).await, "1000.00");

        // A document that its base has taken back before the write-off.
        let mut sold = sale(&till, "d", 200, 0);
        push(&till, &sold).await;
        sold["posted"] = json!(false);
        let clock = &till.service.clock;
        clock.move_to(till.service.clock_now() + Duration::seconds(1));
        push(&till, &sold).await;
        assert_eq!(till.balance(&guest).await, "1000.00");
        lock_and_write_off(&till, &["200"]).await;
        // The card was locked after that: it is another sale's, or the same one's that is posted again.
        assert_eq!(till.balance(&guest).await, "800.00");
        assert_eq!(free(&till).await, 1);
        sold["posted"] = json!(true);
        let told = push(&till, &sold).await;
        assert_eq!(told["spent"], "200.00", "{told}");
        assert_eq!(till.balance(&guest).await, "840.00");
        assert_eq!(free(&till).await, 0);
        till.assert_books();
    });
}

#[test]
fn a_write_off_is_not_for_a_receipt_of_long_ago_unless_its_card_was_locked_since_before_it() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        let other = till.customer("2900000001735", "+79005550102", "0.00").await;
        let mut others = sale(&till, "others", 150, 0);
        others["card"] = json!("2900000001735");
        push(&till, &others).await;
        // Its write-off got lost.
        push(&till, &sale(&till, "lost", 150, 0)).await;
        let clock = &till.service.clock;
        clock.move_to(till.service.clock_now() + Duration::hours(3));
        // The same amount again: its own receipt is on its way.
        lock_and_write_off(&till, &["150"]).await;
        assert_eq!(free(&till).await, 1);
        let told = push(&till, &sale(&till, "next", 150, 6)).await;
        assert_eq!(told["spent"], "150.00", "{told}");
        assert_eq!(till.balance(&guest).await, "935.00");
        assert_eq!(till.balance(&other).await, "42.50");

        // Locked, told with the clock of a till that goes wrong, and only then written off.
        let find = format!("hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&BlockBonuses=1");
        till.send("GET", &find, "").await;
        push(&till, &sale(&till, "slow", 150, 300)).await;
        let spend = format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=150");
        till.send("POST", &spend, "").await;
        assert_eq!(free(&till).await, 0);
        let given = push(&till, &back("b", "slow", 2)).await;
        assert_eq!(given["spentGivenBack"], "150.00", "{given}");
        till.assert_books();
    });
}

#[test]
fn bonuses_that_paid_lower_the_accrual_whether_all_of_them_are_written_off_yet_or_not() {
    each_database_async(|store| async move {
        let (till, guest) = open(store).await;
        lock_and_write_off(&till, &["100"]).await;
        let mut sold = sale(&till, "a", 100, 0);
        sold["dataVersion"] = json!("AAAAAAAAAAE=");
        let told = push(&till, &sold).await;
        // 5 % of 900.00.
        assert_eq!(
            (&told["spent"], &told["earned"]),
            (&json!("100.00"), &json!("45.00")),
            "{told}"
        );
        // The document is corrected: bonuses have paid 150.00, of which 50.00 are still to be written off.
        let mut sold = sale(&till, "a", 150, 0);
        sold["dataVersion"] = json!("AAAAAAAAAAI=");
        let told = push(&till, &sold).await;
        assert_eq!(
            (&told["spent"], &told["earned"]),
            (&json!("100.00"), &json!("42.50")),
            "{told}"
        );
        assert_eq!(till.balance(&guest).await, "942.50");
        lock_and_write_off(&till, &["50"]).await;
        assert_eq!(free(&till).await, 0, "the receipt has taken it over");
        assert_eq!(till.balance(&guest).await, "892.50");
        let given = push(&till, &back("b", "a", 2)).await;
        assert_eq!(
            (&given["spentGivenBack"], &given["earnedTakenBack"]),
            (&json!("150.00"), &json!("42.50")),
            "{given}"
        );
        assert_eq!(till.balance(&guest).await, "1000.00");
        till.assert_books();
    });
}
