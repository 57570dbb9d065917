//! What is kept of a command's message: the message as it came, what became of it, and what a person should know of that.

use std::sync::Arc;

use kopilka_contract::{Telling, Words};

use super::asker;
use super::command::{Answered, Command, Failure, Verb};
use crate::domain::ids::{IdSource, MessageId};
use crate::domain::refusal::Refusal;
use crate::storage::ledger::message::{OLDER_THAN_SALE, Outcome, StoredMessage, TOO_SLOW};
use crate::storage::messages::WAITING;

/// The command's message with what became of it. `changed`: what it changed in a sale that was posted before. `is_late`: its sender
/// had been answered before. `None`: it brought none, or is kept already.
pub(super) fn of(
    command: &Command,
    result: &Result<Answered, Failure>,
    changed: Option<Words>,
    is_late: bool,
    ids: &dyn IdSource,
) -> Option<StoredMessage> {
    let raw = Arc::clone(command.raw.as_ref()?);
    let fate = Fate::of(command, result);
    if command.replay_of.is_some() && fate.is_failure {
        return None;
    }
    let said_too_late = is_late && fate.outcome != Outcome::TooSlow;
    let late = said_too_late.then(asker::answered_before);
    let code = match fate.code {
        None if said_too_late && !fate.is_failure => Some(TOO_SLOW.to_owned()),
        code => code,
    };
    let details = fate
        .words
        .iter()
        .chain(&command.remarks)
        .chain(&changed)
        .chain(&late);
    let details: Vec<&str> = details.map(|words| words.in_language(command.language)).collect();
    Some(StoredMessage {
        id: MessageId(ids.next_id()),
        network: command.tenant.network(),
        raw,
        outcome: fate.outcome,
        code,
        detail: (!details.is_empty()).then(|| details.join("\n")),
        subject: fate.subject,
        took_ms: i64::try_from(command.since.elapsed().as_millis()).ok(),
    })
}

/// What became of a message.
struct Fate {
    outcome: Outcome,
    code: Option<String>,
    words: Option<Words>,
    subject: Option<String>,
    /// Whether nothing of it is done: a message that a person has done again is not kept twice for that.
    is_failure: bool,
}

impl From<Outcome> for Fate {
    fn from(outcome: Outcome) -> Self {
        Fate {
            outcome,
            code: outcome.code().map(str::to_owned),
            words: None,
            subject: None,
            is_failure: WAITING.contains(&outcome.as_str()),
        }
    }
}

impl Fate {
    fn of(command: &Command, result: &Result<Answered, Failure>) -> Self {
        match (&command.verb, result) {
            (Verb::Keep(outcome), _) => Fate::from(*outcome),
            (_, Ok(answered)) => Fate::answered(answered),
            (_, Err(Failure::Refused(refusal))) => Fate::refused(command, refusal),
            (_, Err(Failure::AskerGone)) => Fate {
                words: Some(asker::not_done()),
                ..Fate::from(Outcome::TooSlow)
            },
            (_, Err(_)) => Fate::from(Outcome::Failed),
        }
    }

    fn answered(answered: &Answered) -> Self {
        let left_aside = answered.answer.left_aside();
        let outcome = if answered.by_key || answered.answer.is_replay() {
            Outcome::Repeated
        } else if left_aside.is_some() {
            Outcome::Ignored
        } else {
            Outcome::Posted
        };
        // Of what another connection posts the till's adapter has said so.
        let is_older = left_aside == Some(Telling::Older);
        Fate {
            code: is_older.then(|| OLDER_THAN_SALE.to_owned()),
            words: is_older.then(left_aside_words),
            subject: answered.answer.subject(),
            ..Fate::from(outcome)
        }
    }

    fn refused(command: &Command, refusal: &Refusal) -> Self {
        let outcome = match (refusal, &command.verb) {
            // A late word about an attempt that was rolled back, or about a hold that has been used: nobody has anything to
            // mend.
            (Refusal::ReceiptCancelled { late: true }, _) | (Refusal::HoldCaptured, Verb::Void(..)) => {
                Outcome::Ignored
            }
            _ if waits_for_nobody(command, refusal) => Outcome::Declined,
            _ => Outcome::Refused,
        };
        Fate {
            code: Some(refusal.code().to_owned()),
            words: Some(refusal.words()),
            is_failure: true,
            ..Fate::from(outcome)
        }
    }
}

/// Whether what is refused is over with the answer ([`Command::hangs_on_answer`]): a close only where its bonuses are what is refused, and
/// a write-off as well, since its till goes on at once.
fn waits_for_nobody(command: &Command, refusal: &Refusal) -> bool {
    match &command.verb {
        Verb::Spend(..) => true,
        Verb::Close(_, close) => {
            let is_of_bonuses = matches!(
                refusal,
                Refusal::InsufficientBalance { .. }
                    | Refusal::RedeemLimit { .. }
                    | Refusal::CardBlocked
                    | Refusal::CustomerBlocked
                    | Refusal::CustomerNotFound
            );
            command.hangs_on_answer() && close.redemption.amount().is_positive() && is_of_bonuses
        }
        _ => command.hangs_on_answer(),
    }
}

/// Why a rollback changed nothing.
fn left_aside_words() -> Words {
    Words::new(
        "Чек не отменён: после этой отмены (удаления заказа) он закрыт заново. Если это не так, например часы кассы и облака \
         расходятся, верните чек вручную.",
        "The receipt was not cancelled: it was closed anew after this cancellation (deletion of the order). Where that is not \
         so, for instance because the clocks of till and cloud differ, return the receipt by hand.",
    )
}
