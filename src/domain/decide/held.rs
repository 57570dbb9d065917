//! Bonuses that were set aside for an order and that its message says paid: the hold is the proof.

use std::borrow::Cow;

use kopilka_contract::{Close, Redemption};

use super::Context;
use super::guest_of_sale::named_hold;
use crate::domain::world::{HoldStanding, World};

/// The receipt with [`Redemption::Held`] as what it comes to: a redemption where the hold proves it, else only words.
/// The sale has been made and can't be refused for want of a hold.
pub(super) fn proven<'a>(world: &World, cx: Context<'_>, ask: &'a Close) -> Cow<'a, Close> {
    let Redemption::Held(amount) = ask.redemption else {
        return Cow::Borrowed(ask);
    };
    let hold = named_hold(world, cx, ask).ok().flatten();
    let proves = hold
        .and_then(|id| world.holds.get(&id))
        .is_some_and(|hold| match hold.standing {
            HoldStanding::Active => hold.ends_at > cx.now && hold.amount >= amount,
            // By an earlier version of the same receipt: no other one has its key.
            HoldStanding::Captured => true,
            HoldStanding::Voided | HoldStanding::Ended => false,
        });
    let mut ask = ask.clone();
    if proves {
        ask.redemption = Redemption::Now(amount);
    } else {
        ask.redemption = Redemption::Unconfirmed(amount);
        ask.hold = None;
    }
    Cow::Owned(ask)
}
