//! A sale that its till tells only after a cloud had told it and after it came back: the books end as if all had come
//! in its order.

use chrono::{DateTime, Duration, Utc};
use kopilka::clock::Clock as _;
use kopilka::domain::Money;
use kopilka::domain::refusal::Refusal;
use kopilka_contract::{Balance, CustomerRef, Redemption, first_hand, repeated_at};

use super::shop::{Sale, Shop, card, money, on_each};
use crate::seed::Seed;

const TWO: &str = "2";

/// What the cloud saw: neither the guest nor what his bonuses were.
fn of_the_cloud(version: i64) -> Sale {
    let sale = Sale::new("r", "100.00").line("2", "Cake", TWO, "60.00");
    sale.version(version)
        .with(|close| close.redemption = Redemption::Unconfirmed(money("48.00")))
}

/// What the till sold.
fn of_the_till(who: &CustomerRef, revision: u32) -> Sale {
    let sale = Sale::new("r", "100.00").line("2", "Cake", TWO, "60.00");
    sale.of(who)
        .redeem("48.00")
        .hold("h")
        .version(first_hand(revision))
}

/// A guest with 100.00, of which 48.00 are set aside for the order.
async fn guest(shop: &Shop) -> CustomerRef {
    let anna = card("1");
    shop.credit(&anna, "100.00").await;
    shop.hold("h", &anna, Some("48.00")).await.unwrap();
    anna
}

/// A step of the day.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Cloud,
    Till,
    Back(&'static [(&'static str, &'static str)]),
}

async fn tell(shop: &Shop, who: &CustomerRef, told: Told, id: &str) {
    match told {
        Told::Cloud => drop(shop.close(of_the_cloud(1)).await.unwrap()),
        Told::Till => drop(shop.close(of_the_till(who, 1)).await.unwrap()),
        Told::Back(lines) => drop(shop.give_back(id, "r", lines).await.unwrap()),
    }
}

/// What is left after these steps, in this order: the balance, and what returns gave back in all.
fn books_after(steps: Vec<Told>) -> Vec<(Balance, i64, i64)> {
    let found = std::sync::Mutex::new(Vec::new());
    on_each(|shop, customer| {
        let (steps, found) = (steps.clone(), &found);
        async move {
            customer("1");
            let anna = guest(&shop).await;
            for (index, told) in steps.iter().enumerate() {
                tell(&shop, &anna, *told, &format!("{} {index}", back_name(*told))).await;
            }
            // Said once more, each is known.
            assert!(shop.close(of_the_cloud(2)).await.unwrap().replayed);
            assert!(shop.close(of_the_till(&anna, 1)).await.unwrap().replayed);
            let status = |status: &str| shop.count(&format!("receipts WHERE status = '{status}'"));
            let (part, whole) = (status("partly_returned"), status("returned"));
            let left = (shop.balance(&anna).await, part, whole);
            found.lock().unwrap().push(left);
        }
    });
    found.into_inner().unwrap()
}

fn back_name(told: Told) -> &'static str {
    match told {
        Told::Back(_) => "back",
        _ => "sale",
    }
}

#[test]
fn returns_that_overtook_the_tills_own_word_are_made_of_what_it_sold() {
    const PART: Told = Told::Back(&[("2", "1")]);
    const REST: Told = Told::Back(&[]);
    for returns in [
        vec![PART],
        vec![REST],
        vec![PART, Told::Back(&[("1", "0.3")]), REST],
    ] {
        let in_order = [vec![Told::Cloud, Told::Till], returns.clone()].concat();
        let overtaken = [vec![Told::Cloud], returns, vec![Told::Till]].concat();
        let expected = books_after(in_order);
        assert_eq!(books_after(overtaken), expected);
        assert!(
            expected
                .iter()
                .all(|(balance, _, _)| balance.held == Money::ZERO && balance.debt == Money::ZERO)
        );
    }
}

#[test]
fn a_return_speaks_of_what_the_till_sold_once_that_is_known() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = guest(&shop).await;
        shop.close(of_the_cloud(1)).await.unwrap();
        let before = shop.give_back("back", "r", &[]).await.unwrap();
        assert_eq!(before.redemption_undone, Money::ZERO);
        let told = shop.close(of_the_till(&anna, 1)).await.unwrap();
        assert_eq!(told.redeemed, money("48.00"));
        assert_eq!(shop.count("receipts WHERE status = 'returned'"), 1);
        let now = shop.give_back("back", "r", &[]).await.unwrap();
        assert!(now.replayed);
        assert_eq!((now.id, now.redemption_undone), (before.id, money("48.00")));
        Shop::assert_balance(&shop.balance(&anna).await, "100.00");
    });
}

#[test]
fn returns_that_do_not_fit_what_the_till_sold_wait_for_a_person() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = guest(&shop).await;
        shop.close(of_the_cloud(1)).await.unwrap();
        shop.give_back("back", "r", &[("2", "2")]).await.unwrap();
        let counted = || ["transactions", "postings", "lots", "returns"].map(|table| shop.count(table));
        let before = counted();
        let other = of_the_till(&anna, 1).line("2", "Cake", "1", "60.00");
        let refusal = shop.close(other).await.unwrap_err();
        assert_eq!(refusal, Refusal::ReceiptHasReturns);
        assert_eq!(counted(), before);
        assert_eq!(shop.balance(&anna).await.held, money("48.00"));
    });
}

