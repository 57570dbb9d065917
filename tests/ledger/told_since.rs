//! What was told before and what after, where versions do not say it: a till's own word and a file that was made some time ago.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use kopilka::clock::Clock as _;
use kopilka::domain::world::ReturnRequest;
use kopilka::ledger::{Answer, Answered, Verb};
use kopilka::storage::ledger::message::RawMessage;
use kopilka::storage::schema::returns;
use kopilka_contract::{ReceiptStatus, Returned, Telling, first_hand};

use super::shop::{Sale, Shop, back_line, card, on_each};

/// Version of a file, which counts in its own way.
const OF_FILE: i64 = 5;

fn sold(revision: u32) -> Sale {
    let sale = Sale::new("r", "100.00").line("2", "Tea", "2", "40.00");
    sale.of(&card("1")).version(first_hand(revision))
}

/// A file says that the sale was deleted.
async fn deleted(shop: &Shop, id: &str, made_at: DateTime<Utc>) -> Returned {
    let told = shop.returned(id, "r", |request| {
        (request.version, request.rollback, request.cancel) = (Some(OF_FILE), true, true);
        request.returned_at = made_at;
    });
    told.await.unwrap()
}

/// The till gives so many pieces of tea back.
fn tea(revision: u32, pieces: &str) -> impl FnOnce(&mut ReturnRequest) {
    let line = back_line("2", pieces);
    move |request| (request.version, request.lines) = (Some(first_hand(revision)), Some(vec![line]))
}

/// A command that a message brings which came some time ago.
async fn replayed(shop: &Shop, verb: Verb, received_at: DateTime<Utc>) -> Answered {
    let raw = RawMessage {
        venue: Some(shop.a),
        connection: None,
        kind: "rest".to_owned(),
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        content_type: None,
        body: Vec::new(),
        received_at,
    };
    let mut command = shop.command(verb);
    command.raw = Some(Arc::new(raw));
    shop.ledger.submit(command).await.unwrap()
}

#[test]
fn what_the_till_says_once_more_is_told_as_of_then() {
    on_each(|shop, customer| async move {
        customer("1");
        shop.close(sold(1)).await.unwrap();
        shop.wait(Duration::minutes(20));
        assert!(shop.close(sold(2)).await.unwrap().replayed);
        let now = shop.clock.now();
        let late = deleted(&shop, "off", now - Duration::minutes(10)).await;
        assert_eq!(
            (late.status, late.telling),
            (ReceiptStatus::Closed, Telling::Older)
        );
        assert_eq!(shop.count("receipts WHERE status = 'closed'"), 1);
        // Nor is it less of a word of before where a part came back meanwhile.
        shop.returned("back", "r", tea(3, "1")).await.unwrap();
        let late = deleted(&shop, "off too", now - Duration::minutes(10)).await;
        assert_eq!(
            (late.status, late.telling),
            (ReceiptStatus::PartlyReturned, Telling::Older)
        );
        shop.wait(Duration::minutes(20));
        let since = deleted(&shop, "off since", now + Duration::minutes(10)).await;
        assert_eq!(since.status, ReceiptStatus::Cancelled);
        Shop::assert_balance(&shop.balance(&card("1")).await, "0.00");
    });
}

#[test]
fn a_sale_that_a_person_sends_through_later_is_as_old_as_its_message() {
    on_each(|shop, customer| async move {
        customer("1");
        let came = shop.clock.now();
        shop.wait(Duration::minutes(30));
        let waits = deleted(&shop, "off", came + Duration::minutes(10)).await;
        assert_eq!(waits.status, ReceiptStatus::Waiting);
        shop.wait(Duration::hours(3));
        replayed(&shop, sold(1).verb(&shop), came).await;
        assert_eq!(shop.count("receipts WHERE status = 'cancelled'"), 1);
        Shop::assert_balance(&shop.balance(&card("1")).await, "0.00");
    });
}

#[test]
fn a_return_that_one_road_undid_is_made_again_by_that_road_and_by_no_old_word_of_the_other() {
    on_each(|shop, customer| async move {
        customer("1");
        shop.close(sold(1)).await.unwrap();
        shop.returned("back", "r", tea(2, "1")).await.unwrap();
        shop.wait(Duration::minutes(10));
        let undo = |version: i64| Verb::UndoReturn {
            place: shop.at(shop.a),
            external_id: "back".to_owned(),
            sale: kopilka::domain::world::SourceKey {
                network: shop.tenant.network(),
                venue: shop.a,
                source: "till".to_owned(),
                external_id: "r".to_owned(),
            },
            version,
            undone_at: shop.clock.now(),
        };
        let Answer::Returned(undone) = shop.submit(undo(OF_FILE)).await.unwrap().answer else {
            panic!("no return")
        };
        assert_eq!(undone.status, ReceiptStatus::Cancelled);
        let late = shop.returned("back", "r", tea(2, "1")).await.unwrap();
        assert!(late.replayed);
        Shop::assert_balance(&shop.balance(&card("1")).await, "14.00");
        let again = shop.returned("back", "r", |request| {
            (request.version, request.lines) = (Some(OF_FILE + 1), Some(vec![back_line("2", "1")]));
        });
        assert_eq!(again.await.unwrap().status, ReceiptStatus::PartlyReturned);
        Shop::assert_balance(&shop.balance(&card("1")).await, "12.00");
    });
}

