//! One-time links: whoever has one may make a network and its first owner. They come before any network, so there
//! is no tenant here.

use diesel::prelude::*;

use super::schema::invitations;
use super::{AnyConnection, StorageError};
use crate::domain::Timestamp;

/// Keeps an invitation.
///
/// # Errors
/// Those of the database.
pub fn create(
    connection: &mut AnyConnection,
    token_hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StorageError> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::token_hash.eq(token_hash),
            invitations::created_at.eq(now.naive_utc()),
            invitations::expires_at.eq(expires_at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Whether an invitation is good.
///
/// # Errors
/// Those of the database.
pub fn is_good(
    connection: &mut AnyConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StorageError> {
    let found: i64 = invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now.naive_utc()))
        .count()
        .get_result(connection)?;
    Ok(found > 0)
}

/// Uses an invitation up. False: it is unknown, used or too old. Of two at once one gets true.
///
/// # Errors
/// Those of the database.
pub fn take(connection: &mut AnyConnection, token_hash: &[u8], now: Timestamp) -> Result<bool, StorageError> {
    let taken = diesel::update(
        invitations::table
            .filter(invitations::token_hash.eq(token_hash))
            .filter(invitations::used_at.is_null())
            .filter(invitations::expires_at.gt(now.naive_utc())),
    )
    .set(invitations::used_at.eq(now.naive_utc()))
    .execute(connection)?;
    Ok(taken > 0)
}
