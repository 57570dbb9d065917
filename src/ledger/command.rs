//! What the ledger can be told to do, and what it answers.

use std::sync::Arc;
use std::time::Instant;

use kopilka_contract::{
    Adjusted, Close, Closed, CustomerRef, Held, Hold, Language, ReceiptStatus, Returned, Spend, Spent,
    Telling, Voided, Words,
};
use serde::{Deserialize, Serialize};

use super::asker::Asker;
use crate::domain::Timestamp;
use crate::domain::books::Hash;
use crate::domain::decide::Amend;
use crate::domain::ids::{MessageId, TransactionId, VenueId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnRequest, SourceKey};
use crate::storage::Tenant;
use crate::storage::ledger::message::{Outcome, RawMessage};

/// A command with everything that it is decided and remembered by.
#[derive(Debug, Clone)]
pub struct Command {
    /// The network, proven.
    pub tenant: Tenant,
    /// The person or key that causes it.
    pub actor: String,
    /// What to do.
    pub verb: Verb,
    /// The message that asks for it, kept with its outcome.
    pub raw: Option<Arc<RawMessage>>,
    /// Words for a person about the message, kept with it.
    pub remarks: Vec<Words>,
    /// In which language the inbox says them, and why it was refused.
    pub language: Language,
    /// When the message began to be worked on, for the time that is kept with it.
    pub since: Instant,
    /// Idempotency key of the caller, with the hash of the body.
    pub idempotency: Option<(String, Hash)>,
    /// The sale that a close tells of comes to be only by the answer ([`kopilka_contract::Dialogue::asks_before_sale`]).
    pub asks_before_sale: bool,
    /// Who waits for the answer; `None`: nobody who is told after a while that we were too slow.
    pub asker: Option<Arc<Asker>>,
    /// The kept message that a person has done again. A failure is no second message that waits for him.
    pub replay_of: Option<MessageId>,
}

impl Command {
    /// Whether what is asked comes to be only by our answer: bonuses are to be set aside, given or taken, or a sale waits for it. Who is
    /// told no, or nothing, goes on otherwise; done later all the same, it would take bonuses from a guest who has paid in another
    /// way, or be done once for each time that it was asked. All else tells what has happened anyway: 1C writes bonuses off when
    /// the fiscal receipt is printed.
    pub fn hangs_on_answer(&self) -> bool {
        match &self.verb {
            Verb::Hold(..) | Verb::Amend(..) => true,
            Verb::Close(_, close) => self.asks_before_sale && close.offline.is_none(),
            _ => false,
        }
    }

    /// Whether its asker was told meanwhile that we were too slow.
    pub fn asker_has_gone(&self) -> bool {
        self.asker.as_ref().is_some_and(|asker| asker.has_gone())
    }
}

/// Where a till's verb happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The venue; the caller has checked that it is the network's.
    pub venue: VenueId,
    /// The source: a connection's id, or what a REST caller says.
    pub source: String,
}

/// What a person makes of a write-off whose receipt does not come.
#[derive(Debug, Clone)]
pub struct SettleWriteOff {
    /// Whose bonuses.
    pub customer: CustomerRef,
    /// The write-off.
    pub transaction: TransactionId,
    /// Whether they come back.
    pub give_back: bool,
    /// Why.
    pub note: String,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Verb {
    /// Close a receipt.
    Close(Place, Box<Close>),
    /// Return, roll back or cancel.
    GiveBack {
        /// Where.
        place: Place,
        /// Id of the return at its source.
        external_id: String,
        /// The sale.
        sale: SourceKey,
        /// What comes back.
        request: ReturnRequest,
    },
    /// Undo a return that the till could not finish.
    UndoReturn {
        /// Where.
        place: Place,
        /// Id of the return at its source.
        external_id: String,
        /// The sale.
        sale: SourceKey,
        /// Version of the message.
        version: i64,
        /// When the till undid it.
        undone_at: Timestamp,
    },
    /// Set bonuses aside.
    Hold(Place, Hold),
    /// Let a hold go: our id, or the source's key.
    Void(Place, String),
    /// Write bonuses off before the receipt is known.
    Spend(Place, Spend),
    /// Settle a write-off whose receipt does not come.
    SettleWriteOff(Place, SettleWriteOff),
    /// Change a balance without a receipt.
    Amend(CustomerRef, Amend),
    /// Nothing: the message is only kept.
    Keep(Outcome),
}

impl Verb {
    /// Where it happens, for those that happen at a venue.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Verb::Close(place, _) | Verb::Hold(place, _) | Verb::Void(place, _) | Verb::Spend(place, _) => {
                Some(place)
            }
            Verb::GiveBack { place, .. }
            | Verb::UndoReturn { place, .. }
            | Verb::SettleWriteOff(place, _) => Some(place),
            Verb::Amend(..) | Verb::Keep(_) => None,
        }
    }
}

