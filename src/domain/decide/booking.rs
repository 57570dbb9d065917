//! Booking what a receipt does: redemptions, accruals, and both of them undone.

use super::Context;
use super::sheet::{Reason, Sheet};
use crate::domain::Money;
use crate::domain::account::{LotPart, LotTerms, by_issuer};
use crate::domain::books::{BookAccount, Direction, Posting};
use crate::domain::ids::{CustomerId, ReceiptId, TransactionId, VenueId};
use crate::domain::world::{Change, RedemptionPart};

/// Books a redemption: each issuer's bonuses on its own posting, so that venues can settle with each other.
pub(super) fn book_redemption(
    sheet: &mut Sheet<'_>,
    used: &[LotPart],
    amount: Money,
    cx: Context<'_>,
    reason: Reason,
) -> Option<TransactionId> {
    let covered: Money = used.iter().map(|p| p.amount).sum();
    let missing = [(None, amount - covered)];
    let sides = by_issuer(used.iter().map(|p| (p.lot.issuer, p.amount)).chain(missing));
    let postings = sides
        .into_iter()
        .map(|s| Posting {
            account: BookAccount::Redeemed,
            venue: Some(cx.terms.venue),
            issuer: s.issuer,
            amount: s.amount,
        })
        .collect();
    sheet.book(Direction::Redemption, amount, postings, reason)
}

/// Redeems what had come back and is spent all the same: what is missing becomes debt, since the guest has the discount
/// already. `before`: how many parts the receipt has.
pub(super) fn redeem_again(
    sheet: &mut Sheet<'_>,
    amount: Money,
    venue: VenueId,
    before: usize,
    cx: Context<'_>,
    reason: Reason,
) -> Vec<RedemptionPart> {
    let (used, debt) = sheet.facts.account.take_again(amount, venue, cx.now);
    let transaction = book_redemption(sheet, &used, amount, cx, reason);
    let mut parts = redemption_parts(transaction, used, before);
    if let (Some(transaction), true) = (transaction, debt.is_positive()) {
        parts.push(RedemptionPart {
            payer: None,
            transaction,
            sequence: i32::try_from(before + parts.len()).unwrap_or(i32::MAX),
            lot: None,
            amount: debt,
            refunded: Money::ZERO,
            change: Change::Inserted,
        });
    }
    parts
}

/// The lots that paid a redemption, in the order spent.
pub(super) fn redemption_parts(
    transaction: Option<TransactionId>,
    used: Vec<LotPart>,
    already: usize,
) -> Vec<RedemptionPart> {
    let Some(transaction) = transaction else {
        return Vec::new();
    };
    used.into_iter()
        .enumerate()
        .map(|(i, part)| RedemptionPart {
            payer: None,
            transaction,
            sequence: i32::try_from(already + i).unwrap_or(i32::MAX),
            lot: Some(part.lot),
            amount: part.amount,
            refunded: Money::ZERO,
            change: Change::Inserted,
        })
        .collect()
}

/// Credits an accrual and books it.
pub(super) fn credit_accrual(
    sheet: &mut Sheet<'_>,
    amount: Money,
    receipt: ReceiptId,
    cx: Context<'_>,
    reason: Reason,
) {
    if amount.is_zero() {
        return;
    }
    let starts_at = cx.now + chrono::Duration::days(i64::from(cx.terms.accrual_delay_days));
    let expires_at = cx
        .terms
        .bonus_lifetime_days
        .map(|days| starts_at + chrono::Duration::days(i64::from(days)));
    let issuer = Some(cx.terms.venue);
    let terms = LotTerms {
        starts_at,
        expires_at,
        scope: None,
        issuer,
        receipt: Some(receipt),
    };
    sheet.facts.account.credit(amount, terms, cx.ids);
    let side = Posting {
        account: BookAccount::Issued,
        venue: issuer,
        issuer: None,
        amount: -amount,
    };
    sheet.book(Direction::Accrual, amount, vec![side], reason);
}

/// Takes an accrual back and books it.
pub(super) fn undo_accrual(
    sheet: &mut Sheet<'_>,
    amount: Money,
    receipt: ReceiptId,
    cx: Context<'_>,
    reason: Reason,
) {
    if amount.is_zero() {
        return;
    }
    sheet.facts.account.undo_accrual(amount, receipt, cx.now);
    let side = Posting {
        account: BookAccount::Issued,
        venue: Some(cx.terms.venue),
        issuer: None,
        amount,
    };
    sheet.book(Direction::Redemption, amount, vec![side], reason);
}

/// Whose bonuses come back when a part of a redemption does, and how much of each: the latest spent first. `None`: the
/// receipt's own guest.
pub(super) fn refund_shares(parts: &[RedemptionPart], amount: Money) -> Vec<(Option<CustomerId>, Money)> {
    let mut in_order: Vec<&RedemptionPart> = parts.iter().collect();
    in_order.sort_by_key(|p| (p.transaction, p.sequence));
    let mut missing = amount;
    let mut shares: Vec<(Option<CustomerId>, Money)> = Vec::new();
    for part in in_order.into_iter().rev() {
        let back = (part.amount - part.refunded).min(missing);
        if !back.is_positive() {
            continue;
        }
        missing -= back;
        match shares.iter_mut().find(|(payer, _)| *payer == part.payer) {
            Some((_, share)) => *share += back,
            None => shares.push((part.payer, back)),
        }
    }
    shares
}

/// Gives redeemed bonuses of one guest back, the latest-spent first: for each lot they came from a new lot with its
/// scope and start, that expires when it would have, but not before the grace is over. `payer`: whose parts, `None`
/// being the receipt's own guest.
pub(super) fn refund(
    sheet: &mut Sheet<'_>,
    amount: Money,
    parts: &mut [RedemptionPart],
    payer: Option<CustomerId>,
    cx: Context<'_>,
    reason: Reason,
) {
    let grace_end = cx.now + chrono::Duration::days(i64::from(cx.terms.refund_grace_days));
    let mut missing = amount;
    let mut returned = Vec::new();
    parts.sort_by_key(|p| (p.transaction, p.sequence));
    for part in parts.iter_mut().rev().filter(|part| part.payer == payer) {
        let back = (part.amount - part.refunded).min(missing);
        if !back.is_positive() {
            continue;
        }
        missing -= back;
        part.refunded += back;
        part.change.mark();
        let terms = match &part.lot {
            Some(lot) => LotTerms {
                starts_at: lot.starts_at,
                expires_at: lot.expires_at.map(|end| end.max(grace_end)),
                scope: lot.scope,
                issuer: lot.issuer,
                receipt: None,
            },
            // It was missing when it was written off and became debt: what comes back is the network's.
            None => LotTerms {
                starts_at: cx.now,
                expires_at: None,
                scope: None,
                issuer: None,
                receipt: None,
            },
        };
        returned.push((terms.issuer, back));
        sheet.facts.account.credit(back, terms, cx.ids);
    }
    let given: Money = returned.iter().map(|(_, m)| *m).sum();
    let sides = by_issuer(returned)
        .into_iter()
        .map(|s| Posting {
            account: BookAccount::Redeemed,
            venue: Some(cx.terms.venue),
            issuer: s.issuer,
            amount: -s.amount,
        })
        .collect();
    sheet.book(Direction::Accrual, given, sides, reason);
}
