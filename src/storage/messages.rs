//! The inbox: raw messages with what became of them.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use super::dialect::Dialect;
use super::ledger::message::{DISMISSED, RawMessage, TOO_SLOW, TURNED_AWAY};
use super::schema::messages;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, MessageId, VenueId};
use crate::domain::watch::MOST_FAILING;

/// A kept message.
#[derive(Debug, Clone)]
pub struct KeptMessage {
    /// All but its content, with what became of it.
    pub head: MessageHead,
    /// `Content-Type`, if one was sent.
    pub content_type: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl KeptMessage {
    /// The message as it reached us.
    pub fn into_raw(self) -> RawMessage {
        RawMessage {
            venue: self.head.venue,
            connection: self.head.connection,
            kind: self.head.kind,
            method: self.head.method,
            path: self.head.path,
            query: self.head.query,
            content_type: self.content_type,
            body: self.body,
            received_at: self.head.received_at,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    #[diesel(embed)]
    head: HeadRow,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// What a list shows of a message: all but its content.
#[derive(Debug, Clone)]
pub struct MessageHead {
    /// Its id.
    pub id: MessageId,
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
    /// How long the body is, in bytes.
    pub bytes: i64,
    /// When it reached us.
    pub received_at: Timestamp,
    /// What became of it: `posted`, `repeated`, `refused`, `unreadable`, `ignored`, `replayed`.
    pub outcome: String,
    /// Code of the refusal.
    pub code: Option<String>,
    /// Words for the person who looks at it.
    pub detail: Option<String>,
    /// What it became.
    pub subject: Option<String>,
    /// Milliseconds until it was decided, where that is known.
    pub took_ms: Option<i64>,
    /// Why nobody has to see to it though it was refused: `turned-away`, `answered`, `dismissed`.
    pub needs_nobody: Option<String>,
    /// Why it was refused at first, where doing it again failed for another reason.
    pub first_detail: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct HeadRow {
    id: i64,
    venue_id: Option<i64>,
    connection_id: Option<i64>,
    kind: String,
    method: String,
    path: String,
    query: String,
    #[diesel(select_expression = sql::<BigInt>("CAST(LENGTH(messages.body) AS BIGINT)"))]
    #[diesel(select_expression_type = SqlLiteral<BigInt>)]
    bytes: i64,
    received_at: NaiveDateTime,
    outcome: String,
    code: Option<String>,
    detail: Option<String>,
    subject: Option<String>,
    took_ms: Option<i64>,
    needs_nobody: Option<String>,
    first_detail: Option<String>,
}

impl From<HeadRow> for MessageHead {
    fn from(row: HeadRow) -> Self {
        MessageHead {
            id: MessageId(row.id),
            venue: row.venue_id.map(VenueId),
            connection: row.connection_id.map(ConnectionId),
            kind: row.kind,
            method: row.method,
            path: row.path,
            query: row.query,
            bytes: row.bytes,
            received_at: row.received_at.and_utc(),
            outcome: row.outcome,
            code: row.code,
            detail: row.detail,
            subject: row.subject,
            took_ms: row.took_ms,
            needs_nobody: row.needs_nobody,
            first_detail: row.first_detail,
        }
    }
}

/// Outcomes of messages that wait for a person, unless something says that they need nobody.
pub const WAITING: [&str; 2] = ["refused", "unreadable"];

/// All outcomes.
pub const OUTCOMES: [&str; 6] = [
    "posted",
    "repeated",
    "refused",
    "unreadable",
    "ignored",
    "replayed",
];

/// Which messages are wanted.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Only those of one of these venues; `None`: of all, and those that name none.
    pub venues: Option<Vec<VenueId>>,
    /// Only those of this connection.
    pub connection: Option<ConnectionId>,
    /// Only those with one of these outcomes; empty: all.
    pub outcomes: Vec<String>,
    /// Only those that wait for a person.
    pub waiting: bool,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those with this code.
    pub code: Option<String>,
    /// Only those that came at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those that came before this moment.
    pub until: Option<Timestamp>,
    /// Only those that hold this text as it stands: in the body, the path, the query, or in what they became. A
    /// number of an order, a card, a name.
    pub text: Option<String>,
    /// Only those older than this one.
    pub before: Option<MessageId>,
}

/// What matches, and how far was looked for it.
#[derive(Debug)]
pub struct Listed {
    /// Messages, the newest first.
    pub items: Vec<MessageHead>,
    /// The oldest message that was looked at for the text, where there are older ones that were not.
    pub looked_to: Option<MessageId>,
}

/// So many messages are looked through for a text at once: a text is found by reading, and an inbox of a year would keep a connection
/// busy for minutes.
pub const LOOKED_THROUGH: i64 = 20_000;

type Backend = <AnyConnection as diesel::Connection>::Backend;
type Boxed = messages::BoxedQuery<'static, Backend>;
type Condition = Box<dyn BoxableExpression<messages::table, Backend, SqlType = Bool>>;

/// Messages as `filter` wants them, but for the text.
fn matching(tenant: Tenant, filter: &MessageFilter) -> Boxed {
    let mut query = messages::table
        .filter(messages::network_id.eq(tenant.id()))
        .into_boxed();
    if let Some(venues) = &filter.venues {
        let ids: Vec<Option<i64>> = venues.iter().map(|v| Some(v.0)).collect();
        query = query.filter(messages::venue_id.eq_any(ids));
    }
    if let Some(of) = filter.connection {
        query = query.filter(messages::connection_id.eq(of.0));
    }
    if !filter.outcomes.is_empty() {
        query = query.filter(messages::outcome.eq_any(filter.outcomes.clone()));
    }
    if filter.waiting {
        query = query.filter(waits());
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(messages::kind.eq(kind.clone()));
    }
    if let Some(code) = &filter.code {
        query = query.filter(messages::code.eq(code.clone()));
    }
    if let Some(since) = filter.since {
        query = query.filter(messages::received_at.ge(since.naive_utc()));
    }
    if let Some(until) = filter.until {
        query = query.filter(messages::received_at.lt(until.naive_utc()));
    }
    if let Some(before) = filter.before {
        query = query.filter(messages::id.lt(before.0));
    }
    query
}

/// That a message waits for a person ([`WAITING`]): word for word what the index `messages_waiting` holds, since a database
/// uses a partial index only where it sees the same condition, not parameters.
pub const WAITS: &str = "(messages.outcome IN ('refused', 'unreadable') AND messages.needs_nobody IS NULL)";

fn waits() -> SqlLiteral<Bool> {
    sql(WAITS)
}

/// At most `limit` messages that match, the newest first, of the newest [`LOOKED_THROUGH`] where a text is looked for: the caller
/// goes on with `before`.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &MessageFilter,
    limit: i64,
) -> Result<Listed, StorageError> {
    let newest_first = || matching(tenant, filter).order(messages::id.desc());
    let mut query = newest_first().limit(limit);
    let mut looked_to = None;
    if let Some(text) = &filter.text {
        looked_to = newest_first()
            .offset(LOOKED_THROUGH - 1)
            .limit(1)
            .select(messages::id)
            .first::<i64>(connection)
            .optional()?;
        if let Some(oldest) = looked_to {
            query = query.filter(messages::id.ge(oldest));
        }
        query = query.filter(holds(Dialect::of(connection), text));
    }
    let rows: Vec<HeadRow> = query.select(HeadRow::as_select()).load(connection)?;
    Ok(Listed {
        items: rows.into_iter().map(MessageHead::from).collect(),
        looked_to: looked_to.map(MessageId),
    })
}

/// As [`list`], however far it has to look.
///
/// # Errors
/// Those of the database.
pub fn list_all(
    connection: &mut AnyConnection,
    tenant: Tenant,
    mut filter: MessageFilter,
    limit: i64,
) -> Result<Vec<MessageHead>, StorageError> {
    let mut found = Vec::new();
    loop {
        let wanted = limit.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
        if wanted <= 0 {
            return Ok(found);
        }
        let listed = list(connection, tenant, &filter, wanted)?;
        found.extend(listed.items);
        match listed.looked_to {
            Some(_) => filter.before = listed.looked_to,
            None => return Ok(found),
        }
    }
}

/// That a message holds a text as it stands: in the body, the path, the query, or in what it became.
fn holds(dialect: Dialect, text: &str) -> Condition {
    let (find_text, find_bytes) = (dialect.position_of_text(), dialect.position_of_bytes());
    let about = "messages.path || ' ' || messages.query || ' ' || COALESCE(messages.subject, '')";
    let in_body = sql::<Bool>(&format!("({}", find_bytes.0)).bind::<Binary, _>(text.as_bytes().to_vec());
    let or_about = format!("{} > 0 OR {}", find_bytes.1, find_text.0.replace("{}", about));
    let in_either = in_body.sql(&or_about).bind::<Text, _>(text.to_owned());
    Box::new(in_either.sql(&format!("{} > 0)", find_text.1.replace("{}", about))))
}

/// How a connection has done of late.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lately {
    /// When its newest message came that was let in.
    pub last_message_at: Option<Timestamp>,
    /// The newest of its messages that say something is wrong.
    pub last_error: Option<Wrong>,
    /// How many messages came to each outcome, of the newest [`LATELY`].
    pub outcomes: std::collections::BTreeMap<String, u32>,
    /// The longest and the middle one of the times that they took, in milliseconds.
    pub took_ms: Option<(i64, i64)>,
}

/// A message that says something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its id.
    pub id: MessageId,
    /// When it came.
    pub at: Timestamp,
    /// Code of the refusal; `None`: it was not understood.
    pub code: Option<String>,
    /// Words for the person who looks at it.
    pub detail: Option<String>,
}

/// How many messages of a connection are looked at to say how it does.
pub const LATELY: i64 = 200;

/// Id, when it came, outcome, why it needs nobody, code of the refusal, time taken.
type LatelyRow = (
    i64,
    NaiveDateTime,
    String,
    Option<String>,
    Option<String>,
    Option<i64>,
);

/// How a connection has done of late.
///
/// # Errors
/// Those of the database.
pub fn lately(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
) -> Result<Lately, StorageError> {
    let rows: Vec<LatelyRow> = messages::table
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::connection_id.eq(of.0))
        .order(messages::id.desc())
        .limit(LATELY)
        .select((
            messages::id,
            messages::received_at,
            messages::outcome,
            messages::needs_nobody,
            messages::code,
            messages::took_ms,
        ))
        .load(connection)?;
    let mut lately = Lately {
        last_message_at: rows
            .iter()
            .filter(|(_, _, _, needs_nobody, ..)| !is_turned_away(needs_nobody.as_deref()))
            .map(|(_, at, ..)| at.and_utc())
            .max(),
        ..Lately::default()
    };
    let mut times: Vec<i64> = rows.iter().filter_map(|row| row.5).collect();
    times.sort_unstable();
    lately.took_ms = times.last().copied().zip(times.get(times.len() / 2).copied());
    for (id, at, outcome, needs_nobody, code, _) in rows {
        if lately.last_error.is_none() && is_wrong(&outcome, needs_nobody.as_deref()) {
            // Of this one only: details may be long.
            let detail = messages::table
                .find((tenant.id(), id))
                .select(messages::detail)
                .first(connection)?;
            lately.last_error = Some(Wrong {
                id: MessageId(id),
                at: at.and_utc(),
                code,
                detail,
            });
        }
        *lately.outcomes.entry(outcome).or_default() += 1;
    }
    Ok(lately)
}

