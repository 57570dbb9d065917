//! Exactly once, for ever: repeats, conflicts, versions, returns before their sales.

use chrono::Duration;
use kopilka::domain::refusal::Refusal;
use kopilka::domain::settings::NetworkSettings;
use kopilka::ledger::{Answer, Failure};
use kopilka::storage::StorageError;
use kopilka_contract::{Closed, CustomerRef, Money, Payment, Receipt, ReceiptStatus};

use super::shop::{Sale, Shop, card, money, on_each, on_each_with, phone, start};

/// The refusal, which must have this code.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, code: &str) -> Refusal {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.code(), code);
    refusal
}

/// Rows of everything that a receipt, return or movement writes.
pub fn rows(shop: &Shop) -> Vec<i64> {
    [
        "receipts",
        "receipt_lines",
        "returns",
        "transactions",
        "postings",
        "lots",
        "holds",
    ]
    .iter()
    .map(|table| shop.count(table))
    .collect()
}

fn receipt(change: impl FnOnce(&mut Receipt) + 'static) -> impl FnOnce(Sale) -> Sale {
    |sale| sale.with(|close| change(&mut close.receipt))
}

#[test]
fn the_same_receipt_is_answered_again_and_another_is_a_conflict() {
    on_each(|shop, customer| async move {
        customer("1");
        customer("2");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        let sale = Sale::new("r", "100.00")
            .line("2", "Tea", "2", "60.00")
            .of(&anna)
            .redeem("50.00");
        let first = shop.close(sale.clone()).await.unwrap();
        assert!(!first.replayed);
        let before = rows(&shop);

        // Tills send a receipt again with another time and other words: it is the same one.
        let again = receipt(|r| {
            r.closed_at += Duration::hours(1);
            r.comment = Some("again".to_owned());
        })(sale.clone());
        let replay = Closed {
            replayed: true,
            ..first.clone()
        };
        assert_eq!(shop.close(again).await.unwrap(), replay);
        // Even where the balance would not allow it any more, and a year later.
        shop.wait(Duration::days(365));
        assert_eq!(shop.close(sale.clone()).await.unwrap(), replay);

        type Change = Box<dyn FnOnce(Sale) -> Sale>;
        let others: Vec<(Change, [&str; 2])> = vec![
            (
                Box::new(|s| s.line("2", "Tea", "2", "61.00")),
                ["сумма 160.00 → 161.00", "total 160.00 → 161.00"],
            ),
            (
                Box::new(|s| s.line("2", "Tea", "3", "60.00")),
                ["строка 2 2 × 60.00 → 3 × 60.00", "line 2 2 × 60.00 → 3 × 60.00"],
            ),
            (
                Box::new(|s| s.line("2", "Cake", "2", "60.00")),
                ["строка 2 “Tea” → 2 “Cake”", "line 2 “Tea” → 2 “Cake”"],
            ),
            (
                Box::new(|s| s.line("3", "Cake", "1", "0.00")),
                ["строк 2 → 3", "lines 2 → 3"],
            ),
            (
                Box::new(|s| s.redeem("49.00")),
                ["списано бонусов 50.00 → 49.00", "redeem 50.00 → 49.00"],
            ),
            (
                Box::new(|s| s.of(&card("2")).redeem("50.00")),
                ["гость", "customer"],
            ),
            (
                Box::new(receipt(|r| {
                    r.payments.push(Payment {
                        kind: "cash".to_owned(),
                        amount: money("110.00"),
                    });
                })),
                ["оплаты", "payments"],
            ),
        ];
        for (change, [russian, english]) in others {
            let refusal = refused(shop.close(change(sale.clone())).await, "receipt-conflict");
            let words = refusal.words();
            assert!(
                words.ru.contains(russian) && words.en.contains(english),
                "{words:?}"
            );
        }
        assert_eq!(rows(&shop), before);
        // The same id at another venue or source is another receipt.
        shop.close(Sale::new("r", "10.00").at(shop.b)).await.unwrap();
        assert_eq!(shop.count("receipts"), 2);
    });
}

