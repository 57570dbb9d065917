//! API keys.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::api_keys;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{KeyId, NetworkId, VenueId};

/// A key, without its secret: that is known to its holder only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The first characters of the secret.
    pub prefix: String,
    /// Names of what it may do.
    pub scopes: Vec<String>,
    /// The only venue that it is for.
    pub venue: Option<VenueId>,
    /// Whether it can only quote.
    pub test: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last seen, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

impl StoredKey {
    /// Whether it works at an instant.
    pub fn works_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct Row {
    id: i64,
    name: String,
    prefix: String,
    scopes: String,
    venue_id: Option<i64>,
    test: bool,
    created_at: NaiveDateTime,
    expires_at: Option<NaiveDateTime>,
    revoked_at: Option<NaiveDateTime>,
    last_used_at: Option<NaiveDateTime>,
}

impl Row {
    fn key(self) -> Result<StoredKey, StorageError> {
        Ok(StoredKey {
            id: KeyId(self.id),
            name: self.name,
            prefix: self.prefix,
            scopes: serde_json::from_str(&self.scopes)?,
            venue: self.venue_id.map(VenueId),
            test: self.test,
            created_at: self.created_at.and_utc(),
            expires_at: self.expires_at.map(|t| t.and_utc()),
            revoked_at: self.revoked_at.map(|t| t.and_utc()),
            last_used_at: self.last_used_at.map(|t| t.and_utc()),
        })
    }
}

/// The key of a secret, and the network that it proves. This is a key check: it makes a [`Tenant`].
///
/// # Errors
/// Those of the database.
pub fn by_secret(
    connection: &mut AnyConnection,
    secret_hash: &[u8],
) -> Result<Option<(Tenant, StoredKey)>, StorageError> {
    let found: Option<(i64, Row)> = api_keys::table
        .filter(api_keys::secret_hash.eq(secret_hash))
        .select((api_keys::network_id, Row::as_select()))
        .first(connection)
        .optional()?;
    match found {
        Some((network, row)) => Ok(Some((Tenant::proven(NetworkId(network)), row.key()?))),
        None => Ok(None),
    }
}

/// Keeps a new key.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    key: &StoredKey,
    secret_hash: &[u8],
) -> Result<(), StorageError> {
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::network_id.eq(tenant.id()),
            api_keys::id.eq(key.id.0),
            api_keys::name.eq(&key.name),
            api_keys::prefix.eq(&key.prefix),
            api_keys::secret_hash.eq(secret_hash),
            api_keys::scopes.eq(serde_json::to_string(&key.scopes)?),
            api_keys::venue_id.eq(key.venue.map(|v| v.0)),
            api_keys::test.eq(key.test),
            api_keys::created_at.eq(key.created_at.naive_utc()),
            api_keys::expires_at.eq(key.expires_at.map(|t| t.naive_utc())),
        ))
        .execute(connection)?;
    Ok(())
}

/// One key.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: KeyId,
) -> Result<Option<StoredKey>, StorageError> {
    let row: Option<Row> = api_keys::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    row.map(Row::key).transpose()
}

/// Keys in the order they were made, of some venues only where `venues` says so.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredKey>, StorageError> {
    let mut query = api_keys::table
        .filter(api_keys::network_id.eq(tenant.id()))
        .order(api_keys::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(api_keys::id.gt(after));
    }
    if let Some(venues) = venues {
        let ids: Vec<Option<i64>> = venues.iter().map(|v| Some(v.0)).collect();
        query = query.filter(api_keys::venue_id.eq_any(ids));
    }
    let rows: Vec<Row> = query.load(connection)?;
    rows.into_iter().map(Row::key).collect()
}

/// How many keys there are.
///
/// # Errors
/// Those of the database.
pub fn count(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
) -> Result<i64, StorageError> {
    let mut query = api_keys::table
        .filter(api_keys::network_id.eq(tenant.id()))
        .into_boxed();
    if let Some(venues) = venues {
        let ids: Vec<Option<i64>> = venues.iter().map(|v| Some(v.0)).collect();
        query = query.filter(api_keys::venue_id.eq_any(ids));
    }
    Ok(query.count().get_result(connection)?)
}

/// Revokes a key. False: it was revoked already, or there is none.
///
/// # Errors
/// Those of the database.
pub fn revoke(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: KeyId,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let changed = diesel::update(
        api_keys::table
            .find((tenant.id(), id.0))
            .filter(api_keys::revoked_at.is_null()),
    )
    .set(api_keys::revoked_at.eq(now.naive_utc()))
    .execute(connection)?;
    Ok(changed > 0)
}

/// Notes that a key is in use.
///
/// # Errors
/// Those of the database.
pub fn used(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: KeyId,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(api_keys::table.find((tenant.id(), id.0)))
        .set(api_keys::last_used_at.eq(now.naive_utc()))
        .execute(connection)?;
    Ok(())
}
