//! Which write-offs stand behind a receipt that says that its bonuses were written off before it came.

use std::collections::HashSet;

use chrono::Duration;

use super::Context;
use crate::domain::ids::ReceiptId;
use crate::domain::world::{CustomerFacts, World, WriteOff};
use crate::domain::{Money, Timestamp};

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
    (amount, closed_at): (Money, Timestamp),
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
    // A till's clock may be wrong by more than that; ours, by which it was told, is not.
    let times = [closed_at, cx.told_at];
    let is_near = |w: &&WriteOff| times.iter().any(|at| (w.posted_at - *at).abs() <= OF_ONE_SALE);
    let free = of_guest
        .iter()
        .copied()
        .filter(|w| w.is_free())
        .filter(is_near)
        .collect();
    if let Some(found) = adding_up(free, amount - posted, closed_at) {
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

/// A write-off and its receipt are no farther apart than the longest hold: an older one that nobody took over is of another sale, and a
/// person's to settle.
const OF_ONE_SALE: Duration = Duration::days(31);
/// So many write-offs near a receipt are tried together: more are never free at once but by a fault, and sums of subsets grow fast.
const MOST_TRIED: usize = 12;

/// Write-offs that add up to the amount exactly: a single one before several, several of one lock session before others (a sale
/// split by tax systems writes off several times), and of such the nearest to the receipt.
fn adding_up(mut free: Vec<&WriteOff>, amount: Money, closed_at: Timestamp) -> Option<Vec<&WriteOff>> {
    let far = |w: &WriteOff| (w.posted_at - closed_at).abs();
    free.sort_by_key(|w| (far(w), std::cmp::Reverse(w.transaction)));
    if let Some(one) = free.iter().copied().find(|w| w.amount == amount) {
        return Some(vec![one]);
    }
    let sessions: HashSet<_> = free.iter().map(|w| (&w.session, w.hold)).collect();
    let in_sessions = sessions.into_iter().filter_map(|session| {
        let of_session = free.iter().copied().filter(|w| (&w.session, w.hold) == session);
        nearest_subset(&of_session.collect::<Vec<_>>(), amount)
    });
    // The nearest one, whatever the order of the sessions.
    let found = in_sessions.min_by_key(|found| found.iter().map(|w| (far(w), w.transaction)).max());
    found.or_else(|| nearest_subset(&free, amount))
}

/// Of write-offs, the nearest first, those that add up to the amount: the subset whose farthest one is the nearest.
fn nearest_subset<'w>(free: &[&'w WriteOff], amount: Money) -> Option<Vec<&'w WriteOff>> {
    let tried = free.get(..MOST_TRIED).unwrap_or(free);
    // A subset is a number: its highest bit is the farthest of its members.
    (1_u32..1 << tried.len()).find_map(|subset| {
        let members = || tried.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1);
        let sum: Money = members().map(|(_, w)| w.amount).sum();
        (sum == amount).then(|| members().map(|(_, w)| *w).collect())
    })
}
