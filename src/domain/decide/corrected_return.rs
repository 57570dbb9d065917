//! A return that its source tells once more: the same, or with other lines or amounts. Of a source with versions a newer one takes the
//! place of what was posted, and the difference is posted.

use kopilka_contract::{Balance, ReceiptStatus, Returned, Telling, comparable};

use super::Context;
use super::booking::{credit_accrual, redeem_again, refund, undo_accrual};
use super::returned_lines::{amount_back, bring_back, forget_returns, is_all_back, undo_shares};
use super::sheet::{Reason, Sheet, event};
use super::tell_anew::applied_returns;
use super::undo_return::is_all_that_came_back;
use crate::domain::Money;
use crate::domain::books::{Hash, types};
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnRequest, SourceKey, StoredLine, StoredReceipt, StoredReturn, World};

/// How a return that is told stands to the one that is known by the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retold {
    /// The very same.
    Again,
    /// A newer version of it is known.
    Older,
    /// Other content, and nobody knows which of the two is right.
    Otherwise,
    /// A newer version of one that gives something back.
    Corrected,
    /// What is known gives nothing back (now): this one counts as if it were the first.
    Anew,
}

/// Compares a return with the one that is known by its name.
pub(super) fn retold(
    known: &StoredReturn,
    sale: &SourceKey,
    request: &ReturnRequest,
    fingerprint: Hash,
) -> Retold {
    let newer = is_newer(known, request.version);
    if is_undone(known, newer) || gave_nothing(known, request) {
        return Retold::Anew;
    }
    let same_sale = known.sale == *sale;
    if known.fingerprint == fingerprint {
        return Retold::Again;
    }
    if request.version.is_none() || !same_sale {
        return Retold::Otherwise;
    }
    // A rollback repeated with a later stamp is the same rollback.
    if request.rollback || known.request.rollback {
        return Retold::Again;
    }
    match known.answer.status {
        // The same version by a road that names its lines in another way.
        _ if request.version == known.request.version => Retold::Again,
        _ if !newer => Retold::Older,
        ReceiptStatus::PartlyReturned | ReceiptStatus::Returned => Retold::Corrected,
        _ => Retold::Anew,
    }
}

/// Whether a version is newer than all that is known of a return by the same road; where that road has not spoken yet, than the last word.
fn is_newer(known: &StoredReturn, told: Option<i64>) -> bool {
    let Some(version) = told else {
        return false;
    };
    let words = [known.request.version, known.undone_by];
    let of_road = words
        .into_iter()
        .flatten()
        .filter(|said| comparable(*said, version))
        .max();
    told > of_road.or(words.into_iter().flatten().max())
}

/// Whether a known return was undone and this one is newer than the undoing: then it is a return of its own. A
/// cancellation is answered "cancelled" by itself, and is never undone.
fn is_undone(known: &StoredReturn, newer: bool) -> bool {
    known.answer.status == ReceiptStatus::Cancelled && !known.request.cancel && newer
}

/// Whether a known return was once taken for older than its sale and left aside: a return is asked for by a person at
/// the till, so the next word of it counts.
fn gave_nothing(known: &StoredReturn, request: &ReturnRequest) -> bool {
    known.answer.status == ReceiptStatus::Closed && !known.request.rollback && !request.rollback
}

/// The first answer again. Where the same lines are told with a newer version, what was told between the two is older from now on.
pub(super) fn said_again(
    world: &mut World,
    cx: Context<'_>,
    known: StoredReturn,
    request: &ReturnRequest,
) -> Returned {
    if request.lines.is_some() && request.version > known.request.version {
        if let Some(stored) = world.returns.get_mut(&known.key) {
            stored.request.version = request.version;
            stored.told_at = stored.told_at.max(cx.told_at);
            stored.change.mark();
        }
        // Another writer may be correcting it now: the sale's revision decides who was first.
        if let Some(sale) = world.receipts.get_mut(&known.sale) {
            sale.change.mark();
        }
    }
    Returned {
        replayed: true,
        ..known.answer
    }
}

/// What has come back of a sale in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Back {
    accrual: Money,
    redemption: Money,
}

impl Back {
    fn of(lines: &[StoredLine]) -> Self {
        Back {
            accrual: lines.iter().map(|line| line.accrual_undone).sum(),
            redemption: lines.iter().map(|line| line.redemption_undone).sum(),
        }
    }
}