#[test]
fn a_refusal_binds_nothing() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        let before = rows(&shop);
        let sale = Sale::new("r", "100.00").of(&anna);
        let with_key = |sale: Sale| {
            let mut command = shop.command(sale.verb(&shop));
            command.idempotency = Some(("key".to_owned(), [1; 32]));
            shop.ledger.submit(command)
        };
        let refusal = with_key(sale.clone().redeem("50.01")).await.unwrap_err();
        assert!(
            matches!(refusal, Failure::Refused(Refusal::InsufficientBalance { available }) if available == money("50.00"))
        );
        refused(
            shop.close(Sale::new("r", "30.00").of(&anna).redeem("31.00"))
                .await,
            "redeem-limit",
        );
        refused(shop.close(sale.clone().hold("nowhere")).await, "hold-not-found");
        refused(
            shop.close(sale.clone().with(|c| c.receipt.kind = Some("x".to_owned())))
                .await,
            "invalid-request",
        );
        assert_eq!(rows(&shop), before);
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
        let answered = with_key(sale.clone().redeem("50.00")).await.unwrap();
        assert_eq!((answered.status, answered.by_key), (201, false));

        // And returns: the second fits after the first was too much.
        refused(
            shop.give_back("back", "r", &[("1", "1.001")]).await,
            "return-exceeds-sale",
        );
        refused(shop.give_back("back", "r", &[("9", "1")]).await, "unknown-line");
        assert_eq!(
            shop.give_back("back", "r", &[("1", "1")]).await.unwrap().amount,
            money("100.00")
        );
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
    });
}

#[test]
fn an_idempotency_key_repeats_its_first_answer() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let submit = |actor: &str, body: u8, sale: Sale| {
            let mut command = shop.command(sale.verb(&shop));
            command.actor = actor.to_owned();
            command.idempotency = Some(("key".to_owned(), [body; 32]));
            shop.ledger.submit(command)
        };
        let sale = Sale::new("r", "100.00").of(&anna);
        let first = submit("till", 1, sale.clone()).await.unwrap();
        let again = submit("till", 1, sale.clone()).await.unwrap();
        assert_eq!((first.status, first.by_key), (201, false));
        assert_eq!((again.status, again.by_key), (201, true));
        let (Answer::Closed(first), Answer::Closed(again)) = (first.answer, again.answer) else {
            panic!()
        };
        assert_eq!((&first.id, &first.balance), (&again.id, &again.balance));
        let other = submit("till", 2, Sale::new("r2", "1.00").of(&anna))
            .await
            .unwrap_err();
        assert!(matches!(other, Failure::Refused(Refusal::IdempotencyKeyReused)));
        assert_eq!(shop.count("receipts"), 1);
        // Another caller's key of the same name is another key.
        let another = submit("site", 2, Sale::new("r2", "1.00").of(&anna))
            .await
            .unwrap();
        assert_eq!((another.status, another.by_key), (201, false));
        assert_eq!(shop.count("receipts"), 2);
    });
}

