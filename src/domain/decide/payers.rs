//! Other guests than the receipt's own, whose bonuses it moves: those who pay for it, and those who had paid. And the holds of them
//! all, where each payment was set aside under one of its own.

use kopilka_contract::{Close, PaidBy, Payer};

use super::Context;
use super::booking::{refund, refund_shares};
use super::close::Standing;
use super::guest_of_sale::hold_named;
use super::sheet::{Reason, Sheet, find, may_redeem};
use crate::domain::Money;
use crate::domain::ids::{CustomerId, HoldId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{CustomerFacts, World};

/// The sheet of a guest who is not the receipt's own: the one that there is, else a new one.
pub(super) fn sheet_of<'s, 'a>(
    others: &'s mut Vec<Sheet<'a>>,
    facts: &CustomerFacts,
    cx: Context<'a>,
) -> &'s mut Sheet<'a> {
    let position = others.iter().position(|other| other.facts.id == facts.id);
    let position = position.unwrap_or_else(|| {
        others.push(Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids));
        others.len() - 1
    });
    &mut others[position]
}

/// Gives back what other guests paid for the version that is posted.
pub(super) fn give_back_to_payers<'a>(
    world: &World,
    cx: Context<'a>,
    base: &mut Standing,
    others: &mut Vec<Sheet<'a>>,
    reason: &Reason,
) {
    let owed = refund_shares(&base.parts, base.redeemed);
    for (payer, share) in owed {
        let Some(facts) = payer.and_then(|id| world.customers.get(&id)) else {
            continue;
        };
        let sheet = sheet_of(others, facts, cx);
        refund(sheet, share, &mut base.parts, payer, cx, reason.clone());
        base.redeemed -= share;
    }
}

/// A guest who pays for another's receipt.
pub(super) struct Paying<'w> {
    pub(super) facts: &'w CustomerFacts,
    pub(super) amount: Money,
    /// Holds under which he set aside what he pays.
    pub(super) holds: Vec<HoldId>,
}

/// Who pays a part, with the hold under which he set it aside.
///
/// # Errors
/// `customer-not-found`, `card-blocked`, `customer-blocked`, `hold-not-found`, `invalid-request`
fn payer_of<'w>(
    world: &'w World,
    cx: Context<'_>,
    payer: &Payer,
) -> Result<(&'w CustomerFacts, Option<HoldId>), Refusal> {
    if !(Money::ZERO..=Money::MAX_INPUT).contains(&payer.amount) {
        return Err(payers_exceed());
    }
    match &payer.by {
        PaidBy::Guest(who) => {
            let (found, facts) = find(world, cx.terms.network, who).ok_or(Refusal::CustomerNotFound)?;
            may_redeem(Some(found), facts)?;
            Ok((facts, None))
        }
        PaidBy::Hold(name) => {
            let id = hold_named(world, cx, name)?;
            let facts = holder(world, id).ok_or(Refusal::HoldNotFound)?;
            Ok((facts, Some(id)))
        }
    }
}

/// Whose hold it is.
fn holder(world: &World, hold: HoldId) -> Option<&CustomerFacts> {
    world.customers.get(&world.holds.get(&hold)?.customer)
}

/// The holds by which a receipt says that it is paid, whoever set them aside, in the order named.
///
/// # Errors
/// `hold-not-found`
pub(super) fn paying_holds(world: &World, cx: Context<'_>, ask: &Close) -> Result<Vec<HoldId>, Refusal> {
    let names = ask.payers.iter().filter_map(|payer| match &payer.by {
        PaidBy::Hold(name) => Some(name),
        PaidBy::Guest(_) => None,
    });
    names.map(|name| hold_named(world, cx, name)).collect()
}

/// The other guests who pay, each once, with what he pays. One who is the receipt's own guest, by another card or by a hold, pays
/// as that one.
///
/// # Errors
/// `customer-not-found`, `card-blocked`, `customer-blocked`, `hold-not-found`, `invalid-request`
pub(super) fn paying<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    own: CustomerId,
) -> Result<Vec<Paying<'w>>, Refusal> {
    let mut paying: Vec<Paying<'_>> = Vec::new();
    for payer in &ask.payers {
        let (facts, hold) = payer_of(world, cx, payer)?;
        if facts.id == own {
            continue;
        }
        may_redeem(None, facts)?;
        let known = paying.iter().position(|known| known.facts.id == facts.id);
        let at = known.unwrap_or_else(|| {
            paying.push(Paying {
                facts,
                amount: Money::ZERO,
                holds: Vec::new(),
            });
            paying.len() - 1
        });
        paying[at].amount += payer.amount;
        paying[at].holds.extend(hold);
    }
    Ok(paying)
}

/// The cards pay more than is redeemed.
pub(super) fn payers_exceed() -> Refusal {
    Refusal::invalid(
        "/redeem",
        "Части карт не складываются в сумму списания.",
        "What the cards pay does not add up to the redemption.",
    )
}
