//! `POST v1/reserve` and `POST v1/cancel`: bonuses are set aside before the fiscal receipt is printed, and let go where it is not. For
//! extensions that do without the loyalty server; a receipt that names `bonus.reserveId` uses what was set aside.
//!
//! `reserveId` is the extension's own: the same again is the same reservation, so a lost answer costs nothing.

use kopilka_contract::{Ask, Dialogue, Hold, Language, Message, Refusal, Reply, Told, Unreadable};

use crate::fault::{Fault, Problem};
use crate::fields::Field;
use crate::guest_name::GuestName;
use crate::receipt_answer::Outcome;
use crate::receipt_json::{self, Contract};
use crate::settings::LockMinutes;

/// The name of a reservation in the books.
pub(crate) fn hold_name(reserve_id: &str) -> String {
    format!("reserve:{reserve_id}")
}

/// Reads a reservation.
pub(crate) fn read(message: &Message<'_>, contract: Contract<'_>) -> Result<Box<dyn Dialogue>, Unreadable> {
    reading(message, contract, |field| hold(field, contract))
}

/// Reads that one is let go.
pub(crate) fn read_cancel(
    message: &Message<'_>,
    contract: Contract<'_>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    reading(message, contract, |field| {
        Ok(Ask::Void(hold_name(&reserve_id(field)?)))
    })
}

fn reading(
    message: &Message<'_>,
    contract: Contract<'_>,
    ask: impl Fn(&Field<'_>) -> Result<Ask, Fault>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    let value = receipt_json::json(message, language)?;
    let read = Field::document(&value).object().and_then(|field| ask(&field));
    match read {
        Ok(ask) => Ok(Box::new(Reserve { ask, language })),
        Err(fault) => Err(Unreadable {
            reason: fault.words(),
            reply: Outcome::faulty(&fault, language).reply(),
        }),
    }
}

fn reserve_id(field: &Field<'_>) -> Result<String, Fault> {
    let id = field.get("reserveId");
    id.required(id.text()?)
}

fn hold(field: &Field<'_>, contract: Contract<'_>) -> Result<Ask, Fault> {
    let amount = field.get("amount");
    let sum = amount.required(amount.money()?)?;
    if !sum.is_positive() {
        return Err(amount.fault(Problem::NotPositive));
    }
    let card = receipt_json::card_code(field)?.map(|code| GuestName::from_code(&code));
    let phone = receipt_json::phone(field, &mut Vec::new()).map(GuestName::Phone);
    let guest = field.get("card").required(card.or(phone))?;
    Ok(Ask::Hold(Hold {
        external_id: hold_name(&reserve_id(field)?),
        once: true,
        of_order: None,
        order: Vec::new(),
        customer: guest.customer(),
        amount: Some(sum),
        at_most: None,
        minutes: contract.own.lock_minutes.map(LockMinutes::get),
    }))
}

#[derive(Debug)]
struct Reserve {
    ask: Ask,
    language: Language,
}

impl Dialogue for Reserve {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask.clone()]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        Outcome::of(told.first(), self.language).reply()
    }
}