#[test]
fn what_the_cloud_called_off_stays_so_until_the_till_sells_it_anew() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = guest(&shop).await;
        shop.close(of_the_cloud(1)).await.unwrap();
        let off = |request: &mut kopilka::domain::world::ReturnRequest| {
            (request.version, request.cancel) = (Some(2), true);
        };
        shop.returned("off", "r", off).await.unwrap();
        shop.close(of_the_till(&anna, 1)).await.unwrap();
        assert_eq!(shop.count("receipts WHERE status = 'cancelled'"), 1);
        Shop::assert_balance(&shop.balance(&anna).await, "100.00");
        let anew = of_the_till(&anna, 2).with(|close| close.hold = None);
        shop.close(anew).await.unwrap();
        assert_eq!(shop.count("receipts WHERE status = 'closed'"), 1);
        // 52.00 left of 100.00, and 10 % of 160.00 − 48.00.
        Shop::assert_balance(&shop.balance(&anna).await, "63.20");
    });
}

#[test]
fn what_was_only_seen_is_redeemed_when_the_till_says_the_very_same() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = guest(&shop).await;
        shop.close(of_the_cloud(1).of(&anna)).await.unwrap();
        let told = shop.close(of_the_till(&anna, 1)).await.unwrap();
        assert_eq!((told.redeemed, told.replayed), (money("48.00"), false));
        Shop::assert_balance(&shop.balance(&anna).await, "63.20");
    });
}

#[test]
fn what_a_person_cancelled_stays_so_until_it_is_sold_afterwards() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let sale = |version: i64, closed_at: DateTime<Utc>| {
            let told = Sale::new("r", "100.00").of(&anna).version(version);
            told.with(|close| close.receipt.closed_at = closed_at.fixed_offset())
        };
        let cancelled = async || {
            shop.returned("r/cancel", "r", |request| request.cancel = true)
                .await
                .unwrap()
        };
        let first = shop.clock.now();
        shop.close(sale(1, first)).await.unwrap();
        shop.wait(Duration::minutes(5));
        assert!(!cancelled().await.replayed);
        assert!(cancelled().await.replayed);
        shop.wait(Duration::minutes(5));
        // A newer word of that same closing, by the road that told it and by another.
        for version in [2, repeated_at(first.timestamp_millis() + 900)] {
            let refusal = shop.close(sale(version, first)).await.unwrap_err();
            assert_eq!(refusal.code(), "receipt-cancelled");
        }
        Shop::assert_balance(&shop.balance(&anna).await, "0.00");
        assert_eq!(shop.count("returns"), 1);
        // Sold since, and cancelled once more: two cancellations.
        shop.close(sale(3, shop.clock.now())).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "10.00");
        shop.wait(Duration::minutes(5));
        assert!(!cancelled().await.replayed);
        Shop::assert_balance(&shop.balance(&anna).await, "0.00");
        assert_eq!(
            shop.count("returns WHERE status = 'cancelled' AND accrual_undone = 1000"),
            2
        );
        assert!(cancelled().await.replayed);
        assert_eq!(shop.count("returns"), 2);
    });
}

#[test]
fn a_cloud_that_knows_less_of_the_guest_takes_no_bonuses_from_his_sale() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = guest(&shop).await;
        let sale = || Sale::new("r", "100.00").line("2", "Cake", TWO, "60.00");
        let known = sale()
            .of(&anna)
            .redeem("48.00")
            .hold("h")
            .version(repeated_at(1_000));
        shop.close(known).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "63.20");
        let seen = |version: i64| {
            let told = sale().version(repeated_at(version));
            told.with(|close| close.redemption = Redemption::Unconfirmed(money("48.00")))
        };
        // Nobody is named, then whoever the order is delivered to.
        let nobody = shop
            .close(seen(2_000).line("3", "Tea", "1", "10.00"))
            .await
            .unwrap();
        assert_eq!(
            (nobody.redeemed, nobody.accrued),
            (money("48.00"), money("12.20"))
        );
        let courier = seen(3_000).with(|close| {
            close.receipt.phone = kopilka_contract::Phone::parse("+79210000002");
        });
        assert_eq!(shop.close(courier).await.unwrap().redeemed, money("48.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "63.20");
        // A till says what it says: it no longer redeems.
        shop.close(sale().of(&anna).version(first_hand(1))).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "116.00");
        shop.assert_books();
    });
}

#[test]
fn what_was_paid_stays_paid_though_bonuses_may_pay_no_longer() {
    on_each(|shop, customer| async move {
        customer("1");
        let seed = Seed::of(&shop.store, shop.tenant.network());
        seed.category(shop.a, "bar", None, false);
        let anna = guest(&shop).await;
        let told = |version: i64| of_the_till(&anna, 1).version(repeated_at(version));
        shop.close(told(1)).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "63.20");
        // The owner has barred the dishes, one and then both: the cloud's order shows that bonuses paid all the same.
        let barred = |version: i64, dishes: usize| {
            told(version).with(|close| {
                close.redemption = Redemption::Unconfirmed(money("48.00"));
                (close.hold, close.receipt.comment) = (None, Some("changed".to_owned()));
                for line in close.receipt.lines.iter_mut().take(dishes) {
                    line.category_id = Some("bar".to_owned());
                }
            })
        };
        for (version, dishes, coffee) in [(2, 1, "0.00"), (3, 2, "30.00")] {
            let closed = shop.close(barred(version, dishes)).await.unwrap();
            assert_eq!((closed.redeemed, closed.replayed), (money("48.00"), false));
            assert_eq!(closed.lines[0].redeemed, money(coffee));
            Shop::assert_balance(&shop.balance(&anna).await, "63.20");
        }
        // An order that shrank below it holds no more than it is worth.
        let small = barred(4, 2).with(|close| {
            close.receipt.lines.truncate(1);
            close.receipt.lines[0].amount = money("40.00");
        });
        assert_eq!(shop.close(small).await.unwrap().redeemed, money("40.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "60.00");
        let back = shop.give_back("back", "r", &[]).await.unwrap();
        assert_eq!(back.redemption_undone, money("40.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "100.00");
    });
}