#[test]
fn returns_that_come_first_wait_for_their_sale() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        for (round, late) in [(0, false), (1, true)] {
            let id = |name: &str| format!("{name} {round}");
            let sale = || {
                Sale::new(&id("r"), "100.00")
                    .line("2", "Tea", "3", "60.00")
                    .of(&anna)
            };
            let lines: [(&str, &[(&str, &str)]); 3] =
                [("x", &[("2", "1")]), ("y", &[("2", "2")]), ("z", &[("2", "1")])];
            // Two come before the sale and one after it, or all before it.
            for (name, lines) in &lines[..if late { 3 } else { 2 }] {
                let waiting = shop.give_back(&id(name), &id("r"), lines).await.unwrap();
                assert_eq!(
                    (waiting.status, waiting.amount),
                    (ReceiptStatus::Waiting, Money::ZERO)
                );
                assert!(waiting.receipt_id.is_none());
                let again = shop.give_back(&id(name), &id("r"), lines).await.unwrap();
                assert!(again.replayed && again.status == ReceiptStatus::Waiting);
            }
            let closed = shop.close(sale()).await.unwrap();
            assert_eq!(closed.accrued, money("16.00"));
            // What they were refused or did is told to whoever asks again.
            let first = shop.give_back(&id("x"), &id("r"), lines[0].1).await.unwrap();
            assert!(first.replayed);
            assert_eq!(
                (first.status, first.accrual_undone),
                (ReceiptStatus::PartlyReturned, money("2.00"))
            );
            let second = shop.give_back(&id("y"), &id("r"), lines[1].1).await.unwrap();
            assert_eq!(
                (second.accrual_undone, second.receipt_id),
                (money("4.00"), Some(closed.id))
            );
            let third = shop.give_back(&id("z"), &id("r"), lines[2].1).await;
            if late {
                assert_eq!(third.unwrap().status, ReceiptStatus::Refused);
            } else {
                refused(third, "return-exceeds-sale");
            }
            let again = shop.close(sale()).await.unwrap();
            assert!(again.replayed);
            refused(
                shop.give_back(&id("x"), &id("r"), &[("1", "1")]).await,
                "receipt-conflict",
            );
            shop.give_back(&id("rest"), &id("r"), &[]).await.unwrap();
            Shop::assert_balance(&shop.balance(&anna).await, "0.00");
        }
    });
}

#[test]
fn a_newer_version_posts_the_difference() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let sale = |version: i64, amount: &str, redeem: &str| {
            Sale::new("r", amount).of(&anna).redeem(redeem).version(version)
        };
        let first = shop.close(sale(1, "100.00", "30.00")).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        let second = shop.close(sale(2, "150.00", "30.00")).await.unwrap();
        assert_eq!(
            (&second.id, second.accrued, second.replayed),
            (&first.id, money("12.00"), false)
        );
        Shop::assert_balance(&shop.balance(&anna).await, "12.00");
        let before = rows(&shop);
        // Older and equal ones change nothing, whatever they say.
        for old in [
            sale(1, "100.00", "30.00"),
            sale(1, "999.00", "0.00"),
            sale(2, "999.00", "0.00"),
        ] {
            let answer = shop.close(old).await.unwrap();
            assert!(answer.replayed);
            assert_eq!(answer.accrued, money("12.00"));
        }
        assert_eq!(rows(&shop), before);
        // Less: 10.00 of the redemption come back, and of the accrual 12.00 − 4.00.
        let third = shop.close(sale(3, "50.00", "10.00")).await.unwrap();
        assert_eq!((third.redeemed, third.accrued), (money("10.00"), money("4.00")));
        Shop::assert_balance(&shop.balance(&anna).await, "24.00");
        // More than there is now with what the receipt itself had: refused, and the receipt stands.
        refused(
            shop.close(sale(4, "50.00", "34.01")).await,
            "insufficient-balance",
        );
        // Emptied: as if it had never been.
        let emptied = sale(5, "1.00", "0.00").with(|close| close.receipt.lines.clear());
        assert_eq!(shop.close(emptied).await.unwrap().accrued, Money::ZERO);
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        shop.close(sale(6, "100.00", "30.00")).await.unwrap();
        shop.give_back("back", "r", &[("1", "0.5")]).await.unwrap();
        refused(
            shop.close(sale(7, "200.00", "30.00")).await,
            "receipt-has-returns",
        );
        Shop::assert_balance(&shop.balance(&anna).await, "18.50");
    });
}

