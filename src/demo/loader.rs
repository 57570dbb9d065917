//! Fills a database with the demo network: what happened goes through the real ledger, by a clock that is moved.

use std::collections::{HashMap, HashSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use chrono::{Duration, NaiveDate, SubsecRound, Timelike};
use kopilka_contract::{Close, CustomerRef, Language, Money, Payment, Quantity, Receipt, Redemption, Stands};
use thiserror::Error;

use super::credentials::LOGINS;
use super::dice::Dice;
use super::network::{self, Founded, VENUES, ZONE, days_before, midnight};
use super::people::{Person, people};
use super::season::{Change, Event, Gift, Guest, PlannedReturn, PlannedSale, Scale, season};
use crate::api::secrets::hash_password;
use crate::clock::MovedClock;
use crate::domain::Timestamp;
use crate::domain::decide::Amend;
use crate::domain::ids::{CardId, CustomerId, IdSource};
use crate::domain::world::{ReturnRequest, ReturnedLine, SourceKey};
use crate::ledger::{Answer, Command, Failure, Ledger, PipelineOptions, Place, Verb};
use crate::storage::cards::{Card, CardStatus};
use crate::storage::customers::Customer;
use crate::storage::{AnyConnection, StorageError, Store, Tenant, cards, customers};

/// The same demo every time.
const SEED: u64 = 0x6b6f_7069_6c6b_6121;
/// Anna's balance when the demo begins.
pub const ANNA_BALANCE: Money = Money::from_kopecks(124_000);
/// The part of it that burns soon.
pub const ANNA_EXPIRING: Money = Money::from_kopecks(12_000);
/// Receipts of so many hours are booked together, at the end of the last of them: each commit costs as much as many
/// receipts do.
const SLOT_HOURS: u32 = 4;

/// Why the demo could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The ledger said no to something that it must take.
    #[error("the ledger refused {0}: {1}")]
    Ledger(String, Failure),
    /// No password could be hashed.
    #[error("hashing a password failed")]
    Password,
}

/// What was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Customers, those who have not joined included.
    pub customers: usize,
    /// Of them, those known by telephone only.
    pub strangers: usize,
    /// Receipts.
    pub receipts: usize,
    /// Receipts of known guests.
    pub of_guests: usize,
    /// Receipts that bonuses paid a part of.
    pub with_redemption: usize,
    /// Returns.
    pub returns: usize,
}

/// Fills a migrated, empty database with everything that happened until `now`. `progress` is told now and then how
/// much of a hundred is done.
///
/// # Errors
/// See [`LoadError`].
pub async fn load(
    store: &Store,
    ids: Arc<dyn IdSource>,
    scale: Scale,
    now: Timestamp,
    mut progress: impl FnMut(usize),
) -> Result<Loaded, LoadError> {
    // The clock knows whole microseconds: a gift from a part of one later on would not have begun yet.
    let now = now.trunc_subsecs(6);
    let today = now.with_timezone(&ZONE).date_naive();
    let mut dice = Dice::new(SEED);
    let people = Arc::new(people(&mut dice, scale.customers, today));
    let events = season(&mut dice, &scale, &people, now);
    let begin = {
        let (store, ids, people) = (store.clone(), Arc::clone(&ids), Arc::clone(&people));
        move || write_down(&store, &*ids, &people, today)
    };
    let (tenant, founded, customers) = tokio::task::spawn_blocking(begin)
        .await
        .map_err(|e| StorageError::Connect(e.to_string()))??;
    let start = events.first().map_or(now, Event::at);
    let clock = Arc::new(MovedClock::at(start));
    let ledger = Ledger::start(
        store.clone(),
        Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
        ids,
        PipelineOptions::default(),
    )?;
    let mut book = Book {
        ledger,
        tenant,
        founded,
        people,
        customers,
        available: HashMap::new(),
        loaded: Loaded {
            customers: scale.customers + scale.strangers,
            strangers: scale.strangers,
            ..Loaded::default()
        },
    };
    let (mut done, mut shown) = (0, 0);
    for slot in slots(&events) {
        if let Some(last) = slot.last() {
            clock.move_to(last.at());
        }
        book.post(slot).await?;
        done += slot.len();
        let percent = done * 100 / events.len().max(1);
        if percent >= shown + 10 {
            shown = percent;
            progress(percent);
            let store = store.clone();
            let gathered = tokio::task::spawn_blocking(move || store.gather_statistics());
            gathered
                .await
                .map_err(|e| StorageError::Connect(e.to_string()))??;
        }
    }
    clock.move_to(now);
    book.round_off(now).await?;
    Ok(book.loaded)
}

