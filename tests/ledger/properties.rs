//! Random lives of one customer, told to the program's decisions and to the slow model; both must say the same after
//! every step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, TimeZone, Utc};
use kopilka::domain::account::Account;
use kopilka::domain::books::{ChainHead, HashedContent, chain_hash};
use kopilka::domain::decide::{self, Adjustment, Amend, Context};
use kopilka::domain::ids::{CustomerId, IdSource, NetworkId, VenueId};
use kopilka::domain::rate::{Coefficient, Percent};
use kopilka::domain::refusal::Refusal;
use kopilka::domain::terms::{ItemTerms, Rounding, RoundingMode, RoundingUnit, VenueTerms};
use kopilka::domain::world::{CustomerFacts, Found, ReturnRequest, ReturnedLine, World};
use kopilka_contract::{
    Balance, Close, Closed, CustomerRef, Hold, Money, Phone, Quantity, Receipt, ReceiptStatus, Redemption,
    Stands, repeated_at,
};
use proptest::prelude::*;

use super::model::{self, At, Back, Model};

const NETWORK: NetworkId = NetworkId(1);
const CUSTOMER: CustomerId = CustomerId(4);

struct Counter(AtomicI64);

impl IdSource for Counter {
    fn next_id(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

fn venue(at: At) -> VenueId {
    match at {
        At::A => VenueId(2),
        At::B => VenueId(3),
    }
}

fn instant(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 10, 0, 0).unwrap() + Duration::minutes(minute)
}

fn money(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks)
}

/// The program's side of a customer's life.
#[derive(Clone)]
struct Real {
    terms: [VenueTerms; 2],
    world: World,
    messages: usize,
}

fn terms(settings: &model::Settings, at: At) -> VenueTerms {
    let categories: HashMap<String, ItemTerms> = settings
        .categories
        .iter()
        .enumerate()
        .map(|(i, tenths)| {
            let item = ItemTerms {
                name: format!("Category {i}"),
                coefficient: Some(Coefficient::from_scaled(tenths * 100_000)),
                redeemable: i != 3,
            };
            (format!("c{i}"), item)
        })
        .collect();
    VenueTerms {
        network: NETWORK,
        venue: venue(at),
        name: format!("{at:?}"),
        time_zone: chrono_tz::Europe::Moscow,
        day_starts_at: chrono::NaiveTime::MIN,
        base_percent: Percent::from_scaled(settings.base * 100),
        archived_at: None,
        rules: Vec::new(),
        products: HashMap::new(),
        categories,
        groups: Vec::new(),
        accrue_on_redeemed: settings.accrue_on_redeemed,
        excluded_payment_kinds: Vec::new(),
        rounding: Rounding {
            unit: RoundingUnit::try_from(money(settings.rounding_unit)).unwrap(),
            mode: match settings.rounding_mode {
                0 => RoundingMode::Down,
                1 => RoundingMode::HalfUp,
                _ => RoundingMode::Up,
            },
        },
        redeem_max_percent: Percent::from_scaled(settings.redeem_max * 10_000),
        min_money_payment: money(settings.min_money),
        hold_minutes: 30,
        default_type: "place".to_owned(),
        types: vec!["place".to_owned()],
        bonus_lifetime_days: settings.lifetime_days.map(|d| u32::try_from(d).unwrap()),
        accrual_delay_days: u32::try_from(settings.delay_days).unwrap(),
        refund_grace_days: u32::try_from(settings.grace_days).unwrap(),
    }
}

fn guest() -> CustomerRef {
    CustomerRef::Card("1".to_owned())
}

fn receipt(external_id: &str, closed_at: DateTime<Utc>, lines: &[model::Line]) -> Receipt {
    Receipt {
        customer: Some(guest()),
        lines: lines
            .iter()
            .enumerate()
            .map(|(i, line)| kopilka_contract::Line {
                line_id: i.to_string(),
                name: format!("Dish {i}"),
                product_id: None,
                category_id: Some(format!("c{}", line.category)),
                category_name: None,
                quantity: Quantity::from_thousandths(line.quantity),
                price: None,
                amount: money(line.amount),
                redeemed: None,
            })
            .collect(),
        ..Receipt::of(external_id.to_owned(), closed_at.fixed_offset())
    }
}

