//! Asking vendors' systems: where each connection stands, and the lease that lets one instance at a time ask.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;
use serde_json::Value;

use super::errands;
use super::schema::connections;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, NetworkId};

/// A connection that somebody holds, so that nobody else asks meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Its network.
    pub tenant: Tenant,
    /// The connection.
    pub connection: ConnectionId,
    /// Whose it is: a new number for each round.
    pub number: i64,
}

/// Where a connection stood when it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// What the adapter remembers; `null` at the very first.
    pub state: Value,
    /// How many rounds have failed in a row.
    pub failures: u32,
}

/// When a connection that is not set up for asking would be asked.
fn never() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(9999, 12, 31)
        .unwrap_or_default()
        .and_time(NaiveTime::MIN)
}

/// Active connections of these kinds whose time has come and that nobody holds, those that have waited longest first.
/// This makes [`Tenant`]s: only the worker that asks for all networks calls it.
///
/// # Errors
/// Those of the database.
pub fn due(
    connection: &mut AnyConnection,
    kinds: &[&str],
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Tenant, ConnectionId)>, StorageError> {
    let now = now.naive_utc();
    let rows: Vec<(i64, i64)> = connections::table
        .filter(connections::active.eq(true))
        .filter(connections::kind.eq_any(kinds.to_vec()))
        .filter(connections::poll_due_at.le(now))
        .filter(
            connections::poll_leased_until
                .is_null()
                .or(connections::poll_leased_until.le(now)),
        )
        .order(connections::poll_due_at)
        .limit(limit)
        .select((connections::network_id, connections::id))
        .load(connection)?;
    let proven = |(network, id)| (Tenant::proven(NetworkId(network)), ConnectionId(id));
    Ok(rows.into_iter().map(proven).collect())
}

