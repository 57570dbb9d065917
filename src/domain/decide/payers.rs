//! Other guests than the receipt's own, whose bonuses it moves: those who pay for it, and those who had paid.

use kopilka_contract::Close;

use super::Context;
use super::booking::{refund, refund_shares};
use super::close::Standing;
use super::sheet::{Reason, Sheet, find, may_redeem};
use crate::domain::Money;
use crate::domain::ids::CustomerId;
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

/// The other guests who pay, each once, with what he pays. One who is the receipt's own guest by another card pays as
/// that one.
///
/// # Errors
/// `customer-not-found`, `card-blocked`, `customer-blocked`, `invalid-request`
pub(super) fn paying<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    own: CustomerId,
) -> Result<Vec<(&'w CustomerFacts, Money)>, Refusal> {
    let mut paying: Vec<(&CustomerFacts, Money)> = Vec::new();
    for payer in &ask.payers {
        if !(Money::from_kopecks(1)..=Money::MAX_INPUT).contains(&payer.amount) {
            return Err(payers_exceed());
        }
        let (found, facts) =
            find(world, cx.terms.network, &payer.customer).ok_or(Refusal::CustomerNotFound)?;
        may_redeem(Some(found), facts)?;
        if facts.id == own {
            continue;
        }
        match paying.iter_mut().find(|(known, _)| known.id == facts.id) {
            Some((_, amount)) => *amount += payer.amount,
            None => paying.push((facts, payer.amount)),
        }
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