impl Real {
    fn new(settings: &model::Settings) -> Self {
        let phone = Phone::parse("+79000000001").unwrap();
        let mut facts = CustomerFacts::potential(CUSTOMER, NETWORK, phone, None);
        facts.network_coefficient = Some(Coefficient::from_scaled(settings.customer * 100_000));
        let mut world = World::default();
        world.customers.insert(CUSTOMER, facts);
        let found = Found {
            customer: CUSTOMER,
            card: None,
        };
        world.found.insert((NETWORK, guest()), found);
        Real {
            terms: [terms(settings, At::A), terms(settings, At::B)],
            world,
            messages: 0,
        }
    }

    /// Runs a decision at a venue.
    fn at<T>(
        &mut self,
        at: At,
        now: i64,
        decide: impl FnOnce(&mut World, Context<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.messages += 1;
        // Ids of later steps are greater; a step makes fewer than a hundred thousand.
        let ids = Counter(AtomicI64::new(i64::try_from(self.messages).unwrap() * 100_000));
        let cx = Context {
            terms: &self.terms[usize::from(at == At::B)],
            source: "till",
            actor: "test",
            now: instant(now),
            told_at: instant(now),
            ids: &ids,
        };
        decide(&mut self.world, cx)
    }

    fn amend(&mut self, now: i64, amend: &Amend) -> Result<(), Refusal> {
        self.at(At::A, now, |world, cx| {
            let adjustment = Adjustment {
                network: NETWORK,
                customer: &guest(),
                amend,
                actor: cx.actor,
                now: cx.now,
                ids: cx.ids,
            };
            decide::amend(world, adjustment).map(drop)
        })
    }

    /// Quotes and closes: both must say the same.
    fn sell(
        &mut self,
        at: At,
        now: i64,
        (lines, redeem, hold): (&[model::Line], i64, Option<&str>),
        number: usize,
    ) -> Result<Closed, Refusal> {
        let ask = Close {
            redemption: Redemption::Now(money(redeem)),
            hold: hold.map(str::to_owned),
            ..Close::of(receipt(&format!("r{number}"), instant(now), lines))
        };
        self.at(at, now, |world, cx| {
            let quoted = decide::quote(world, cx, &ask);
            let closed = decide::close(world, cx, &ask);
            match (&quoted, &closed) {
                (Ok(quoted), Ok(closed)) => {
                    let same = Closed {
                        id: quoted.id.clone(),
                        status: ReceiptStatus::Quoted,
                        ..closed.clone()
                    };
                    assert_eq!(*quoted, same, "quote and close");
                }
                _ => assert_eq!(quoted.as_ref().err(), closed.as_ref().err(), "quote and close"),
            }
            closed
        })
    }

    fn bring_back(
        &mut self,
        at: At,
        now: i64,
        receipt: usize,
        back: Option<&[(usize, Back)]>,
    ) -> Result<(i64, i64, i64), Refusal> {
        let lines = back.map(|back| {
            back.iter()
                .map(|(line, back)| {
                    let (quantity, amount) = match *back {
                        Back::Quantity(q) => (Some(Quantity::from_thousandths(q)), None),
                        Back::Amount(a) => (None, Some(money(a))),
                    };
                    ReturnedLine {
                        product: None,
                        line_id: line.to_string(),
                        quantity,
                        amount,
                    }
                })
                .collect()
        });
        let name = format!("return {}", self.messages);
        self.at(at, now, |world, cx| {
            let request = ReturnRequest {
                version: None,
                returned_at: cx.now,
                cancel: lines.is_none(),
                lines,
                rollback: false,
                stands: Stands::WithItsSale,
            };
            let sale = cx.key(&format!("r{receipt}"));
            let returned = decide::give_back(world, cx, &name, &sale, &request)?;
            assert_eq!(returned.refund, returned.amount - returned.redemption_undone);
            Ok((
                returned.amount.kopecks(),
                returned.accrual_undone.kopecks(),
                returned.redemption_undone.kopecks(),
            ))
        })
    }

    fn account(&self) -> &Account {
        &self.world.customers[&CUSTOMER].account
    }

    /// What the account shows at a minute, nothing written down.
    fn balance(&self, venue_of: Option<At>, minute: i64) -> model::Balance {
        let mut account = self.account().clone();
        account.settle(instant(minute));
        let b: Balance = account.balance(venue_of.map(venue), instant(minute));
        model::Balance {
            available: b.available.kopecks(),
            balance: b.balance.kopecks(),
            held: b.held.kopecks(),
            pending: b.pending.kopecks(),
            debt: b.debt.kopecks(),
        }
    }

    /// The invariants of the books, from nothing but the transactions and the account.
    fn assert_books(&self) {
        let mut head = ChainHead::default();
        let mut booked = Money::ZERO;
        for t in &self.world.transactions {
            let postings: Vec<_> = t.postings().collect();
            assert!(postings.len() >= 2, "{t:?}");
            assert_eq!(
                postings.iter().map(|p| p.amount.kopecks()).sum::<i64>(),
                0,
                "{t:?} does not add up"
            );
            assert!(t.movement.amount.is_positive(), "{t:?}");
            booked += postings[0].amount;
            head.sequence += 1;
            assert_eq!(t.sequence, head.sequence);
            let content = HashedContent {
                id: t.id.0,
                network: NETWORK.0,
                customer: CUSTOMER.0,
                sequence: t.sequence,
                kind: &t.movement.kind,
                direction: t.movement.direction.as_str(),
                amount: t.movement.amount.kopecks(),
                venue: t.movement.venue.map_or(0, |v| v.0),
                receipt: t.movement.receipt.map_or(0, |r| r.0),
                return_id: t.movement.return_id.map_or(0, |r| r.0),
                happened_at: t.movement.happened_at.timestamp_micros(),
                posted_at: t.posted_at.timestamp_micros(),
                actor: &t.actor,
                comment: t.movement.comment.as_deref().unwrap_or_default(),
                postings: postings
                    .iter()
                    .map(|p| {
                        let id = |v: Option<VenueId>| v.map_or(0, |v| v.0);
                        (p.account.as_str(), id(p.venue), id(p.issuer), p.amount.kopecks())
                    })
                    .collect(),
            };
            head.hash = chain_hash(&head.hash, &content);
            assert_eq!(t.hash, head.hash, "{t:?}");
        }
        assert_eq!(self.world.customers[&CUSTOMER].head, head);
        let account = self.account();
        assert_eq!(booked, account.book_balance(), "postings ≠ lots + held − debt");
        let mut held: HashMap<i64, i64> = HashMap::new();
        for part in account.holds.iter().flat_map(|h| &h.parts) {
            assert!(part.amount.is_positive());
            *held.entry(part.lot.id.0).or_default() += part.amount.kopecks();
        }
        for lot in &account.lots {
            let held = held.remove(&lot.id.0).unwrap_or_default();
            let left = lot.left.kopecks();
            assert!(
                left >= 0 && left + held <= lot.amount.kopecks(),
                "{lot:?} with {held} held"
            );
            assert!(account.debt.is_zero() || left == 0, "debt beside {lot:?}");
        }
        assert!(held.is_empty(), "held from lots that are not there: {held:?}");
        assert!(account.debt >= Money::ZERO);
    }
}

/// A step, as it is drawn. Numbers that depend on what there is are shares of it.
#[derive(Debug, Clone)]
enum Step {
    Credit {
        amount: i64,
        starts: i64,
        lives: Option<i64>,
        scope: Option<At>,
    },
    Debit {
        permille: i64,
    },
    Hold {
        at: At,
        name: u8,
        permille: i64,
        minutes: i64,
    },
    Void {
        at: At,
        name: u8,
    },
    Sale {
        at: At,
        lines: Vec<model::Line>,
        permille: i64,
        hold: Option<u8>,
    },
    Return {
        receipt: usize,
        lines: Vec<(usize, bool, i64)>,
    },
    Rest {
        receipt: usize,
    },
    Reset,
    Wait {
        minutes: i64,
    },
}

fn places() -> impl Strategy<Value = At> {
    prop_oneof![3 => Just(At::A), 1 => Just(At::B)]
}

fn lines() -> impl Strategy<Value = Vec<model::Line>> {
    let quantity = prop_oneof![3 => (1i64..5).prop_map(|q| q * 1000), 1 => 1i64..3000];
    let amount = prop_oneof![1 => Just(0), 8 => 1i64..200_000];
    let line = (0usize..4, quantity, amount).prop_map(|(category, quantity, amount)| model::Line {
        category,
        quantity,
        amount,
    });
    prop::collection::vec(line, 1..5)
}

/// Mostly within what there is, sometimes exactly all of it, seldom more.
fn shares() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 6 => 1i64..1000, 3 => Just(1000), 1 => 1001i64..1500]
}

