//! Bonuses that are written off apart from their receipt, as 1C does.

use chrono::Duration;
use kopilka::clock::Clock as _;
use kopilka::domain::refusal::Refusal;
use kopilka::ledger::{Answer, Verb};
use kopilka_contract::{Balance, CustomerRef, Money, ReceiptStatus, Redemption, Spend, Spent};

use super::exactly_once::{refused, rows};
use super::shop::{Sale, Shop, card, money, on_each};

fn spend(who: &CustomerRef, session: &str, amount: &str, limit: Option<&str>) -> Spend {
    Spend {
        customer: who.clone(),
        session: session.to_owned(),
        amount: money(amount),
        repeat_window_s: 60,
        debt_limit: limit.map(money),
    }
}

async fn write_off(shop: &Shop, ask: Spend) -> Result<Spent, Refusal> {
    match shop.submit(Verb::Spend(shop.at(shop.a), ask)).await?.answer {
        Answer::Spent(spent) => Ok(*spent),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_receipt_does_not_take_over_a_write_off_of_another_season() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "500.00").await;
        let sale = |id: &str| {
            Sale::new(id, "200.00").of(&anna).with(|c| {
                c.redemption = Redemption::Before(money("100.00"));
                c.receipt.closed_at = shop.clock.now().fixed_offset();
            })
        };
        write_off(&shop, spend(&anna, "march", "100.00", None))
            .await
            .unwrap();
        shop.wait(Duration::days(32));
        // Its own comes after it.
        assert_eq!(shop.close(sale("r")).await.unwrap().redeemed, money("0.00"));
        write_off(&shop, spend(&anna, "april", "100.00", None))
            .await
            .unwrap();
        assert_eq!(shop.count("receipts WHERE redeemed = 10000"), 1);
        assert_eq!(shop.count("write_offs WHERE receipt_id IS NULL"), 1);
        shop.assert_books();
    });
}

#[test]
fn a_write_off_comes_before_its_receipt() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        // The till locks the card with all that is on it, and writes off more, since it knew of more.
        assert_eq!(shop.hold("s", &anna, None).await.unwrap().amount, money("50.00"));
        let before = rows(&shop);
        let refusal = refused(
            write_off(&shop, spend(&anna, "s", "100.01", None)).await,
            "debt-limit",
        );
        assert!(matches!(refusal, Refusal::DebtLimit { limit } if limit == money("50.00")));
        refused(
            write_off(&shop, spend(&anna, "s", "70.00", Some("19.99"))).await,
            "debt-limit",
        );
        refused(
            write_off(&shop, spend(&anna, "s", "0.00", None)).await,
            "invalid-request",
        );
        assert_eq!(rows(&shop), before);
        let spent = write_off(&shop, spend(&anna, "s", "70.00", Some("20.00")))
            .await
            .unwrap();
        assert_eq!((spent.debt, spent.replayed), (money("20.00"), false));
        let owing = Balance {
            balance: money("-20.00"),
            debt: money("20.00"),
            ..Balance::default()
        };
        assert_eq!(shop.balance(&anna).await, owing);
        shop.assert_books();
        // The till did not hear the answer and asks again.
        shop.wait(Duration::seconds(59));
        let again = write_off(&shop, spend(&anna, "s", "70.00", Some("20.00")))
            .await
            .unwrap();
        assert!(again.replayed && again.id == spent.id);
        assert_eq!(shop.balance(&anna).await, owing);

        // The receipt takes it over: nothing is redeemed again, and only money accrues.
        let sale = |id: &str| {
            Sale::new(id, "200.00")
                .of(&anna)
                .with(|c| c.redemption = Redemption::Before(money("70.00")))
        };
        let closed = shop.close(sale("r")).await.unwrap();
        assert_eq!(
            (closed.redeemed, closed.accrued),
            (money("70.00"), money("13.00"))
        );
        assert!(
            closed
                .cashier_messages
                .iter()
                .all(|m| m.code != "unconfirmed-redemption")
        );
        assert_eq!(shop.balance(&anna).await.debt, money("7.00"));
        assert!(shop.close(sale("r")).await.unwrap().replayed);
        // It is taken over once: another receipt finds none, is told so, and its money part accrues all the same.
        let other = shop.close(sale("r2")).await.unwrap();
        assert_eq!((other.redeemed, other.accrued), (Money::ZERO, money("13.00")));
        assert!(
            other
                .cashier_messages
                .iter()
                .any(|m| m.code == "unconfirmed-redemption")
        );
        assert_eq!(
            shop.give_back("back 2", "r2", &[])
                .await
                .unwrap()
                .redemption_undone,
            Money::ZERO
        );
        assert_eq!(shop.balance(&anna).await.debt, money("7.00"));
        shop.assert_books();

        let back = shop.give_back("back", "r", &[]).await.unwrap();
        assert_eq!(
            (back.redemption_undone, back.accrual_undone),
            (money("70.00"), money("13.00"))
        );
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
    });
}

