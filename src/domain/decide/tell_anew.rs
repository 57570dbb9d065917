//! A sale that its own till tells only after others had told it and it came back.
//!
//! The cloud's webhook can be faster than the till, and a return faster than both: then what came back is a sale
//! without the guest's hold and without his bonuses. The till's own word takes its place, and the same returns are
//! made of it, so that the books end where they would have ended in the right order.

use kopilka_contract::{Close, Closed, ReceiptStatus, is_nearer};

use super::Context;
use super::close::post;
use super::give_back::{apply, is_older};
use super::undo_return::{is_all_that_came_back, stand_again};
use crate::domain::Money;
use crate::domain::books::Hash;
use crate::domain::refusal::Refusal;
use crate::domain::world::{StoredReceipt, StoredReturn, World};

/// Whether the till itself tells now a sale that came back and of which only others had told so far.
pub(super) fn is_told_anew(known: &StoredReceipt, ask: &Close) -> bool {
    let came_back = matches!(
        known.status,
        ReceiptStatus::PartlyReturned | ReceiptStatus::Returned | ReceiptStatus::Cancelled
    );
    let nearer =
        matches!((ask.receipt.version, known.version), (Some(new), Some(old)) if is_nearer(new, old));
    came_back && nearer
}

/// Puts the sale as its till tells it in the place of what is known, and makes the same returns of it.
///
/// # Errors
/// Those of a sale, and `receipt-has-returns` where the returns do not fit what the till sold, or several guests had
/// paid for it: a person decides. Nothing changes then.
pub(super) fn tell_anew(
    world: &mut World,
    cx: Context<'_>,
    ask: &Close,
    mut known: StoredReceipt,
    fingerprint: Hash,
) -> Result<Closed, Refusal> {
    let key = known.key.clone();
    let returns = applied_returns(world, &known);
    if !is_all_that_came_back(&known, returns.iter().map(|r| &r.answer)) {
        return Err(Refusal::ReceiptHasReturns);
    }
    // All or nothing, and any step may be refused. Rare enough for a copy of the batch's facts.
    let mut trial = world.clone();
    stand_again(&mut trial, cx, &mut known, None, ask.receipt.closed_at.to_utc())?;
    trial.receipts.insert(key.clone(), known.clone());
    let answer = post(&mut trial, cx, ask, Some(known), fingerprint)?;
    for known in returns {
        let Some(receipt) = trial.receipts.get(&key).cloned() else {
            continue;
        };
        // It spoke of before: the till has sold the order once more since.
        if is_older(&known.request, &receipt) {
            continue;
        }
        let given_back = apply(&mut trial, cx, known.id, receipt, &known.request)
            .map_err(|_| Refusal::ReceiptHasReturns)?;
        if let Some(stored) = trial.returns.get_mut(&known.key) {
            stored.answer = given_back;
            stored.change.mark();
        }
    }
    *world = trial;
    Ok(answer)
}

/// Whether a sale that its till told, and that was cancelled, is told once more with the same total by somebody who only
/// repeats tills: then it stands as its till told it, with the guest and the bonuses that he paid with.
pub(super) fn stands_as_told(world: &World, known: &StoredReceipt, ask: &Close) -> bool {
    let repeated =
        matches!((ask.receipt.version, known.version), (Some(new), Some(old)) if is_nearer(old, new));
    let total: Money = ask.receipt.lines.iter().map(|line| line.amount).sum();
    let only_cancelled = || {
        let returns = world.returns.values().filter(|r| r.sale == known.key);
        returns.filter(|r| !r.request.cancel).all(|r| !is_applied(r))
    };
    known.status == ReceiptStatus::Cancelled
        && repeated
        && total == known.total
        && known.parts.iter().all(|part| part.payer.is_none())
        && only_cancelled()
}

/// Lets such a sale stand again.
///
/// # Errors
/// `receipt-has-returns` where several guests had paid for it; nothing changes then.
pub(super) fn stand_as_told(
    world: &mut World,
    cx: Context<'_>,
    mut known: StoredReceipt,
    ask: &Close,
) -> Result<Closed, Refusal> {
    let closed_at = ask.receipt.closed_at.to_utc();
    let balance = stand_again(world, cx, &mut known, None, closed_at)?;
    let answer = Closed {
        balance,
        ..known.answer.clone()
    };
    world.receipts.insert(known.key.clone(), known);
    Ok(answer)
}

/// The returns that have something to do with what is known, in the order in which they came.
pub(super) fn applied_returns(world: &World, known: &StoredReceipt) -> Vec<StoredReturn> {
    let of_it = |r: &&StoredReturn| r.sale == known.key && is_applied(r) && !is_older(&r.request, known);
    let mut returns: Vec<StoredReturn> = world.returns.values().filter(of_it).cloned().collect();
    returns.sort_by_key(|r| r.id);
    returns
}

/// Whether a return is a part of what came back of its sale.
pub(super) fn is_applied(known: &StoredReturn) -> bool {
    match known.answer.status {
        ReceiptStatus::PartlyReturned | ReceiptStatus::Returned => true,
        // Without the request's word for it: a return that was undone.
        ReceiptStatus::Cancelled => known.request.cancel,
        _ => false,
    }
}
