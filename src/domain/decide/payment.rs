//! What bonuses pay of a receipt: whether they may, and how it is booked.

use kopilka_contract::{
    CashierMessage, Close, Line, Redemption, Words, apportion_by_amount, repeated_moment,
};

use super::Context;
use super::booking::{book_redemption, redeem_again, redemption_parts, refund};
use super::close::Standing;
use super::decided::Decided;
use super::late_write_off::UNCONFIRMED;
use super::offline;
use super::payers::{Paying, payers_exceed, paying, sheet_of};
use super::sheet::{Reason, Sheet};
use super::written_off::{Behind, behind};
use crate::domain::ids::{HoldId, ReceiptId};
use crate::domain::redemption::spread;
use crate::domain::refusal::Refusal;
use crate::domain::world::{RedemptionPart, World, WriteOff};
use crate::domain::{Money, amount_words};

/// What the guest's bonuses may pay.
pub(super) struct Pays<'r> {
    /// His own, with the order's holds and what the version before redeemed.
    pub(super) available: Money,
    /// The receipt allows no more.
    pub(super) limit: Money,
    /// Why they may not pay at all.
    pub(super) blocked: Option<&'r Refusal>,
}

/// What pays, before it is booked.
pub(super) struct Paid<'w> {
    /// How much in all.
    pub(super) posted: Money,
    /// What other guests pay of it.
    payers: Vec<Paying<'w>>,
    /// Write-offs of before that become the receipt's.
    write_offs: Vec<&'w WriteOff>,
    /// Its own write-offs, which came back when it was cancelled, pay once more.
    came_back: bool,
}

impl Paid<'_> {
    /// How much of it other guests pay.
    pub(super) fn by_others(&self) -> Money {
        self.payers.iter().map(|payer| payer.amount).sum()
    }

    /// How much of that they had set aside for it.
    pub(super) fn set_aside_by_others(&self) -> Money {
        let with_holds = self.payers.iter().filter(|payer| !payer.holds.is_empty());
        with_holds.map(|payer| payer.amount).sum()
    }
}

/// Finds what pays, and whether it may.
///
/// # Errors
/// `insufficient-balance`, `redeem-limit`, `card-blocked`, `customer-blocked`, `customer-not-found`, and those of a sale
/// without a network.
pub(super) fn what_pays<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    sheet: &Sheet<'_>,
    base: &Standing,
    pays: &Pays<'_>,
    receipt: ReceiptId,
) -> Result<Paid<'w>, Refusal> {
    let mut paid = Paid {
        posted: Money::ZERO,
        payers: Vec::new(),
        write_offs: Vec::new(),
        came_back: false,
    };
    match ask.redemption {
        // What was redeemed for the version before stands, as far as it is still seen: who only repeats what a till told does
        // not say that bonuses did not pay. It was paid, whatever today's limit is.
        Redemption::Unconfirmed(seen) if only_repeats(ask) => {
            let total: Money = ask.receipt.lines.iter().map(|line| line.amount).sum();
            paid.posted = seen.min(base.redeemed).min(total);
        }
        Redemption::Nothing | Redemption::Held(_) | Redemption::Unconfirmed(_) => {}
        Redemption::Now(amount) => {
            if let (true, Some(refusal)) = (amount.is_positive(), pays.blocked) {
                return Err(refusal.clone());
            }
            offline::check(ask, sheet.facts.id, amount)?;
            paid.payers = paying(world, cx, ask, sheet.facts.id)?;
            let of_others = paid.by_others();
            if of_others > amount {
                return Err(payers_exceed());
            }
            if amount - of_others > pays.available {
                return Err(offline::not_enough(ask, pays.available));
            }
            if amount > pays.limit {
                return Err(Refusal::RedeemLimit { limit: pays.limit });
            }
            paid.posted = amount;
        }
        Redemption::Before(amount) => match behind(
            world,
            cx,
            &sheet.facts,
            receipt,
            base.redeemed,
            (amount, ask.receipt.closed_at.to_utc()),
        ) {
            Behind::WriteOffs(write_offs) => {
                paid.posted = amount;
                paid.write_offs = write_offs;
            }
            Behind::Posted(amount) => paid.posted = amount,
            Behind::CameBack => {
                paid.posted = amount;
                paid.came_back = true;
            }
            Behind::Nothing => {}
        },
    }
    Ok(paid)
}

/// Whether this is told by somebody who only repeats what a till told.
fn only_repeats(ask: &Close) -> bool {
    ask.receipt
        .version
        .is_some_and(|version| repeated_moment(version).is_some())
}