/// Network and customers, in one transaction.
fn write_down(
    store: &Store,
    ids: &dyn IdSource,
    people: &[Person],
    today: NaiveDate,
) -> Result<(Tenant, Vec<Founded>, Vec<CustomerId>), LoadError> {
    let passwords: Vec<(String, String)> = LOGINS
        .iter()
        .map(|login| Ok((hash_password(login.password)?, hash_password(login.pin)?)))
        .collect::<Result<_, crate::api::problem::Problem>>()
        .map_err(|_| LoadError::Password)?;
    let since = midnight(days_before(today, 900));
    let work = |connection: &mut AnyConnection| -> Result<_, StorageError> {
        let (tenant, founded) = network::found(connection, ids, since, today, &passwords)?;
        let mut customers = Vec::with_capacity(people.len());
        // Lists show the newest first, by id.
        let mut order: Vec<usize> = (0..people.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(people.get(*place).map(|p| p.days_ago)));
        for place in order {
            if let Some(person) = people.get(place) {
                let id = write_person(connection, tenant, ids, person, &founded, today)?;
                customers.push((place, id));
            }
        }
        customers.sort_unstable();
        let customers = customers.into_iter().map(|(_, id)| id).collect();
        Ok((tenant, founded, customers))
    };
    Ok(store.write(work)?)
}

fn write_person(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &dyn IdSource,
    person: &Person,
    founded: &[Founded],
    today: NaiveDate,
) -> Result<CustomerId, StorageError> {
    let joined = midnight(days_before(today, person.days_ago)) + Duration::hours(10);
    let venue = |place: usize| founded.get(place).map(|f| f.venue);
    let customer = Customer {
        id: CustomerId(ids.next_id()),
        external_id: person.external_id.map(str::to_owned),
        status: person.status,
        name: Some(person.name.clone()),
        phone: person.phone.clone(),
        email: person.email.clone(),
        birthday: person.birthday,
        sex: Some(if person.female { "female" } else { "male" }.to_owned()),
        city: Some("Санкт-Петербург".to_owned()),
        comment: None,
        cashier_note: person.cashier_note.map(str::to_owned),
        consent_version: Some("2024-01".to_owned()),
        consent_at: Some(joined),
        network_coefficient: person.coefficient,
        venue: venue(person.venue),
        registered_at: Some(joined),
        created_at: joined,
        updated_at: joined,
    };
    customers::insert(connection, tenant, &customer)?;
    if let Some((place, k)) = person.venue_coefficient
        && let Some(venue) = venue(place)
    {
        customers::set_venue_coefficient(connection, tenant, customer.id, venue, Some(k))?;
    }
    // The newest first: a replaced card names the one that was issued instead of it.
    let mut newer = None;
    for card in person.cards.iter().rev() {
        let row = Card {
            id: CardId(ids.next_id()),
            number: card.number.clone(),
            customer: customer.id,
            kind: card.kind,
            status: card.status,
            replaced_by: newer.filter(|_| card.status == CardStatus::Replaced),
            created_at: joined,
        };
        cards::insert(connection, tenant, &row)?;
        newer = Some(row.id);
    }
    Ok(customer.id)
}

/// Events that are booked together: of the same hours, and at most one of each guest.
fn slots(events: &[Event]) -> Vec<&[Event]> {
    let key = |event: &Event| {
        let local = event.at().with_timezone(&ZONE);
        (local.date_naive(), local.hour() / SLOT_HOURS)
    };
    let mut slots = Vec::new();
    let mut guests = HashSet::new();
    let mut start = 0;
    for (i, event) in events.iter().enumerate() {
        let guest = match event.guest() {
            Guest::Nobody => None,
            Guest::Person(place) => Some(place.to_string()),
            Guest::Stranger(phone, _) => Some(phone.to_string()),
        };
        let again = guest.as_ref().is_some_and(|g| guests.contains(g));
        if again || events.get(start).is_some_and(|first| key(first) != key(event)) {
            slots.extend(events.get(start..i));
            guests.clear();
            start = i;
        }
        guests.extend(guest);
    }
    slots.extend(events.get(start..));
    slots
}

/// The ledger, and what the loader must know of it.
struct Book {
    ledger: Ledger,
    tenant: Tenant,
    founded: Vec<Founded>,
    people: Arc<Vec<Person>>,
    customers: Vec<CustomerId>,
    /// What each was last told that he can spend.
    available: HashMap<usize, Money>,
    loaded: Loaded,
}

/// What became of an event.
struct Outcome {
    person: Option<usize>,
    answer: Option<Answer>,
}

