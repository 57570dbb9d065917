//! Returns that are undone: the sale stands again.

use kopilka_contract::{Balance, ReceiptStatus, Returned, Stands, comparable, is_nearer};

use super::Context;
use super::booking::{credit_accrual, redeem_again};
use super::give_back::nothing_returned;
use super::receipt_identity::check_time;
use super::return_identity::return_fingerprint;
use super::returned_lines::{amount_back, forget_returns};
use super::returns_again::make_again;
use super::sheet::{Reason, Sheet};
use super::tell_anew::{applied_returns, is_applied};
use crate::domain::books::types;
use crate::domain::ids::{CustomerId, ReturnId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{
    Change, RedemptionPart, ReturnRequest, SourceKey, StoredReceipt, StoredReturn, World,
};
use crate::domain::{Money, Timestamp};

/// Undoes a return that the till could not finish: the sale stands again, as it was before. One that arrives before
/// its return is remembered, and the return is not applied then; neither is it where it arrives late.
///
/// # Errors
/// `invalid-request`; `receipt-has-returns` where it is not clear who of several guests had paid what, or what came back of the sale
/// is not what its returns say: a person decides.
pub fn undo_return(
    world: &mut World,
    cx: Context<'_>,
    external_id: &str,
    sale: &SourceKey,
    version: i64,
    undone_at: Timestamp,
) -> Result<Returned, Refusal> {
    check_time("/undone_at", undone_at)?;
    let key = cx.key(external_id);
    let Some(known) = world.returns.get(&key).cloned() else {
        let id = ReturnId(cx.ids.next_id());
        let answer = nothing_returned(id, None, ReceiptStatus::Cancelled);
        let request = ReturnRequest {
            version: Some(version),
            returned_at: undone_at,
            lines: None,
            rollback: false,
            stands: Stands::default(),
            cancel: false,
        };
        let stored = StoredReturn {
            id,
            key: key.clone(),
            sale: sale.clone(),
            fingerprint: return_fingerprint(sale, &request),
            request,
            answer: answer.clone(),
            posted_at: cx.now,
            told_at: cx.told_at,
            undone_by: Some(version),
            actor: cx.actor.to_owned(),
            change: Change::Inserted,
        };
        world.returns.insert(key, stored);
        return Ok(answer);
    };
    let posted = known.request.version.map(|posted| (posted, known.told_at));
    let newer_return = posted.is_some_and(|posted| is_of_before((version, undone_at), posted));
    if newer_return || known.answer.status == ReceiptStatus::Cancelled {
        return Ok(Returned {
            replayed: true,
            ..known.answer
        });
    }
    let undone = match world.receipts.get(sale).cloned() {
        Some(receipt) if is_applied(&known) => sell_again(world, cx, &known, receipt, undone_at)?,
        _ => nothing_returned(known.id, None, ReceiptStatus::Cancelled),
    };
    if let Some(stored) = world.returns.get_mut(&key) {
        stored.undone_by = Some(version);
        stored.told_at = cx.told_at;
        stored.answer = undone.clone();
        stored.change.mark();
    }
    Ok(undone)
}

/// Whether an undoing, with its time, speaks of before a return, with the time when it was last told. The till's own word is never older
/// than what others repeat, and these speak of before what the till has said since.
fn is_of_before((undone, at): (i64, Timestamp), (returned, told_at): (i64, Timestamp)) -> bool {
    if comparable(undone, returned) {
        return undone < returned;
    }
    !is_nearer(undone, returned) && at < told_at
}

/// Undoes a return of a sale: where it is the only one the sale stands as it did before, else the others are made again without it.
fn sell_again(
    world: &mut World,
    cx: Context<'_>,
    known: &StoredReturn,
    mut receipt: StoredReceipt,
    undone_at: Timestamp,
) -> Result<Returned, Refusal> {
    let id = receipt.id;
    let is_another = |other: &StoredReturn| other.key != known.key;
    let balance = if applied_returns(world, &receipt).iter().any(is_another) {
        let without = make_again(world, cx, known, None, undone_at);
        without.map_err(|_| Refusal::ReceiptHasReturns)?.balance
    } else if is_all_that_came_back(&receipt, [&known.answer]) {
        let balance = stand_again(world, cx, &mut receipt, Some(known.id), undone_at)?;
        world.receipts.insert(receipt.key.clone(), receipt);
        balance
    } else {
        return Err(Refusal::ReceiptHasReturns);
    };
    // It gave nothing back any more: lists of returns add up.
    Ok(Returned {
        balance,
        ..nothing_returned(known.id, Some(id), ReceiptStatus::Cancelled)
    })
}

/// Whether these returns together are what has come back of a receipt.
pub(super) fn is_all_that_came_back<'r>(
    receipt: &StoredReceipt,
    returns: impl IntoIterator<Item = &'r Returned>,
) -> bool {
    // By amounts: what was written off later came back of itself.
    let told: Money = returns.into_iter().map(|returned| returned.amount).sum();
    told == amount_back(&receipt.lines)
}

