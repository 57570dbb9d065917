//! What a person makes of a write-off whose receipt never comes: the guest had his discount, and it stays; or he had none,
//! and his bonuses come back.

use kopilka_contract::Adjusted;

use super::Context;
use super::booking::refund;
use super::sheet::{Reason, Sheet};
use crate::domain::Money;
use crate::domain::books::types;
use crate::domain::ids::TransactionId;
use crate::domain::refusal::Refusal;
use crate::domain::world::{SettledWriteOff, World};

/// Settles a write-off that no receipt has taken over. What is given back goes where it came from, as with a return. One that
/// stays written off may still be given back later, and be taken over by its receipt; the other way round there is no way.
///
/// # Errors
/// `write-off-settled`.
pub fn settle_write_off(
    world: &mut World,
    cx: Context<'_>,
    transaction: TransactionId,
    give_back: bool,
    note: &str,
) -> Result<Adjusted, Refusal> {
    let known = world.write_offs.iter().position(|w| w.transaction == transaction);
    let Some(write_off) = known.and_then(|at| world.write_offs.get_mut(at)) else {
        return Err(Refusal::WriteOffSettled);
    };
    if !write_off.is_free() {
        return Err(Refusal::WriteOffSettled);
    }
    let facts = world.customers.get(&write_off.customer);
    let facts = facts.ok_or(Refusal::CustomerNotFound)?.clone();
    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
    let mut amount = Money::ZERO;
    if give_back {
        amount = write_off.amount;
        let reason = Reason {
            kind: types::REVERSAL.to_owned(),
            venue: Some(cx.terms.venue),
            comment: Some(note.to_owned()),
            ..Reason::default()
        };
        refund(&mut sheet, amount, &mut write_off.parts, None, cx, reason);
        sheet.tell("bonus.given_back", transaction.to_string());
    }
    write_off.settled = Some(SettledWriteOff {
        given_back: give_back,
        at: cx.now,
        by: cx.actor.to_owned(),
        note: note.to_owned(),
    });
    write_off.change.mark();
    let balance = sheet.balance(cx.terms.venue);
    sheet.put_back(world);
    Ok(Adjusted {
        transaction_id: Some(transaction.to_string()),
        amount,
        balance,
    })
}