#[test]
fn a_newer_version_may_be_another_guests() {
    on_each(|shop, customer| async move {
        customer("1");
        customer("2");
        let (anna, boris) = (card("1"), card("2"));
        shop.credit(&anna, "30.00").await;
        let sale = |version: i64| Sale::new("r", "100.00").version(version);
        shop.close(sale(1).of(&anna).redeem("30.00")).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        shop.close(sale(2).of(&boris)).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        Shop::assert_balance(&shop.balance(&boris).await, "10.00");
        // To nobody, and back.
        shop.close(sale(3)).await.unwrap();
        Shop::assert_balance(&shop.balance(&boris).await, "0.00");
        shop.close(sale(4).of(&anna).redeem("10.00")).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "29.00");
        shop.give_back("back", "r", &[]).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        Shop::assert_balance(&shop.balance(&boris).await, "0.00");
        assert_eq!(shop.count("receipts"), 1);
    });
}

#[test]
fn a_late_rollback_of_an_attempt_leaves_the_same_sale_of_after_it() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let sale = |version: i64| {
            let sale = Sale::new("r", "100.00").of(&anna).redeem("30.00");
            sale.version(version)
        };
        let rollback = async |id: &str, version: i64| {
            shop.returned(id, "r", |request| {
                (request.version, request.rollback, request.cancel) = (Some(version), true, true);
            })
            .await
            .unwrap()
        };
        shop.close(sale(1)).await.unwrap();
        // The till rolled the first attempt back and sold again; we hear of the second attempt first.
        assert!(shop.close(sale(3)).await.unwrap().replayed);
        assert_eq!(rollback("late", 2).await.status, ReceiptStatus::Closed);
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        // The first attempt once more does not make it older again.
        assert!(shop.close(sale(1)).await.unwrap().replayed);
        assert_eq!(rollback("late too", 2).await.status, ReceiptStatus::Closed);
        assert_eq!(rollback("real", 4).await.status, ReceiptStatus::Cancelled);
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        assert_eq!(shop.count("receipts"), 1);
    });
}

#[test]
fn a_rollback_undoes_attempts_before_it_and_a_newer_one_sells() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let sale =
            |id: &str, version: i64| Sale::new(id, "100.00").of(&anna).redeem("30.00").version(version);
        let rollback = async |id: &str, sale: &str, version: i64| {
            shop.returned(id, sale, |request| {
                (request.version, request.rollback, request.cancel) = (Some(version), true, true);
            })
            .await
            .unwrap()
        };
        shop.close(sale("r", 1)).await.unwrap();
        let undone = rollback("undo", "r", 2).await;
        assert_eq!(undone.status, ReceiptStatus::Cancelled);
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        // Repeated with a later stamp it is the same rollback.
        assert!(rollback("undo", "r", 3).await.replayed);
        for old in [1, 2] {
            refused(shop.close(sale("r", old)).await, "receipt-cancelled");
        }
        shop.close(sale("r", 4)).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        // A late word about the attempts before: the sale of now stands.
        rollback("late", "r", 3).await;
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        rollback("undo 4", "r", 5).await;
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");

        // Before its sale: the attempt that it undoes is refused as often as it comes, and leaves nothing in the books.
        assert_eq!(rollback("early", "s", 2).await.status, ReceiptStatus::Waiting);
        let before = rows(&shop);
        for old in [1, 2, 1] {
            refused(shop.close(sale("s", old)).await, "receipt-cancelled");
            assert_eq!(rows(&shop), before);
        }
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        // The same id for another sale is no repeat.
        let another = shop.returned("early", "t", |r| {
            (r.version, r.rollback, r.cancel) = (Some(9), true, true)
        });
        refused(another.await, "receipt-conflict");
        assert_eq!(rollback("early t", "t", 2).await.status, ReceiptStatus::Waiting);
        shop.close(sale("t", 3)).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        assert_eq!(rollback("early t", "t", 2).await.status, ReceiptStatus::Refused);
    });
}

