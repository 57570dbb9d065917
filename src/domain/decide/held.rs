//! Bonuses that were set aside for an order and that its message says paid: the hold is the proof.

use std::borrow::Cow;

use kopilka_contract::{CashierMessage, Close, ReceiptStatus, Redemption, Words};

use super::Context;
use super::guest_of_sale::named_hold;
use super::sheet::Sheet;
use crate::domain::Money;
use crate::domain::redemption::redeem_limit;
use crate::domain::world::{HoldStanding, StoredHold, World};

/// The receipt with [`Redemption::Held`] as what it comes to: a redemption where a hold proves that the guest wanted to
/// pay so and his bonuses suffice, else only words. A hold that has ended is proof enough, and the balance pays; where
/// more was paid than was held, the balance pays the rest. The sale has been made and can't be refused for want of
/// bonuses; whatever it comes to, a hold that lasts is used or let go with it.
pub(super) fn proven<'a>(world: &World, cx: Context<'_>, ask: &'a Close) -> Cow<'a, Close> {
    let Redemption::Held(amount) = ask.redemption else {
        return Cow::Borrowed(ask);
    };
    let hold = named_hold(world, cx, ask).ok().flatten();
    let hold = hold
        .and_then(|id| world.holds.get(&id))
        .filter(|hold| hold.standing != HoldStanding::Voided);
    let mut ask = ask.clone();
    ask.redemption = match hold {
        _ if amount.is_zero() => Redemption::Nothing,
        Some(hold) if amount <= may_pay(world, cx, &ask, hold) => Redemption::Now(amount),
        _ => Redemption::Unconfirmed(amount),
    };
    if hold.is_none() {
        ask.hold = None;
    }
    Cow::Owned(ask)
}

/// The order names one guest, and another set bonuses aside for it: the sale is his.
pub(super) fn guest_by_hold() -> CashierMessage {
    CashierMessage {
        code: "guest-by-hold".to_owned(),
        text: Words::new(
            "В заказе назван другой гость: чек записан на того, кто отложил под заказ бонусы.",
            "The order names another guest: the receipt is his who set bonuses aside for the order.",
        ),
    }
}

/// What the holder's bonuses may pay of the receipt: those of the hold while it lasts, those of the version before, and
/// the balance, as far as the receipt allows it.
fn may_pay(world: &World, cx: Context<'_>, ask: &Close, hold: &StoredHold) -> Money {
    let Some(facts) = world.customers.get(&hold.customer) else {
        return Money::ZERO;
    };
    let known = world.receipts.get(&cx.key(&ask.receipt.external_id));
    let known = known.filter(|known| known.status != ReceiptStatus::Cancelled);
    let redeemed = known.map_or(Money::ZERO, |known| known.redeemed);
    let lasts = hold.standing == HoldStanding::Active && hold.ends_at > cx.now;
    let own = if lasts { hold.amount } else { Money::ZERO };
    let account = Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids).facts.account;
    let total: Money = ask.receipt.lines.iter().map(|line| line.amount).sum();
    let limit = redeem_limit(cx.terms, &ask.receipt.lines, total);
    (account.available(cx.terms.venue, cx.now) + own + redeemed).min(limit)
}
