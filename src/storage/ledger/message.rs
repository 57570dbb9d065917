//! What is kept of a message beside its postings: the message itself, raw, and the answer under an idempotency key.

use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, MessageId, NetworkId, VenueId};
use crate::domain::world::{IdempotencyKey, RememberedAnswer};

/// A message as it reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// The venue, if it is known.
    pub venue: Option<VenueId>,
    /// The connection, for tills.
    pub connection: Option<ConnectionId>,
    /// `rest`, or the kind of the till.
    pub kind: String,
    /// HTTP method.
    pub method: String,
    /// Path of the request; of a till what follows its token.
    pub path: String,
    /// Raw query.
    pub query: String,
    /// `Content-Type`, if one was sent.
    pub content_type: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// When it reached us.
    pub received_at: Timestamp,
}

/// [`Outcome::needs_nobody`] of a refusal whose asker went on without what he had asked for.
pub const ANSWERED: &str = "answered";
/// [`Outcome::needs_nobody`] of a message that was turned away at the door.
pub const TURNED_AWAY: &str = "turned-away";
/// What stands in its place once a person has said that he is done with a message.
pub const DISMISSED: &str = "dismissed";

/// Code of a return or deletion that changed nothing, because it speaks of before the sale that stands. That is so where a payment was
/// made again, and where clocks differ.
pub const OLDER_THAN_SALE: &str = "older-than-sale";
/// Code of a message whose sender was told that we were too slow: it was not done, or only after that.
pub const TOO_SLOW: &str = "too-slow";

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was posted.
    Posted,
    /// It repeats one that was posted: nothing new.
    Repeated,
    /// Refused; a person may mend the cause and replay it.
    Refused,
    /// Refused to one who was told so and went on without it: it waits for nobody.
    Declined,
    /// Not done, because its sender had been told that we were too slow: as [`Outcome::Declined`].
    TooSlow,
    /// It might not speak, for the reason with this code: it waits for nobody, and is not simply done again.
    TurnedAway(&'static str),
    /// We failed at it, and would again; a person may mend the cause and replay it.
    Failed,
    /// It could not be read.
    Unreadable,
    /// Understood, and nothing was to be done.
    Ignored,
}

impl Outcome {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Posted => "posted",
            Outcome::Repeated => "repeated",
            Outcome::Refused
            | Outcome::Declined
            | Outcome::TooSlow
            | Outcome::TurnedAway(_)
            | Outcome::Failed => "refused",
            Outcome::Unreadable => "unreadable",
            Outcome::Ignored => "ignored",
        }
    }

    /// The code of a refusal that no rule of the ledger made; `None`: the refusal has its own, or there was none.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Outcome::TurnedAway(code) => Some(code),
            Outcome::TooSlow => Some(TOO_SLOW),
            Outcome::Failed => Some("internal"),
            _ => None,
        }
    }

    /// Why nobody has to see to a refused message, as stored; `None`: a person has to, or there was no refusal.
    pub const fn needs_nobody(self) -> Option<&'static str> {
        match self {
            Outcome::Declined | Outcome::TooSlow => Some(ANSWERED),
            Outcome::TurnedAway(_) => Some(TURNED_AWAY),
            _ => None,
        }
    }
}

/// A message with what became of it.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Its id.
    pub id: MessageId,
    /// The network.
    pub network: NetworkId,
    /// The message.
    pub raw: std::sync::Arc<RawMessage>,
    /// What became of it.
    pub outcome: Outcome,
    /// Code of the refusal.
    pub code: Option<String>,
    /// Words for the person who looks at it.
    pub detail: Option<String>,
    /// What it became: a receipt, a return, a hold.
    pub subject: Option<String>,
    /// Milliseconds from its arrival until it was decided.
    pub took_ms: Option<i64>,
}

/// An answer to be remembered.
#[derive(Debug, Clone)]
pub struct Remember {
    /// The key.
    pub key: IdempotencyKey,
    /// The answer.
    pub answer: RememberedAnswer,
    /// When.
    pub at: Timestamp,
}
