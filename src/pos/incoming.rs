//! A message as it came to a till's door.

use axum::body::Bytes;
use kopilka_contract::{Adapter, Message};

use super::connection_cache::Known;
use crate::domain::Timestamp;
use crate::domain::ids::MessageId;
use crate::storage::ledger::message::RawMessage;

/// What a zip archive begins with.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// HTTP method.
    pub method: String,
    /// What follows the token.
    pub path: String,
    /// Raw query.
    pub query: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The login that came with it ([`Message::login`]).
    pub login: Option<String>,
    /// When it reached us.
    pub received_at: Timestamp,
    /// The kept message that a person does again; `None`: it just came.
    pub replay_of: Option<MessageId>,
}

impl Incoming {
    /// As an adapter sees it.
    pub fn message(&self) -> Message<'_> {
        Message {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            content_type: self.content_type.as_deref(),
            body: &self.body,
            login: self.login.as_deref(),
            received_at: self.received_at,
        }
    }

    /// As it is kept.
    pub(super) fn raw(&self, known: &Known, adapter: &dyn Adapter) -> RawMessage {
        RawMessage {
            venue: Some(known.connection.venue),
            connection: Some(known.connection.id),
            kind: adapter.kind().to_owned(),
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            content_type: self.content_type.clone(),
            body: if adapter.is_login(&self.message()) {
                Vec::new()
            } else {
                self.body.to_vec()
            },
            received_at: self.received_at,
        }
    }

    /// Whether a text of it could hold U+0000 in any spelling: PostgreSQL can't store it, and no till means it. Zero bytes
    /// after the end are those of a C string, and whether they matter is the adapter's to say. What an archive holds is
    /// looked at by whoever unpacks it.
    pub(super) fn has_null(&self) -> bool {
        let escaped = b"\\u0000";
        let is_archive = self.body.starts_with(ARCHIVE);
        let end = self
            .body
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        let body = self.body.get(..end).unwrap_or_default();
        let in_body = || body.contains(&0) || body.windows(escaped.len()).any(|w| w == escaped);
        self.address_has_null() || (!is_archive && in_body())
    }

    pub(super) fn address_has_null(&self) -> bool {
        self.query.contains("%00") || self.path.contains("%00") || self.path.contains('\0')
    }
}
