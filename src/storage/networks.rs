//! Networks: the tenants themselves.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::networks;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::NetworkId;
use crate::domain::settings::NetworkSettings;

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNetwork {
    /// Its id.
    pub id: NetworkId,
    /// Its name.
    pub name: String,
    /// Its zone, such as `Europe/Moscow`.
    pub time_zone: String,
    /// Its settings.
    pub settings: NetworkSettings,
    /// Grows with every change that a receipt's outcome depends on.
    pub version: i64,
    /// Whether its clock may be moved.
    pub sandbox: bool,
    /// How far its clock stands ahead.
    pub clock_offset: chrono::Duration,
    /// Since when.
    pub created_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = networks)]
struct Row {
    id: i64,
    name: String,
    time_zone: String,
    settings: String,
    version: i64,
    sandbox: bool,
    clock_offset_us: i64,
    created_at: NaiveDateTime,
}

impl Row {
    fn network(self) -> Result<StoredNetwork, StorageError> {
        Ok(StoredNetwork {
            id: NetworkId(self.id),
            name: self.name,
            time_zone: self.time_zone,
            settings: serde_json::from_str(&self.settings)?,
            version: self.version,
            sandbox: self.sandbox,
            clock_offset: chrono::Duration::microseconds(self.clock_offset_us),
            created_at: self.created_at.and_utc(),
        })
    }
}

fn microseconds(offset: chrono::Duration) -> i64 {
    offset.num_microseconds().unwrap_or(i64::MAX)
}

/// Makes a network. Whoever may do so (an invitation, the command line) is its first tenant.
///
/// # Errors
/// Those of the database.
pub fn create(connection: &mut AnyConnection, network: &StoredNetwork) -> Result<Tenant, StorageError> {
    diesel::insert_into(networks::table)
        .values((
            networks::id.eq(network.id.0),
            networks::name.eq(&network.name),
            networks::time_zone.eq(&network.time_zone),
            networks::settings.eq(serde_json::to_string(&network.settings)?),
            networks::version.eq(network.version),
            networks::sandbox.eq(network.sandbox),
            networks::clock_offset_us.eq(microseconds(network.clock_offset)),
            networks::created_at.eq(network.created_at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(Tenant::proven(network.id))
}

/// The caller's network.
///
/// # Errors
/// Those of the database; not found where it is gone.
pub fn find(connection: &mut AnyConnection, tenant: Tenant) -> Result<StoredNetwork, StorageError> {
    let row: Row = networks::table
        .find(tenant.id())
        .select(Row::as_select())
        .first(connection)?;
    row.network()
}

/// Lets the transaction alone change this network's staff and settings until it ends, so that what it has read stays
/// true. The till's path does not wait for it.
///
/// # Errors
/// Those of the database.
pub fn hold(connection: &mut AnyConnection, tenant: Tenant) -> Result<(), StorageError> {
    diesel::update(networks::table.find(tenant.id()))
        .set(networks::id.eq(networks::id))
        .execute(connection)?;
    Ok(())
}

/// Says that terms have changed: every change of what a receipt's outcome depends on calls it in its transaction.
///
/// # Errors
/// Those of the database.
pub fn bump(connection: &mut AnyConnection, tenant: Tenant) -> Result<(), StorageError> {
    diesel::update(networks::table.find(tenant.id()))
        .set(networks::version.eq(networks::version + 1))
        .execute(connection)?;
    Ok(())
}

/// Writes a network as it now is, and grows its version.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    network: &StoredNetwork,
) -> Result<(), StorageError> {
    diesel::update(networks::table.find(tenant.id()))
        .set((
            networks::name.eq(&network.name),
            networks::time_zone.eq(&network.time_zone),
            networks::settings.eq(serde_json::to_string(&network.settings)?),
            networks::clock_offset_us.eq(microseconds(network.clock_offset)),
            networks::version.eq(networks::version + 1),
        ))
        .execute(connection)?;
    Ok(())
}

/// Whether the database answers and has its tables.
///
/// # Errors
/// Those of the database.
pub fn probe(connection: &mut AnyConnection) -> Result<(), StorageError> {
    let _: Option<i64> = networks::table
        .select(networks::id)
        .first(connection)
        .optional()?;
    Ok(())
}

/// Whether there is more than one network on this service.
///
/// # Errors
/// Those of the database.
pub fn are_several(connection: &mut AnyConnection) -> Result<bool, StorageError> {
    let some: Vec<i64> = networks::table.select(networks::id).limit(2).load(connection)?;
    Ok(some.len() > 1)
}
