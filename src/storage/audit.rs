//! The audit log: who changed what, and what it was before. Only ever inserted.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;

use super::schema::audit_log;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::AuditId;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// `key:key_…`, `user:usr_…` or `cli`.
    pub actor: String,
    /// Such as `user.update`.
    pub action: String,
    /// Id of what was changed.
    pub subject: String,
    /// What it was; null where it was made.
    pub before: Option<Value>,
    /// What it is; null where it is gone.
    pub after: Option<Value>,
    /// When.
    pub at: Timestamp,
}

/// Notes a change, in the transaction that makes it. `before` and `after` never hold secrets or their hashes.
///
/// # Errors
/// Those of the database.
#[expect(clippy::too_many_arguments, reason = "each is one column")]
pub fn write(
    connection: &mut AnyConnection,
    tenant: Tenant,
    actor: &str,
    action: &str,
    subject: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    now: Timestamp,
    id: AuditId,
) -> Result<(), StorageError> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::network_id.eq(tenant.id()),
            audit_log::id.eq(id.0),
            audit_log::actor.eq(actor),
            audit_log::action.eq(action),
            audit_log::subject.eq(subject),
            audit_log::before.eq(before.map(Value::to_string)),
            audit_log::after.eq(after.map(Value::to_string)),
            audit_log::at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of one actor.
    pub actor: Option<String>,
    /// Of one action.
    pub action: Option<String>,
    /// About one subject.
    pub subject: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

type Row = (
    i64,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    NaiveDateTime,
);

macro_rules! filtered {
    ($query:ident, $filter:ident) => {
        if let Some(actor) = &$filter.actor {
            $query = $query.filter(audit_log::actor.eq(actor.clone()));
        }
        if let Some(action) = &$filter.action {
            $query = $query.filter(audit_log::action.eq(action.clone()));
        }
        if let Some(subject) = &$filter.subject {
            $query = $query.filter(audit_log::subject.eq(subject.clone()));
        }
        if let Some(since) = $filter.since {
            $query = $query.filter(audit_log::at.ge(since.naive_utc()));
        }
        if let Some(until) = $filter.until {
            $query = $query.filter(audit_log::at.lt(until.naive_utc()));
        }
    };
}

/// Entries, the newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>, StorageError> {
    let mut query = audit_log::table
        .filter(audit_log::network_id.eq(tenant.id()))
        .filter(audit_log::id.lt(before.unwrap_or(i64::MAX)))
        .order(audit_log::id.desc())
        .limit(limit)
        .select((
            audit_log::id,
            audit_log::actor,
            audit_log::action,
            audit_log::subject,
            audit_log::before,
            audit_log::after,
            audit_log::at,
        ))
        .into_boxed();
    filtered!(query, filter);
    let rows: Vec<Row> = query.load(connection)?;
    let value = |text: Option<String>| text.map(|t| serde_json::from_str(&t)).transpose();
    rows.into_iter()
        .map(|(id, actor, action, subject, before, after, at)| {
            Ok(AuditEntry {
                id: AuditId(id),
                actor,
                action,
                subject,
                before: value(before)?,
                after: value(after)?,
                at: at.and_utc(),
            })
        })
        .collect()
}

/// How many entries match.
///
/// # Errors
/// Those of the database.
pub fn count(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &AuditFilter,
) -> Result<i64, StorageError> {
    let mut query = audit_log::table
        .filter(audit_log::network_id.eq(tenant.id()))
        .into_boxed();
    filtered!(query, filter);
    Ok(query.count().get_result(connection)?)
}