/// Takes a connection for a round, unless it is not due or somebody else was faster.
///
/// # Errors
/// Those of the database.
pub fn take(
    connection: &mut AnyConnection,
    lease: Lease,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Taken>, StorageError> {
    let instant = now.naive_utc();
    let taken = diesel::update(connections::table.find((lease.tenant.id(), lease.connection.0)))
        .filter(connections::active.eq(true))
        .filter(connections::poll_due_at.le(instant))
        .filter(
            connections::poll_leased_until
                .is_null()
                .or(connections::poll_leased_until.le(instant)),
        )
        .set((
            connections::poll_lease.eq(Some(lease.number)),
            connections::poll_leased_until.eq(Some(until.naive_utc())),
        ))
        .execute(connection)?;
    if taken == 0 {
        return Ok(None);
    }
    let (state, failures): (Option<String>, i32) = connections::table
        .find((lease.tenant.id(), lease.connection.0))
        .select((connections::poll_state, connections::poll_failures))
        .first(connection)?;
    Ok(Some(Taken {
        state: state.map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?,
        failures: u32::try_from(failures).unwrap_or_default(),
    }))
}

/// Keeps a lease longer. False: somebody else has it by now.
///
/// # Errors
/// Those of the database.
pub fn renew(connection: &mut AnyConnection, lease: Lease, until: Timestamp) -> Result<bool, StorageError> {
    let renewed = diesel::update(connections::table.find((lease.tenant.id(), lease.connection.0)))
        .filter(connections::poll_lease.eq(lease.number))
        .set(connections::poll_leased_until.eq(Some(until.naive_utc())))
        .execute(connection)?;
    Ok(renewed > 0)
}

/// Writes down what the adapter remembers. False: the lease is lost.
///
/// # Errors
/// Those of the database.
pub fn remember(connection: &mut AnyConnection, lease: Lease, state: &Value) -> Result<bool, StorageError> {
    let kept = diesel::update(connections::table.find((lease.tenant.id(), lease.connection.0)))
        .filter(connections::poll_lease.eq(lease.number))
        .set(connections::poll_state.eq(Some(state.to_string())))
        .execute(connection)?;
    Ok(kept > 0)
}

/// Ends a round that went well. `until`: when the next begins, unless an errand waits; `None`: the connection is not
/// set up for asking.
///
/// # Errors
/// Those of the database.
pub fn rest(
    connection: &mut AnyConnection,
    lease: Lease,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StorageError> {
    // Lets go first: an errand that is left from now on brings its time forward itself, one left before is found.
    let held = let_go(connection, lease)?;
    if !held {
        return Ok(());
    }
    let errand = errands::next_at(connection, lease.tenant, lease.connection, now)?;
    let (row, due) = (
        connections::table.find((lease.tenant.id(), lease.connection.0)),
        until.map_or_else(never, |until| until.naive_utc()),
    );
    match until {
        Some(_) => diesel::update(row)
            .set((
                connections::poll_due_at.eq(errand.map_or(due, |at| at.naive_utc().min(due))),
                connections::poll_succeeded_at.eq(Some(now.naive_utc())),
                connections::poll_failures.eq(0),
            ))
            .execute(connection)?,
        None => diesel::update(row)
            .set((connections::poll_due_at.eq(due), connections::poll_failures.eq(0)))
            .execute(connection)?,
    };
    Ok(())
}

/// Ends a round that failed. The next begins at `retry_at`, whatever errands wait: what does not answer is not pestered.
///
/// # Errors
/// Those of the database.
pub fn fail(
    connection: &mut AnyConnection,
    lease: Lease,
    reason: &str,
    retry_at: Timestamp,
    now: Timestamp,
) -> Result<(), StorageError> {
    if let_go(connection, lease)? {
        diesel::update(connections::table.find((lease.tenant.id(), lease.connection.0)))
            .set((
                connections::poll_due_at.eq(retry_at.naive_utc()),
                connections::poll_failed_at.eq(Some(now.naive_utc())),
                connections::poll_failure.eq(Some(reason)),
                connections::poll_failures.eq(connections::poll_failures + 1),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn let_go(connection: &mut AnyConnection, lease: Lease) -> Result<bool, StorageError> {
    let held = diesel::update(connections::table.find((lease.tenant.id(), lease.connection.0)))
        .filter(connections::poll_lease.eq(lease.number))
        .set((
            connections::poll_lease.eq(None::<i64>),
            connections::poll_leased_until.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    Ok(held > 0)
}

/// Lets the next round begin at once: an errand was just left, in the same transaction. A connection that fails is not
/// hurried.
///
/// # Errors
/// Those of the database.
pub fn hurry(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    // Waits for a round that is just ending, and makes it wait: whoever comes second sees what the first has written.
    let row = connections::table.find((tenant.id(), id.0));
    diesel::update(row)
        .set(connections::poll_failures.eq(connections::poll_failures))
        .execute(connection)?;
    diesel::update(row)
        .filter(connections::poll_failures.eq(0))
        .set(connections::poll_due_at.eq(now.naive_utc()))
        .execute(connection)?;
    Ok(())
}

/// Lets the next round begin at once, whatever happened before: the settings have changed. A round under way loses its
/// lease, and with it what it would have written down.
///
/// # Errors
/// Those of the database.
pub fn begin_anew(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(connections::table.find((tenant.id(), id.0)))
        .set((
            connections::poll_due_at.eq(now.naive_utc()),
            connections::poll_failures.eq(0),
            connections::poll_lease.eq(None::<i64>),
            connections::poll_leased_until.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    Ok(())
}

/// How asking goes, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the next round begins; `None`: the connection is not set up for asking.
    pub next_at: Option<Timestamp>,
    /// When a round last went well.
    pub succeeded_at: Option<Timestamp>,
    /// When a round last failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub failure: Option<String>,
    /// How many have failed in a row.
    pub failures: u32,
    /// How many errands wait.
    pub errands: u32,
}

/// How asking goes.
///
/// # Errors
/// Those of the database.
pub fn standing(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
) -> Result<Standing, StorageError> {
    type Row = (
        NaiveDateTime,
        Option<NaiveDateTime>,
        Option<NaiveDateTime>,
        Option<String>,
        i32,
    );
    let row: Option<Row> = connections::table
        .find((tenant.id(), id.0))
        .select((
            connections::poll_due_at,
            connections::poll_succeeded_at,
            connections::poll_failed_at,
            connections::poll_failure,
            connections::poll_failures,
        ))
        .first(connection)
        .optional()?;
    let Some((due, succeeded, failed, failure, failures)) = row else {
        return Ok(Standing::default());
    };
    let utc = |at: NaiveDateTime| at.and_utc();
    Ok(Standing {
        next_at: Some(due).filter(|due| *due != never()).map(utc),
        succeeded_at: succeeded.map(utc),
        failed_at: failed.map(utc),
        failure,
        failures: u32::try_from(failures).unwrap_or_default(),
        errands: u32::try_from(errands::count(connection, tenant, id)?).unwrap_or(u32::MAX),
    })
}
