//! What people, programmes and jobs do to a balance without a receipt.

use kopilka_contract::{Adjusted, CustomerRef};

use super::sheet::{Reason, Sheet, find};
use crate::domain::account::{LotTerms, by_issuer};
use crate::domain::books::{BookAccount, Direction, Posting, types};
use crate::domain::ids::{IdSource, NetworkId, VenueId};
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
    let admin = |kind: &str, comment: &Option<String>| Reason {
        kind: kind.to_owned(),
        comment: comment.clone(),
        ..Reason::default()
    };
    let (transaction, amount) = match amend {
        Amend::Credit {
            amount,
            starts_at,
            expires_at,
            scope,
            promotion,
            comment,
        } => {
            check_amount(*amount)?;
            let starts_at = starts_at.unwrap_or(now);
            if expires_at.is_some_and(|end| end <= starts_at || end <= now) {
                return Err(Refusal::invalid(
                    "/expires_at",
                    "Бонусы сгорели бы раньше, чем начнут действовать.",
                    "The bonuses would expire before they start, or have expired already.",
                ));
            }
            let terms = LotTerms {
                starts_at,
                expires_at: *expires_at,
                scope: *scope,
                issuer: None,
                receipt: None,
            };
            sheet.facts.account.credit(*amount, terms, ids);
            let kind = if *promotion {
                types::PROMOTION
            } else {
                types::ADMIN
            };
            (
                sheet.book(
                    Direction::Accrual,
                    *amount,
                    adjusted(-*amount),
                    admin(kind, comment),
                ),
                *amount,
            )
        }
        Amend::Debit { amount, comment } => {
            check_amount(*amount)?;
            let available = sheet.facts.account.balance(None, now);
            let in_lots = available.balance - available.held + available.debt;
            if *amount > in_lots {
                return Err(Refusal::InsufficientBalance { available: in_lots });
            }
            sheet.facts.account.write_off(*amount, now);
            (
                sheet.book(
                    Direction::Redemption,
                    *amount,
                    adjusted(*amount),
                    admin(types::ADMIN, comment),
                ),
                *amount,
            )
        }
        Amend::Reset { comment } => {
            let (gone, taken, debt) = sheet.facts.account.reset(now);
            sheet.book_expired(gone);
            let taken: Money = by_issuer(taken.into_iter().map(|t| (t.issuer, t.amount)))
                .iter()
                .map(|t| t.amount)
                .sum();
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
            (
                sheet.book(direction, amount, vec![side], admin(types::RESET, comment)),
                amount,
            )
        }
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
