//! The golden cases through the real ledger, on both databases, with the moved clock. Sales go through quote and
//! close, and both must say the same.

use std::sync::Arc;

use kopilka::clock::{Clock, MovedClock};
use kopilka::domain::decide::Amend;
use kopilka::domain::ids::VenueId;
use kopilka::domain::settings::{NetworkSettings, VenueSettings};
use kopilka::domain::world::{ReturnRequest, ReturnedLine, SourceKey};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::{Answer, Command, Failure, Ledger, PipelineOptions, Place, Verb, verify};
use kopilka::storage::Tenant;
use kopilka_contract::{Close, Closed, CustomerRef, FactorKind, Hold, Language, Receipt, Redemption, Stands};

use super::cases::{AccrualCase, Action, ExpectedAccrual, ExpectedState, Step, Story, Venue};
use super::{conclude, read};
use crate::databases::{self, Database};
use crate::seed::Seed;

/// One network with venues A and B, and a customer with the card "1".
struct Service {
    ledger: Ledger,
    clock: Arc<MovedClock>,
    tenant: Tenant,
    a: VenueId,
    b: VenueId,
    returns: u32,
}

impl Service {
    fn new(
        database: &Database,
        venue: &Venue,
        network: NetworkSettings,
        customer: &super::cases::Customer,
    ) -> Self {
        let seed = Seed::network(&database.store, &network);
        let settings = VenueSettings {
            rounding: Some(venue.rounding),
            accrue_on_redeemed: Some(venue.accrue_on_redeemed),
            day_starts_at: Some(venue.day_starts_at()),
            redeem_max_percent: venue.redeem_max_percent,
            min_money_payment: venue.min_money_payment,
            ..VenueSettings::default()
        };
        let a = seed.venue("A", venue.time_zone, venue.base_percent, &settings);
        let b = seed.venue("B", venue.time_zone, venue.base_percent, &settings);
        for rule in &venue.rules {
            seed.rule(a, &rule.condition(), rule.coefficient());
        }
        let mut ids: Vec<&String> = venue
            .category_coefficients
            .keys()
            .chain(&venue.not_redeemable_category_ids)
            .collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let redeemable = !venue.not_redeemable_category_ids.contains(id);
            seed.category(a, id, venue.category_coefficients.get(id).copied(), redeemable);
        }
        for (name, k) in &venue.product_coefficients {
            seed.product(a, name, *k);
        }
        for group in &venue.groups {
            seed.group(a, &group.name, &group.category_ids, group.coefficient);
        }
        let id = seed.customer("1", customer.network_coefficient);
        if let Some(k) = customer.venue_coefficient {
            seed.venue_coefficient(id, a, k);
        }
        let clock = Arc::new(MovedClock::at(chrono::DateTime::UNIX_EPOCH));
        let ids = Arc::new(TimeOrderedIds::new(1));
        let ledger = Ledger::start(
            database.store.clone(),
            clock.clone() as Arc<dyn Clock>,
            ids,
            PipelineOptions::default(),
        )
        .unwrap();
        Service {
            ledger,
            clock,
            tenant: Tenant::of_test(seed.network),
            a,
            b,
            returns: 0,
        }
    }

    fn guest() -> CustomerRef {
        CustomerRef::Card("1".to_owned())
    }

    fn place(&self) -> Place {
        Place {
            venue: self.a,
            source: "golden".to_owned(),
        }
    }

    async fn submit(&self, verb: Verb) -> Result<Answer, String> {
        let command = Command {
            since: std::time::Instant::now(),
            tenant: self.tenant,
            actor: "test".to_owned(),
            verb,
            raw: None,
            remarks: Vec::new(),
            language: Language::default(),
            idempotency: None,
            asks_before_sale: false,
            asker: None,
            replay_of: None,
        };
        match self.ledger.submit(command).await {
            Ok(answered) => Ok(answered.answer),
            Err(Failure::Refused(refusal)) => Err(refusal.code().to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Quotes and closes, and says what both say.
    async fn sell(
        &self,
        id: &str,
        receipt: &super::cases::Receipt,
        hold: Option<String>,
    ) -> Result<Closed, String> {
        let ask = Close {
            redemption: Redemption::Now(receipt.redeem),
            hold,
            ..Close::of(Receipt {
                customer: Some(Self::guest()),
                lines: receipt.lines(),
                ..Receipt::of(id.to_owned(), receipt.closed_at)
            })
        };
        let quoted = self.ledger.quote(self.tenant, self.place(), ask.clone()).await;
        let closed = self.submit(Verb::Close(self.place(), Box::new(ask))).await;
        match (quoted, closed) {
            (Ok(quoted), Ok(Answer::Closed(closed))) => {
                assert_eq!(
                    (quoted.accrued, quoted.redeemed),
                    (closed.accrued, closed.redeemed)
                );
                assert_eq!(
                    (&quoted.lines, &quoted.explanation),
                    (&closed.lines, &closed.explanation)
                );
                assert_eq!(
                    (quoted.balance, quoted.to_pay),
                    (closed.balance.clone(), closed.to_pay)
                );
                Ok(*closed)
            }
            (Err(Failure::Refused(quoted)), Err(closed)) => {
                assert_eq!(quoted.code(), closed);
                Err(closed)
            }
            (quoted, closed) => panic!("quote and close disagree: {quoted:?}, {closed:?}"),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<ExpectedState, String> {
        let mut state = ExpectedState::default();
        match &step.action {
            Action::Credit {
                amount,
                starts_at,
                expires_at,
                venue,
            } => {
                let credit = Amend::Credit {
                    amount: *amount,
                    starts_at: starts_at.map(|t| t.to_utc()),
                    expires_at: expires_at.map(|t| t.to_utc()),
                    scope: venue.as_deref().map(|v| if v == "A" { self.a } else { self.b }),
                    promotion: false,
                    comment: None,
                };
                self.submit(Verb::Amend(Self::guest(), credit)).await?;
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
                    customer: Self::guest(),
                    amount: Some(*amount),
                    at_most: None,
                    minutes: Some(*minutes),
                };
                self.submit(Verb::Hold(self.place(), ask)).await?;
            }
            Action::Void { hold } => {
                self.submit(Verb::Void(self.place(), hold.clone())).await?;
            }
            Action::Sale {
                receipt_id,
                receipt,
                hold,
            } => {
                let closed = self.sell(receipt_id, receipt, hold.clone()).await?;
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
                let verb = Verb::GiveBack {
                    place: self.place(),
                    external_id: format!("return {}", self.returns),
                    sale: SourceKey {
                        network: self.tenant.network(),
                        venue: self.a,
                        source: "golden".to_owned(),
                        external_id: receipt_id.clone(),
                    },
                    request: ReturnRequest {
                        version: None,
                        returned_at: step.at.to_utc(),
                        lines: Some(lines),
                        rollback: false,
                        stands: Stands::WithItsSale,
                        cancel: false,
                    },
                };
                let Answer::Returned(returned) = self.submit(verb).await? else {
                    panic!("not a return")
                };
                state.accrual_undone = Some(returned.accrual_undone);
                state.redemption_undone = Some(returned.redemption_undone);
            }
            Action::Reset => {
                self.submit(Verb::Amend(Self::guest(), Amend::Reset { comment: None }))
                    .await?;
            }
            Action::Wait => {}
        }
        Ok(state)
    }

    async fn state(&self, mut state: ExpectedState) -> ExpectedState {
        let balance = self
            .ledger
            .balance(self.tenant, Some(self.a), Self::guest(), None)
            .await
            .unwrap();
        state.balance = balance.balance;
        state.available = balance.available;
        state.held = balance.held;
        state.pending = balance.pending;
        state.debt = balance.debt;
        state
    }
}

async fn run_story(database: &Database, story: &Story) -> Result<(), String> {
    let network = NetworkSettings {
        refund_grace_days: story.settings.refund_grace_days,
        ..NetworkSettings::default()
    };
    let nobody = super::cases::Customer {
        network_coefficient: None,
        venue_coefficient: None,
    };
    let mut service = Service::new(database, &story.venue, network, &nobody);
    for (i, step) in story.steps.iter().enumerate() {
        service.clock.move_to(step.at.to_utc());
        let state = match service.step(step).await {
            Ok(state) => state,
            Err(code) => ExpectedState {
                error: Some(code),
                ..ExpectedState::default()
            },
        };
        let got = service.state(state).await;
        if got != step.expect {
            return Err(format!(
                "step {i} {:?}: got {got:?}, expected {:?}",
                step.action, step.expect
            ));
        }
    }
    Ok(())
}

async fn run_accrual(database: &Database, case: &AccrualCase) -> Result<(), String> {
    let service = Service::new(database, &case.venue, NetworkSettings::default(), &case.customer);
    service.clock.move_to(case.receipt.closed_at.to_utc());
    if case.receipt.redeem.is_positive() {
        let amount = case.receipt.redeem;
        let credit = Amend::Credit {
            amount,
            starts_at: None,
            expires_at: None,
            scope: None,
            promotion: false,
            comment: None,
        };
        service.submit(Verb::Amend(Service::guest(), credit)).await?;
    }
    let closed = service.sell("r", &case.receipt, None).await?;
    let factor = |kind: FactorKind| {
        closed
            .explanation
            .iter()
            .find(|f| f.factor == kind)
            .map(|f| f.value.clone())
            .unwrap_or_default()
    };
    let got = ExpectedAccrual {
        accrued: closed.accrued,
        line_accrued: closed.lines.iter().map(|l| l.accrued).collect(),
        line_redeemed: closed.lines.iter().map(|l| l.redeemed).collect(),
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn every_account_story_comes_out_of_the_service() {
    let stories: Vec<Story> = read("accounts");
    databases::each(|database| {
        let runtime = runtime();
        let results = stories
            .iter()
            .map(|s| (s.name.clone(), runtime.block_on(run_story(database, s))))
            .collect();
        conclude(&format!("accounts, service on {}", database.name), results);
        assert_books(database);
    });
}

#[test]
fn every_accrual_case_comes_out_of_the_service() {
    let cases: Vec<AccrualCase> = read("accrual");
    databases::each(|database| {
        let runtime = runtime();
        let results = cases
            .iter()
            .map(|c| (c.name.clone(), runtime.block_on(run_accrual(database, c))))
            .collect();
        conclude(&format!("accrual, service on {}", database.name), results);
        assert_books(database);
    });
}

fn assert_books(database: &Database) {
    let report = verify::verify(&database.store).unwrap();
    assert!(report.is_clean(), "{report}");
}
