//! What an extension of a 1C base is answered: our own contract.
//!
//! One document is answered with an object, a batch with `{"results": […]}` in the order of its documents. `status` is
//! `accepted`, `updated` (another version of it had been posted: the difference was), `duplicate` (it was posted before), `stale` (a
//! newer version was) or `refused`. Amounts are
//! decimal strings, `"74.00"`, as everywhere in our own contracts. Developers of 1C mostly test for
//! `КодСостояния = 200` alone, so a document that will never be taken is refused with 200, and other codes mean that
//! it is worth sending again (503), or that the message is no document at all (400, 404, 405).

use chrono::{DateTime, Utc};
use kopilka_contract::{
    CashierMessage, Closed, Language, Money, Refusal, Reply, Returned, Telling, Told, Unreadable, Words,
};
use serde::Serialize;

use crate::fault::Fault;
use crate::reply;

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    status: Status,
    /// Accrued by a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    earned: Option<Money>,
    /// Redeemed by a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    spent: Option<Money>,
    /// Accrual that a return took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    earned_taken_back: Option<Money>,
    /// Redeemed bonuses that a return gave back.
    #[serde(skip_serializing_if = "Option::is_none")]
    spent_given_back: Option<Money>,
    /// Set aside by a reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<Money>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<Utc>>,
    /// What a cancelled reservation let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<Money>,
    /// What the guest has now, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cashier_message: Option<String>,
    /// Why it was refused, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why it was refused, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// JSON Pointer to the field at fault in this document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Whether the same document may be taken later.
    #[serde(skip_serializing_if = "is_false")]
    retryable: bool,
}

/// How a document was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Accepted,
    Updated,
    Duplicate,
    Stale,
    #[default]
    Refused,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Outcome {
    /// What the ledger said about a document.
    pub(crate) fn of(told: Option<&Result<Told, Refusal>>, language: Language) -> Self {
        match told {
            Some(Ok(Told::Closed(closed))) => Outcome::sold(closed, language),
            Some(Ok(Told::Returned(returned))) => Outcome::returned(returned),
            Some(Ok(Told::Held(held))) => Outcome {
                status: taken(held.replayed),
                reserved: Some(held.amount),
                until: Some(held.ends_at),
                balance: Some(held.guest.balance.available),
                ..Outcome::default()
            },
            Some(Ok(Told::Voided(voided))) => Outcome {
                status: Status::Accepted,
                released: Some(voided.released),
                ..Outcome::default()
            },
            Some(Err(why)) => Outcome {
                code: Some(why.code.clone()),
                error: Some(why.words.in_language(language).to_owned()),
                pointer: why.pointer.clone(),
                retryable: why.retryable,
                ..Outcome::default()
            },
            _ => Outcome::failed(no_answer().in_language(language)),
        }
    }

    fn sold(closed: &Closed, language: Language) -> Self {
        Outcome {
            status: status(closed.telling, closed.replayed),
            earned: Some(closed.accrued),
            spent: Some(closed.redeemed),
            balance: closed.balance.as_ref().map(|balance| balance.available),
            cashier_message: cashier_message(&closed.cashier_messages, language),
            ..Outcome::default()
        }
    }

    fn returned(returned: &Returned) -> Self {
        Outcome {
            status: status(returned.telling, returned.replayed),
            earned_taken_back: Some(returned.accrual_undone),
            spent_given_back: Some(returned.redemption_undone),
            balance: returned.balance.as_ref().map(|balance| balance.available),
            ..Outcome::default()
        }
    }

    /// A document with a field at fault: the message is kept for a person.
    pub(crate) fn faulty(fault: &Fault, language: Language) -> Self {
        Outcome {
            code: Some("bad-document".to_owned()),
            error: Some(fault.problem.words().in_language(language).to_owned()),
            pointer: Some(fault.pointer.clone()),
            ..Outcome::default()
        }
    }

    fn failed(words: &str) -> Self {
        Outcome {
            code: Some("internal".to_owned()),
            error: Some(words.to_owned()),
            retryable: true,
            ..Outcome::default()
        }
    }

    /// The same, of this document.
    pub(crate) fn for_document(self, document_id: Option<String>) -> Self {
        Outcome { document_id, ..self }
    }

    /// The answer to a single document.
    pub(crate) fn reply(&self) -> Reply {
        let worth_repeating = self.status == Status::Refused && self.retryable;
        reply::json(if worth_repeating { 503 } else { 200 }, self)
    }
}

fn status(telling: Telling, replayed: bool) -> Status {
    match telling {
        Telling::Older | Telling::Elsewhere => Status::Stale,
        Telling::Newer => Status::Updated,
        Telling::First => taken(replayed),
    }
}

fn taken(replayed: bool) -> Status {
    if replayed {
        Status::Duplicate
    } else {
        Status::Accepted
    }
}

/// All messages to the cashier, one a line.
pub(crate) fn cashier_message(messages: &[CashierMessage], language: Language) -> Option<String> {
    let lines: Vec<&str> = messages
        .iter()
        .map(|message| message.text.in_language(language))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn no_answer() -> Words {
    Words::new(
        "Сервис лояльности не ответил",
        "The loyalty service did not answer",
    )
}

/// The answer to a batch: what became of each document, in their order.
pub(crate) fn batch(results: &[Outcome]) -> Reply {
    #[derive(Serialize)]
    struct Batch<'a> {
        results: &'a [Outcome],
    }
    reply::json(200, &Batch { results })
}

/// What an extension is told where we failed ourselves: nothing was posted, it may send again.
pub(crate) fn failure(words: &str) -> Reply {
    Outcome::failed(words).reply()
}

/// What an extension is told that does not show the connection's password.
pub(crate) fn not_admitted(words: &str) -> Reply {
    let outcome = Outcome {
        code: Some("unauthorized".to_owned()),
        error: Some(words.to_owned()),
        ..Outcome::default()
    };
    reply::json(401, &outcome)
}

/// What an extension is told whose message is larger than is taken.
pub(crate) fn too_large(words: &str) -> Reply {
    let outcome = Outcome {
        code: Some("body-too-large".to_owned()),
        error: Some(words.to_owned()),
        ..Outcome::default()
    };
    reply::json(413, &outcome)
}

/// An address where we have nothing.
pub(crate) fn unknown_path(path: &str, language: Language) -> Unreadable {
    let words = Words::new(
        format!("по адресу «{path}» ничего нет; ожидались hs/loyaltyservice/…, v1/receipts, v1/members"),
        format!("there is nothing at “{path}”; expected hs/loyaltyservice/…, v1/receipts or v1/members"),
    );
    not_a_document(404, "unknown-path", &words, language)
}

/// A method that an address does not take.
pub(crate) fn wrong_verb(verb: &str, expected: &str, language: Language) -> Unreadable {
    let words = Words::new(
        format!("метод {verb}, а ожидался {expected}"),
        format!("the method is {verb}, but {expected} was expected"),
    );
    not_a_document(405, "wrong-method", &words, language)
}

/// A message that is no document at all.
pub(crate) fn broken(words: &Words, language: Language) -> Unreadable {
    not_a_document(400, "unreadable", words, language)
}

fn not_a_document(status: u16, code: &str, words: &Words, language: Language) -> Unreadable {
    let outcome = Outcome {
        code: Some(code.to_owned()),
        error: Some(words.in_language(language).to_owned()),
        ..Outcome::default()
    };
    Unreadable {
        reason: words.clone(),
        reply: reply::json(status, &outcome),
    }
}