#[test]
fn a_return_whose_till_is_slow_undoes_the_sale_and_only_rollbacks_compare_stamps() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let sale = |id: &str| Sale::new(id, "100.00").of(&anna).redeem("30.00").version(10);
        let back = async |id: &str, sale: &str, version: i64| {
            shop.returned(id, sale, |request| request.version = Some(version))
                .await
                .unwrap()
        };
        shop.close(sale("r")).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        let returned = back("r/return", "r", 9).await;
        assert_eq!(
            (returned.status, returned.redemption_undone),
            (ReceiptStatus::Returned, money("30.00"))
        );
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
        assert!(back("r/return", "r", 11).await.replayed);
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");

        // One that was left aside as older, before only rollbacks compared, does not swallow the next.
        shop.close(sale("s")).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        let aside = shop
            .returned("s/return", "s", |r| {
                (r.version, r.rollback, r.cancel) = (Some(9), true, true)
            })
            .await
            .unwrap();
        assert_eq!(aside.status, ReceiptStatus::Closed);
        left_aside_as_a_return(&shop);
        assert_eq!(back("s/return", "s", 12).await.status, ReceiptStatus::Returned);
        Shop::assert_balance(&shop.balance(&anna).await, "30.00");
    });
}

/// Makes of the rollback that was left aside a plain return that was, as they once were.
fn left_aside_as_a_return(shop: &Shop) {
    use diesel::prelude::*;
    use kopilka::storage::schema::returns;
    shop.store
        .write(|c| {
            let row = || returns::table.filter(returns::external_id.eq("s/return"));
            let request: String = row().select(returns::request).first(c)?;
            let plain = request.replace(":true", ":false");
            assert_ne!(request, plain);
            diesel::update(row()).set(returns::request.eq(plain)).execute(c)?;
            Ok::<_, StorageError>(())
        })
        .unwrap();
}

#[test]
fn unknown_guests_keep_their_receipts() {
    on_each(|shop, _| async move {
        let nobody = card("404");
        let closed = shop.close(Sale::new("r", "100.00").of(&nobody)).await.unwrap();
        assert_eq!((closed.customer_id, closed.accrued), (None, Money::ZERO));
        assert_eq!(closed.cashier_messages[0].code, "unknown-card");
        refused(
            shop.close(Sale::new("s", "100.00").of(&nobody).redeem("1.00"))
                .await,
            "customer-not-found",
        );
        refused(shop.hold("h", &nobody, Some("1.00")).await, "customer-not-found");
        assert_eq!((shop.count("receipts"), shop.count("transactions")), (1, 0));
        // Without a guest it comes back all the same.
        let back = shop.give_back("back", "r", &[]).await.unwrap();
        assert_eq!((back.amount, back.balance), (money("100.00"), None));
        assert_eq!(shop.count("customers"), 0);

        // A telephone in it makes a potential customer, in any spelling one and the same.
        for (i, spelling) in ["+7 921 000-00-03", "8 (921) 000-00-03"].into_iter().enumerate() {
            let CustomerRef::Phone(phone) = phone(spelling) else {
                panic!()
            };
            let sale = Sale::new(&format!("p{i}"), "100.00")
                .of(&nobody)
                .with(|c| c.receipt.phone = Some(phone));
            assert_eq!(shop.close(sale).await.unwrap().accrued, money("10.00"));
        }
        assert_eq!(shop.count("customers WHERE status = 'potential'"), 1);
        Shop::assert_balance(&shop.balance(&phone("79210000003")).await, "20.00");
    });
}

#[test]
fn a_blocked_card_accrues_nothing_and_pays_nothing() {
    on_each(|shop, customer| async move {
        use diesel::prelude::*;
        use kopilka::storage::schema::cards;
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "50.00").await;
        shop.close(Sale::new("before", "100.00").of(&anna).redeem("20.00"))
            .await
            .unwrap();
        shop.store
            .write(|c| {
                diesel::update(cards::table)
                    .set(cards::status.eq("blocked"))
                    .execute(c)?;
                Ok::<_, StorageError>(())
            })
            .unwrap();
        let closed = shop.close(Sale::new("r", "100.00").of(&anna)).await.unwrap();
        assert!(closed.customer_id.is_some());
        assert_eq!((closed.accrued, closed.may_redeem), (Money::ZERO, Money::ZERO));
        refused(
            shop.close(Sale::new("s", "100.00").of(&anna).redeem("1.00"))
                .await,
            "card-blocked",
        );
        refused(shop.hold("h", &anna, Some("1.00")).await, "card-blocked");
        Shop::assert_balance(&shop.balance(&anna).await, "38.00");
        // What was sold before still comes back.
        shop.give_back("back", "before", &[]).await.unwrap();
        Shop::assert_balance(&shop.balance(&anna).await, "50.00");
    });
}

