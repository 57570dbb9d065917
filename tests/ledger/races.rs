//! Many at once want what only some can have.

use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;
use kopilka::domain::refusal::Refusal;
use kopilka::ledger::{Answer, Answered, Failure, Verb};
use kopilka::storage::{StorageError, Store};
use kopilka_contract::{Closed, Hold};

use super::shop::{Sale, Shop, back_line, card, money, on_each, phone};

/// Runs commands at once, each in a thread of its own, all let go at the same moment; `shops` take turns.
async fn at_once(shops: &[Shop], verbs: Vec<Verb>) -> Vec<Result<Answered, Refusal>> {
    let runtime = tokio::runtime::Handle::current();
    let gate = Arc::new(Barrier::new(verbs.len()));
    let threads: Vec<_> = verbs
        .into_iter()
        .zip(shops.iter().cycle().cloned())
        .map(|(verb, shop)| {
            let (runtime, gate) = (runtime.clone(), Arc::clone(&gate));
            std::thread::spawn(move || {
                gate.wait();
                runtime.block_on(shop.submit(verb))
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn closed(answered: &Answered) -> &Closed {
    match &answered.answer {
        Answer::Closed(closed) => closed,
        other => panic!("{other:?}"),
    }
}

/// How many succeeded; all others must have been refused with this code.
#[track_caller]
fn winners(results: &[Result<Answered, Refusal>], code: &str) -> usize {
    for refusal in results.iter().filter_map(|r| r.as_ref().err()) {
        assert_eq!(refusal.code(), code);
    }
    results.iter().filter(|r| r.is_ok()).count()
}

/// Ends all sessions of the database but its own, as an administrator or a restart of the server does.
fn end_sessions(store: &Store) {
    let mut connection = store.own_connection().unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    connection.batch_execute(end).unwrap();
}

#[test]
fn a_writer_whose_session_was_ended_connects_anew_and_loses_nothing() {
    on_each(|shop, customer| async move {
        customer("1");
        let store = shop.store.clone();
        if store.is_sqlite() {
            return;
        }
        for round in 0..6 {
            end_sessions(&store);
            let sale = Sale::new(&format!("r{round}"), "100.00").of(&card("1"));
            assert!(shop.close(sale).await.is_ok(), "{round}");
        }
        // Those of the pool are made anew when somebody has found them dead.
        while store.connection().unwrap().ping().is_err() {}
    });
}

#[test]
fn two_tills_spend_one_balance() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        for round in 0..5 {
            shop.credit(&anna, "550.00").await;
            let before = shop.balance(&anna).await.available;
            // A redemption of 100.00 of a receipt of 100.00 accrues nothing, so just so many can be paid.
            let affordable = usize::try_from(before.kopecks() / 10_000).unwrap();
            let sales = (0..16)
                .map(|i| {
                    let till = if i % 2 == 0 { shop.a } else { shop.b };
                    Sale::new(&format!("r{round}-{i}"), "100.00")
                        .of(&anna)
                        .redeem("100.00")
                        .at(till)
                })
                .map(|sale| sale.verb(&shop))
                .collect();
            let results = at_once(std::slice::from_ref(&shop), sales).await;
            assert_eq!(winners(&results, "insufficient-balance"), affordable);
            let left = money("100.00").kopecks() * i64::try_from(affordable).unwrap();
            assert_eq!(
                shop.balance(&anna).await.available.kopecks(),
                before.kopecks() - left
            );
            shop.assert_books();
        }
        assert_eq!(
            shop.count("receipts"),
            shop.count("transactions WHERE direction = 'redemption'")
        );
    });
}

#[test]
fn two_instances_spend_one_balance_of_a_guest_with_two_names() {
    on_each(|shop, _| async move {
        // Two processes: a ledger each, and each shards by the name that it was told.
        let other = shop.another_instance(2);
        let seed = crate::seed::Seed::of(&shop.store, shop.tenant.network());
        let id = seed.customer("1", None);
        give_phone(&shop, id.0, "79210000001");
        let names = [card("1"), phone("+79210000001")];
        for round in 0..4 {
            shop.credit(&names[0], "500.00").await;
            let before = shop.balance(&names[0]).await.available;
            let affordable = usize::try_from(before.kopecks() / 10_000).unwrap();
            let sales = (0..16)
                .map(|i| {
                    let name = &names[(i / 2) % 2];
                    Sale::new(&format!("r{round}-{i}"), "100.00")
                        .of(name)
                        .redeem("100.00")
                        .verb(&shop)
                })
                .collect();
            let results = at_once(&[shop.clone(), other.clone()], sales).await;
            assert_eq!(winners(&results, "insufficient-balance"), affordable);
            shop.assert_books();
        }
        Shop::assert_balance(&shop.balance(&names[1]).await, "0.00");
    });
}

fn give_phone(shop: &Shop, customer: i64, digits: &str) {
    use diesel::prelude::*;
    use kopilka::storage::schema::customers;
    shop.store
        .write(|connection| {
            diesel::update(customers::table.filter(customers::id.eq(customer)))
                .set(customers::phone.eq(digits))
                .execute(connection)?;
            Ok::<_, StorageError>(())
        })
        .unwrap();
}

#[test]
fn one_receipt_fifty_times_at_once_posts_once() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let other = shop.another_instance(2);
        let verb = Sale::new("r", "100.00").of(&anna).redeem("30.00").verb(&shop);
        let results = at_once(&[shop.clone(), other], vec![verb; 50]).await;
        let answers: Vec<&Answered> = results.iter().map(|r| r.as_ref().unwrap()).collect();
        let first: Vec<_> = answers.iter().filter(|a| !closed(a).replayed).collect();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].status, 201);
        for answer in &answers {
            let same = Closed {
                replayed: closed(answer).replayed,
                ..closed(first[0]).clone()
            };
            assert_eq!(*closed(answer), same);
            assert_eq!(answer.status, if same.replayed { 200 } else { 201 });
        }
        Shop::assert_balance(&shop.balance(&anna).await, "7.00");
        assert_eq!(shop.count("receipts"), 1);
        assert_eq!(shop.count("receipt_lines"), 1);
        // The gift, the redemption, the accrual.
        assert_eq!(shop.count("transactions"), 3);
    });
}

