//! Returns, rollbacks and cancellations: any series that brings back everything undoes exactly what the receipt did.

use kopilka_contract::{
    GiveBack, ReceiptStatus, Returned, Telling, Words, comparable, is_nearer, is_newer, repeated_moment,
};

use super::Context;
use super::booking::{refund, refund_shares, undo_accrual};
use super::corrected_return::{Retold, correct, retold, said_again};
use super::receipt_identity::check_time;
use super::return_identity::return_fingerprint;
use super::returned_lines::{amount_back, bring_back, is_all_back, undo_shares};
use super::sheet::{Reason, Sheet, event};
use crate::domain::books::types;
use crate::domain::ids::{ReceiptId, ReturnId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{Change, ReturnRequest, SourceKey, StoredReceipt, StoredReturn, World};
use crate::domain::{Money, Timestamp};

/// Gives a sale back, in part or in whole: exactly once. One that arrives before its sale waits for it.
///
/// # Errors
/// `return-exceeds-sale`, `return-mixed`, `unknown-line`, `receipt-conflict`, `invalid-request`.
pub fn give_back(
    world: &mut World,
    cx: Context<'_>,
    external_id: &str,
    sale: &SourceKey,
    request: &ReturnRequest,
) -> Result<Returned, Refusal> {
    if external_id.trim().is_empty() {
        return Err(Refusal::invalid(
            "/external_id",
            "Нет номера возврата у источника.",
            "The return has no id.",
        ));
    }
    check_time("/returned_at", request.returned_at)?;
    if GiveBack::is_of_sale_elsewhere(external_id) && !has_only_redeemed(world, sale) {
        return Ok(left_to_another(world, cx, sale));
    }
    let key = cancellation(world, sale, cx.key(external_id), request);
    let fingerprint = return_fingerprint(sale, request);
    let known = world.returns.get(&key).cloned();
    if let Some(known) = known.clone() {
        match retold(cx, &known, sale, request, fingerprint) {
            // Its sale came at the same moment, or brought only later what comes back.
            Retold::Again if waits_for_known(world, &known, sale) => {}
            Retold::Again => return Ok(said_again(world, cx, known, request)),
            Retold::Older => {
                return Ok(Returned {
                    replayed: true,
                    telling: Telling::Older,
                    ..known.answer
                });
            }
            Retold::Otherwise => {
                return Err(Refusal::Conflict {
                    differences: vec![Words::new(
                        "возврат: чек, строки или суммы",
                        "return: sale, lines or amounts",
                    )],
                });
            }
            Retold::Corrected => return correct(world, cx, known, request, fingerprint),
            Retold::Anew => {}
        }
    }
    // A return that gives nothing back now, and one of the same receipt: it takes its place.
    let id = known
        .as_ref()
        .map_or_else(|| ReturnId(cx.ids.next_id()), |known| known.id);
    let mut left_aside = false;
    let answer = match world.receipts.get(sale).cloned() {
        // Older than what is posted: the sale was opened again meanwhile, and this speaks of before.
        Some(receipt) if is_older(request, &receipt) => {
            left_aside = true;
            nothing_returned(id, Some(receipt.id), receipt.status)
        }
        Some(receipt) => match (apply(world, cx, id, receipt, request), known) {
            // It waits as before: its source was told so, and not that it is refused.
            (Err(_), Some(known))
                if known.fingerprint == fingerprint && waits_for_known(world, &known, sale) =>
            {
                return Ok(said_again(world, cx, known, request));
            }
            (applied, _) => applied?,
        },
        None => nothing_returned(id, None, ReceiptStatus::Waiting),
    };
    let stored = StoredReturn {
        id,
        key: key.clone(),
        sale: sale.clone(),
        fingerprint,
        request: request.clone(),
        answer: answer.clone(),
        posted_at: cx.now,
        told_at: cx.told_at,
        undone_by: None,
        actor: cx.actor.to_owned(),
        change: match world.returns.get(&key).map(|known| known.change) {
            None | Some(Change::Inserted) => Change::Inserted,
            Some(_) => Change::Updated,
        },
    };
    world.returns.insert(key, stored);
    let telling = if left_aside {
        Telling::Older
    } else {
        Telling::First
    };
    Ok(Returned { telling, ..answer })
}

/// Whether a sale did nothing here but redeem: so is an attempt posted whose order another connection accrues for.
fn has_only_redeemed(world: &World, sale: &SourceKey) -> bool {
    let known = world.receipts.get(sale);
    known.is_some_and(|known| known.redeemed.is_positive() && known.accrued.is_zero())
}

/// The answer to a rollback of a sale that another connection posts. Nothing of it is written: should the till's settings be
/// wrong, the sale can still be posted.
fn left_to_another(world: &World, cx: Context<'_>, sale: &SourceKey) -> Returned {
    let known = world.receipts.get(sale);
    let status = known.map_or(ReceiptStatus::Waiting, |known| known.status);
    let id = ReturnId(cx.ids.next_id());
    Returned {
        telling: Telling::Elsewhere,
        ..nothing_returned(id, known.map(|known| known.id), status)
    }
}

/// Whether a return that is known gave nothing back yet, though its sale is known: it came at the same moment, or did not fit it. A
/// rollback that was refused stays refused: it is of an attempt, and not of the sale that came to be.
fn waits_for_known(world: &World, known: &StoredReturn, sale: &SourceKey) -> bool {
    let is_unapplied = match known.answer.status {
        ReceiptStatus::Waiting => true,
        ReceiptStatus::Refused => !known.request.rollback,
        _ => false,
    };
    is_unapplied && known.sale == *sale && world.receipts.contains_key(sale)
}

/// The name of a person's cancellation, which has none of its own: that of the newest of the receipt, or the next one where what was
/// cancelled has been sold once more since. Of everything else the name that its source gave it.
fn cancellation(world: &World, sale: &SourceKey, first: SourceKey, request: &ReturnRequest) -> SourceKey {
    // What has a version is compared by it.
    if !request.cancel || request.rollback || request.version.is_some() {
        return first;
    }
    let name = |number: usize| match number {
        1 => first.clone(),
        _ => SourceKey {
            external_id: format!("{}/{number}", first.external_id),
            ..first.clone()
        },
    };
    let known = (1..)
        .take_while(|number| world.returns.contains_key(&name(*number)))
        .count();
    let stands = |status| matches!(status, ReceiptStatus::Closed | ReceiptStatus::PartlyReturned);
    let is_sold = world
        .receipts
        .get(sale)
        .is_some_and(|receipt| stands(receipt.status));
    name(if is_sold { known + 1 } else { known.max(1) })
}

/// Whether a rollback speaks of an attempt before the one that is posted. Only rollbacks compare: a return undoes the
/// sale that stands, whatever the clocks of two tills say.
pub(super) fn is_older(request: &ReturnRequest, receipt: &StoredReceipt) -> bool {
    let Some((asked, posted)) = request.version.zip(receipt.version).filter(|_| request.rollback) else {
        return false;
    };
    // What the till says of an order itself is never older than what others only repeat of it.
    let is_word_of_till = is_nearer(asked, posted);
    let earlier = is_before((asked, request.returned_at), (posted, receipt.closed_at));
    // Nor is it known how the two count: then what the till has said since stands.
    !is_word_of_till && earlier.unwrap_or(request.returned_at < receipt.told_at)
}

/// The version as of which a receipt stands once another one of it is told now.
pub(super) fn latest(cx: Context<'_>, told: Option<i64>, known: &StoredReceipt) -> Option<i64> {
    match (told, known.version) {
        (Some(told), Some(stands)) if !is_newer((told, cx.told_at), (stands, known.told_at)) => Some(stands),
        (None, stands) => stands,
        (told, _) => told,
    }
}

/// Whether the first of two versions, each with the time of what it tells, is the earlier one. A till counts, and its cloud
/// may say when: where one is of each, the times tell. `None`: the two count differently, nobody knows.
pub(super) fn is_before(one: (i64, Timestamp), other: (i64, Timestamp)) -> Option<bool> {
    if comparable(one.0, other.0) {
        return Some(one.0 < other.0);
    }
    let moments = match (repeated_moment(one.0), repeated_moment(other.0)) {
        (Some(said), _) => (said, other.1.timestamp_millis()),
        (_, Some(said)) => (one.1.timestamp_millis(), said),
        (None, None) => return None,
    };
    Some(moments.0 < moments.1)
}

/// The answer of a return that gives nothing back, yet or ever.
pub(super) fn nothing_returned(id: ReturnId, receipt: Option<ReceiptId>, status: ReceiptStatus) -> Returned {
    Returned {
        id: id.to_string(),
        receipt_id: receipt.map(|r| r.to_string()),
        status,
        amount: Money::ZERO,
        accrual_undone: Money::ZERO,
        redemption_undone: Money::ZERO,
        refund: Money::ZERO,
        balance: None,
        replayed: false,
        telling: Telling::First,
    }
}

/// Applies the returns that have waited for a sale, in the order in which they came.
pub(super) fn apply_waiting(world: &mut World, cx: Context<'_>, sale: &SourceKey) {
    let mut waiting: Vec<(ReturnId, SourceKey)> = world
        .returns
        .values()
        .filter(|r| r.sale == *sale && r.answer.status == ReceiptStatus::Waiting)
        .map(|r| (r.id, r.key.clone()))
        .collect();
    waiting.sort_by_key(|(id, _)| *id);
    for (id, key) in waiting {
        let Some(stored) = world.returns.get(&key) else {
            continue;
        };
        let request = stored.request.clone();
        let Some(receipt) = world.receipts.get(sale).cloned() else {
            continue;
        };
        // A rollback undoes the attempts before it; a newer attempt is a sale of its own.
        let superseded = request.rollback && is_older(&request, &receipt);
        let outcome = if superseded {
            None
        } else {
            apply(world, cx, id, receipt, &request).ok()
        };
        let Some(stored) = world.returns.get_mut(&key) else {
            continue;
        };
        stored.change.mark();
        stored.answer = match outcome {
            Some(answer) => answer,
            // It can't be applied as it stands: kept, and shown to a person.
            None => Returned {
                status: ReceiptStatus::Refused,
                ..stored.answer.clone()
            },
        };
    }
}

/// Whether a rollback that came before its sale undoes this attempt: then it never was a sale, and is not posted.
pub(super) fn is_rolled_back(world: &World, sale: &SourceKey, version: Option<i64>) -> bool {
    let undoes = |undone: i64| version.is_some_and(|sold| comparable(sold, undone) && sold <= undone);
    world.returns.values().any(|known| {
        known.sale == *sale
            && known.answer.status == ReceiptStatus::Waiting
            && known.request.rollback
            && known.request.version.is_some_and(undoes)
    })
}

/// Takes back what a return names of a receipt: its accrual first, then what bonuses paid comes back.
///
/// # Errors
/// `return-exceeds-sale`, `return-mixed`, `unknown-line`, `invalid-request`; nothing changes then.
pub(super) fn apply(
    world: &mut World,
    cx: Context<'_>,
    id: ReturnId,
    mut receipt: StoredReceipt,
    request: &ReturnRequest,
) -> Result<Returned, Refusal> {
    let before = amount_back(&receipt.lines);
    bring_back(&mut receipt.lines, request)?;
    let (accrual_undone, redemption_undone) = undo_shares(&mut receipt.lines);
    let amount = amount_back(&receipt.lines) - before;
    let all_back = receipt.lines.iter().all(is_all_back);
    receipt.status = match (
        request.cancel || receipt.status == ReceiptStatus::Cancelled,
        all_back,
    ) {
        (true, true) => ReceiptStatus::Cancelled,
        (_, true) => ReceiptStatus::Returned,
        _ => ReceiptStatus::PartlyReturned,
    };
    if request.rollback {
        receipt.version = latest(cx, request.version, &receipt);
    }
    receipt.change.mark();

    let mut balance = None;
    let told = if request.cancel {
        "receipt.cancelled"
    } else {
        "receipt.returned"
    };
    match receipt.customer.and_then(|c| world.customers.get(&c)).cloned() {
        Some(facts) => {
            let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
            let reason = Reason {
                kind: types::REVERSAL.to_owned(),
                venue: Some(receipt.key.venue),
                receipt: Some(receipt.id),
                return_id: Some(id),
                happened_at: Some(request.returned_at),
                comment: None,
            };
            undo_accrual(&mut sheet, accrual_undone, receipt.id, cx, reason.clone());
            let shares = refund_shares(&receipt.parts, redemption_undone);
            for (payer, share) in shares {
                let Some(other) = payer else {
                    refund(&mut sheet, share, &mut receipt.parts, None, cx, reason.clone());
                    continue;
                };
                if let Some(facts) = world.customers.get(&other).cloned() {
                    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
                    refund(&mut sheet, share, &mut receipt.parts, payer, cx, reason.clone());
                    sheet.put_back(world);
                }
            }
            sheet.tell(told, receipt.id.to_string());
            balance = Some(sheet.balance(cx.terms.venue));
            sheet.put_back(world);
        }
        None => world.events.push(event(
            cx.terms.network,
            None,
            told,
            receipt.id.to_string(),
            cx.now,
            cx.ids,
        )),
    }
    let answer = Returned {
        id: id.to_string(),
        receipt_id: Some(receipt.id.to_string()),
        status: receipt.status,
        amount,
        accrual_undone,
        redemption_undone,
        refund: amount - redemption_undone,
        balance,
        replayed: false,
        telling: Telling::First,
    };
    world.receipts.insert(receipt.key.clone(), receipt);
    Ok(answer)
}
