//! Who a guest is and what he has, as a till shows him.

use kopilka_contract::{CustomerRef, CustomerStatus, Guest};

use super::Context;
use super::sheet::{Sheet, cashier_messages, find};
use crate::domain::Timestamp;
use crate::domain::refusal::Refusal;
use crate::domain::terms::VenueTerms;
use crate::domain::world::{CardStanding, CustomerFacts, Found, World};

/// Says who a guest is and what he has at the venue now. Changes nothing.
///
/// # Errors
/// `customer-not-found`.
pub fn identify(world: &World, cx: Context<'_>, who: &CustomerRef) -> Result<Guest, Refusal> {
    let (found, facts) = find(world, cx.terms.network, who).ok_or(Refusal::CustomerNotFound)?;
    let sheet = Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids);
    Ok(guest_view(&sheet.facts, found, cx.terms, cx.now))
}

/// A guest as a till shows him. His account must be settled at `now`.
pub fn guest_view(facts: &CustomerFacts, found: &Found, terms: &VenueTerms, now: Timestamp) -> Guest {
    let (coefficient, _) = facts.coefficients(terms.venue).deciding();
    let blocked =
        facts.status == CustomerStatus::Blocked || matches!(found.card, Some((_, CardStanding::Blocked)));
    Guest {
        id: facts.id.to_string(),
        number: facts.id.0,
        name: facts.name.clone(),
        status: facts.status,
        phone: facts.phone.clone(),
        email: facts.email.clone(),
        birthday: facts.birthday,
        card: found
            .card
            .as_ref()
            .map(|(number, _)| number.clone())
            .or_else(|| facts.card.clone()),
        card_blocked: blocked,
        coefficient: coefficient.to_string(),
        redeem_max_percent: terms.redeem_max_percent.to_string(),
        balance: facts.account.balance(Some(terms.venue), now),
        cashier_messages: cashier_messages(facts, terms, now),
    }
}