/// Times meet each other on purpose: ends of holds, burning and waiting are multiples of ten minutes.
fn steps() -> impl Strategy<Value = Step> {
    let minutes = || (1i64..12).prop_map(|m| m * 10);
    prop_oneof![
        4 => (1i64..50_000, -3i64..6, prop::option::of(minutes()), prop::option::weighted(0.3, places())).prop_map(
            |(amount, starts, lives, scope)| Step::Credit { amount, starts: starts * 10, lives, scope }
        ),
        1 => shares().prop_map(|permille| Step::Debit { permille }),
        4 => (places(), 0u8..3, shares(), minutes())
            .prop_map(|(at, name, permille, minutes)| Step::Hold { at, name, permille, minutes }),
        2 => (places(), 0u8..3).prop_map(|(at, name)| Step::Void { at, name }),
        8 => (places(), lines(), shares(), prop::option::weighted(0.4, 0u8..3))
            .prop_map(|(at, lines, permille, hold)| Step::Sale { at, lines, permille, hold }),
        8 => (0usize..8, prop::collection::vec((0usize..4, any::<bool>(), 0i64..1100), 1..4))
            .prop_map(|(receipt, lines)| Step::Return { receipt, lines }),
        2 => (0usize..8).prop_map(|receipt| Step::Rest { receipt }),
        1 => Just(Step::Reset),
        5 => prop_oneof![4 => minutes(), 1 => Just(24 * 60), 1 => Just(7 * 24 * 60)]
            .prop_map(|minutes| Step::Wait { minutes }),
    ]
}

