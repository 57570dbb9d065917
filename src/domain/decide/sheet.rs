//! A sheet of paper: one customer's account while a decision is being made. What is on it counts only when it is put
//! back into the world, so a refusal leaves no trace.

use kopilka_contract::{Balance, CashierMessage, CustomerRef, CustomerStatus, Words};

use crate::domain::account::ByIssuer;
use crate::domain::books::{self, BookAccount, Direction, Movement, Posting, Transaction, types};
use crate::domain::business_time::BusinessTime;
use crate::domain::ids::{
    CustomerId, EventId, IdSource, NetworkId, ReceiptId, ReturnId, TransactionId, VenueId,
};
use crate::domain::refusal::Refusal;
use crate::domain::terms::VenueTerms;
use crate::domain::world::{CardStanding, CustomerFacts, Event, Found, HoldStanding, World};
use crate::domain::{Money, Timestamp};

/// One customer's account under decision, settled at now.
pub struct Sheet<'a> {
    /// The customer; his account may be changed freely.
    pub facts: CustomerFacts,
    /// As of when.
    pub now: Timestamp,
    actor: &'a str,
    /// Where ids come from.
    pub ids: &'a dyn IdSource,
    transactions: Vec<Transaction>,
    events: Vec<Event>,
}

/// What a movement is booked with, besides its amount and sides.
#[derive(Debug, Clone, Default)]
pub struct Reason {
    /// Transaction type.
    pub kind: String,
    /// The venue where it happened.
    pub venue: Option<VenueId>,
    /// The receipt.
    pub receipt: Option<ReceiptId>,
    /// The return.
    pub return_id: Option<ReturnId>,
    /// When it happened; `None`: now.
    pub happened_at: Option<Timestamp>,
    /// Why.
    pub comment: Option<String>,
}

impl Reason {
    /// The same as a reversal.
    pub fn reversed(&self) -> Reason {
        Reason {
            kind: types::REVERSAL.to_owned(),
            ..self.clone()
        }
    }
}

impl<'a> Sheet<'a> {
    /// Takes a customer's account onto a sheet and brings it up to now.
    pub fn new(facts: CustomerFacts, now: Timestamp, actor: &'a str, ids: &'a dyn IdSource) -> Self {
        let mut sheet = Sheet {
            facts,
            now,
            actor,
            ids,
            transactions: Vec::new(),
            events: Vec::new(),
        };
        let expired = sheet.facts.account.settle(now);
        sheet.book_expired(expired);
        sheet
    }

    /// Books bonuses that were gone when something was put back, or whose time was over.
    pub fn book_expired(&mut self, gone: Vec<ByIssuer>) {
        let amount = gone.iter().map(|g| g.amount).sum();
        let sides = gone
            .into_iter()
            .map(|g| Posting {
                account: BookAccount::Expired,
                venue: None,
                issuer: g.issuer,
                amount: g.amount,
            })
            .collect();
        let reason = Reason {
            kind: types::EXPIRY.to_owned(),
            ..Reason::default()
        };
        self.book(Direction::Redemption, amount, sides, reason);
    }

    /// Books a movement; nothing where the amount is zero.
    pub fn book(
        &mut self,
        direction: Direction,
        amount: Money,
        counter_postings: Vec<Posting>,
        reason: Reason,
    ) -> Option<TransactionId> {
        if amount.is_zero() {
            return None;
        }
        let id = TransactionId(self.ids.next_id());
        let movement = Movement {
            kind: reason.kind,
            direction,
            amount,
            venue: reason.venue,
            receipt: reason.receipt,
            return_id: reason.return_id,
            happened_at: reason.happened_at.unwrap_or(self.now),
            comment: reason.comment,
            counter_postings,
        };
        let owner = (self.facts.network, self.facts.id);
        self.transactions.push(books::post(
            &mut self.facts.head,
            id,
            owner,
            movement,
            self.now,
            self.actor,
        ));
        Some(id)
    }

    /// Notes something that others may act on after the commit.
    pub fn tell(&mut self, kind: &'static str, subject: String) {
        self.events.push(event(
            self.facts.network,
            Some(self.facts.id),
            kind,
            subject,
            self.now,
            self.ids,
        ));
    }

    /// The customer's bonuses at a venue as they are on the sheet.
    pub fn balance(&self, venue: VenueId) -> Balance {
        self.facts.account.balance(Some(venue), self.now)
    }

