//! What people, programmes and jobs do to a balance without a receipt.

use kopilka_contract::{Adjusted, CustomerRef};

use super::sheet::{Reason, Sheet, find};
use crate::domain::account::LotTerms;
use crate::domain::books::{BookAccount, Direction, Posting, types};
use crate::domain::ids::{IdSource, NetworkId, TransactionId, VenueId};
use crate::domain::refusal::Refusal;
use crate::domain::world::World;
use crate::domain::{Money, Timestamp};

/// A change of one customer's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amend {
    /// Gives bonuses.
    Credit {
        /// How much.
        amount: Money,
        /// Usable from here; `None`: at once.
        starts_at: Option<Timestamp>,
        /// Gone from here; `None`: never.
        expires_at: Option<Timestamp>,
        /// Usable at this venue only.
        scope: Option<VenueId>,
        /// Given by a promotion, not by a person.
        promotion: bool,
        /// Why.
        comment: Option<String>,
    },
    /// Takes bonuses.
    Debit {
        /// How much.
        amount: Money,
        /// Why.
        comment: Option<String>,
    },
    /// Ends the holds and takes active lots and debt to zero.
    Reset {
        /// Why.
        comment: Option<String>,
    },
    /// Writes down what time has done: ended holds and expired lots.
    Settle,
}

/// A change of a balance with what it is decided in.
#[derive(Clone, Copy)]
pub struct Adjustment<'a> {
    /// The network.
    pub network: NetworkId,
    /// Whose balance.
    pub customer: &'a CustomerRef,
    /// What.
    pub amend: &'a Amend,
    /// Who does it.
    pub actor: &'a str,
    /// Now, as the network's clock says.
    pub now: Timestamp,
    /// Where ids come from.
    pub ids: &'a dyn IdSource,
}

/// Changes a balance.
///
/// # Errors
/// `customer-not-found`, `insufficient-balance`, `invalid-request`.
pub fn amend(world: &mut World, adjustment: Adjustment<'_>) -> Result<Adjusted, Refusal> {
    let Adjustment {
        network,
        customer,
        amend,
        actor,
        now,
        ids,
    } = adjustment;
    let (_, facts) = find(world, network, customer).ok_or(Refusal::CustomerNotFound)?;
    let mut sheet = Sheet::new(facts.clone(), now, actor, ids);
    let (transaction, amount) = match amend {
        Amend::Credit {
            amount,
            starts_at,
            expires_at,
            scope,
            promotion,
            comment,
        } => {
            let terms = LotTerms {
                starts_at: starts_at.unwrap_or(now),
                expires_at: *expires_at,
                scope: *scope,
                issuer: None,
                receipt: None,
            };
            let kind = if *promotion {
                types::PROMOTION
            } else {
                types::ADMIN
            };
            credit(&mut sheet, *amount, terms, because(kind, comment))?
        }
        Amend::Debit { amount, comment } => debit(&mut sheet, *amount, because(types::ADMIN, comment))?,
        Amend::Reset { comment } => reset(&mut sheet, because(types::RESET, comment)),
        Amend::Settle => (None, Money::ZERO),
    };
    if let Some(id) = transaction {
        sheet.tell("balance.changed", id.to_string());
    }
    let balance = sheet.facts.account.balance(None, now);
    sheet.put_back(world);
    Ok(Adjusted {
        transaction_id: transaction.map(|id| id.to_string()),
        amount,
        balance,
    })
}

/// The transaction, where the balance changed, and by how much.
type Booked = (Option<TransactionId>, Money);

fn because(kind: &str, comment: &Option<String>) -> Reason {
    Reason {
        kind: kind.to_owned(),
        comment: comment.clone(),
        ..Reason::default()
    }
}

fn credit(sheet: &mut Sheet<'_>, amount: Money, terms: LotTerms, reason: Reason) -> Result<Booked, Refusal> {
    check_amount(amount)?;
    let is_over = |end: Timestamp| end <= terms.starts_at || end <= sheet.now;
    if terms.expires_at.is_some_and(is_over) {
        return Err(Refusal::invalid(
            "/expires_at",
            "Бонусы сгорели бы раньше, чем начнут действовать.",
            "The bonuses would expire before they start, or have expired already.",
        ));
    }
    sheet.facts.account.credit(amount, terms, sheet.ids);
    let transaction = sheet.book(Direction::Accrual, amount, adjusted(-amount), reason);
    Ok((transaction, amount))
}

fn debit(sheet: &mut Sheet<'_>, amount: Money, reason: Reason) -> Result<Booked, Refusal> {
    check_amount(amount)?;
    let balance = sheet.facts.account.balance(None, sheet.now);
    let in_lots = balance.balance - balance.held + balance.debt;
    if amount > in_lots {
        return Err(Refusal::InsufficientBalance { available: in_lots });
    }
    sheet.facts.account.write_off(amount, sheet.now);
    let transaction = sheet.book(Direction::Redemption, amount, adjusted(amount), reason);
    Ok((transaction, amount))
}

fn reset(sheet: &mut Sheet<'_>, reason: Reason) -> Booked {
    let (gone, taken, debt) = sheet.facts.account.reset(sheet.now);
    sheet.book_expired(gone);
    let taken: Money = taken.into_iter().map(|lot| lot.amount).sum();
    let (direction, amount) = if taken >= debt {
        (Direction::Redemption, taken - debt)
    } else {
        (Direction::Accrual, debt - taken)
    };
    let side = Posting {
        account: BookAccount::Reset,
        venue: None,
        issuer: None,
        amount: taken - debt,
    };
    (sheet.book(direction, amount, vec![side], reason), amount)
}

fn adjusted(amount: Money) -> Vec<Posting> {
    vec![Posting {
        account: BookAccount::Adjusted,
        venue: None,
        issuer: None,
        amount,
    }]
}

fn check_amount(amount: Money) -> Result<(), Refusal> {
    if (Money::from_kopecks(1)..=Money::MAX_INPUT).contains(&amount) {
        return Ok(());
    }
    Err(Refusal::invalid(
        "/amount",
        "Сумма: от 0,01 до 1 000 000 000.",
        "amount is 0.01 to 1,000,000,000.00.",
    ))
}