fn settings() -> impl Strategy<Value = model::Settings> {
    let small = (0i64..3000, 0i64..40, [0i64..30, 0i64..30, 0i64..30, 0i64..30]);
    let rounding = (prop::sample::select(vec![1i64, 10, 100, 1000]), 0u8..3);
    let limits = (
        prop_oneof![2 => Just(100i64), 1 => 0i64..100],
        prop_oneof![2 => Just(0i64), 1 => 0i64..20_000],
        any::<bool>(),
    );
    let days = (prop::option::of(1i64..3), 0i64..2, 0i64..9);
    (small, rounding, limits, days).prop_map(|(small, rounding, limits, days)| model::Settings {
        base: small.0,
        customer: small.1,
        categories: small.2,
        rounding_unit: rounding.0,
        rounding_mode: rounding.1,
        redeem_max: limits.0,
        min_money: limits.1,
        accrue_on_redeemed: limits.2,
        lifetime_days: days.0,
        delay_days: days.1,
        grace_days: days.2,
    })
}

/// Both sides of one life.
#[derive(Clone)]
struct Life {
    model: Model,
    real: Real,
}

/// What a step came to, on each side in the same words.
type Outcome = Result<Vec<i64>, String>;

impl Life {
    fn new(settings: model::Settings) -> Self {
        Life {
            real: Real::new(&settings),
            model: Model::new(settings),
        }
    }