#[test]
fn one_return_twenty_times_at_once_posts_once() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        shop.credit(&anna, "30.00").await;
        let sale = Sale::new("r", "100.00").line("2", "Tea", "3", "60.00");
        shop.close(sale.of(&anna).redeem("30.00")).await.unwrap();
        let other = shop.another_instance(2);
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..20 {
            let shop = if i % 2 == 0 { shop.clone() } else { other.clone() };
            tasks.spawn(async move { shop.give_back("back", "r", &[("2", "1")]).await.unwrap() });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|a| !a.replayed).count(), 1);
        for answer in &answers {
            // 30.00 of 160.00 paid with bonuses: 11.25 of the tea, a third of that comes back; so of the accrual 4.87.
            assert_eq!((answer.amount, &answer.id), (money("20.00"), &answers[0].id));
            assert_eq!(answer.redemption_undone, money("3.75"));
            assert_eq!(answer.accrual_undone, money("1.62"));
        }
        assert_eq!(shop.count("returns"), 1);
        // 30.00 − 30.00 + 13.00 accrued, 3.75 back, 1.62 taken back.
        Shop::assert_balance(&shop.balance(&anna).await, "15.13");
    });
}

#[test]
fn different_returns_at_once_never_exceed_the_sale() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let sale = Sale::new("r", "100.00").line("1", "Tea", "5", "100.00");
        shop.close(sale.of(&anna)).await.unwrap();
        let other = shop.another_instance(2);
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..12 {
            let shop = if i % 2 == 0 { shop.clone() } else { other.clone() };
            tasks.spawn(async move { shop.give_back(&format!("back {i}"), "r", &[("1", "1")]).await });
        }
        let results = tasks.join_all().await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 5);
        for refusal in results.into_iter().filter_map(Result::err) {
            assert_eq!(refusal.code(), "return-exceeds-sale");
        }
        Shop::assert_balance(&shop.balance(&anna).await, "0.00");
    });
}

