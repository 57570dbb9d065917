//! Bodies of iikoCloud: JSON numbers for money, `correlationId` and `errorDescription` for errors.

use kopilka_contract::{Language, Message, Money, Refusal, Reply, Told};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    correlation_id: String,
    error_description: &'a str,
    /// A stable code; callers of iiko mostly ignore it.
    error: Option<&'a str>,
}

/// An error as iikoCloud words it.
pub(super) fn error(message: &Message<'_>, status: u16, description: &str) -> Reply {
    let body = ErrorBody {
        correlation_id: correlation_id(message),
        error_description: description,
        error: None,
    };
    json(status, &body)
}

/// A refusal of the ledger: 400, as iikoCloud answers what it can't do; 500 where the same may succeed later.
pub(super) fn refusal(correlation_id: &str, refusal: &Refusal, language: Language) -> Reply {
    let body = ErrorBody {
        correlation_id: correlation_id.to_owned(),
        error_description: refusal.words.in_language(language),
        error: Some(&refusal.code),
    };
    json(if refusal.retryable { 500 } else { 400 }, &body)
}

/// The one thing that the ledger was asked, or the reply to its refusal.
pub(super) fn only<'a>(
    told: &'a [Result<Told, Refusal>],
    correlation_id: &str,
    language: Language,
) -> Result<&'a Told, Reply> {
    match told.first() {
        Some(Ok(told)) => Ok(told),
        Some(Err(refused)) => Err(refusal(correlation_id, refused, language)),
        None => Err(json(500, &serde_json::json!({"errorDescription": "no answer"}))),
    }
}

/// An id of a message, the same whenever it is read again.
pub(super) fn correlation_id(message: &Message<'_>) -> String {
    let at = message.received_at.timestamp_micros().to_string();
    uuid_of(&[message.path.as_bytes(), at.as_bytes(), message.body])
}

/// A UUID made of a hash (version 8: made as its maker likes).
pub(super) fn uuid_of(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let hex: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{}-{}-8{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    )
}

/// An amount as a JSON number in currency units.
pub(super) fn number(amount: Money) -> Value {
    amount.to_string().parse().unwrap_or_default()
}

/// A JSON body.
pub(super) fn json(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        content_type: "application/json; charset=utf-8",
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}