#[test]
fn a_write_off_after_the_window_is_another_one() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        for replayed in [false, true] {
            let spent = write_off(&shop, spend(&anna, "s", "10.00", None)).await.unwrap();
            assert_eq!(spent.replayed, replayed);
        }
        // Another amount, another session, or later.
        assert!(
            !write_off(&shop, spend(&anna, "s", "5.00", None))
                .await
                .unwrap()
                .replayed
        );
        assert!(
            !write_off(&shop, spend(&anna, "t", "10.00", None))
                .await
                .unwrap()
                .replayed
        );
        shop.wait(Duration::seconds(60));
        assert!(
            !write_off(&shop, spend(&anna, "s", "10.00", None))
                .await
                .unwrap()
                .replayed
        );
        Shop::assert_balance(&shop.balance(&anna).await, "15.00");
        // A sale that was written off in parts takes them together.
        let sale = Sale::new("r", "100.00")
            .of(&anna)
            .with(|c| c.redemption = Redemption::Before(money("35.00")));
        assert_eq!(shop.close(sale).await.unwrap().redeemed, money("35.00"));
        shop.give_back("back", "r", &[]).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
        assert_eq!(shop.count("write_offs WHERE receipt_id IS NOT NULL"), 4);
    });
}

#[test]
fn a_receipt_that_was_cancelled_redeems_its_write_off_again_when_it_is_posted_again() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        shop.hold("s", &anna, None).await.unwrap();
        write_off(&shop, spend(&anna, "s", "50.00", None)).await.unwrap();
        let sale = |version: i64, redeemed: &str| {
            Sale::new("r", "200.00").of(&anna).with(|c| {
                c.receipt.version = Some(version);
                c.redemption = Redemption::Before(money(redeemed));
            })
        };
        let closed = shop.close(sale(1, "50.00")).await.unwrap();
        assert_eq!(
            (closed.redeemed, closed.accrued),
            (money("50.00"), money("15.00"))
        );
        for version in [2, 4] {
            let id = format!("r:cancelled:{version}");
            let cancelled = shop.returned(&id, "r", |request| {
                (request.version, request.rollback, request.cancel) = (Some(version), true, true);
            });
            assert_eq!(cancelled.await.unwrap().status, ReceiptStatus::Cancelled);
            Shop::assert_balance(&shop.balance(&anna).await, "50.00");
            let again = shop.close(sale(version + 1, "50.00")).await.unwrap();
            assert_eq!((again.redeemed, again.accrued), (money("50.00"), money("15.00")));
            Shop::assert_balance(&shop.balance(&anna).await, "15.00");
            shop.assert_books();
        }
        // A newer version that shows less gives the difference back.
        let less = shop.close(sale(6, "30.00")).await.unwrap();
        assert_eq!((less.redeemed, less.accrued), (money("30.00"), money("17.00")));
        Shop::assert_balance(&shop.balance(&anna).await, "37.00");
        // One that shows more than was ever written off keeps what was, and says so.
        let more = shop.close(sale(7, "60.00")).await.unwrap();
        assert_eq!(more.redeemed, money("30.00"));
        assert!(
            more.cashier_messages
                .iter()
                .any(|m| m.code == "unconfirmed-redemption")
        );
        shop.assert_books();
        let back = shop.give_back("back", "r", &[]).await.unwrap();
        assert_eq!(back.redemption_undone, money("30.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
    });
}

#[test]
fn a_write_off_that_tops_one_up_takes_nothing_from_a_line_that_came_back() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "60.00").await;
        let sale = |version: i64, on_tea: &str| {
            let lines = Sale::new("r", "100.00").line("2", "Tea", "1", "100.00");
            lines.of(&anna).with(|c| {
                c.receipt.version = Some(version);
                c.receipt.lines[0].redeemed = Some(money("0.00"));
                c.receipt.lines[1].redeemed = Some(money(on_tea));
                c.redemption = Redemption::Before(money(on_tea));
            })
        };
        write_off(&shop, spend(&anna, "s", "30.00", None)).await.unwrap();
        shop.close(sale(1, "30.00")).await.unwrap();
        // The till says now that more was paid, and all of it on the tea; the rest is written off only later.
        let waits = shop.close(sale(2, "60.00")).await.unwrap();
        assert_eq!(waits.redeemed, money("30.00"));
        let back = shop.give_back("back", "r", &[("1", "1")]).await.unwrap();
        assert_eq!(back.redemption_undone, money("0.00"));
        write_off(&shop, spend(&anna, "t", "30.00", None)).await.unwrap();
        assert_eq!(shop.count("write_offs WHERE receipt_id IS NULL"), 0);
        let rest = shop.give_back("rest", "r", &[]).await.unwrap();
        assert_eq!(rest.redemption_undone, money("60.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "60.00");
        shop.assert_books();
    });
}