/// Whether a message says that something is wrong with its connection. One whose sender was answered and went on, or with which a
/// person is done, says so no more; one that was turned away at the door does: its till is not let in.
fn is_wrong(outcome: &str, needs_nobody: Option<&str>) -> bool {
    WAITING.contains(&outcome) && (needs_nobody.is_none() || is_turned_away(needs_nobody))
}

/// Whether a message was turned away at the door: it may be a stranger's, and does not say that the till speaks.
fn is_turned_away(needs_nobody: Option<&str>) -> bool {
    needs_nobody == Some(TURNED_AWAY)
}

/// What one of the newest messages of a connection says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// When it came.
    pub at: Timestamp,
    /// Where it says that something is wrong: the code of the refusal, or `unreadable`.
    pub wrong: Option<String>,
    /// Whether it was let in: the till spoke then.
    pub is_heard: bool,
}

/// What the newest messages of a connection say, the newest first.
///
/// # Errors
/// Those of the database.
pub fn newest_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
) -> Result<Vec<Sign>, StorageError> {
    type Row = (NaiveDateTime, String, Option<String>, Option<String>);
    let rows: Vec<Row> = messages::table
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::connection_id.eq(of.0))
        .order(messages::id.desc())
        .limit(i64::from(MOST_FAILING))
        .select((
            messages::received_at,
            messages::outcome,
            messages::needs_nobody,
            messages::code,
        ))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(at, outcome, needs_nobody, code)| {
            let is_wrong = is_wrong(&outcome, needs_nobody.as_deref());
            Sign {
                at: at.and_utc(),
                wrong: is_wrong.then(|| code.unwrap_or(outcome)),
                is_heard: !is_turned_away(needs_nobody.as_deref()),
            }
        })
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
    Ok(row.map(|row| KeptMessage {
        head: row.head.into(),
        content_type: row.content_type,
        body: row.body,
    }))
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