#[test]
fn a_hold_and_a_sale_want_the_same_bonuses() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        let other = shop.another_instance(2);
        for round in 0..8 {
            shop.credit(&anna, "100.00").await;
            let hold = Hold {
                once: false,
                of_order: None,
                order: Vec::new(),
                external_id: format!("h{round}"),
                customer: anna.clone(),
                amount: Some(money("100.00")),
                at_most: None,
                minutes: None,
            };
            let sale = Sale::new(&format!("r{round}"), "100.00")
                .of(&anna)
                .redeem("100.00");
            let verbs = vec![Verb::Hold(shop.at(shop.a), hold), sale.clone().verb(&shop)];
            let results = at_once(&[shop.clone(), other.clone()], verbs).await;
            assert_eq!(winners(&results, "insufficient-balance"), 1);
            let held = results[0].is_ok();
            let balance = shop.balance(&anna).await;
            let expected = if held {
                ("0.00", "100.00")
            } else {
                ("0.00", "0.00")
            };
            assert_eq!(
                (balance.available, balance.held),
                (money(expected.0), money(expected.1))
            );
            if held {
                // The order that holds them can still be paid, and only once.
                let sale = sale.hold(&format!("h{round}"));
                shop.close(sale.clone()).await.unwrap();
                assert!(other.close(sale).await.unwrap().replayed);
            }
            Shop::assert_balance(&shop.balance(&anna).await, "0.00");
            shop.assert_books();
        }
    });
}

#[test]
fn a_new_telephone_makes_one_customer() {
    on_each(|shop, _| async move {
        let other = shop.another_instance(2);
        let boris = phone("+79210000002");
        let sales = (0..16)
            .map(|i| Sale::new(&format!("r{i}"), "100.00").of(&boris).verb(&shop))
            .collect();
        let results = at_once(&[shop.clone(), other], sales).await;
        let whose: Vec<_> = results
            .iter()
            .map(|r| closed(r.as_ref().unwrap()).customer_id.clone())
            .collect();
        assert!(
            whose[0].is_some() && whose.iter().all(|w| *w == whose[0]),
            "{whose:?}"
        );
        assert_eq!(shop.count("customers"), 1);
        Shop::assert_balance(&shop.balance(&boris).await, "160.00");
    });
}

#[test]
fn whoever_asked_and_went_away_is_served_all_the_same() {
    on_each(|shop, customer| async move {
        customer("1");
        let anna = card("1");
        for i in 0..20 {
            let verb = Sale::new(&format!("r{i}"), "100.00").of(&anna).verb(&shop);
            let (ledger, command) = (shop.ledger.clone(), shop.command(verb));
            let asked = tokio::spawn(async move { ledger.submit(command).await });
            tokio::task::yield_now().await;
            asked.abort();
            if let Ok(Err(failure)) = asked.await {
                assert!(matches!(failure, Failure::Busy), "{failure}");
            }
        }
        // Whatever was posted is posted whole: what is missing is posted now, and nothing twice.
        for i in 0..20 {
            let again = shop
                .close(Sale::new(&format!("r{i}"), "100.00").of(&anna))
                .await
                .unwrap();
            assert_eq!(again.accrued, money("10.00"));
        }
        Shop::assert_balance(&shop.balance(&anna).await, "200.00");
        assert_eq!(shop.count("transactions"), 20);
    });
}

#[test]
fn different_returns_of_a_sale_without_a_guest_never_exceed_it() {
    on_each(|shop, _| async move {
        let other = shop.another_instance(2);
        for round in 0..6 {
            let name = format!("r{round}");
            let sale = Sale::new(&name, "100.00").line("1", "Tea", "5", "100.00");
            shop.close(sale).await.unwrap();
            let backs = (0..8)
                .map(|i| {
                    shop.back(&format!("{name} back {i}"), &name, |request| {
                        request.lines = Some(vec![back_line("1", "1")]);
                    })
                })
                .collect();
            let results = at_once(&[shop.clone(), other.clone()], backs).await;
            assert_eq!(winners(&results, "return-exceeds-sale"), 5);
        }
        assert_eq!(shop.count("returns"), 30);
    });
}
