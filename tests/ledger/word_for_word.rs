//! A sale that its till tells once more in the same words, read in another way by then: the settings of its connection were
//! changed in between, and they are for the sales to come.

use kopilka::domain::refusal::Refusal;
use kopilka_contract::{AsTold, Closed, CustomerRef, Redemption, Telling};

use super::shop::{Sale, Shop, card, money, on_each};

fn words(said: &str) -> Option<AsTold> {
    AsTold::of("till", &said)
}

/// A coffee of 100.00, which gives 10.00.
fn sale(who: &CustomerRef, version: i64, said: &str) -> Sale {
    let sale = Sale::new("r", "100.00").of(who).version(version);
    sale.with(|close| close.as_told = words(said))
}

/// The same, read as 250.00.
fn read_otherwise(who: &CustomerRef, version: i64, said: &str) -> Sale {
    sale(who, version, said).line("1", "Coffee", "1", "250.00")
}

async fn closed(shop: &Shop, sale: Sale) -> Closed {
    shop.close(sale).await.unwrap()
}

async fn has(shop: &Shop, who: &CustomerRef, amount: &str) {
    Shop::assert_balance(&shop.balance(who).await, amount);
}

#[test]
fn the_same_words_are_the_same_sale_however_they_are_read() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let first = closed(&shop, sale(&anna, 1, "soup")).await;
        let again = closed(&shop, read_otherwise(&anna, 3, "soup")).await;
        assert!(again.replayed);
        assert_eq!((again.id, again.total), (first.id, first.total));
        has(&shop, &anna, "10.00").await;
        // It stands as of its newer stamp: an earlier attempt that was taken back is another matter.
        let rollback = async |version: i64| {
            let name = format!("rollback {version}");
            let taken = shop.returned(&name, "r", |request| {
                (request.version, request.rollback, request.cancel) = (Some(version), true, true);
            });
            taken.await.unwrap()
        };
        rollback(2).await;
        assert_eq!(shop.count("receipts WHERE status = 'closed'"), 1);
        rollback(4).await;
        assert_eq!(shop.count("receipts WHERE status = 'cancelled'"), 1);
        // What is sold after that is read as it is now.
        assert!(!closed(&shop, read_otherwise(&anna, 5, "soup")).await.replayed);
        has(&shop, &anna, "25.00").await;
    });
}

#[test]
fn other_words_are_a_newer_sale_and_the_first_words_after_them_are_one_too() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        closed(&shop, sale(&anna, 1, "soup")).await;
        let changed = closed(&shop, read_otherwise(&anna, 2, "soup and tea")).await;
        assert_eq!((changed.replayed, changed.telling), (false, Telling::Newer));
        has(&shop, &anna, "25.00").await;
        // The older words come late: they are known for older, and not for a repeat.
        let late = closed(&shop, sale(&anna, 1, "soup")).await;
        assert_eq!((late.replayed, late.telling), (true, Telling::Older));
        assert!(!closed(&shop, sale(&anna, 3, "soup")).await.replayed);
        has(&shop, &anna, "10.00").await;
        let late = closed(&shop, read_otherwise(&anna, 2, "soup")).await;
        assert_eq!((late.replayed, late.telling), (true, Telling::First));
    });
}

#[test]
fn without_words_on_both_sides_only_what_was_read_tells() {
    for (known, told) in [(None, None), (None, words("soup")), (words("soup"), None)] {
        on_each(|shop, customer| async move {
            customer("1");
            let anna = card("1");
            let first = sale(&anna, 1, "").with(|close| close.as_told = known);
            closed(&shop, first.clone()).await;
            assert!(closed(&shop, first.version(2)).await.replayed);
            let second = read_otherwise(&anna, 3, "").with(|close| close.as_told = told);
            assert!(!closed(&shop, second).await.replayed);
            has(&shop, &anna, "25.00").await;
        });
    }
}

#[test]
fn a_sale_of_before_is_known_by_the_words_of_its_next_repeat() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        closed(&shop, sale(&anna, 1, "").with(|close| close.as_told = None)).await;
        assert!(closed(&shop, sale(&anna, 2, "soup")).await.replayed);
        assert!(closed(&shop, read_otherwise(&anna, 3, "soup")).await.replayed);
        has(&shop, &anna, "10.00").await;
    });
}

#[test]
fn a_sale_of_which_something_came_back_is_repeated_too() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let two = sale(&anna, 1, "soup").line("2", "Cake", "2", "60.00");
        closed(&shop, two).await;
        shop.give_back("part", "r", &[("2", "1")]).await.unwrap();
        assert!(closed(&shop, read_otherwise(&anna, 2, "soup")).await.replayed);
        has(&shop, &anna, "13.00").await;
        let changed = shop.close(read_otherwise(&anna, 3, "soup and tea")).await;
        assert_eq!(changed.unwrap_err(), Refusal::ReceiptHasReturns);
        shop.give_back("rest", "r", &[]).await.unwrap();
        assert!(closed(&shop, read_otherwise(&anna, 4, "soup")).await.replayed);
        has(&shop, &anna, "0.00").await;
    });
}

#[test]
fn a_source_without_versions_repeats_its_words_without_a_conflict() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let without_version = |sale: Sale| sale.with(|close| close.receipt.version = None);
        closed(&shop, without_version(sale(&anna, 1, "soup"))).await;
        assert!(
            closed(&shop, without_version(read_otherwise(&anna, 1, "soup")))
                .await
                .replayed
        );
        let other = shop.close(without_version(read_otherwise(&anna, 1, "tea"))).await;
        assert!(matches!(other, Err(Refusal::Conflict { .. })));
    });
}

#[test]
fn bonuses_that_were_only_seen_are_redeemed_by_other_words_and_not_by_the_same() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "40.00").await;
        let seen = Redemption::Unconfirmed(money("40.00"));
        let pays = |version, said| sale(&anna, version, said).redeem("40.00");
        closed(
            &shop,
            sale(&anna, 1, "soup").with(|close| close.redemption = seen),
        )
        .await;
        // 10 % of what money paid.
        has(&shop, &anna, "46.00").await;
        assert!(closed(&shop, pays(2, "soup")).await.replayed);
        has(&shop, &anna, "46.00").await;
        let paid = closed(&shop, pays(3, "soup, paid with bonuses")).await;
        assert_eq!((paid.replayed, paid.redeemed), (false, money("40.00")));
        has(&shop, &anna, "6.00").await;
    });
}

#[test]
fn who_gets_his_card_after_the_sale_is_not_the_guest_of_its_repeat() {
    on_each(|shop, customer| async move {
        let anna = card("1");
        let first = closed(&shop, sale(&anna, 1, "soup")).await;
        assert_eq!(first.customer_id, None);
        customer("1");
        let other = CustomerRef::Id("anna".to_owned());
        for (version, who) in [(2, &anna), (3, &other)] {
            let again = closed(&shop, sale(who, version, "soup")).await;
            assert_eq!((again.replayed, again.customer_id), (true, None));
        }
        has(&shop, &anna, "0.00").await;
    });
}