    /// Puts the sheet back into the world: from here it counts.
    pub fn put_back(mut self, world: &mut World) {
        self.facts.touched = true;
        world.transactions.append(&mut self.transactions);
        world.events.append(&mut self.events);
        let before = world
            .customers
            .get(&self.facts.id)
            .map(|c| c.account.holds.clone())
            .unwrap_or_default();
        for hold in before
            .iter()
            .filter(|h| self.facts.account.holds.iter().all(|now| now.id != h.id))
        {
            let Some(stored) = world
                .holds
                .get_mut(&hold.id)
                .filter(|h| h.standing == HoldStanding::Active)
            else {
                continue;
            };
            let by_itself = hold.ends_at <= self.now;
            stored.standing = if by_itself {
                HoldStanding::Ended
            } else {
                HoldStanding::Voided
            };
            stored.released = if by_itself { Money::ZERO } else { hold.amount() };
            stored.change.mark();
        }
        world.customers.insert(self.facts.id, self.facts);
    }
}

/// Something that happened.
pub fn event(
    network: NetworkId,
    customer: Option<CustomerId>,
    kind: &'static str,
    subject: String,
    at: Timestamp,
    ids: &dyn IdSource,
) -> Event {
    Event {
        id: EventId(ids.next_id()),
        network,
        kind,
        customer,
        subject,
        at,
    }
}

/// Whom a reference means, with his facts.
pub fn find<'w>(
    world: &'w World,
    network: NetworkId,
    who: &CustomerRef,
) -> Option<(&'w Found, &'w CustomerFacts)> {
    let found = world.found.get(&(network, who.clone()))?;
    Some((found, world.customers.get(&found.customer)?))
}

/// Refuses to redeem with a blocked card or for a blocked customer.
///
/// # Errors
/// `card-blocked`, `customer-blocked`.
pub fn may_redeem(found: Option<&Found>, facts: &CustomerFacts) -> Result<(), Refusal> {
    if matches!(
        found.and_then(|f| f.card.as_ref()),
        Some((_, CardStanding::Blocked))
    ) {
        return Err(Refusal::CardBlocked);
    }
    if facts.status == CustomerStatus::Blocked {
        return Err(Refusal::CustomerBlocked);
    }
    Ok(())
}

/// What a cashier should say or do for this guest now.
pub fn cashier_messages(facts: &CustomerFacts, terms: &VenueTerms, now: Timestamp) -> Vec<CashierMessage> {
    let mut messages = Vec::new();
    let today = BusinessTime::new(now, terms.time_zone, terms.day_starts_at).date;
    if let Some(birthday) = facts.birthday {
        let days = days_to_birthday(birthday, today);
        let text = match days {
            0 => Some(Words::new(
                "Сегодня день рождения: поздравьте гостя.",
                "Birthday today: congratulate the guest.",
            )),
            1 => Some(Words::new(
                "Завтра день рождения гостя.",
                "The guest's birthday is tomorrow.",
            )),
            _ => None,
        };
        messages.extend(text.map(|text| CashierMessage {
            code: "birthday".to_owned(),
            text,
        }));
    }
    if let Some(note) = &facts.cashier_note {
        messages.push(CashierMessage {
            code: "note".to_owned(),
            text: Words::new(note.clone(), note.clone()),
        });
    }
    messages
}

/// Days from `today` to the next birthday; 29 February is kept on 1 March in other years.
fn days_to_birthday(birthday: chrono::NaiveDate, today: chrono::NaiveDate) -> i64 {
    use chrono::{Datelike, NaiveDate};
    let in_year = |year: i32| {
        NaiveDate::from_ymd_opt(year, birthday.month(), birthday.day())
            .or_else(|| NaiveDate::from_ymd_opt(year, 3, 1))
    };
    let next = in_year(today.year())
        .filter(|d| *d >= today)
        .or_else(|| in_year(today.year() + 1));
    next.map_or(i64::MAX, |d| (d - today).num_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_comes_over_the_turn_of_the_year_and_on_leap_days() {
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        assert_eq!(days_to_birthday(day("1990-01-01"), day("2026-12-31")), 1);
        assert_eq!(days_to_birthday(day("1992-02-29"), day("2027-02-28")), 1);
        assert_eq!(days_to_birthday(day("1992-02-29"), day("2028-02-29")), 0);
        assert_eq!(days_to_birthday(day("1990-03-01"), day("2026-03-02")), 364);
    }
}
