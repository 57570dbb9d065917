//! Answers. A webhook's sender looks at the status only (assumed: UCS documents no answer); a site reads the JSON.

use kopilka_contract::{Refusal, Reply, Unreadable};
use serde_json::{Value, json};

use crate::unread::Unread;

/// An answer of JSON.
pub(crate) fn json(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        content_type: "application/json",
        body: body.to_string().into_bytes(),
    }
}

/// Not done; a code or a sentence.
pub(crate) fn error(status: u16, what: &str) -> Reply {
    json(status, &json!({"error": what}))
}

/// To a site: the ledger said no.
pub(crate) fn refused(refusal: &Refusal) -> Reply {
    json(
        422,
        &json!({"error": refusal.code, "ru": refusal.words.ru, "en": refusal.words.en}),
    )
}

/// Kept for a person. The sender hears 200: the same bytes again would not be better.
pub(crate) fn unreadable(why: Unread) -> Unreadable {
    Unreadable {
        reason: why.words(),
        reply: json(200, &json!({"received": true, "understood": false})),
    }
}