/// Whose bonuses came back with this much of a redemption, and how much of each; the receipt's own guest, `None`, comes first. Nothing
/// where several guests had paid and more has come back than this: then the parts do not say whose it was.
fn came_back_to(parts: &[RedemptionPart], redeemed: Money) -> Option<Vec<(Option<CustomerId>, Money)>> {
    let mut shares = vec![(None, Money::ZERO)];
    if parts.iter().all(|part| part.payer.is_none()) {
        return Some(vec![(None, redeemed)]);
    }
    for part in parts {
        match shares.iter_mut().find(|(payer, _)| *payer == part.payer) {
            Some((_, share)) => *share += part.refunded,
            None => shares.push((part.payer, part.refunded)),
        }
    }
    let refunded: Money = shares.iter().map(|(_, share)| *share).sum();
    (refunded == redeemed).then_some(shares)
}

/// Redeems and accrues again all that came back of a sale. The guests may have spent it meanwhile: what is missing
/// becomes debt, since the till can't be refused.
///
/// # Errors
/// `receipt-has-returns` where several guests had paid for it and it is not clear who of them paid what; nothing changes then.
pub(super) fn stand_again(
    world: &mut World,
    cx: Context<'_>,
    receipt: &mut StoredReceipt,
    return_id: Option<ReturnId>,
    happened_at: Timestamp,
) -> Result<Option<Balance>, Refusal> {
    let redeemed = receipt.lines.iter().map(|line| line.redemption_undone).sum();
    let accrued = receipt.lines.iter().map(|line| line.accrual_undone).sum();
    let shares = came_back_to(&receipt.parts, redeemed).ok_or(Refusal::ReceiptHasReturns)?;
    let is_known = |payer: &CustomerId| world.customers.contains_key(payer);
    if !shares
        .iter()
        .all(|(payer, _)| payer.as_ref().is_none_or(is_known))
    {
        return Err(Refusal::ReceiptHasReturns);
    }
    receipt.lines.iter_mut().for_each(forget_returns);
    receipt.status = ReceiptStatus::Closed;
    receipt.change.mark();
    let reason = Reason {
        kind: types::REVERSAL.to_owned(),
        venue: Some(receipt.key.venue),
        receipt: Some(receipt.id),
        return_id,
        happened_at: Some(happened_at),
        comment: None,
    };
    let mut balance = None;
    for (payer, share) in shares {
        let who = payer.or(receipt.customer);
        let Some(facts) = who.and_then(|who| world.customers.get(&who)).cloned() else {
            continue;
        };
        let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
        let (venue, before) = (receipt.key.venue, receipt.parts.len());
        let again = redeem_again(&mut sheet, share, venue, before, cx, reason.clone());
        let again = again.into_iter().map(|part| RedemptionPart { payer, ..part });
        receipt.parts.extend(again);
        if payer.is_none() {
            credit_accrual(&mut sheet, accrued, receipt.id, cx, reason.clone());
            sheet.tell("receipt.changed", receipt.id.to_string());
            balance = Some(sheet.balance(cx.terms.venue));
        }
        sheet.put_back(world);
    }
    Ok(balance)
}
