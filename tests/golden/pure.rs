//! The golden cases through the pure domain alone: no database, no service.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use kopilka::domain::accrual::{CustomerCoefficients, Sale, accrue};
use kopilka::domain::decide::{self, Adjustment, Amend, Context};
use kopilka::domain::ids::{CustomerId, IdSource, NetworkId, VenueId};
use kopilka::domain::redemption::spread;
use kopilka::domain::refusal::Refusal;
use kopilka::domain::terms::{GroupTerms, ItemTerms, Rule, VenueTerms};
use kopilka::domain::world::{CustomerFacts, Found, ReturnRequest, ReturnedLine, World};
use kopilka_contract::{Close, CustomerRef, FactorKind, Hold, Money, Phone, Receipt, Redemption, Stands};

use super::cases::{
    AccrualCase, Action, ExpectedAccrual, ExpectedState, NetworkSettings, Step, Story, Venue,
};
use super::{conclude, read};

const NETWORK: NetworkId = NetworkId(1);
const VENUE_A: VenueId = VenueId(2);
const VENUE_B: VenueId = VenueId(3);
const CUSTOMER: CustomerId = CustomerId(4);

struct Counter(AtomicI64);

impl IdSource for Counter {
    fn next_id(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

fn terms(venue: &Venue, settings: Option<&NetworkSettings>) -> VenueTerms {
    let mut categories: HashMap<String, ItemTerms> = HashMap::new();
    let item = |name: &str| ItemTerms {
        name: name.to_owned(),
        coefficient: None,
        redeemable: true,
    };
    for (id, k) in &venue.category_coefficients {
        categories
            .entry(id.clone())
            .or_insert_with(|| item(id))
            .coefficient = Some(*k);
    }
    for id in &venue.not_redeemable_category_ids {
        categories
            .entry(id.clone())
            .or_insert_with(|| item(id))
            .redeemable = false;
    }
    VenueTerms {
        network: NETWORK,
        venue: VENUE_A,
        name: "A".to_owned(),
        time_zone: venue.time_zone,
        day_starts_at: venue.day_starts_at(),
        base_percent: venue.base_percent,
        archived_at: None,
        rules: venue
            .rules
            .iter()
            .enumerate()
            .map(|(i, r)| Rule {
                id: i.to_string(),
                name: None,
                condition: r.condition(),
                coefficient: r.coefficient(),
            })
            .collect(),
        products: venue
            .product_coefficients
            .iter()
            .map(|(name, k)| {
                (
                    name.clone(),
                    ItemTerms {
                        coefficient: Some(*k),
                        ..item(name)
                    },
                )
            })
            .collect(),
        categories,
        groups: venue
            .groups
            .iter()
            .map(|g| GroupTerms {
                name: g.name.clone(),
                category_ids: g.category_ids.clone(),
                coefficient: g.coefficient,
            })
            .collect(),
        accrue_on_redeemed: venue.accrue_on_redeemed,
        excluded_payment_kinds: Vec::new(),
        rounding: venue.rounding,
        redeem_max_percent: venue
            .redeem_max_percent
            .unwrap_or(kopilka::domain::rate::Percent::HUNDRED),
        min_money_payment: venue.min_money_payment.unwrap_or_default(),
        hold_minutes: 30,
        default_type: "place".to_owned(),
        types: vec!["place".to_owned()],
        bonus_lifetime_days: None,
        accrual_delay_days: 0,
        refund_grace_days: settings.map_or(7, |s| s.refund_grace_days),
    }
}

fn run_accrual(case: &AccrualCase) -> Result<(), String> {
    let terms = terms(&case.venue, None);
    let lines = case.receipt.lines();
    let redeemed = spread(&terms, &lines, case.receipt.redeem).map_err(|e| e.to_string())?;
    let coefficients = CustomerCoefficients {
        venue: case.customer.venue_coefficient,
        network: case.customer.network_coefficient,
    };
    let sale = Sale {
        closed_at: case.receipt.closed_at.to_utc(),
        lines: &lines,
        redeemed: &redeemed,
        payments: &[],
        total: lines.iter().map(|l| l.amount).sum(),
    };
    let accrual = accrue(&terms, coefficients, sale).map_err(|e| e.to_string())?;
    let factor = |kind: FactorKind| {
        accrual
            .explanation
            .iter()
            .find(|f| f.factor == kind)
            .map(|f| f.value.clone())
            .unwrap_or_default()
    };
    let got = ExpectedAccrual {
        accrued: accrual.total,
        line_accrued: accrual.shares.clone(),
        line_redeemed: redeemed,
        customer_coefficient: factor(FactorKind::Customer),
        time_coefficient: factor(FactorKind::Time),
        amount_coefficient: factor(FactorKind::Amount),
    };
    if got == case.expect {
        Ok(())
    } else {
        Err(format!("got {got:?}, expected {:?}", case.expect))
    }
}

#[test]
fn every_accrual_case_comes_out_of_the_domain() {
    let cases: Vec<AccrualCase> = read("accrual");
    conclude(
        "accrual, pure",
        cases.iter().map(|c| (c.name.clone(), run_accrual(c))).collect(),
    );
}

/// One customer at one venue, in memory.
struct Pure {
    terms: VenueTerms,
    world: World,
    ids: Counter,
    returns: u32,
}

impl Pure {
    fn new(story: &Story) -> Self {
        let mut world = World::default();
        let phone = Phone::parse("+79000000001").unwrap();
        world
            .customers
            .insert(CUSTOMER, CustomerFacts::potential(CUSTOMER, NETWORK, phone, None));
        world.found.insert(
            (NETWORK, Self::guest()),
            Found {
                customer: CUSTOMER,
                card: None,
            },
        );
        Pure {
            terms: terms(&story.venue, Some(&story.settings)),
            world,
            ids: Counter(AtomicI64::new(100)),
            returns: 0,
        }
    }

    fn guest() -> CustomerRef {
        CustomerRef::Card("1".to_owned())
    }

    fn step(&mut self, step: &Step) -> Result<ExpectedState, Refusal> {
        let now = step.at.to_utc();
        let cx = Context {
            terms: &self.terms,
            source: "golden",
            actor: "test",
            now,
            told_at: now,
            ids: &self.ids,
        };
        let world = &mut self.world;
        let guest = Self::guest();
        let amend = |world: &mut World, amend: Amend| {
            let adjustment = Adjustment {
                network: NETWORK,
                customer: &guest,
                amend: &amend,
                actor: "test",
                now,
                ids: &self.ids,
            };
            decide::amend(world, adjustment)
        };
        let mut state = ExpectedState::default();
        match &step.action {
            Action::Credit {
                amount,
                starts_at,
                expires_at,
                venue,
            } => {
                let scope = venue.as_deref().map(|v| if v == "A" { VENUE_A } else { VENUE_B });
                let (starts_at, expires_at) = (starts_at.map(|t| t.to_utc()), expires_at.map(|t| t.to_utc()));
                let credit = Amend::Credit {
                    amount: *amount,
                    starts_at,
                    expires_at,
                    scope,
                    promotion: false,
                    comment: None,
                };
                amend(world, credit)?;
            }
            Action::Hold {
                hold,
                amount,
                minutes,
            } => {
                let ask = Hold {
                    once: false,
                    of_order: None,
                    order: Vec::new(),
                    external_id: hold.clone(),
                    customer: guest.clone(),
                    amount: Some(*amount),
                    at_most: None,
                    minutes: Some(*minutes),
                };
                decide::hold(world, cx, &ask)?;
            }
            Action::Void { hold } => {
                decide::void(world, cx, hold)?;
            }
            Action::Sale {
                receipt_id,
                receipt,
                hold,
            } => {
                let ask = Close {
                    redemption: Redemption::Now(receipt.redeem),
                    hold: hold.clone(),
                    ..Close::of(Receipt {
                        customer: Some(guest.clone()),
                        lines: receipt.lines(),
                        ..Receipt::of(receipt_id.clone(), receipt.closed_at)
                    })
                };
                let quoted = decide::quote(world, cx, &ask)?;
                let closed = decide::close(world, cx, &ask)?;
                assert_eq!(
                    (quoted.accrued, quoted.redeemed, &quoted.lines),
                    (closed.accrued, closed.redeemed, &closed.lines)
                );
                assert_eq!(quoted.balance, closed.balance);
                state.accrued = Some(closed.accrued);
                state.redeemed = Some(closed.redeemed);
            }
            Action::Return {
                receipt_id,
                quantities,
            } => {
                self.returns += 1;
                let lines = quantities
                    .iter()
                    .enumerate()
                    .map(|(i, q)| ReturnedLine {
                        product: None,
                        line_id: (i + 1).to_string(),
                        quantity: Some(*q),
                        amount: None,
                    })
                    .collect();
                let request = ReturnRequest {
                    version: None,
                    returned_at: now,
                    lines: Some(lines),
                    rollback: false,
                    stands: Stands::WithItsSale,
                    cancel: false,
                };
                let sale = cx.key(receipt_id);
                let returned =
                    decide::give_back(world, cx, &format!("return {}", self.returns), &sale, &request)?;
                state.accrual_undone = Some(returned.accrual_undone);
                state.redemption_undone = Some(returned.redemption_undone);
            }
            Action::Reset => {
                amend(world, Amend::Reset { comment: None })?;
            }
            Action::Wait => {}
        }
        Ok(state)
    }

    /// What the account shows at an instant, without writing anything down.
    fn state(&self, at: chrono::DateTime<chrono::Utc>, mut state: ExpectedState) -> ExpectedState {
        let mut account = self.world.customers[&CUSTOMER].account.clone();
        account.settle(at);
        let balance = account.balance(Some(VENUE_A), at);
        state.balance = balance.balance;
        state.available = balance.available;
        state.held = balance.held;
        state.pending = balance.pending;
        state.debt = balance.debt;
        state
    }

    fn postings(&self) -> Money {
        let all = self.world.transactions.iter();
        all.flat_map(|t| {
            assert!(t.postings().map(|p| p.amount).sum::<Money>().is_zero());
            t.postings().next()
        })
        .map(|p| p.amount)
        .sum()
    }
}

fn run_story(story: &Story) -> Result<(), String> {
    let mut pure = Pure::new(story);
    for (i, step) in story.steps.iter().enumerate() {
        let outcome = pure.step(step);
        let state = match outcome {
            Ok(state) => state,
            Err(refusal) => ExpectedState {
                error: Some(refusal.code().to_owned()),
                ..ExpectedState::default()
            },
        };
        let got = pure.state(step.at.to_utc(), state);
        if got != step.expect {
            return Err(format!(
                "step {i} {:?}: got {got:?}, expected {:?}",
                step.action, step.expect
            ));
        }
        let book = pure.world.customers[&CUSTOMER].account.book_balance();
        if pure.postings() != book {
            return Err(format!(
                "step {i}: postings {} ≠ lots + held − debt {book}",
                pure.postings()
            ));
        }
    }
    Ok(())
}

#[test]
fn every_account_story_comes_out_of_the_domain() {
    let stories: Vec<Story> = read("accounts");
    conclude(
        "accounts, pure",
        stories.iter().map(|s| (s.name.clone(), run_story(s))).collect(),
    );
}
