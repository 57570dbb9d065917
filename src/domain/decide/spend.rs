//! Writing bonuses off before the receipt is known, as 1C does after its fiscal receipt was printed: it can't be
//! refused for want of bonuses as long as what is missing stays within a limit. A receipt that was told before it takes it over.

use kopilka_contract::{Spend, Spent};

use super::Context;
use super::booking::{book_redemption, redemption_parts};
use super::late_write_off::settle_awaiting;
use super::sheet::{Reason, Sheet, find};
use crate::domain::Money;
use crate::domain::ids::TransactionId;
use crate::domain::refusal::Refusal;
use crate::domain::world::{Change, RedemptionPart, World, WriteOff};

/// Writes bonuses off, from the session's hold first. The same amount again in the same session, soon after, is the
/// same write-off repeated. A card or customer blocked meanwhile is no obstacle: the guest has the discount already.
///
/// # Errors
/// `customer-not-found`, `debt-limit`, `invalid-request`.
pub fn spend(world: &mut World, cx: Context<'_>, ask: &Spend) -> Result<Spent, Refusal> {
    if !(Money::from_kopecks(1)..=Money::MAX_INPUT).contains(&ask.amount) {
        return Err(Refusal::invalid(
            "/amount",
            "Сумма списания должна быть больше нуля.",
            "The amount is above zero.",
        ));
    }
    let (_, facts) = find(world, cx.terms.network, &ask.customer).ok_or(Refusal::CustomerNotFound)?;
    let session = cx.key(&ask.session);
    let hold = world.hold_keys.get(&session).copied();
    let window = chrono::Duration::seconds(i64::from(ask.repeat_window_s));
    let repeated = world.write_offs.iter().rev().find(|w| {
        w.session == session && w.hold == hold && w.amount == ask.amount && w.posted_at + window > cx.now
    });
    if let Some(known) = repeated {
        let sheet = Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids);
        return Ok(Spent {
            id: known.transaction.to_string(),
            amount: known.amount,
            debt: known.debt,
            balance: sheet.balance(cx.terms.venue),
            replayed: true,
        });
    }
    let mut sheet = Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids);
    let locked = hold
        .and_then(|id| world.holds.get(&id))
        .map_or(Money::ZERO, |h| h.amount);
    let (used, debt) = sheet
        .facts
        .account
        .overdraw(hold, ask.amount, cx.terms.venue, cx.now);
    let limit = ask.debt_limit.unwrap_or(locked);
    if debt > limit {
        return Err(Refusal::DebtLimit { limit });
    }
    let reason = Reason {
        kind: cx.terms.default_type.clone(),
        venue: Some(cx.terms.venue),
        ..Reason::default()
    };
    let transaction = book_redemption(&mut sheet, &used, ask.amount, cx, reason).unwrap_or(TransactionId(0));
    let mut parts = redemption_parts(Some(transaction), used, 0);
    if debt.is_positive() {
        parts.push(RedemptionPart {
            payer: None,
            transaction,
            sequence: i32::try_from(parts.len()).unwrap_or(i32::MAX),
            lot: None,
            amount: debt,
            refunded: Money::ZERO,
            change: Change::Inserted,
        });
    }
    sheet.tell("bonus.written_off", transaction.to_string());
    let customer = sheet.facts.id;
    sheet.put_back(world);
    world.write_offs.push(WriteOff {
        transaction,
        session,
        hold,
        customer,
        amount: ask.amount,
        debt,
        posted_at: cx.now,
        receipt: None,
        settled: None,
        parts,
        change: Change::Inserted,
    });
    settle_awaiting(world, cx, customer, hold);
    let facts = world.customers.get(&customer).ok_or(Refusal::CustomerNotFound)?;
    Ok(Spent {
        id: transaction.to_string(),
        amount: ask.amount,
        debt,
        balance: facts.account.balance(Some(cx.terms.venue), cx.now),
        replayed: false,
    })
}
