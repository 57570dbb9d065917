//! All returns of a sale, made again: one of them in other words, or without it.

use kopilka_contract::{Balance, ReceiptStatus, Returned};

use super::Context;
use super::booking::{credit_accrual, redeem_again, refund, undo_accrual};
use super::returned_lines::{amount_back, bring_back, forget_returns, is_all_back, undo_shares};
use super::sheet::{Reason, Sheet, event};
use super::tell_anew::applied_returns;
use super::undo_return::is_all_that_came_back;
use crate::domain::books::types;
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnRequest, SourceKey, StoredLine, StoredReceipt, StoredReturn, World};
use crate::domain::{Money, Timestamp};

/// What came of making the returns of a sale again.
pub(super) struct Remade {
    /// What the return gives back in its new words; `None`: it is made no more.
    pub(super) answer: Option<Returned>,
    /// The same has come back of every line as before.
    pub(super) unchanged: bool,
    /// The guest's balance then.
    pub(super) balance: Option<Balance>,
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

/// Makes all returns of a sale again, in the order in which they came, with `instead` in the place of the one that is known, or without
/// that one, and books the difference. What the other returns say of it is kept; the one that is known is left to the caller.
///
/// # Errors
/// Those of a return, and `receipt-has-returns` where what came back of the sale is not what its returns say, or several guests had paid
/// for it. Nothing changes then.
pub(super) fn make_again(
    world: &mut World,
    cx: Context<'_>,
    known: &StoredReturn,
    instead: Option<&ReturnRequest>,
    happened_at: Timestamp,
) -> Result<Remade, Refusal> {
    let mut receipt = world
        .receipts
        .get(&known.sale)
        .cloned()
        .ok_or(Refusal::ReceiptHasReturns)?;
    let (before, lines_before) = (Back::of(&receipt.lines), receipt.lines.clone());
    let answers = made_again(world, &mut receipt, known, instead)?;
    let after = Back::of(&receipt.lines);
    let unchanged = came_back_alike(&lines_before, &receipt.lines);

    receipt.status = status_of(&receipt);
    receipt.change.mark();
    let reason = Reason {
        kind: types::REVERSAL.to_owned(),
        venue: Some(receipt.key.venue),
        receipt: Some(receipt.id),
        return_id: Some(known.id),
        happened_at: Some(happened_at),
        comment: None,
    };
    let balance = book_difference(world, cx, &mut receipt, (before, after), &reason);
    let status = receipt.status;
    world.receipts.insert(receipt.key.clone(), receipt);

    let mut answer_of_known = None;
    for (key, answer) in answers {
        if key == known.key {
            answer_of_known = Some(Returned {
                status,
                balance: balance.clone(),
                ..answer
            });
        } else if let Some(stored) = world
            .returns
            .get_mut(&key)
            .filter(|stored| stored.answer != answer)
        {
            stored.answer = answer;
            stored.change.mark();
        }
    }
    Ok(Remade {
        answer: answer_of_known,
        unchanged,
        balance,
    })
}

/// How a sale stands by what has come back of its lines.
fn status_of(receipt: &StoredReceipt) -> ReceiptStatus {
    let nothing_left = receipt.lines.iter().all(is_all_back);
    let untouched = receipt.lines.iter().all(|line| line.returned_by.is_none());
    match receipt.status {
        ReceiptStatus::Cancelled => ReceiptStatus::Cancelled,
        _ if nothing_left => ReceiptStatus::Returned,
        _ if untouched => ReceiptStatus::Closed,
        _ => ReceiptStatus::PartlyReturned,
    }
}

/// Makes the returns again in the sale's lines; says what each gives back.
fn made_again(
    world: &World,
    receipt: &mut StoredReceipt,
    known: &StoredReturn,
    instead: Option<&ReturnRequest>,
) -> Result<Vec<(SourceKey, Returned)>, Refusal> {
    let returns = applied_returns(world, receipt);
    let by_others = receipt.parts.iter().any(|part| part.payer.is_some());
    if by_others || !is_all_that_came_back(receipt, returns.iter().map(|r| &r.answer)) {
        return Err(Refusal::ReceiptHasReturns);
    }
    receipt.lines.iter_mut().for_each(forget_returns);
    let mut answers = Vec::with_capacity(returns.len());
    for made in returns {
        let request = if made.key == known.key {
            instead
        } else {
            Some(&made.request)
        };
        let Some(request) = request else {
            continue;
        };
        let before = amount_back(&receipt.lines);
        bring_back(&mut receipt.lines, request)?;
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

/// Books what has come back now beyond what had before, or less.
fn book_difference(
    world: &mut World,
    cx: Context<'_>,
    receipt: &mut StoredReceipt,
    (before, after): (Back, Back),
    reason: &Reason,
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
    // What the guest gets comes first: it pays for what he loses.
    let less = (before.accrual - after.accrual).max(Money::ZERO);
    credit_accrual(&mut sheet, less, receipt.id, cx, reason.clone());
    let more = (after.redemption - before.redemption).max(Money::ZERO);
    refund(&mut sheet, more, &mut receipt.parts, None, cx, reason.clone());
    let more = (after.accrual - before.accrual).max(Money::ZERO);
    undo_accrual(&mut sheet, more, receipt.id, cx, reason.clone());
    let less = (before.redemption - after.redemption).max(Money::ZERO);
    let (venue, parts) = (receipt.key.venue, receipt.parts.len());
    let again = redeem_again(&mut sheet, less, venue, parts, cx, reason.clone());
    receipt.parts.extend(again);
    sheet.tell("receipt.changed", receipt.id.to_string());
    let balance = sheet.balance(cx.terms.venue);
    sheet.put_back(world);
    Some(balance)
}