/// Puts a newer version of a return in the place of the one that is posted: the sale ends as if this version alone had been told.
///
/// # Errors
/// Those of a return, and `receipt-has-returns` where what came back of the sale is not what its returns say, or several guests had paid
/// for it: a person decides. Nothing changes then.
pub(super) fn correct(
    world: &mut World,
    cx: Context<'_>,
    known: StoredReturn,
    request: &ReturnRequest,
    fingerprint: Hash,
) -> Result<Returned, Refusal> {
    let mut receipt = world
        .receipts
        .get(&known.sale)
        .cloned()
        .ok_or(Refusal::ReceiptHasReturns)?;
    let (before, lines_before) = (Back::of(&receipt.lines), receipt.lines.clone());
    let answers = made_again(world, &mut receipt, &known, request)?;
    let after = Back::of(&receipt.lines);
    let unchanged = came_back_alike(&lines_before, &receipt.lines);

    let nothing_left = receipt.lines.iter().all(is_all_back);
    let untouched = receipt.lines.iter().all(|line| line.returned_by.is_none());
    receipt.status = match receipt.status {
        ReceiptStatus::Cancelled => ReceiptStatus::Cancelled,
        _ if nothing_left => ReceiptStatus::Returned,
        _ if untouched => ReceiptStatus::Closed,
        _ => ReceiptStatus::PartlyReturned,
    };
    receipt.change.mark();
    let balance = book_difference(world, cx, &mut receipt, (before, after), &known, request);
    let status = receipt.status;
    world.receipts.insert(receipt.key.clone(), receipt);

    let mut told = known.answer.clone();
    for (key, answer) in answers {
        let Some(stored) = world.returns.get_mut(&key) else {
            continue;
        };
        if key == known.key {
            let stands = Returned {
                status,
                balance: balance.clone(),
                ..answer
            };
            told = Returned {
                replayed: unchanged,
                telling: if unchanged { Telling::First } else { Telling::Newer },
                ..stands.clone()
            };
            stored.fingerprint = fingerprint;
            stored.request = request.clone();
            stored.posted_at = cx.now;
            stored.told_at = cx.told_at;
            stored.answer = stands;
            stored.change.mark();
        } else if stored.answer != answer {
            stored.answer = answer;
            stored.change.mark();
        }
    }
    Ok(told)
}

/// Makes all returns of a sale again, in the order in which they came, with the newer version in its place; says what each gives back.
fn made_again(
    world: &World,
    receipt: &mut StoredReceipt,
    known: &StoredReturn,
    request: &ReturnRequest,
) -> Result<Vec<(SourceKey, Returned)>, Refusal> {
    let returns = applied_returns(world, receipt);
    let by_others = receipt.parts.iter().any(|part| part.payer.is_some());
    if by_others || !is_all_that_came_back(receipt, returns.iter().map(|r| &r.answer)) {
        return Err(Refusal::ReceiptHasReturns);
    }
    receipt.lines.iter_mut().for_each(forget_returns);
    let mut answers = Vec::with_capacity(returns.len());
    for made in returns {
        let is_known = made.key == known.key;
        let before = amount_back(&receipt.lines);
        bring_back(&mut receipt.lines, if is_known { request } else { &made.request })?;
        let (accrual_undone, redemption_undone) = undo_shares(&mut receipt.lines);
        let amount = amount_back(&receipt.lines) - before;
        let answer = Returned {
            amount,
            accrual_undone,
            redemption_undone,
            refund: amount - redemption_undone,
            ..made.answer
        };
        answers.push((made.key, answer));
    }
    Ok(answers)
}

/// Whether the same has come back of every line.
fn came_back_alike(one: &[StoredLine], other: &[StoredLine]) -> bool {
    let back = |line: &StoredLine| (line.returned_by, line.returned_quantity, line.returned_amount);
    one.iter().map(back).eq(other.iter().map(back))
}

/// Books what a newer version of a return gives back beyond the older one, or less.
fn book_difference(
    world: &mut World,
    cx: Context<'_>,
    receipt: &mut StoredReceipt,
    (before, after): (Back, Back),
    known: &StoredReturn,
    request: &ReturnRequest,
) -> Option<Balance> {
    let Some(facts) = receipt.customer.and_then(|id| world.customers.get(&id)).cloned() else {
        world.events.push(event(
            cx.terms.network,
            None,
            "receipt.changed",
            receipt.id.to_string(),
            cx.now,
            cx.ids,
        ));
        return None;
    };
    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
    let reason = || Reason {
        kind: types::REVERSAL.to_owned(),
        venue: Some(receipt.key.venue),
        receipt: Some(receipt.id),
        return_id: Some(known.id),
        happened_at: Some(request.returned_at),
        comment: None,
    };
    let (accrual, redemption) = (reason(), reason());
    // What the guest gets comes first: it pays for what he loses.
    let less = (before.accrual - after.accrual).max(Money::ZERO);
    credit_accrual(&mut sheet, less, receipt.id, cx, accrual.clone());
    let more = (after.redemption - before.redemption).max(Money::ZERO);
    refund(&mut sheet, more, &mut receipt.parts, None, cx, redemption.clone());
    let more = (after.accrual - before.accrual).max(Money::ZERO);
    undo_accrual(&mut sheet, more, receipt.id, cx, accrual);
    let less = (before.redemption - after.redemption).max(Money::ZERO);
    let (venue, parts) = (receipt.key.venue, receipt.parts.len());
    let again = redeem_again(&mut sheet, less, venue, parts, cx, redemption);
    receipt.parts.extend(again);
    sheet.tell("receipt.changed", receipt.id.to_string());
    let balance = sheet.balance(cx.terms.venue);
    sheet.put_back(world);
    Some(balance)
}