/// Writes down why doing a message again failed. `first`: why it was refused at first.
///
/// # Errors
/// Those of the database.
pub fn note_failure(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: MessageId,
    failure: &FailedAgain,
    first: Option<&str>,
) -> Result<(), StorageError> {
    diesel::update(messages::table.find((tenant.id(), id.0)))
        .filter(messages::outcome.eq_any(WAITING))
        .set((
            messages::outcome.eq(failure.outcome),
            messages::code.eq(&failure.code),
            messages::detail.eq(&failure.detail),
            messages::first_detail.eq(first),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes down of messages that were kept as answered in time that they were not. `words`: what a person should know of that.
///
/// # Errors
/// Those of the database.
pub fn note_answered_before(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &[MessageId],
    words: &str,
) -> Result<(), StorageError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let lines = sql::<Nullable<Text>>("COALESCE(detail || '\n', '') || ").bind::<Text, _>(words);
    diesel::update(messages::table)
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::id.eq_any(ids.clone()))
        .set(messages::detail.eq(lines))
        .execute(connection)?;
    diesel::update(messages::table)
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::id.eq_any(ids))
        .filter(messages::outcome.ne_all(WAITING))
        .filter(messages::code.is_null())
        .set(messages::code.eq(TOO_SLOW))
        .execute(connection)?;
    Ok(())
}

