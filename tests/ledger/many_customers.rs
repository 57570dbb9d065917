//! Random lives of many customers at once, through the ledger and over the database; what each has in the end is
//! computed apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kopilka::domain::refusal::Refusal;
use kopilka_contract::{CustomerRef, Money};

use super::shop::{Sale, Shop, card, on_each};

const CUSTOMERS: u64 = 25;
const TASKS: u64 = 8;
const STEPS: u64 = 40;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What every customer must have, in kopecks.
#[derive(Clone, Default)]
struct Expected(Arc<Mutex<HashMap<u64, i64>>>);

impl Expected {
    fn add(&self, customer: u64, kopecks: i64) {
        *self.0.lock().unwrap().entry(customer).or_default() += kopecks;
    }
}

fn text(kopecks: i64) -> String {
    Money::from_kopecks(kopecks).to_string()
}

/// Nothing but want of bonuses may stand in the way.
fn done<T>(result: Result<T, Refusal>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(refusal) => {
            assert_eq!(refusal.code(), "insufficient-balance");
            None
        }
    }
}

/// A receipt that was sold: id, customer, and what it did to him.
type Sold = (String, u64, i64);

async fn live(shop: Shop, task: u64, expected: Expected) {
    let mut dice = Dice(task + 1);
    let mut sold: Vec<Sold> = Vec::new();
    for step in 0..STEPS {
        let customer = dice.below(CUSTOMERS);
        let who = name(customer);
        match dice.below(10) {
            0 => {
                let amount = 100 * (1 + i64::try_from(dice.below(300)).unwrap());
                shop.credit(&who, &text(amount)).await;
                expected.add(customer, amount);
            }
            1 | 2 => {
                let Some((id, customer, did)) = sold.pop() else {
                    continue;
                };
                // Twice: the second time is the first again.
                for replayed in [false, true] {
                    let back = shop.give_back(&format!("back {id}"), &id, &[]).await.unwrap();
                    assert_eq!(back.replayed, replayed);
                    assert_eq!((back.redemption_undone - back.accrual_undone).kopecks(), -did);
                }
                expected.add(customer, -did);
            }
            3 => {
                let hold = format!("hold {task} {step}");
                let Some(held) = done(shop.hold(&hold, &who, Some("5.00")).await) else {
                    continue;
                };
                if dice.below(2) == 0 {
                    assert_eq!(shop.void(&hold).await.unwrap(), held.amount);
                } else {
                    let id = format!("held {task} {step}");
                    let sale = Sale::new(&id, "20.00").of(&who).redeem("3.00").hold(&hold);
                    let closed = shop.close(sale).await.unwrap();
                    assert_eq!(closed.accrued.kopecks(), 170);
                    expected.add(customer, 170 - 300);
                    sold.push((id, customer, 170 - 300));
                }
            }
            what => {
                let amount = 1000 * (1 + i64::try_from(dice.below(50)).unwrap());
                let redeem = if what % 2 == 0 {
                    200 * i64::try_from(dice.below(5)).unwrap()
                } else {
                    0
                };
                let id = format!("sale {task} {step}");
                let sale = Sale::new(&id, &text(amount)).of(&who).redeem(&text(redeem));
                // Venue B gives half of what A gives. Returns of the helper are A's.
                let at_b = dice.below(4) == 0;
                let venue = if at_b { shop.b } else { shop.a };
                let sale = sale.at(venue);
                let Some(closed) = done(shop.close(sale.clone()).await) else {
                    continue;
                };
                let accrued = (amount - redeem) / if at_b { 20 } else { 10 };
                assert_eq!(closed.accrued.kopecks(), accrued);
                expected.add(customer, accrued - redeem);
                if dice.below(3) == 0 {
                    assert!(shop.close(sale).await.unwrap().replayed);
                }
                if !at_b {
                    sold.push((id, customer, accrued - redeem));
                }
            }
        }
    }
}

fn name(customer: u64) -> CustomerRef {
    card(&customer.to_string())
}

#[test]
fn many_customers_have_what_they_must() {
    on_each(|shop, customer| async move {
        for number in 0..CUSTOMERS {
            customer(&number.to_string());
        }
        let expected = Expected::default();
        let tasks: tokio::task::JoinSet<()> = (0..TASKS)
            .map(|task| live(shop.clone(), task, expected.clone()))
            .collect();
        tasks.join_all().await;
        let expected = expected.0.lock().unwrap().clone();
        assert!(expected.len() > 20);
        for (customer, kopecks) in expected {
            let balance = shop.balance(&name(customer)).await;
            assert_eq!(
                balance.balance.kopecks(),
                kopecks,
                "customer {customer}: {balance:?}"
            );
            assert_eq!((balance.held, balance.pending), (Money::ZERO, Money::ZERO));
        }
    });
}