impl Book {
    /// Books events all at once: they share commits.
    async fn post(&mut self, events: &[Event]) -> Result<(), LoadError> {
        let outcomes = all(events.iter().map(|event| self.one(event))).await;
        for outcome in outcomes {
            let outcome = outcome?;
            let balance = match &outcome.answer {
                Some(Answer::Closed(closed)) => {
                    self.loaded.receipts += 1;
                    self.loaded.of_guests += usize::from(closed.customer_id.is_some());
                    self.loaded.with_redemption += usize::from(closed.redeemed.is_positive());
                    closed.balance.as_ref()
                }
                Some(Answer::Returned(_)) => {
                    self.loaded.returns += 1;
                    None
                }
                Some(Answer::Adjusted(adjusted)) => Some(&adjusted.balance),
                _ => None,
            };
            if let (Some(person), Some(balance)) = (outcome.person, balance) {
                self.available.insert(person, balance.available);
            }
        }
        Ok(())
    }

    async fn one(&self, event: &Event) -> Result<Outcome, LoadError> {
        let person = match event.guest() {
            Guest::Person(place) => Some(place),
            _ => None,
        };
        let answer = match event {
            Event::Sale(sale) => Some(self.sell(sale).await?),
            Event::Return(back) => Some(self.take_back(back).await?),
            Event::Gift(gift) => self.give(gift).await?,
        };
        Ok(Outcome { person, answer })
    }

    async fn submit(&self, verb: Verb, actor: &str) -> Result<Answer, Failure> {
        let command = Command {
            since: std::time::Instant::now(),
            tenant: self.tenant,
            actor: actor.to_owned(),
            verb,
            raw: None,
            remarks: Vec::new(),
            language: Language::default(),
            idempotency: None,
            asks_before_sale: false,
            asker: None,
            replay_of: None,
        };
        self.ledger.submit(command).await.map(|answered| answered.answer)
    }

    /// The source of a receipt, and who brings it.
    fn place(&self, venue: usize, kind: &str) -> Option<(Place, String)> {
        let founded = self.founded.get(venue)?;
        let (source, actor) = if kind == "online" {
            ("site".to_owned(), "demo".to_owned())
        } else {
            let id = founded.connection.to_string();
            (id.clone(), format!("till:{id}"))
        };
        let place = Place {
            venue: founded.venue,
            source,
        };
        Some((place, actor))
    }

    async fn sell(&self, sale: &PlannedSale) -> Result<Answer, LoadError> {
        let (place, actor) = self.place(sale.venue, sale.kind).ok_or_else(|| lost("a venue"))?;
        let wanted = self.wanted(sale);
        let first = Verb::Close(place.clone(), Box::new(self.receipt(sale, wanted)));
        match self.submit(first, &actor).await {
            // Bonuses have burnt since the guest heard of them, or he has been blocked: he pays with money.
            Err(Failure::Refused(_)) if wanted.is_positive() => {
                let second = Verb::Close(place, Box::new(self.receipt(sale, Money::ZERO)));
                self.submit(second, &actor).await
            }
            result => result,
        }
        .map_err(|e| LoadError::Ledger(format!("the receipt {}", sale.external_id), e))
    }

    /// How much the guest wants to redeem, in whole roubles.
    fn wanted(&self, sale: &PlannedSale) -> Money {
        let Guest::Person(person) = sale.guest else {
            return Money::ZERO;
        };
        let available = self.available.get(&person).copied().unwrap_or_default();
        let percent = VENUES.get(sale.venue).map_or(0, |v| v.redeem_max_percent());
        let allowed = sale.redeemable.kopecks() * percent / 100;
        let most = allowed.min(sale.total().kopecks() - 100).min(available.kopecks());
        let wanted = most.max(0) * sale.redeem_share / 10_000 * 100;
        // Nobody takes out his card for a trifle.
        Money::from_kopecks(if wanted < 3_000 { 0 } else { wanted })
    }

    fn receipt(&self, sale: &PlannedSale, redeem: Money) -> Close {
        let person = match &sale.guest {
            Guest::Person(place) => self.people.get(*place),
            _ => None,
        };
        let phone = person.and_then(|p| p.phone.clone());
        // An order by telephone knows a telephone, a till knows a card.
        let customer = match (person, phone) {
            (Some(_), Some(phone)) if sale.kind == "delivery" => Some(CustomerRef::Phone(phone)),
            (Some(person), _) => person.working_card().map(|c| CustomerRef::Card(c.to_owned())),
            (None, _) => None,
        };
        let (phone, customer_name) = match &sale.guest {
            Guest::Stranger(phone, name) => (Some(phone.clone()), Some(name.clone())),
            _ => (None, None),
        };
        let at = sale.at.with_timezone(&ZONE).fixed_offset();
        Close {
            redemption: if redeem.is_positive() {
                Redemption::Now(redeem)
            } else {
                Redemption::Nothing
            },
            ..Close::of(Receipt {
                external_id: sale.external_id.clone(),
                version: (sale.kind != "online").then(|| sale.at.timestamp_millis()),
                number: Some(sale.number.to_string()),
                till: Some("1".to_owned()),
                shift: Some(at.format("%Y%m%d").to_string()),
                closed_at: at,
                kind: Some(sale.kind.to_owned()),
                customer,
                phone,
                customer_name,
                lines: sale.lines.clone(),
                payments: vec![Payment {
                    kind: sale.payment.to_owned(),
                    amount: sale.total() - redeem,
                }],
                total: Some(sale.total()),
                waiter: sale.waiter.map(str::to_owned),
                guests: sale.guests,
                comment: None,
                advertising_source: sale.advertising_source.map(str::to_owned),
            })
        }
    }

