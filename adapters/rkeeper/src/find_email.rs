//! `FindEmail`: which card belongs to this text?

use kopilka_contract::{Ask, CustomerRef, Dialogue, Guest, Refusal, Reply, Told, Words};

use crate::Connection;
use crate::answer::{Form, Tag};
use crate::card_code;
use crate::card_info::account;
use crate::function::Function;
use crate::request::EmailQuery;
use crate::till_text;

/// One look-up.
#[derive(Debug)]
pub(crate) struct FindEmail {
    guest: CustomerRef,
    card_as_phone: bool,
    form: Form,
}

impl FindEmail {
    pub(crate) fn new(query: &EmailQuery, connection: &Connection) -> Self {
        FindEmail {
            guest: card_code::guest_of_text(&query.text, connection.own.card_as_phone),
            card_as_phone: connection.own.card_as_phone,
            form: connection.form(),
        }
    }

    fn found(&self, guest: &Guest) -> Reply {
        let Some(card) = card_code::numeric_code_of(guest, self.card_as_phone) else {
            let words = Words::new(
                "У гостя нет карты, номер которой понимает касса",
                "The guest has no card with a number that a till understands",
            );
            return self.form.not_done(Function::FindEmail, &words);
        };
        self.form.only(
            Tag::new("FindEmail")
                .with("Result", 0)
                .with("Account", account(guest.number))
                .with("CardCode", card)
                .with(
                    "Name",
                    till_text::line(guest.name.as_deref().unwrap_or_default(), till_text::HOLDER),
                ),
        )
    }
}

impl Dialogue for FindEmail {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Identify(self.guest.clone())]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match told.first() {
            Some(Ok(Told::Guest(guest))) => self.found(guest),
            Some(Err(refusal)) => self.form.not_done(Function::FindEmail, &refusal.words),
            _ => self.form.not_done(Function::FindEmail, &crate::unanswered()),
        }
    }
}
