//! The inbox: raw messages with what became of them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::ledger::message::RawMessage;
use super::schema::messages;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, MessageId, VenueId};

/// A kept message.
#[derive(Debug, Clone)]
pub struct KeptMessage {
    /// Its id.
    pub id: MessageId,
    /// The message.
    pub raw: RawMessage,
    /// What became of it: `posted`, `repeated`, `refused`, `unreadable`, `ignored`, `replayed`.
    pub outcome: String,
    /// Code of the refusal.
    pub code: Option<String>,
    /// Words for the person who looks at it.
    pub detail: Option<String>,
    /// What it became.
    pub subject: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: i64,
    venue_id: Option<i64>,
    connection_id: Option<i64>,
    kind: String,
    method: String,
    path: String,
    query: String,
    content_type: Option<String>,
    body: Vec<u8>,
    received_at: NaiveDateTime,
    outcome: String,
    code: Option<String>,
    detail: Option<String>,
    subject: Option<String>,
}

impl From<Row> for KeptMessage {
    fn from(row: Row) -> Self {
        KeptMessage {
            id: MessageId(row.id),
            raw: RawMessage {
                venue: row.venue_id.map(VenueId),
                connection: row.connection_id.map(ConnectionId),
                kind: row.kind,
                method: row.method,
                path: row.path,
                query: row.query,
                content_type: row.content_type,
                body: row.body,
                received_at: row.received_at.and_utc(),
            },
            outcome: row.outcome,
            code: row.code,
            detail: row.detail,
            subject: row.subject,
        }
    }
}

/// Which messages are wanted.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Only those with this outcome.
    pub outcome: Option<String>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those older than this one.
    pub before: Option<MessageId>,
}

/// Messages, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &MessageFilter,
    limit: i64,
) -> Result<Vec<KeptMessage>, StorageError> {
    let mut query = messages::table
        .filter(messages::network_id.eq(tenant.id()))
        .order(messages::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(outcome) = &filter.outcome {
        query = query.filter(messages::outcome.eq(outcome));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(messages::kind.eq(kind));
    }
    if let Some(before) = filter.before {
        query = query.filter(messages::id.lt(before.0));
    }
    Ok(query
        .load::<Row>(connection)?
        .into_iter()
        .map(KeptMessage::from)
        .collect())
}

/// One message.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: MessageId,
) -> Result<Option<KeptMessage>, StorageError> {
    let row: Option<Row> = messages::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(KeptMessage::from))
}

/// Writes down that a refused or unreadable message was replayed with success.
///
/// # Errors
/// Those of the database.
pub fn mark_replayed(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: MessageId,
) -> Result<(), StorageError> {
    diesel::update(messages::table.find((tenant.id(), id.0)))
        .filter(messages::outcome.ne("posted"))
        .set(messages::outcome.eq("replayed"))
        .execute(connection)?;
    Ok(())
}

/// Drops messages that came before `before` and wait for nobody. Returns how many.
///
/// # Errors
/// Those of the database.
pub fn drop_old(
    connection: &mut AnyConnection,
    tenant: Tenant,
    before: Timestamp,
) -> Result<usize, StorageError> {
    let waiting = ["refused", "unreadable"];
    let dropped = diesel::delete(
        messages::table
            .filter(messages::network_id.eq(tenant.id()))
            .filter(messages::received_at.lt(before.naive_utc()))
            .filter(messages::outcome.ne_all(waiting)),
    )
    .execute(connection)?;
    Ok(dropped)
}
