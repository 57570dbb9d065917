//! What a till asks, carried out: by the ledger, or as REST does it.

use std::sync::Arc;
use std::time::Duration;

use kopilka_contract::{
    Adjust, AdjustDirection, Ask, CustomerRef, Menu, Refusal, Spend, TillDay, Told, Words,
};
use sha2::{Digest, Sha256};

use super::conversation::Failed;
use super::reconciling::reconcile;
use super::talk::Talk;
use super::{menu_categories, menu_import};
use crate::api::author::Author;
use crate::api::bonuses::ordinary_end;
use crate::api::caller::{Caller, Scope};
use crate::api::enrolment;
use crate::api::problem::Problem;
use crate::api::till::signed::read_code;
use crate::api::till_path::{ReplayOf, network_terms};
use crate::domain::Money;
use crate::domain::decide::Amend;
use crate::domain::ids::CustomerId;
use crate::domain::refusal::coded;
use crate::domain::world::{ReturnRequest, SourceKey};
use crate::ledger::{Answer, Command, Failure, Place, Verb};
use crate::storage::cards::{self, CardStatus};
use crate::storage::ledger::message::Outcome;
use crate::storage::{AnyConnection, StorageError, receipts};

/// So long a till waits at most for what a guest has bought in all; then it is told nothing of it.
const LONGEST_ADDING: Duration = Duration::from_secs(1);
/// Of a guest with more receipts it is told nothing either: a sum goes on when the till has ceased to wait, so it must end by itself.
const MOST_ADDED: i64 = 20_000;
/// So many products that a menu could not bring are named in the inbox.
const MOST_SKIPPED_NAMED: usize = 50;

/// A problem of ours in the words of the conversation.
fn refusal_of(problem: Problem) -> Refusal {
    Refusal {
        code: problem.code,
        words: problem.words,
        pointer: problem.errors.into_iter().next().map(|error| error.pointer),
        retryable: problem.retryable,
        most: None,
    }
}

/// What only reads is not kept: tills ask many times per sale, and nothing can be lost.
pub(super) fn is_only_read(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::Identify(_) | Ask::Search(_) | Ask::Turnover(_) | Ask::Cards(_) | Ask::Quote(_)
    )
}

