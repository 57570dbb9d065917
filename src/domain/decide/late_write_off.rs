//! A write-off that comes after its receipt: the receipt has waited for it, and takes it over.

use chrono::Duration;
use kopilka_contract::{ReceiptStatus, apportion_by_amount};

use super::Context;
use super::booking::{redeem_again, refund};
use super::payment::unlock;
use super::returned_lines::undo_shares;
use super::sheet::{Reason, Sheet};
use super::tell_anew::applied_returns;
use super::written_off::{Behind, behind};
use crate::domain::Money;
use crate::domain::books::types;
use crate::domain::ids::{CustomerId, HoldId, TransactionId};
use crate::domain::world::{SourceKey, StoredReceipt, World};

/// Code of the message to a cashier that a redemption of a receipt is not in the books.
pub(super) const UNCONFIRMED: &str = "unconfirmed-redemption";

/// How far from its write-off a receipt was closed at most, where it was not told while its card was locked.
const NEAR: Duration = Duration::hours(1);

/// Lets a receipt of a guest that waits for write-offs take over those that stand free now. `lock`: that of the session which has
/// just written off. The card is locked before the sale is closed, so what was told since then comes first; what was told before may
/// only be meant where it was closed just now: else the write-off's own receipt is still to come.
pub(super) fn settle_awaiting(
    world: &mut World,
    cx: Context<'_>,
    customer: CustomerId,
    lock: Option<HoldId>,
) {
    let locked_at = lock
        .and_then(|lock| world.holds.get(&lock))
        .map(|lock| lock.created_at);
    let is_of_session = |r: &StoredReceipt| locked_at.is_some_and(|at| r.posted_at >= at);
    // What was sold once more after it came back is a receipt of its own, which is still to come.
    let stands =
        |r: &StoredReceipt| matches!(r.status, ReceiptStatus::Closed | ReceiptStatus::PartlyReturned);
    let is_near = |r: &StoredReceipt| stands(r) && (r.closed_at - cx.now).abs() <= NEAR;
    let mut awaiting: Vec<&StoredReceipt> = world
        .receipts
        .values()
        .filter(|r| r.customer == Some(customer) && r.awaits.is_some() && is_of_here(&r.key, cx))
        .filter(|r| r.parts.iter().all(|part| part.payer.is_none()))
        .filter(|r| is_of_session(r) || is_near(r))
        .collect();
    awaiting.sort_by_key(|r| {
        (
            !is_of_session(r),
            (r.closed_at - cx.now).abs(),
            std::cmp::Reverse(r.id),
        )
    });
    let settled = awaiting.into_iter().find_map(|receipt| {
        let facts = world.customers.get(&customer)?;
        let sought = (receipt.awaits?, receipt.closed_at);
        match behind(world, cx, facts, receipt.id, receipt.redeemed, sought) {
            Behind::WriteOffs(found) => {
                let found: Vec<TransactionId> = found.iter().map(|w| w.transaction).collect();
                Some((receipt.key.clone(), found))
            }
            _ => None,
        }
    });
    if let Some((key, write_offs)) = settled {
        take_over(world, cx, &key, &write_offs);
    }
}

fn is_of_here(key: &SourceKey, cx: Context<'_>) -> bool {
    key.network == cx.terms.network && key.venue == cx.terms.venue && key.source == cx.source
}

/// Makes write-offs the redemption of a receipt, as if they had come before it. What of it has come back meanwhile is given back now.
fn take_over(world: &mut World, cx: Context<'_>, key: &SourceKey, write_offs: &[TransactionId]) {
    let Some(mut receipt) = world.receipts.get(key).cloned() else {
        return;
    };
    let taken = |transaction: &TransactionId| write_offs.contains(transaction);
    let mut locks = Vec::new();
    for write_off in world.write_offs.iter_mut().filter(|w| taken(&w.transaction)) {
        write_off.receipt = Some(receipt.id);
        write_off.change.mark();
        locks.extend(write_off.hold);
        receipt.redeemed += write_off.amount;
        for mut part in std::mem::take(&mut write_off.parts) {
            part.change.mark();
            receipt.parts.push(part);
        }
    }
    receipt.awaits = None;
    spread_over_lines(&mut receipt);
    receipt
        .answer
        .cashier_messages
        .retain(|message| message.code != UNCONFIRMED);
    receipt.change.mark();
    let (_, come_back) = undo_shares(&mut receipt.lines);
    if let Some(facts) = receipt.customer.and_then(|id| world.customers.get(&id)).cloned() {
        let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
        unlock(cx, &mut sheet, locks.into_iter());
        let reason = Reason {
            kind: types::REVERSAL.to_owned(),
            venue: Some(receipt.key.venue),
            receipt: Some(receipt.id),
            happened_at: Some(cx.now),
            ..Reason::default()
        };
        // Where the lines were spread in another way more of one may have come back than bonuses paid of it.
        let (venue, known) = (receipt.key.venue, receipt.parts.len());
        let again = redeem_again(
            &mut sheet,
            (-come_back).max(Money::ZERO),
            venue,
            known,
            cx,
            reason.clone(),
        );
        receipt.parts.extend(again);
        refund(
            &mut sheet,
            come_back.max(Money::ZERO),
            &mut receipt.parts,
            None,
            cx,
            reason,
        );
        sheet.tell("receipt.changed", receipt.id.to_string());
        sheet.put_back(world);
    }
    tell_last_return(world, &receipt, come_back);
    world.receipts.insert(key.clone(), receipt);
}

/// What came back only now belongs to the returns that were made before: the last of them says so, for all of them together say what came
/// back of a receipt.
fn tell_last_return(world: &mut World, receipt: &StoredReceipt, come_back: Money) {
    let last = applied_returns(world, receipt).pop();
    if let Some(known) = last
        .and_then(|last| world.returns.get_mut(&last.key))
        .filter(|_| !come_back.is_zero())
    {
        known.answer.redemption_undone += come_back;
        known.answer.refund -= come_back;
        known.change.mark();
    }
}

/// The receipt was answered with a spread of what its till said that bonuses paid, by which it accrued: that one holds, where it comes to
/// what they paid.
fn spread_over_lines(receipt: &mut StoredReceipt) {
    let said: Vec<Money> = receipt.answer.lines.iter().map(|line| line.redeemed).collect();
    let fits = said.len() == receipt.lines.len() && said.iter().copied().sum::<Money>() == receipt.redeemed;
    let shares = if fits {
        said
    } else {
        apportion_by_amount(receipt.redeemed, receipt.lines.iter().map(|line| line.amount))
    };
    for (line, share) in receipt.lines.iter_mut().zip(&shares) {
        line.redeemed = *share;
        line.changed = true;
    }
    for (line, share) in receipt.answer.lines.iter_mut().zip(shares) {
        line.redeemed = share;
    }
    receipt.answer.redeemed = receipt.redeemed;
}
