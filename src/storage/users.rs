//! Members of staff.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::users;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{NetworkId, UserId, VenueId};

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// His id.
    pub id: UserId,
    /// What he logs in with; unique among all networks, lower case.
    pub login: String,
    /// His name.
    pub name: String,
    /// His role, as stored.
    pub role: String,
    /// The venues that he is limited to; `None`: all.
    pub venues: Option<Vec<VenueId>>,
    /// Argon2id of his password, as a PHC string.
    pub password_hash: String,
    /// Whether he may log in.
    pub active: bool,
    /// Since when.
    pub created_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct Row {
    id: i64,
    login: String,
    name: String,
    role: String,
    venue_ids: Option<String>,
    password_hash: String,
    active: bool,
    created_at: NaiveDateTime,
}

impl Row {
    pub(super) fn user(self) -> Result<StoredUser, StorageError> {
        let venues = self.venue_ids.map(|ids| serde_json::from_str(&ids)).transpose()?;
        Ok(StoredUser {
            id: UserId(self.id),
            login: self.login,
            name: self.name,
            role: self.role,
            venues,
            password_hash: self.password_hash,
            active: self.active,
            created_at: self.created_at.and_utc(),
        })
    }
}

fn venue_ids(user: &StoredUser) -> Result<Option<String>, StorageError> {
    Ok(user.venues.as_ref().map(serde_json::to_string).transpose()?)
}

/// The user of a login, with his network. Whoever then proves the password belongs to it.
///
/// # Errors
/// Those of the database.
pub fn by_login(
    connection: &mut AnyConnection,
    login: &str,
) -> Result<Option<(Tenant, StoredUser)>, StorageError> {
    let found: Option<(i64, Row)> = users::table
        .filter(users::login.eq(login))
        .select((users::network_id, Row::as_select()))
        .first(connection)
        .optional()?;
    match found {
        Some((network, row)) => Ok(Some((Tenant::proven(NetworkId(network)), row.user()?))),
        None => Ok(None),
    }
}

/// Keeps a new user. False: the login is taken.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    user: &StoredUser,
) -> Result<bool, StorageError> {
    let inserted = diesel::insert_into(users::table)
        .values((
            users::network_id.eq(tenant.id()),
            users::id.eq(user.id.0),
            users::login.eq(&user.login),
            users::name.eq(&user.name),
            users::role.eq(&user.role),
            users::venue_ids.eq(venue_ids(user)?),
            users::password_hash.eq(&user.password_hash),
            users::active.eq(user.active),
            users::created_at.eq(user.created_at.naive_utc()),
        ))
        .execute(connection);
    super::unless_taken(inserted)
}

/// One user.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: UserId,
) -> Result<Option<StoredUser>, StorageError> {
    let row: Option<Row> = users::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    row.map(Row::user).transpose()
}

/// Users in the order they were made.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredUser>, StorageError> {
    let rows: Vec<Row> = users::table
        .filter(users::network_id.eq(tenant.id()))
        .filter(users::id.gt(after.unwrap_or(0)))
        .order(users::id)
        .limit(limit)
        .select(Row::as_select())
        .load(connection)?;
    rows.into_iter().map(Row::user).collect()
}

/// How many users there are.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut AnyConnection, tenant: Tenant) -> Result<i64, StorageError> {
    Ok(users::table
        .filter(users::network_id.eq(tenant.id()))
        .count()
        .get_result(connection)?)
}

/// Whether a network has an owner who can log in, beside one user.
///
/// # Errors
/// Those of the database.
pub fn another_owner(
    connection: &mut AnyConnection,
    tenant: Tenant,
    beside: UserId,
) -> Result<bool, StorageError> {
    let others: i64 = users::table
        .filter(users::network_id.eq(tenant.id()))
        .filter(users::role.eq("owner"))
        .filter(users::active.eq(true))
        .filter(users::id.ne(beside.0))
        .count()
        .get_result(connection)?;
    Ok(others > 0)
}

/// Writes a user as he now is. False: the login is taken.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    user: &StoredUser,
) -> Result<bool, StorageError> {
    let updated = diesel::update(users::table.find((tenant.id(), user.id.0)))
        .set((
            users::login.eq(&user.login),
            users::name.eq(&user.name),
            users::role.eq(&user.role),
            users::venue_ids.eq(venue_ids(user)?),
            users::password_hash.eq(&user.password_hash),
            users::active.eq(user.active),
        ))
        .execute(connection);
    super::unless_taken(updated)
}