impl Talk {
    pub(super) async fn ask(&self, ask: Ask, remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        let (ledger, tenant) = (&self.app.ledger, self.known.tenant);
        let writes = !is_only_read(&ask);
        let mut ask = match self.without_codes(ask).await {
            Ok(ask) => ask,
            Err(refusal) => {
                if writes {
                    self.keep_refused(&refusal, remarks).await?;
                }
                return Ok(Err(refusal));
            }
        };
        let busy = |what| {
            move |error: StorageError| {
                tracing::warn!(%error, "could not look up {what}");
                Failed::Busy
            }
        };
        let place = self
            .place_of(&mut ask)
            .await
            .map_err(busy("where a sale is known"))?;
        let looked_up = menu_categories::look_up(&self.app, tenant, place.venue, &mut ask).await;
        looked_up.map_err(busy("the menu"))?;
        let read = match ask {
            Ask::Identify(who) => ledger
                .identify(tenant, place, who)
                .await
                .map(|guest| Told::Guest(Box::new(guest))),
            Ask::Search(search) => ledger.search(tenant, place, search).await.map(Told::Guests),
            Ask::Turnover(guest) => return self.turnover(&guest).await,
            Ask::Cards(guest) => return self.cards(&guest).await,
            Ask::Quote(close) => ledger
                .quote(tenant, place, close)
                .await
                .map(|quoted| Told::Quoted(Box::new(quoted))),
            Ask::Close(close) => return self.write(Verb::Close(place, Box::new(close)), remarks).await,
            Ask::Hold(hold) => return self.write(Verb::Hold(place, hold), remarks).await,
            Ask::Void(name) => return self.write(Verb::Void(place, name), remarks).await,
            Ask::Spend(spend) => return self.spend(place, spend, remarks).await,
            Ask::Adjust(ask) => return self.adjust(ask, remarks).await,
            Ask::Enrol(_) | Ask::AddCard(_) | Ask::IssueCard(_) | Ask::RemoveCard(_) => {
                return self.about_guest(ask, remarks).await;
            }
            Ask::TakeMenu(menu) => return self.take_menu(menu, remarks).await,
            Ask::Reconcile(day) => return self.reconcile(*day, remarks).await,
            Ask::UndoReturn(ask) => {
                let sale = SourceKey {
                    network: tenant.network(),
                    venue: place.venue,
                    source: place.source.clone(),
                    external_id: ask.sale,
                };
                let verb = Verb::UndoReturn {
                    place,
                    external_id: ask.external_id,
                    sale,
                    version: ask.version,
                    undone_at: ask.undone_at.to_utc(),
                };
                return self.write(verb, remarks).await;
            }
            Ask::GiveBack(ask) => {
                let sale = SourceKey {
                    network: tenant.network(),
                    venue: place.venue,
                    source: place.source.clone(),
                    external_id: ask.sale.clone(),
                };
                let request = ReturnRequest::from_ask(&ask);
                let verb = Verb::GiveBack {
                    place,
                    external_id: ask.external_id,
                    sale,
                    request,
                };
                return self.write(verb, remarks).await;
            }
        };
        match read {
            Ok(told) => Ok(Ok(told)),
            Err(Failure::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Keeps what was refused before the ledger saw it.
    async fn keep_refused(&self, refusal: &Refusal, mut remarks: Vec<Words>) -> Result<(), Failed> {
        remarks.insert(0, coded(&refusal.code, &refusal.words));
        self.keep(Outcome::Refused, remarks).await
    }

    /// What a guest of the network has bought in all.
    /// The cards of a guest that work.
    async fn cards(&self, guest: &str) -> Result<Result<Told, Refusal>, Failed> {
        let tenant = self.known.tenant;
        let Ok(guest) = guest.parse::<CustomerId>() else {
            return Ok(Err(crate::domain::refusal::Refusal::CustomerNotFound.into()));
        };
        let read = move |c: &mut AnyConnection| cards::of_customers(c, tenant, &[guest]);
        let found: Result<_, StorageError> = self.app.read(read).await;
        let mut found = found.map_err(|error| {
            tracing::warn!(%error, %guest, "could not read a guest's cards");
            Failed::Busy
        })?;
        let found = found.remove(&guest).unwrap_or_default();
        let working = found.into_iter().filter(|card| card.status == CardStatus::Active);
        Ok(Ok(Told::Cards(working.map(|card| card.number).collect())))
    }

    async fn turnover(&self, guest: &str) -> Result<Result<Told, Refusal>, Failed> {
        let tenant = self.known.tenant;
        let Ok(guest) = guest.parse::<CustomerId>() else {
            return Ok(Err(crate::domain::refusal::Refusal::CustomerNotFound.into()));
        };
        let adding = async {
            let place = Arc::clone(&self.app.sums).acquire_owned().await;
            let add = move |c: &mut AnyConnection| {
                // Until the database is done, however long the till has waited.
                let _place = place;
                receipts::turnover(c, tenant, guest, MOST_ADDED)
            };
            self.app.read(add).await
        };
        // A card of thousands of receipts is a card all the same: whoever holds it is not refused for what he bought.
        let bought = match tokio::time::timeout(LONGEST_ADDING, adding).await {
            Ok(Ok(Some(bought))) => bought,
            Ok(Ok(None)) => {
                tracing::warn!(%guest, "a guest has too many receipts to add them up");
                Money::ZERO
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, %guest, "could not add a guest's receipts up");
                Money::ZERO
            }
            Err(_) => {
                tracing::warn!(%guest, "adding a guest's receipts up takes too long");
                Money::ZERO
            }
        };
        Ok(Ok(Told::Turnover(bought)))
    }

    /// Takes a menu over; the message is kept with what could not be taken.
    async fn take_menu(&self, menu: Menu, mut remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        let author = Author::till(&self.app, self.known.tenant, self.known.connection.id);
        let taken = menu_import::take(&self.app, author, self.known.connection.venue, menu)
            .await
            .map_err(|problem| Failed::of(&problem))?;
        remarks.extend(taken.skipped.iter().take(MOST_SKIPPED_NAMED).cloned());
        let outcome = if taken.added + taken.changed == 0 {
            Outcome::Repeated
        } else {
            Outcome::Posted
        };
        self.keep(outcome, remarks).await?;
        Ok(Ok(Told::MenuTaken(taken)))
    }

    /// Compares a day of the till with the books; a report that is replayed counts as of when it came.
    async fn reconcile(&self, day: TillDay, remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        let compared = reconcile(&self.app, &self.known, day, self.raw.received_at)
            .await
            .map_err(|problem| Failed::of(&problem))?;
        let outcome = match compared {
            Some(_) => Outcome::Posted,
            None => Outcome::Repeated,
        };
        self.keep(outcome, remarks).await?;
        Ok(Ok(Told::Reconciled(compared.unwrap_or_default())))
    }

    /// The same with the guest's own short-lived codes read: they are good at a till as they are at ours.
    async fn without_codes(&self, mut ask: Ask) -> Result<Ask, Refusal> {
        let now = self.app.clock.now();
        // A code must have lived when the sale was made, not when its message came or came again.
        let at = match &ask {
            Ask::Close(close) => close.receipt.closed_at.to_utc().min(now),
            _ => now,
        };
        let who = match &mut ask {
            Ask::Identify(who) | Ask::IssueCard(who) => Some(who),
            Ask::Quote(close) | Ask::Close(close) => close.receipt.customer.as_mut(),
            Ask::Hold(hold) => Some(&mut hold.customer),
            Ask::Spend(spend) => Some(&mut spend.customer),
            Ask::Enrol(ask) => ask.who.as_mut(),
            Ask::AddCard(ask) | Ask::RemoveCard(ask) => Some(&mut ask.customer),
            Ask::Adjust(ask) => Some(&mut ask.customer),
            Ask::GiveBack(_)
            | Ask::UndoReturn(_)
            | Ask::Void(_)
            | Ask::Search(_)
            | Ask::Turnover(_)
            | Ask::Cards(_)
            | Ask::TakeMenu(_)
            | Ask::Reconcile(_) => None,
        };
        if let Some(who) = who {
            let read = read_code(&self.app, self.known.tenant, who.clone(), at).await;
            *who = read.map_err(refusal_of)?;
        }
        Ok(ask)
    }

    async fn write(&self, verb: Verb, remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        self.submit(self.command(verb, remarks)).await
    }

    async fn submit(&self, command: Command) -> Result<Result<Told, Refusal>, Failed> {
        match self.app.ledger.submit(command).await {
            Ok(answered) => match answered.answer {
                Answer::Closed(closed) => Ok(Ok(Told::Closed(closed))),
                Answer::Returned(returned) => Ok(Ok(Told::Returned(returned))),
                Answer::Held(held) => Ok(Ok(Told::Held(held))),
                Answer::Voided(voided) => Ok(Ok(Told::Voided(voided))),
                Answer::Spent(spent) => Ok(Ok(Told::Spent(spent))),
                Answer::Adjusted(adjusted) => Ok(Ok(Told::Adjusted(adjusted))),
                Answer::Kept => Err(Failed::Ours),
            },
            Err(Failure::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes bonuses off. A till's repeat is known by its time; that of a person who does the message again by the message.
    async fn spend(
        &self,
        place: Place,
        spend: Spend,
        remarks: Vec<Words>,
    ) -> Result<Result<Told, Refusal>, Failed> {
        let key = self.replay_of.map(|id| ReplayOf(id).key());
        let fingerprint = Sha256::digest(format!("{spend:?}")).into();
        let mut command = self.command(Verb::Spend(place, spend), remarks);
        command.idempotency = key.map(|key| (key, fingerprint));
        self.submit(command).await
    }

    /// Gives or takes bonuses by hand, once by its key.
    async fn adjust(&self, ask: Adjust, remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        let terms = network_terms(&self.app, self.known.tenant)
            .await
            .map_err(|_| Failed::Busy)?;
        let fingerprint = Sha256::digest(format!("{ask:?}")).into();
        let amend = match ask.direction {
            AdjustDirection::Credit => Amend::Credit {
                amount: ask.amount,
                starts_at: None,
                expires_at: ordinary_end(&terms, self.app.ledger.now(&terms)),
                scope: None,
                promotion: false,
                comment: ask.reason,
            },
            AdjustDirection::Debit => Amend::Debit {
                amount: ask.amount,
                comment: ask.reason,
            },
        };
        let mut command = self.command(Verb::Amend(ask.customer, amend), remarks);
        command.idempotency = Some((ask.key, fingerprint));
        self.submit(command).await
    }

    /// Carries out what is asked about the guest himself as REST does, and tells who he is then.
    async fn about_guest(&self, ask: Ask, remarks: Vec<Words>) -> Result<Result<Told, Refusal>, Failed> {
        let caller = self.caller();
        let done = match ask {
            Ask::Enrol(ask) => enrolment::enrol(&self.app, &caller, *ask).await,
            Ask::AddCard(ask) => enrolment::add_card(&self.app, &caller, ask).await,
            Ask::IssueCard(who) => enrolment::issue_card(&self.app, &caller, who).await,
            Ask::RemoveCard(ask) => enrolment::remove_card(&self.app, &caller, ask).await,
            _ => return Err(Failed::Ours),
        };
        let id = match done {
            Ok(id) => id,
            Err(problem) if problem.status.is_server_error() => return Err(Failed::Busy),
            Err(problem) => {
                let refusal = refusal_of(problem);
                self.keep_refused(&refusal, remarks).await?;
                return Ok(Err(refusal));
            }
        };
        self.keep(Outcome::Posted, remarks).await?;
        let who = CustomerRef::Id(id.to_string());
        let guest = self
            .app
            .ledger
            .identify(self.known.tenant, self.place(), who)
            .await?;
        Ok(Ok(Told::Guest(Box::new(guest))))
    }

    /// The till as a caller of what REST does: it reaches the guests of its network, from its own venue.
    fn caller(&self) -> Caller {
        Caller {
            tenant: self.known.tenant,
            actor: format!("till:{}", self.known.connection.id),
            scopes: vec![Scope::Till, Scope::Customers],
            role: None,
            venues: Some(vec![self.known.connection.venue]),
            test: false,
            language: self.language(),
            till: None,
        }
    }
}
