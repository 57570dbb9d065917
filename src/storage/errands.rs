//! What vendors' systems are to be asked because of messages. Rows are only added, so that two messages at the same time
//! never wait for each other; those of a key that are not newer than what was carried out go together.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kopilka_contract::{Errand, PutOff};

use super::schema::errands;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::ConnectionId;

/// Most errands of one round.
const MANY: i64 = 500;

/// Errands of a connection whose time has come, and up to which of them they are known.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// The oldest first, each key once, as it was left last.
    pub errands: Vec<Errand>,
    /// The newest row that was looked at: what is left later is not done with these.
    pub upto: i64,
}

/// Keeps a new errand.
///
/// # Errors
/// Those of the database.
pub fn leave(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    id: i64,
    errand: &Errand,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::insert_into(errands::table)
        .values((
            errands::network_id.eq(tenant.id()),
            errands::connection_id.eq(of.0),
            errands::id.eq(id),
            errands::key.eq(&errand.key),
            errands::what.eq(errand.what.to_string()),
            errands::tries.eq(0),
            errands::left_at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// What is to be done now.
///
/// # Errors
/// Those of the database.
pub fn waiting(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    now: Timestamp,
) -> Result<Waiting, StorageError> {
    let rows: Vec<(i64, String, String, i32)> = errands::table
        .filter(errands::network_id.eq(tenant.id()))
        .filter(errands::connection_id.eq(of.0))
        .filter(
            errands::put_off_until
                .is_null()
                .or(errands::put_off_until.le(now.naive_utc())),
        )
        .order(errands::id)
        .limit(MANY)
        .select((errands::id, errands::key, errands::what, errands::tries))
        .load(connection)?;
    let mut waiting = Waiting::default();
    for (id, key, what, tries) in rows {
        waiting.upto = id;
        let what = serde_json::from_str(&what)?;
        let tries = u32::try_from(tries).unwrap_or_default();
        match waiting.errands.iter_mut().find(|known| known.key == key) {
            Some(known) => *known = Errand { key, what, tries },
            None => waiting.errands.push(Errand { key, what, tries }),
        }
    }
    Ok(waiting)
}

/// Forgets errands that were carried out, but for those left after `upto`.
///
/// # Errors
/// Those of the database.
pub fn done(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    keys: &[String],
    upto: i64,
) -> Result<(), StorageError> {
    if !keys.is_empty() {
        diesel::delete(
            errands::table
                .filter(errands::network_id.eq(tenant.id()))
                .filter(errands::connection_id.eq(of.0))
                .filter(errands::key.eq_any(keys.to_vec()))
                .filter(errands::id.le(upto)),
        )
        .execute(connection)?;
    }
    Ok(())
}

/// Puts an errand off; one that was left after `upto` is not.
///
/// # Errors
/// Those of the database.
pub fn put_off(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    put_off: &PutOff,
    upto: i64,
) -> Result<(), StorageError> {
    diesel::update(
        errands::table
            .filter(errands::network_id.eq(tenant.id()))
            .filter(errands::connection_id.eq(of.0))
            .filter(errands::key.eq(&put_off.key))
            .filter(errands::id.le(upto)),
    )
    .set((
        errands::tries.eq(errands::tries + 1),
        errands::put_off_until.eq(Some(put_off.until.naive_utc())),
    ))
    .execute(connection)?;
    Ok(())
}

/// When the next errand is to be done; `None`: there is none.
///
/// # Errors
/// Those of the database.
pub fn next_at(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StorageError> {
    let times: Vec<Option<NaiveDateTime>> = errands::table
        .filter(errands::network_id.eq(tenant.id()))
        .filter(errands::connection_id.eq(of.0))
        .select(errands::put_off_until)
        .load(connection)?;
    let earliest = times.into_iter().map(|at| at.map_or(now, |at| at.and_utc()));
    Ok(earliest.min())
}

/// How many errands wait, those put off included.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut AnyConnection, tenant: Tenant, of: ConnectionId) -> Result<i64, StorageError> {
    Ok(errands::table
        .filter(errands::network_id.eq(tenant.id()))
        .filter(errands::connection_id.eq(of.0))
        .count()
        .get_result(connection)?)
}
