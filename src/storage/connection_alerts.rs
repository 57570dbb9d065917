//! Links to till systems that failed or fell silent, from when until when.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{connection_alerts, connections};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{AlertId, ConnectionId, VenueId};

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlert {
    /// Its id.
    pub id: AlertId,
    /// The connection.
    pub connection: ConnectionId,
    /// [`crate::domain::watch::Alert::kind`].
    pub kind: String,
    /// Code of the refusal, for one that fails.
    pub code: Option<String>,
    /// Since when it is so.
    pub began_at: Timestamp,
    /// When it was over; `None`: it goes on.
    pub ended_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = connection_alerts)]
struct Row {
    id: i64,
    connection_id: i64,
    kind: String,
    code: Option<String>,
    began_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

impl From<Row> for StoredAlert {
    fn from(row: Row) -> Self {
        StoredAlert {
            id: AlertId(row.id),
            connection: ConnectionId(row.connection_id),
            kind: row.kind,
            code: row.code,
            began_at: row.began_at.and_utc(),
            ended_at: row.ended_at.map(|at| at.and_utc()),
        }
    }
}

/// Writes an alert down, unless one of its kind goes on at this connection. Returns whether it is new.
///
/// # Errors
/// Those of the database.
pub fn begin(
    connection: &mut AnyConnection,
    tenant: Tenant,
    alert: &StoredAlert,
) -> Result<bool, StorageError> {
    let known = connection_alerts::table
        .filter(connection_alerts::network_id.eq(tenant.id()))
        .filter(connection_alerts::connection_id.eq(alert.connection.0))
        .filter(connection_alerts::kind.eq(&alert.kind))
        .filter(connection_alerts::ended_at.is_null());
    if diesel::select(diesel::dsl::exists(known)).get_result(connection)? {
        return Ok(false);
    }
    diesel::insert_into(connection_alerts::table)
        .values((
            connection_alerts::network_id.eq(tenant.id()),
            connection_alerts::id.eq(alert.id.0),
            connection_alerts::connection_id.eq(alert.connection.0),
            connection_alerts::kind.eq(&alert.kind),
            connection_alerts::code.eq(&alert.code),
            connection_alerts::began_at.eq(alert.began_at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(true)
}

/// Ends the alert of a kind that goes on at a connection. Returns whether there was one.
///
/// # Errors
/// Those of the database.
pub fn end(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    kind: &str,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let ended = diesel::update(
        connection_alerts::table
            .filter(connection_alerts::network_id.eq(tenant.id()))
            .filter(connection_alerts::connection_id.eq(of.0))
            .filter(connection_alerts::kind.eq(kind))
            .filter(connection_alerts::ended_at.is_null()),
    )
    .set(connection_alerts::ended_at.eq(Some(now.naive_utc())))
    .execute(connection)?;
    Ok(ended > 0)
}

/// Which alerts are wanted.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only those of connections of these venues; `None`: of all.
    pub venues: Option<Vec<VenueId>>,
    /// Only those of this connection.
    pub connection: Option<ConnectionId>,
    /// Only those that go on.
    pub open: bool,
    /// Only those older than this one.
    pub before: Option<i64>,
}

/// Alerts, the newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &AlertFilter,
    limit: i64,
) -> Result<Vec<StoredAlert>, StorageError> {
    let mut query = connection_alerts::table
        .filter(connection_alerts::network_id.eq(tenant.id()))
        .order(connection_alerts::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = &filter.venues {
        let ids: Vec<i64> = venues.iter().map(|v| v.0).collect();
        query = query.filter(
            connection_alerts::connection_id.eq_any(
                connections::table
                    .filter(connections::network_id.eq(tenant.id()))
                    .filter(connections::venue_id.eq_any(ids))
                    .select(connections::id),
            ),
        );
    }
    if let Some(of) = filter.connection {
        query = query.filter(connection_alerts::connection_id.eq(of.0));
    }
    if filter.open {
        query = query.filter(connection_alerts::ended_at.is_null());
    }
    if let Some(before) = filter.before {
        query = query.filter(connection_alerts::id.lt(before));
    }
    let rows: Vec<Row> = query.load(connection)?;
    Ok(rows.into_iter().map(StoredAlert::from).collect())
}