    fn step(&mut self, step: &Step) {
        let now = self.model.now;
        let (Life { model, real }, name) = (self, |name: u8| format!("hold {name}"));
        let (expected, got): (Outcome, Outcome) = match step {
            Step::Credit {
                amount,
                starts,
                lives,
                scope,
            } => {
                let (start, end) = (now + starts, lives.map(|lives| now + starts + lives));
                let credit = Amend::Credit {
                    amount: money(*amount),
                    starts_at: Some(instant(start)),
                    expires_at: end.map(instant),
                    scope: scope.map(venue),
                    promotion: false,
                    comment: Some("a gift".to_owned()),
                };
                (
                    told(model.credit(*amount, start, end, *scope).map(|()| Vec::new())),
                    told(
                        real.amend(now, &credit)
                            .map(|()| Vec::new())
                            .map_err(|r| r.code()),
                    ),
                )
            }
            Step::Debit { permille } => {
                let b = model.balance(None);
                let amount = ((b.balance + b.debt - b.held) * permille / 1000).max(1);
                let debit = Amend::Debit {
                    amount: money(amount),
                    comment: None,
                };
                (
                    told(model.debit(amount).map(|()| Vec::new())),
                    told(real.amend(now, &debit).map(|()| Vec::new()).map_err(|r| r.code())),
                )
            }
            Step::Hold {
                at,
                name: key,
                permille,
                minutes,
            } => {
                let key = name(*key);
                let amount =
                    (model.balance(Some(*at)).available + model.in_hold(*at, &key)) * permille / 1000;
                let ask = Hold {
                    once: false,
                    of_order: None,
                    order: Vec::new(),
                    external_id: key.clone(),
                    customer: guest(),
                    amount: Some(money(amount)),
                    at_most: None,
                    minutes: Some(u32::try_from(*minutes).unwrap()),
                };
                let held = real.at(*at, now, |world, cx| decide::hold(world, cx, &ask));
                (
                    told(model.hold(*at, &key, amount, *minutes).map(|()| vec![amount])),
                    told(held.map(|h| vec![h.amount.kopecks()]).map_err(|r| r.code())),
                )
            }
            Step::Void { at, name: key } => {
                let key = name(*key);
                let expected = model.void(*at, &key);
                let got = real.at(*at, now, |world, cx| decide::void(world, cx, &key));
                let again = real.at(*at, now, |world, cx| decide::void(world, cx, &key));
                assert_eq!(got, again, "a second void answers as the first did");
                let open = expected == Ok(None);
                (
                    told(expected.map(|told| told.into_iter().collect())),
                    told(
                        got.map(|v| {
                            if open {
                                Vec::new()
                            } else {
                                vec![v.released.kopecks()]
                            }
                        })
                        .map_err(|r| r.code()),
                    ),
                )
            }
            Step::Sale {
                at,
                lines,
                permille,
                hold,
            } => {
                let hold = hold.map(name);
                let own = hold.as_ref().map_or(0, |hold| model.in_hold(*at, hold));
                let most = (model.balance(Some(*at)).available + own).min(model.limit(lines));
                let redeem = most * permille / 1000 + i64::from(*permille > 1000);
                let number = model.sold.len();
                let closed = real.sell(*at, now, (lines, redeem, hold.as_deref()), number);
                let expected = model
                    .sell(*at, lines, redeem, hold.as_deref())
                    .map(|(redeemed, accrued)| [redeemed, accrued].concat());
                let got = closed.map(|closed| {
                    assert_eq!(closed.redeemed.kopecks(), redeem);
                    let shares = closed.lines.iter();
                    assert_eq!(closed.accrued, shares.clone().map(|l| l.accrued).sum());
                    let redeemed = shares.clone().map(|l| l.redeemed.kopecks());
                    redeemed.chain(shares.map(|l| l.accrued.kopecks())).collect()
                });
                (told(expected), told(got.map_err(|r| r.code())))
            }
            Step::Return { receipt, lines } => {
                let Some(sold) = pick(model, *receipt) else { return };
                let back: Vec<(usize, Back)> = lines
                    .iter()
                    .map(|(line, by_amount, permille)| {
                        let line = line % model.sold[sold].lines.len();
                        let l = &model.sold[sold].lines[line];
                        let back = if *by_amount {
                            Back::Amount(l.amount * permille / 1000)
                        } else {
                            Back::Quantity(l.quantity * permille / 1000)
                        };
                        (line, back)
                    })
                    .collect();
                bring_back(model, real, sold, Some(&back))
            }
            Step::Rest { receipt } => {
                let Some(sold) = pick(model, *receipt) else { return };
                bring_back(model, real, sold, None)
            }
            Step::Reset => {
                model.reset();
                real.amend(now, &Amend::Reset { comment: None }).unwrap();
                (Ok(Vec::new()), Ok(Vec::new()))
            }
            Step::Wait { minutes } => {
                model.advance(now + minutes);
                (Ok(Vec::new()), Ok(Vec::new()))
            }
        };
        assert_eq!(got, expected, "{step:?}");
    }