#[test]
fn a_late_receipt_takes_the_rules_of_then_and_lives_from_now() {
    let settings = NetworkSettings {
        bonus_lifetime_days: Some(1),
        ..NetworkSettings::default()
    };
    on_each_with(&settings, |shop, customer| async move {
        use kopilka::domain::rate::Coefficient;
        use kopilka::domain::terms::RuleCondition;
        customer("1");
        let anna = card("1");
        let yesterday = start() - Duration::days(1);
        let seed = crate::seed::Seed::of(&shop.store, shop.tenant.network());
        let date = yesterday.date_naive();
        seed.rule(
            shop.a,
            &RuleCondition::Date { date },
            Coefficient::from_scaled(3_000_000),
        );
        let sale = |id: &str, closed_at: chrono::DateTime<chrono::Utc>| {
            Sale::new(id, "100.00")
                .of(&anna)
                .with(|c| c.receipt.closed_at = closed_at.fixed_offset())
        };
        assert_eq!(
            shop.close(sale("today", start())).await.unwrap().accrued,
            money("10.00")
        );
        let late = shop.close(sale("yesterday", yesterday)).await.unwrap();
        assert_eq!(late.accrued, money("30.00"));
        let balance = shop.balance(&anna).await;
        let expiring = balance.expiring.unwrap();
        assert_eq!(
            (balance.available, expiring.amount),
            (money("40.00"), money("40.00"))
        );
        assert_eq!(expiring.at, start() + Duration::days(1));
        shop.wait(Duration::hours(24) - Duration::microseconds(1));
        assert_eq!(shop.balance(&anna).await.available, money("40.00"));
        shop.wait(Duration::microseconds(1));
        Shop::assert_balance(&shop.balance(&anna).await, "0.00");
    });
}

#[test]
fn holds_are_let_go_once_and_captured_once() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "100.00").await;
        shop.hold("h", &anna, Some("60.00")).await.unwrap();
        assert_eq!(shop.void("h").await.unwrap(), money("60.00"));
        let before = rows(&shop);
        assert_eq!(shop.void("h").await.unwrap(), money("60.00"));
        assert_eq!(rows(&shop), before);
        Shop::assert_balance(&shop.balance(&anna).await, "100.00");
        // Tills unlock what they never locked; our own id must be known.
        assert_eq!(shop.void("never").await.unwrap(), Money::ZERO);
        refused(shop.void("hld_0000000000001").await, "hold-not-found");

        shop.hold("g", &anna, Some("60.00")).await.unwrap();
        let sale = Sale::new("r", "100.00").of(&anna).redeem("50.00").hold("g");
        shop.close(sale.clone()).await.unwrap();
        refused(shop.void("g").await, "hold-captured");
        assert!(shop.close(sale).await.unwrap().replayed);
        Shop::assert_balance(&shop.balance(&anna).await, "55.00");

        // One whose time is over is no error: the balance pays.
        shop.hold("late", &anna, Some("10.00")).await.unwrap();
        shop.wait(Duration::minutes(30));
        assert_eq!(shop.balance(&anna).await.held, Money::ZERO);
        let sale = Sale::new("s", "100.00").of(&anna).redeem("55.00").hold("late");
        assert_eq!(shop.close(sale).await.unwrap().redeemed, money("55.00"));
        Shop::assert_balance(&shop.balance(&anna).await, "4.50");
    });
}