/// Books what pays: others first, then the guest's holds and lots; of a newer version the difference.
///
/// # Errors
/// `insufficient-balance` of another guest who pays.
pub(super) fn book_payment<'a>(
    cx: Context<'a>,
    paid: Paid<'_>,
    base: &Standing,
    (sheet, own_holds): (&mut Sheet<'a>, &[HoldId]),
    decided: &mut Decided<'a>,
    why: &Reason,
) -> Result<(), Refusal> {
    let venue = cx.terms.venue;
    let mut parts = base.parts.clone();
    unlock(cx, sheet, paid.write_offs.iter().filter_map(|w| w.hold));
    for write_off in &paid.write_offs {
        decided.taken_over.push(write_off.transaction);
        let moved = write_off.parts.iter().cloned().map(|mut part| {
            part.change.mark();
            part
        });
        parts.extend(moved);
    }
    let mut own = paid.posted;
    for Paying { facts, amount, holds } in paid.payers {
        own -= amount;
        let paying = sheet_of(&mut decided.others, facts, cx);
        let (held, set_aside) = paying.facts.account.lasting(&holds);
        let has = paying.facts.account.available(venue, cx.now) + set_aside;
        if amount > has {
            return Err(Refusal::InsufficientBalance { available: has });
        }
        let (used, gone) = paying.facts.account.capture(&held, amount, venue, cx.now);
        paying.book_expired(gone);
        decided.captured.extend(held);
        let transaction = book_redemption(paying, &used, amount, cx, why.clone());
        let payer = Some(paying.facts.id);
        let of_payer = redemption_parts(transaction, used, parts.len());
        parts.extend(of_payer.into_iter().map(|part| RedemptionPart { payer, ..part }));
    }
    if paid.came_back {
        let again = redeem_again(sheet, own, venue, parts.len(), cx, why.clone());
        parts.extend(again);
    }
    // What was written off before has paid already; else the difference to the version before is booked.
    let booked = if paid.came_back { own } else { base.redeemed };
    if decided.taken_over.is_empty() {
        let more = (own - booked).max(Money::ZERO);
        let (used, gone) = sheet.facts.account.capture(own_holds, more, venue, cx.now);
        sheet.book_expired(gone);
        decided.captured.extend(own_holds);
        let transaction = book_redemption(sheet, &used, more, cx, why.clone());
        parts.extend(redemption_parts(transaction, used, parts.len()));
        let less = (booked - own).max(Money::ZERO);
        refund(sheet, less, &mut parts, None, cx, why.reversed());
    }
    decided.parts = parts;
    Ok(())
}

/// Lets go what is left of the locks under which bonuses were written off: their receipt has come, and the sale is over. A lock that the
/// till has taken since is of another one.
pub(super) fn unlock(cx: Context<'_>, sheet: &mut Sheet<'_>, locks: impl Iterator<Item = HoldId>) {
    for lock in locks {
        if sheet.facts.account.holds.iter().all(|hold| hold.id != lock) {
            continue;
        }
        let gone = sheet.facts.account.release(lock, cx.now);
        sheet.book_expired(gone);
        sheet.tell("hold.voided", lock.to_string());
    }
}

/// The till says that bonuses paid, and nobody has asked us.
pub(super) fn unconfirmed(amount: Money) -> CashierMessage {
    let said = amount_words::bonuses(amount);
    CashierMessage {
        code: UNCONFIRMED.to_owned(),
        text: Words::new(
            format!(
                "Касса сообщила об оплате бонусами {}, но списания в программе не было.",
                said.ru
            ),
            format!(
                "The till says that bonuses paid {}, but nothing was redeemed.",
                said.en
            ),
        ),
    }
}

/// Bonuses that pay a part but are not posted lower the base all the same. The till's spread is taken where it fits;
/// where it does not, or there is none, ours: nothing hangs on it in the books.
///
/// # Errors
/// `redeem-spread`
pub(super) fn unposted_spread(cx: Context<'_>, ask: &Close, limit: Money) -> Result<Vec<Money>, Refusal> {
    let lines = &ask.receipt.lines;
    let amount = ask.redemption.amount();
    if lines.iter().any(|l| l.redeemed.is_some())
        && let Ok(parts) = spread(cx.terms, lines, amount)
    {
        return Ok(parts);
    }
    spread(cx.terms, &bare(lines), amount.min(limit))
}

/// The lines without the till's own spread of bonuses.
fn bare(lines: &[Line]) -> Vec<Line> {
    let bare = |line: &Line| Line {
        redeemed: None,
        ..line.clone()
    };
    lines.iter().map(bare).collect()
}

/// Which part of each line bonuses paid.
pub(super) struct LineSpread {
    /// By the till's word: so much lowers what accrues.
    pub(super) said: Vec<Money>,
    /// In the books: so much can be given back.
    pub(super) posted: Vec<Money>,
}

impl LineSpread {
    /// Of a receipt of which nothing is in the books.
    pub(super) fn of_unposted(said: Vec<Money>) -> Self {
        LineSpread {
            posted: vec![Money::ZERO; said.len()],
            said,
        }
    }
}

/// Spreads what bonuses paid over the lines. `posted`: how much of it is in the books; the rest was paid all the same, and may be
/// written off yet.
///
/// # Errors
/// `redeem-spread`
pub(super) fn line_spread(
    cx: Context<'_>,
    ask: &Close,
    posted: Money,
    limit: Money,
) -> Result<LineSpread, Refusal> {
    let lines = &ask.receipt.lines;
    let all_posted = posted == ask.redemption.amount();
    if matches!(ask.redemption, Redemption::Now(_)) || (all_posted && posted.is_positive()) {
        let said = spread(cx.terms, lines, posted)?;
        return Ok(LineSpread {
            posted: said.clone(),
            said,
        });
    }
    // What is posted was paid, though the limit may be lower by now.
    let said = unposted_spread(cx, ask, limit.max(posted))?;
    if posted.is_positive() {
        // By the same shares: when the rest is written off no line has less in the books than before.
        let posted = if said.iter().copied().sum::<Money>() >= posted {
            apportion_by_amount(posted, said.iter().copied())
        } else {
            spread(cx.terms, &bare(lines), posted)?
        };
        return Ok(LineSpread { said, posted });
    }
    Ok(LineSpread::of_unposted(said))
}
