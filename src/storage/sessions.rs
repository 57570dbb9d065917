//! Sessions of members of staff.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{sessions, users};
use super::users::{Row, StoredUser};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{NetworkId, UserId};

/// A session that lives, with whose it is.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// The network that the session proves.
    pub tenant: Tenant,
    /// Whose it is.
    pub user: StoredUser,
    /// When he logged in.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The session of a token, where it lives and its user may still log in. This is a login: it makes a [`Tenant`].
///
/// # Errors
/// Those of the database.
pub fn by_token(
    connection: &mut AnyConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<LiveSession>, StorageError> {
    let found: Option<(i64, NaiveDateTime, NaiveDateTime, Row)> = sessions::table
        .inner_join(
            users::table.on(users::network_id
                .eq(sessions::network_id)
                .and(users::id.eq(sessions::user_id))),
        )
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(now.naive_utc()))
        .filter(users::active.eq(true))
        .select((
            sessions::network_id,
            sessions::created_at,
            sessions::expires_at,
            Row::as_select(),
        ))
        .first(connection)
        .optional()?;
    let Some((network, created_at, expires_at, row)) = found else {
        return Ok(None);
    };
    Ok(Some(LiveSession {
        tenant: Tenant::proven(NetworkId(network)),
        user: row.user()?,
        created_at: created_at.and_utc(),
        expires_at: expires_at.and_utc(),
    }))
}

/// Begins a session, and clears away the ended ones of its user.
///
/// # Errors
/// Those of the database.
pub fn begin(
    connection: &mut AnyConnection,
    tenant: Tenant,
    user: UserId,
    token_hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StorageError> {
    diesel::delete(
        sessions::table
            .filter(sessions::network_id.eq(tenant.id()))
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::expires_at.le(now.naive_utc())),
    )
    .execute(connection)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::network_id.eq(tenant.id()),
            sessions::token_hash.eq(token_hash),
            sessions::user_id.eq(user.0),
            sessions::created_at.eq(now.naive_utc()),
            sessions::expires_at.eq(expires_at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Lets a session live longer.
///
/// # Errors
/// Those of the database.
pub fn extend(
    connection: &mut AnyConnection,
    tenant: Tenant,
    token_hash: &[u8],
    expires_at: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(sessions::table.find((tenant.id(), token_hash)))
        .set(sessions::expires_at.eq(expires_at.naive_utc()))
        .execute(connection)?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// Those of the database.
pub fn end(connection: &mut AnyConnection, tenant: Tenant, token_hash: &[u8]) -> Result<bool, StorageError> {
    let ended = diesel::delete(sessions::table.find((tenant.id(), token_hash))).execute(connection)?;
    Ok(ended > 0)
}

/// Ends every session of a user: his password or rights have changed.
///
/// # Errors
/// Those of the database.
pub fn end_all(connection: &mut AnyConnection, tenant: Tenant, user: UserId) -> Result<(), StorageError> {
    diesel::delete(
        sessions::table
            .filter(sessions::network_id.eq(tenant.id()))
            .filter(sessions::user_id.eq(user.0)),
    )
    .execute(connection)?;
    Ok(())
}

/// Forgets sessions of all networks that have ended by themselves.
///
/// # Errors
/// Those of the database.
pub fn drop_ended(connection: &mut AnyConnection, now: Timestamp) -> Result<usize, StorageError> {
    Ok(
        diesel::delete(sessions::table.filter(sessions::expires_at.le(now.naive_utc())))
            .execute(connection)?,
    )
}
