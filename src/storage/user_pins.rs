//! The PINs by which members of staff take over at a till.

use std::collections::HashSet;

use diesel::prelude::*;

use super::schema::user_pins;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::UserId;

/// Wrong PINs in a row after which a PIN is void until its owner logs in with his password.
pub const MOST_WRONG: i32 = 10;

/// A PIN as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPin {
    /// Argon2id of it, as a PHC string.
    pub hash: String,
    /// Wrong ones in a row, this try counted.
    pub wrong: i32,
}

/// The PIN of a user for one try, which counts as wrong until [`forgive`] says otherwise: tries that come at once can't
/// outrun the count. `None`: he has none, or it is void.
///
/// # Errors
/// Those of the database.
pub fn for_try(
    connection: &mut AnyConnection,
    tenant: Tenant,
    user: UserId,
) -> Result<Option<StoredPin>, StorageError> {
    let counted = diesel::update(
        user_pins::table
            .find((tenant.id(), user.0))
            .filter(user_pins::wrong.lt(MOST_WRONG)),
    )
    .set(user_pins::wrong.eq(user_pins::wrong + 1))
    .execute(connection)?;
    if counted == 0 {
        return Ok(None);
    }
    let found: Option<(String, i32)> = user_pins::table
        .find((tenant.id(), user.0))
        .select((user_pins::pin_hash, user_pins::wrong))
        .first(connection)
        .optional()?;
    Ok(found.map(|(hash, wrong)| StoredPin { hash, wrong }))
}

/// Forgets wrong tries: the right PIN came, or the password did.
///
/// # Errors
/// Those of the database.
pub fn forgive(connection: &mut AnyConnection, tenant: Tenant, user: UserId) -> Result<(), StorageError> {
    diesel::update(user_pins::table.find((tenant.id(), user.0)))
        .set(user_pins::wrong.eq(0))
        .execute(connection)?;
    Ok(())
}

/// Sets a PIN.
///
/// # Errors
/// Those of the database.
pub fn set(
    connection: &mut AnyConnection,
    tenant: Tenant,
    user: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::delete(user_pins::table.find((tenant.id(), user.0))).execute(connection)?;
    diesel::insert_into(user_pins::table)
        .values((
            user_pins::network_id.eq(tenant.id()),
            user_pins::user_id.eq(user.0),
            user_pins::pin_hash.eq(hash),
            user_pins::wrong.eq(0),
            user_pins::set_at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes a PIN: its owner has a new password or is gone.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &mut AnyConnection, tenant: Tenant, user: UserId) -> Result<(), StorageError> {
    diesel::delete(user_pins::table.find((tenant.id(), user.0))).execute(connection)?;
    Ok(())
}

/// Who of a network has a PIN that works.
///
/// # Errors
/// Those of the database.
pub fn owners(connection: &mut AnyConnection, tenant: Tenant) -> Result<HashSet<UserId>, StorageError> {
    let ids: Vec<i64> = user_pins::table
        .filter(user_pins::network_id.eq(tenant.id()))
        .filter(user_pins::wrong.lt(MOST_WRONG))
        .select(user_pins::user_id)
        .load(connection)?;
    Ok(ids.into_iter().map(UserId).collect())
}