/// What a verb answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Verb::Close`].
    Closed(Box<Closed>),
    /// To [`Verb::GiveBack`] and [`Verb::UndoReturn`].
    Returned(Box<Returned>),
    /// To [`Verb::Hold`].
    Held(Box<Held>),
    /// To [`Verb::Void`].
    Voided(Voided),
    /// To [`Verb::Spend`].
    Spent(Box<Spent>),
    /// To [`Verb::Amend`] and [`Verb::SettleWriteOff`].
    Adjusted(Box<Adjusted>),
    /// To [`Verb::Keep`].
    Kept,
}

impl Answer {
    /// Whether it repeats what was answered before.
    pub fn is_replay(&self) -> bool {
        match self {
            Answer::Closed(answer) => answer.replayed,
            Answer::Returned(answer) => answer.replayed,
            Answer::Spent(answer) => answer.replayed,
            Answer::Held(answer) => answer.replayed,
            _ => false,
        }
    }

    /// How a return that is told for the first time and changed nothing stands to what was known: it speaks of before the sale that
    /// stands, or of one that another connection posts.
    pub fn left_aside(&self) -> Option<Telling> {
        match self {
            Answer::Returned(answer) if !answer.replayed => {
                Some(answer.telling).filter(|telling| matches!(telling, Telling::Older | Telling::Elsewhere))
            }
            _ => None,
        }
    }

    /// HTTP status of a first answer.
    pub fn status(&self) -> u16 {
        match self {
            Answer::Returned(answer) if answer.status == ReceiptStatus::Waiting => 202,
            Answer::Closed(_)
            | Answer::Returned(_)
            | Answer::Held(_)
            | Answer::Spent(_)
            | Answer::Adjusted(_) => 201,
            Answer::Voided(_) | Answer::Kept => 200,
        }
    }

    /// What it is about, in text form.
    pub fn subject(&self) -> Option<String> {
        match self {
            Answer::Closed(answer) => Some(answer.id.clone()),
            // Nothing of it is kept that could be looked up.
            Answer::Returned(answer) if answer.telling == Telling::Elsewhere => answer.receipt_id.clone(),
            Answer::Returned(answer) => Some(answer.id.clone()),
            Answer::Held(answer) => Some(answer.id.clone()),
            Answer::Voided(answer) => answer.id.clone(),
            Answer::Spent(answer) => Some(answer.id.clone()),
            Answer::Adjusted(answer) => answer.transaction_id.clone(),
            Answer::Kept => None,
        }
    }
}

/// An answer with how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// HTTP status: the first one where an idempotency key repeats it, 200 where a receipt does.
    pub status: u16,
    /// Remembered under the caller's idempotency key.
    pub by_key: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The rules say no. Nothing was posted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too much is queued. Nothing was posted; try again.
    #[error("too many commands are queued")]
    Busy,
    /// Our own fault; what happened is in the log. Whether it was posted is not known: the same message again tells.
    #[error("the ledger failed")]
    Internal,
    /// The same, and the message waits in the inbox for a person: sent again it would fail again.
    #[error("the ledger failed, and kept the message")]
    Kept,
    /// Whoever asked was told meanwhile that we were too slow. Nothing was posted, and the message says so.
    #[error("its asker has gone")]
    AskerGone,
}