#[test]
fn a_sale_that_is_made_anew_has_no_returns_until_they_are_told_anew() {
    on_each(|shop, customer| async move {
        customer("1");
        shop.close(sold(1)).await.unwrap();
        shop.returned("back", "r", tea(2, "1")).await.unwrap();
        let off = |request: &mut ReturnRequest| {
            (request.version, request.rollback, request.cancel) = (Some(first_hand(3)), true, true);
        };
        shop.returned("off", "r", off).await.unwrap();
        shop.close(sold(4)).await.unwrap();
        Shop::assert_balance(&shop.balance(&card("1")).await, "14.00");
        // An old word of it, late.
        shop.returned("back", "r", tea(2, "1")).await.unwrap();
        Shop::assert_balance(&shop.balance(&card("1")).await, "14.00");
        let anew = shop.returned("back", "r", tea(5, "2")).await.unwrap();
        assert_eq!(anew.status, ReceiptStatus::PartlyReturned);
        Shop::assert_balance(&shop.balance(&card("1")).await, "10.00");
        // And it can be corrected again.
        shop.returned("back", "r", tea(6, "1")).await.unwrap();
        Shop::assert_balance(&shop.balance(&card("1")).await, "12.00");
        shop.assert_books();
    });
}

#[test]
fn a_return_that_did_not_fit_is_made_when_it_is_told_again_and_fits() {
    on_each(|shop, customer| async move {
        customer("1");
        shop.returned("back", "r", tea(2, "1")).await.unwrap();
        let bread = Sale::new("r", "100.00").of(&card("1")).version(first_hand(1));
        shop.close(bread).await.unwrap();
        assert_eq!(shop.count("returns WHERE status = 'refused'"), 1);
        shop.close(sold(3)).await.unwrap();
        let fits = shop.returned("back", "r", tea(2, "1")).await.unwrap();
        assert_eq!(fits.status, ReceiptStatus::PartlyReturned);
        Shop::assert_balance(&shop.balance(&card("1")).await, "12.00");
    });
}

#[test]
fn who_cancelled_a_sale_may_sell_it_again() {
    on_each(|shop, customer| async move {
        customer("1");
        shop.close(sold(1)).await.unwrap();
        shop.wait(Duration::minutes(10));
        let off = deleted(&shop, "off", shop.clock.now()).await;
        assert_eq!(off.status, ReceiptStatus::Cancelled);
        for old in [OF_FILE - 1, OF_FILE] {
            let refused = shop.close(sold(1).version(old)).await.unwrap_err();
            assert_eq!(refused.code(), "receipt-cancelled");
        }
        shop.close(sold(1).version(OF_FILE + 1)).await.unwrap();
        Shop::assert_balance(&shop.balance(&card("1")).await, "14.00");
    });
}

#[test]
fn a_sale_that_is_told_again_is_given_back_by_a_return_that_came_at_the_same_moment() {
    on_each(|shop, customer| async move {
        customer("1");
        for versioned in [true, false] {
            let name = format!("r {versioned}");
            let sale = || {
                let sale = Sale::new(&name, "100.00").of(&card("1"));
                if versioned {
                    sale.version(first_hand(1))
                } else {
                    sale
                }
            };
            shop.close(sale()).await.unwrap();
            // As two instances leave it, of which neither saw what the other did: the sale is there, and its return waits for it.
            let half = [("1", "0.5")];
            let back = shop.give_back(&format!("back {name}"), "another", &half).await;
            assert_eq!(back.unwrap().status, ReceiptStatus::Waiting);
            let meets = diesel::update(returns::table.filter(returns::sale_external_id.eq("another")))
                .set(returns::sale_external_id.eq(&name))
                .execute(&mut shop.store.connection().unwrap());
            assert_eq!(meets, Ok(1));
            assert!(shop.close(sale()).await.unwrap().replayed);
            assert!(shop.close(sale()).await.unwrap().replayed);
            let back = format!("returns WHERE status = 'partly_returned' AND sale_external_id = '{name}'");
            assert_eq!(shop.count(&back), 1);
        }
        // A rollback, of which nobody hears again but from the till that repeats it.
        let sale = || {
            Sale::new("rolled", "100.00")
                .of(&card("1"))
                .version(first_hand(1))
        };
        shop.close(sale()).await.unwrap();
        let rolled_back = |request: &mut ReturnRequest| {
            request.rollback = true;
            request.version = Some(first_hand(2));
        };
        let waits = shop.returned("off", "elsewhere", rolled_back).await.unwrap();
        assert_eq!(waits.status, ReceiptStatus::Waiting);
        let meets = diesel::update(returns::table.filter(returns::sale_external_id.eq("elsewhere")))
            .set(returns::sale_external_id.eq("rolled"))
            .execute(&mut shop.store.connection().unwrap());
        assert_eq!(meets, Ok(1));
        let again = shop.returned("off", "rolled", rolled_back).await.unwrap();
        assert_eq!(again.status, ReceiptStatus::Returned);
        // Of each half of what it accrued.
        Shop::assert_balance(&shop.balance(&card("1")).await, "10.00");
    });
}
