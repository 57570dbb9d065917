//! `GET v1/members?query=…`: who is this guest? For extensions that do without the loyalty server.
//!
//! `query` is a card code or a telephone number; what could be both is looked up as a card first. Found:
//! `{"status": "found", "member": {…}}`, else `{"status": "not_found"}`, both with 200.

use kopilka_contract::{
    Ask, CustomerRef, CustomerStatus, Dialogue, Guest, Language, Message, Money, Phone, Refusal, Reply, Told,
    Unreadable, Words,
};
use serde::Serialize;

use crate::query::Query;
use crate::{receipt_answer, reply};

/// Reads the question.
pub(crate) fn read(message: &Message<'_>, language: Language) -> Result<Box<dyn Dialogue>, Unreadable> {
    if message.method != "GET" {
        return Err(receipt_answer::wrong_verb(message.method, "GET", language));
    }
    let query = Query::parse(message.query);
    let text = query.get("query").ok_or_else(|| {
        let words = Words::new(
            "ожидался параметр query: код карты или телефон",
            "the parameter query was expected: a card code or a telephone number",
        );
        receipt_answer::broken(&words, language)
    })?;
    Ok(Box::new(Search {
        card: text.to_owned(),
        phone: Phone::parse(text),
        language,
    }))
}

#[derive(Debug)]
struct Search {
    card: String,
    phone: Option<Phone>,
    language: Language,
}

impl Dialogue for Search {
    fn asks(&self) -> Vec<Ask> {
        let card = CustomerRef::Card(self.card.clone());
        let phone = self.phone.clone().map(CustomerRef::Phone);
        std::iter::once(card).chain(phone).map(Ask::Identify).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let found = told.iter().find_map(|answer| match answer {
            Ok(Told::Guest(guest)) => Some(guest),
            _ => None,
        });
        let failed = told
            .iter()
            .find_map(|answer| answer.as_ref().err().filter(|why| why.retryable));
        match (found, failed) {
            (Some(guest), _) => reply::json(200, &Answer::found(guest, self.language)),
            (None, Some(why)) => receipt_answer::failure(why.words.in_language(self.language)),
            (None, None) => reply::json(200, &Answer::not_found()),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Member<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a str>,
    blocked: bool,
    balance: Money,
    redeem_max_percent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cashier_message: Option<String>,
}

impl<'a> Answer<'a> {
    fn found(guest: &'a Guest, language: Language) -> Self {
        Answer {
            status: "found",
            member: Some(Member {
                id: &guest.id,
                name: guest.name.as_deref(),
                phone: guest.phone.as_ref(),
                card: guest.card.as_deref(),
                blocked: guest.card_blocked || guest.status == CustomerStatus::Blocked,
                balance: guest.balance.available,
                redeem_max_percent: &guest.redeem_max_percent,
                cashier_message: receipt_answer::cashier_message(&guest.cashier_messages, language),
            }),
        }
    }

    fn not_found() -> Self {
        Answer {
            status: "not_found",
            member: None,
        }
    }
}