/// Why doing a message again failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAgain {
    /// `refused` or `unreadable`.
    pub outcome: &'static str,
    /// Code of the refusal.
    pub code: Option<String>,
    /// Words for the person who looks at it.
    pub detail: Option<String>,
}

/// Writes down that a person is done with a refused or unreadable message: it waits no more. Returns whether it did wait.
///
/// # Errors
/// Those of the database.
pub fn dismiss(connection: &mut AnyConnection, tenant: Tenant, id: MessageId) -> Result<bool, StorageError> {
    let dismissed = diesel::update(messages::table.find((tenant.id(), id.0)))
        .filter(waits())
        .set(messages::needs_nobody.eq(DISMISSED))
        .execute(connection)?;
    Ok(dismissed > 0)
}

/// Messages that may go, among the next so many of a network, and the last of these; `None`: those after them are younger.
#[derive(Debug, Default)]
pub struct Old {
    /// They may go.
    pub ids: Vec<i64>,
    /// Where to look on.
    pub next: Option<i64>,
}

/// Looks through a network's messages, the oldest first, for what came before a time and waits for nobody. As ids grow with time it
/// ends at the first page that is younger, however much is kept after it.
///
/// # Errors
/// Those of the database.
pub fn old(
    connection: &mut AnyConnection,
    tenant: Tenant,
    before: Timestamp,
    after: i64,
    most: i64,
) -> Result<Old, StorageError> {
    let rows: Vec<(i64, NaiveDateTime, bool)> = messages::table
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::id.gt(after))
        .order(messages::id)
        .limit(most)
        .select((messages::id, messages::received_at, waits()))
        .load(connection)?;
    let is_old = |at: NaiveDateTime| at < before.naive_utc();
    let next = rows.last().filter(|(_, at, _)| is_old(*at)).map(|(id, ..)| *id);
    let ids = rows.into_iter().filter(|(_, at, waits)| is_old(*at) && !waits);
    Ok(Old {
        ids: ids.map(|(id, ..)| id).collect(),
        next,
    })
}

/// Forgets messages.
///
/// # Errors
/// Those of the database.
pub fn forget(connection: &mut AnyConnection, tenant: Tenant, ids: &[i64]) -> Result<(), StorageError> {
    diesel::delete(messages::table)
        .filter(messages::network_id.eq(tenant.id()))
        .filter(messages::id.eq_any(ids.to_vec()))
        .execute(connection)?;
    Ok(())
}
