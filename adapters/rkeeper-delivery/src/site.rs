//! What the restaurant's own site asks, in our own words: who is this guest, set bonuses aside for an order, let them go.
//! Amounts are decimal strings.

use kopilka_contract::{Ask, CustomerRef, Dialogue, Hold, Money, Phone, Refusal, Reply, Told, Unreadable};
use serde::Deserialize;
use serde_json::json;

use crate::answer;
use crate::settings::DeliverySettings;
use crate::unread::Unread;

/// A request of a site, read.
#[derive(Debug)]
pub(crate) struct Request(Ask);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhoAsked {
    #[serde(default)]
    phone: Option<Phone>,
    #[serde(default)]
    card: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HoldAsked {
    order_id: String,
    #[serde(default)]
    phone: Option<Phone>,
    #[serde(default)]
    card: Option<String>,
    amount: Money,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ReleaseAsked {
    order_id: String,
}

/// `{"phone": "+79…"}` or `{"card": "…"}`: what may the guest spend?
pub(crate) fn guest(body: &[u8]) -> Result<Request, Unreadable> {
    let asked: WhoAsked = read(body)?;
    Ok(Request(Ask::Identify(who(asked.phone, asked.card)?)))
}

/// `{"orderId", "phone" or "card", "amount"}`: bonuses are set aside. The same again is the same hold.
pub(crate) fn hold(body: &[u8], settings: &DeliverySettings) -> Result<Request, Unreadable> {
    let asked: HoldAsked = read(body)?;
    if !asked.amount.is_positive() {
        return Err(bad(&Unread::NothingToHold));
    }
    Ok(Request(Ask::Hold(Hold {
        external_id: order(asked.order_id)?,
        once: true,
        of_order: None,
        order: Vec::new(),
        customer: who(asked.phone, asked.card)?,
        amount: Some(asked.amount),
        at_most: None,
        minutes: Some(settings.hold_minutes),
    })))
}

/// `{"orderId"}`: the bonuses are let go. A second time is no error.
pub(crate) fn release(body: &[u8]) -> Result<Request, Unreadable> {
    let asked: ReleaseAsked = read(body)?;
    Ok(Request(Ask::Void(order(asked.order_id)?)))
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|error| bad(&Unread::NotARequest(error)))
}

fn order(id: String) -> Result<String, Unreadable> {
    let fits = (1..=100).contains(&id.len()) && !id.chars().any(char::is_control);
    if fits {
        Ok(id)
    } else {
        Err(bad(&Unread::OrderIdLength))
    }
}

fn who(phone: Option<Phone>, card: Option<String>) -> Result<CustomerRef, Unreadable> {
    match (phone, card.filter(|card| (1..=100).contains(&card.len()))) {
        (Some(phone), None) => Ok(CustomerRef::Phone(phone)),
        (None, Some(card)) => Ok(CustomerRef::Card(card)),
        _ => Err(bad(&Unread::WhichGuest)),
    }
}

/// The site's author is told in English, as all of its fields are.
fn bad(why: &Unread) -> Unreadable {
    let reason = why.words();
    Unreadable {
        reply: answer::error(400, &reason.en),
        reason,
    }
}

impl Dialogue for Request {
    fn asks(&self) -> Vec<Ask> {
        vec![self.0.clone()]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match told.first() {
            Some(Err(refusal)) => answer::refused(refusal),
            Some(Ok(Told::Guest(guest))) => answer::json(
                200,
                &json!({"name": guest.name, "available": guest.balance.available, "balance": guest.balance.balance}),
            ),
            Some(Ok(Told::Held(held))) => answer::json(
                200,
                &json!({"amount": held.amount, "endsAt": held.ends_at, "available": held.guest.balance.available}),
            ),
            Some(Ok(Told::Voided(voided))) => answer::json(200, &json!({"released": voided.released})),
            _ => answer::error(500, "internal"),
        }
    }
}
