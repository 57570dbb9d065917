//! Which write-offs stand behind a receipt that says that its bonuses were written off before it came.

use super::Context;
use crate::domain::Money;
use crate::domain::ids::ReceiptId;
use crate::domain::world::{CustomerFacts, World, WriteOff};

/// What stands behind such a receipt.
#[derive(Debug)]
pub(super) enum Behind<'w> {
    /// Write-offs that no receipt had taken over.
    WriteOffs(Vec<&'w WriteOff>),
    /// What the version before has posted: all that is asked for, or less where the difference was never written off.
    Posted(Money),
    /// Its own write-offs, which came back when it was cancelled: they are to be redeemed once more.
    CameBack,
    /// Nothing.
    Nothing,
}

/// Looks for `amount`, of which the version of the receipt that stands has posted `posted`.
pub(super) fn behind<'w>(
    world: &'w World,
    cx: Context<'_>,
    facts: &CustomerFacts,
    receipt: ReceiptId,
    posted: Money,
    amount: Money,
) -> Behind<'w> {
    if !amount.is_positive() {
        return Behind::Nothing;
    }
    if amount <= posted {
        return Behind::Posted(amount);
    }
    let of_guest = |w: &&WriteOff| {
        w.customer == facts.id && w.session.venue == cx.terms.venue && w.session.source == cx.source
    };
    let of_guest: Vec<&WriteOff> = world.write_offs.iter().filter(of_guest).collect();
    let free = of_guest.iter().copied().filter(|w| w.is_free()).collect();
    if let Some(found) = adding_up(free, amount - posted) {
        return Behind::WriteOffs(found);
    }
    let own = of_guest.iter().filter(|w| w.receipt == Some(receipt));
    let own: Money = own.map(|w| w.amount).sum();
    match (posted.is_positive(), own >= amount) {
        (true, _) => Behind::Posted(posted),
        (false, true) => Behind::CameBack,
        (false, false) => Behind::Nothing,
    }
}

/// Write-offs that add up to the amount: newest first, a single one preferred.
fn adding_up(free: Vec<&WriteOff>, amount: Money) -> Option<Vec<&WriteOff>> {
    if let Some(one) = free.iter().copied().rev().find(|w| w.amount == amount) {
        return Some(vec![one]);
    }
    // A sale split by tax systems writes off several times: the newest ones that add up exactly.
    let (mut sum, mut taken) = (Money::ZERO, Vec::new());
    for write_off in free.into_iter().rev() {
        sum += write_off.amount;
        taken.push(write_off);
        if sum >= amount {
            break;
        }
    }
    (sum == amount).then_some(taken)
}