    async fn take_back(&self, back: &PlannedReturn) -> Result<Answer, LoadError> {
        let (place, actor) = self.place(back.venue, back.kind).ok_or_else(|| lost("a venue"))?;
        let sale = SourceKey {
            network: self.tenant.network(),
            venue: place.venue,
            source: place.source.clone(),
            external_id: back.sale.clone(),
        };
        let lines = back.line_id.as_ref().map(|line_id| {
            vec![ReturnedLine {
                product: None,
                line_id: line_id.clone(),
                quantity: Some(Quantity::ONE),
                amount: None,
            }]
        });
        let verb = Verb::GiveBack {
            place,
            external_id: format!("{}-R", back.sale),
            sale,
            request: ReturnRequest {
                version: None,
                returned_at: back.at,
                cancel: lines.is_none() && back.venue == 0,
                lines,
                rollback: false,
                stands: Stands::WithItsSale,
            },
        };
        self.submit(verb, &actor)
            .await
            .map_err(|e| LoadError::Ledger(format!("a return of {}", back.sale), e))
    }

    async fn give(&self, gift: &Gift) -> Result<Option<Answer>, LoadError> {
        let id = self
            .customers
            .get(gift.person)
            .ok_or_else(|| lost("a customer"))?;
        let amend = match &gift.change {
            Change::Credit {
                amount,
                days,
                venue,
                promotion,
                comment,
            } => {
                let live = Duration::days(180);
                let (starts_at, expires_at) = match days {
                    Some((first, last)) => (
                        Some(midnight(*first).max(gift.at)),
                        midnight(last.succ_opt().unwrap_or(*last)),
                    ),
                    None => (None, gift.at + live),
                };
                Amend::Credit {
                    amount: *amount,
                    starts_at,
                    expires_at: Some(expires_at),
                    scope: venue.and_then(|v| self.founded.get(v)).map(|f| f.venue),
                    promotion: *promotion,
                    comment: Some((*comment).to_owned()),
                }
            }
            Change::Debit(amount, comment) => Amend::Debit {
                amount: *amount,
                comment: Some((*comment).to_owned()),
            },
            Change::Reset(comment) => Amend::Reset {
                comment: Some((*comment).to_owned()),
            },
            Change::Settle => Amend::Settle,
        };
        let verb = Verb::Amend(CustomerRef::Id(id.to_string()), amend);
        match self.submit(verb, "demo").await {
            Ok(answer) => Ok(Some(answer)),
            // He has spent what was to be taken.
            Err(Failure::Refused(_)) if matches!(gift.change, Change::Debit(..)) => Ok(None),
            Err(e) => Err(LoadError::Ledger("a gift".to_owned(), e)),
        }
    }

    /// Anna has what the docs say that she has.
    async fn round_off(&mut self, now: Timestamp) -> Result<(), LoadError> {
        let today = now.with_timezone(&ZONE).date_naive();
        let gift = |amount, days, comment| {
            Event::Gift(Gift {
                at: now,
                person: 0,
                change: Change::Credit {
                    amount,
                    days,
                    venue: None,
                    promotion: true,
                    comment,
                },
            })
        };
        let soon = Some((today, today + Duration::days(5)));
        self.post(&[gift(ANNA_EXPIRING, soon, "Подарок на неделю")])
            .await?;
        let missing = ANNA_BALANCE - self.available.get(&0).copied().unwrap_or_default();
        if missing.is_positive() {
            self.post(&[gift(missing, None, "Бонусы за отзыв")]).await?;
        }
        Ok(())
    }
}

fn lost(what: &str) -> LoadError {
    StorageError::Corrupt(format!("the demo lost {what}")).into()
}

/// Awaits all, beginning them in order.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut ready = true;
        for (future, result) in running.iter_mut().zip(&mut results) {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *result = Some(value),
                    Poll::Pending => ready = false,
                }
            }
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