    fn compare(&self) {
        for venue in [Some(At::A), Some(At::B), None] {
            assert_eq!(
                self.real.balance(venue, self.model.now),
                self.model.balance(venue),
                "at {venue:?}"
            );
        }
        let mut account = self.real.account().clone();
        account.settle(instant(self.model.now));
        assert_eq!(account.book_balance().kopecks(), self.model.books());
        self.real.assert_books();
    }

    /// What time alone will do, without a step in between.
    fn compare_later(&self) {
        let mut model = self.model.clone();
        for minutes in [1, 9, 10, 35, 60, 24 * 60] {
            model.advance(self.model.now + minutes);
            assert_eq!(
                self.real.balance(Some(At::A), model.now),
                model.balance(Some(At::A)),
                "{minutes} minutes later"
            );
        }
    }
}

fn told(outcome: Result<Vec<i64>, &'static str>) -> Outcome {
    outcome.map_err(str::to_owned)
}

/// One of the latest receipts.
fn pick(model: &Model, receipt: usize) -> Option<usize> {
    let among = model.sold.len().min(3);
    (among > 0).then(|| model.sold.len() - 1 - receipt % among)
}

fn bring_back(
    model: &mut Model,
    real: &mut Real,
    sold: usize,
    back: Option<&[(usize, Back)]>,
) -> (Outcome, Outcome) {
    let (at, now) = (model.sold[sold].at, model.now);
    let three = |(amount, accrual, redemption)| vec![amount, accrual, redemption];
    let got = real.bring_back(at, now, sold, back);
    (
        told(model.bring_back(sold, back).map(three)),
        told(got.map(three).map_err(|r| r.code())),
    )
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_life_is_what_the_slow_model_says(
        settings in settings(),
        steps in prop::collection::vec(steps(), 10..60),
    ) {
        let mut life = Life::new(settings);
        for step in &steps {
            life.step(step);
            life.compare();
        }
        life.compare_later();
    }

    /// Whatever happened before, a receipt that comes back in parts undoes what it does as a whole, to the kopeck.
    #[test]
    fn parts_of_a_return_make_the_whole(
        settings in settings(),
        steps in prop::collection::vec(steps(), 0..15),
        lines in lines(),
        permille in 0i64..=1000,
        by_amount in any::<[bool; 4]>(),
        cuts in prop::collection::vec((0usize..4, 1i64..700), 1..12),
    ) {
        let mut life = Life::new(settings);
        for step in &steps {
            life.step(step);
        }
        let sale = Step::Sale { at: At::A, lines: lines.clone(), permille, hold: None };
        life.step(&sale);
        let receipt = life.model.sold.len() - 1;
        let sold = life.model.sold[receipt].lines.clone();
        let sum = |what: fn(&model::SoldLine) -> i64| sold.iter().map(what).sum::<i64>();
        let done = (sum(|l| l.amount), sum(|l| l.accrued), sum(|l| l.redeemed));

        let now = life.model.now;
        let mut whole = life.real.clone();
        let undone = whole.bring_back(At::A, now, receipt, None).unwrap();
        prop_assert_eq!(undone, done);

        let mut left: Vec<i64> = lines
            .iter()
            .zip(by_amount)
            .map(|(line, by_amount)| if by_amount { line.amount } else { line.quantity })
            .collect();
        let mut parts = life.real.clone();
        let mut together = (0, 0, 0);
        let mut bring = |parts: &mut Real, line: usize, part: i64| {
            let back = if by_amount[line] { Back::Amount(part) } else { Back::Quantity(part) };
            let (a, b, c) = parts.bring_back(At::A, now, receipt, Some(&[(line, back)])).unwrap();
            together = (together.0 + a, together.1 + b, together.2 + c);
        };
        for (line, permille) in cuts {
            let line = line % lines.len();
            let part = left[line] * permille / 1000;
            left[line] -= part;
            bring(&mut parts, line, part);
        }
        for (line, rest) in left.iter().enumerate() {
            bring(&mut parts, line, *rest);
        }
        // Parts that were too small to name, and lines of 0.00.
        let (a, b, c) = parts.bring_back(At::A, now, receipt, None).unwrap();
        prop_assert_eq!((a, b, c), (0, 0, 0));
        prop_assert_eq!(together, done);
        prop_assert_eq!(parts.account().book_balance(), whole.account().book_balance());
        parts.assert_books();
        whole.assert_books();
    }

    #[test]
    fn newer_snapshots_of_a_repeater_keep_what_bonuses_paid(
        settings in settings(),
        lines in lines(),
        share in 1i64..=1000,
        limits in prop::collection::vec((0i64..=100, any::<[bool; 4]>(), 0i64..20_000), 1..6),
    ) {
        let mut real = Real::new(&settings);
        let gift = Amend::Credit {
            amount: money(1_000_000),
            starts_at: None,
            expires_at: None,
            scope: None,
            promotion: false,
            comment: None,
        };
        real.amend(0, &gift).unwrap();
        let told = |version: usize, redemption: Redemption| {
            let mut receipt = receipt("r0", instant(1), &lines);
            receipt.version = Some(repeated_at(i64::try_from(version).unwrap()));
            // What makes it another content than the one before.
            let paid = kopilka_contract::Payment { kind: format!("card {version}"), amount: money(100) };
            receipt.payments = vec![paid];
            Close { redemption, ..Close::of(receipt) }
        };
        let may = real
            .at(At::A, 1, |world, cx| decide::quote(world, cx, &told(1, Redemption::Nothing)))
            .unwrap()
            .may_redeem;
        let paid = money(may.kopecks() * share / 1000);
        let close = |real: &mut Real, ask: Close| real.at(At::A, 1, |world, cx| decide::close(world, cx, &ask)).unwrap();
        close(&mut real, told(1, Redemption::Now(paid)));
        for (number, (percent, redeemable, min_money)) in limits.into_iter().enumerate() {
            let terms = &mut real.terms[0];
            terms.redeem_max_percent = Percent::from_scaled(percent * 10_000);
            terms.min_money_payment = money(min_money);
            for (index, redeemable) in redeemable.into_iter().enumerate() {
                terms.categories.get_mut(&format!("c{index}")).unwrap().redeemable = redeemable;
            }
            let closed = close(&mut real, told(2 + number, Redemption::Unconfirmed(paid)));
            prop_assert_eq!((closed.redeemed, closed.replayed), (paid, false));
            let stored = real.world.receipts.values().next().unwrap();
            prop_assert_eq!(stored.lines.iter().map(|line| line.redeemed).sum::<Money>(), paid);
            prop_assert!(stored.lines.iter().all(|line| line.redeemed <= line.amount), "{:?}", stored.lines);
            let left = money(1_000_000) - paid + closed.accrued;
            prop_assert_eq!(real.account().book_balance(), left);
            real.assert_books();
        }
        real.bring_back(At::A, 2, 0, None).unwrap();
        prop_assert_eq!(real.account().book_balance(), money(1_000_000));
    }
}
