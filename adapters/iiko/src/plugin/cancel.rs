//! `v1/cancel`: a payment in points that was confirmed is undone before the order is closed. Unknown and already cancelled
//! ones are no error, because a plugin that was restarted does not know how far it got.

use kopilka_contract::{Ask, Dialogue, Language, Money, Refusal, Reply, Told, Unreadable};
use serde::{Deserialize, Serialize};

use super::Call;
use super::answer::{self, no_answer};
use super::order::transaction_key;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    transaction_id: String,
}

#[derive(Debug)]
pub(super) struct Cancel {
    key: String,
    language: Language,
}

pub(super) fn read(call: &Call<'_>) -> Result<Cancel, Unreadable> {
    let request: Request = call.body()?;
    Ok(Cancel {
        key: transaction_key(call, "/transactionId", &request.transaction_id)?,
        language: call.language(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Whether a reservation of this transaction was known.
    known: bool,
    points_released: Money,
    cashier_message: Option<String>,
}

impl Dialogue for Cancel {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Void(self.key.clone())]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match answer::last(told, self.language) {
            Ok(Told::Voided(voided)) => answer::json(
                200,
                &Answer {
                    known: voided.id.is_some(),
                    points_released: voided.released,
                    cashier_message: None,
                },
            ),
            Ok(_) => no_answer(self.language),
            Err(reply) => reply,
        }
    }
}
