//! Devices on which the till's page is open.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::till_devices;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{DeviceId, NetworkId, UserId, VenueId};

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDevice {
    /// Its id.
    pub id: DeviceId,
    /// Where it sells.
    pub venue: VenueId,
    /// What the venue calls it: devices of one name are one till.
    pub name: String,
    /// Who enrolled it.
    pub enrolled_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Since when it may do nothing more.
    pub revoked_at: Option<Timestamp>,
    /// Who stands at it; `None`: nobody, it is locked.
    pub cashier: Option<UserId>,
    /// Since when he does.
    pub cashier_since: Option<Timestamp>,
    /// When he gave his password here; `None`: he came by PIN.
    pub password_at: Option<Timestamp>,
    /// Last request of a cashier.
    pub active_at: Timestamp,
    /// Which of its tokens for the second screen is the one that works.
    pub screen_generation: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = till_devices)]
struct Row {
    id: i64,
    venue_id: i64,
    name: String,
    enrolled_by: i64,
    created_at: NaiveDateTime,
    revoked_at: Option<NaiveDateTime>,
    cashier_id: Option<i64>,
    cashier_since: Option<NaiveDateTime>,
    password_at: Option<NaiveDateTime>,
    active_at: NaiveDateTime,
    screen_generation: i32,
}

impl From<Row> for StoredDevice {
    fn from(row: Row) -> Self {
        let time = |at: Option<NaiveDateTime>| at.map(|t| t.and_utc());
        StoredDevice {
            id: DeviceId(row.id),
            venue: VenueId(row.venue_id),
            name: row.name,
            enrolled_by: UserId(row.enrolled_by),
            created_at: row.created_at.and_utc(),
            revoked_at: time(row.revoked_at),
            cashier: row.cashier_id.map(UserId),
            cashier_since: time(row.cashier_since),
            password_at: time(row.password_at),
            active_at: row.active_at.and_utc(),
            screen_generation: row.screen_generation,
        }
    }
}

/// Who stands at a device, as columns to set; by default nobody.
#[derive(AsChangeset, Default)]
#[diesel(table_name = till_devices, treat_none_as_null = true)]
struct Standing {
    cashier_id: Option<i64>,
    cashier_since: Option<NaiveDateTime>,
    password_at: Option<NaiveDateTime>,
}

/// The device of a token, where it may still do something. This is a login: it makes a [`Tenant`].
///
/// # Errors
/// Those of the database.
pub fn by_token(
    connection: &mut AnyConnection,
    token_hash: &[u8],
) -> Result<Option<(Tenant, StoredDevice)>, StorageError> {
    let found: Option<(i64, Row)> = till_devices::table
        .filter(till_devices::token_hash.eq(token_hash))
        .filter(till_devices::revoked_at.is_null())
        .select((till_devices::network_id, Row::as_select()))
        .first(connection)
        .optional()?;
    Ok(found.map(|(network, row)| (Tenant::proven(NetworkId(network)), row.into())))
}

/// Keeps a new device.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    device: &StoredDevice,
    token_hash: &[u8],
    screen_hash: &[u8],
) -> Result<(), StorageError> {
    let time = |at: Option<Timestamp>| at.map(|t| t.naive_utc());
    diesel::insert_into(till_devices::table)
        .values((
            till_devices::network_id.eq(tenant.id()),
            till_devices::id.eq(device.id.0),
            till_devices::venue_id.eq(device.venue.0),
            till_devices::name.eq(&device.name),
            till_devices::token_hash.eq(token_hash),
            till_devices::enrolled_by.eq(device.enrolled_by.0),
            till_devices::created_at.eq(device.created_at.naive_utc()),
            till_devices::revoked_at.eq(time(device.revoked_at)),
            till_devices::cashier_id.eq(device.cashier.map(|c| c.0)),
            till_devices::cashier_since.eq(time(device.cashier_since)),
            till_devices::password_at.eq(time(device.password_at)),
            till_devices::active_at.eq(device.active_at.naive_utc()),
            till_devices::screen_generation.eq(device.screen_generation),
            till_devices::screen_hash.eq(screen_hash),
            till_devices::screen_version.eq(0i64),
        ))
        .execute(connection)?;
    Ok(())
}

/// One device.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
) -> Result<Option<StoredDevice>, StorageError> {
    let row: Option<Row> = till_devices::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(StoredDevice::from))
}

/// Devices in the order they were enrolled, at some venues or (`None`) at all.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredDevice>, StorageError> {
    let mut query = till_devices::table
        .filter(till_devices::network_id.eq(tenant.id()))
        .filter(till_devices::id.gt(after.unwrap_or(0)))
        .order(till_devices::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = venues {
        query = query.filter(till_devices::venue_id.eq_any(venues.iter().map(|v| v.0).collect::<Vec<_>>()));
    }
    Ok(query
        .load(connection)?
        .into_iter()
        .map(StoredDevice::from)
        .collect())
}

/// Takes a device out of use.
///
/// # Errors
/// Those of the database.
pub fn revoke(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(till_devices::table.find((tenant.id(), id.0)))
        .set((
            till_devices::revoked_at.eq(Some(now.naive_utc())),
            Standing::default(),
        ))
        .execute(connection)?;
    Ok(())
}

/// Lets a cashier stand at a device. `password_at`: when he gave his password; `None`: he came by PIN.
///
/// # Errors
/// Those of the database.
pub fn take_over(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
    cashier: UserId,
    password_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(till_devices::table.find((tenant.id(), id.0)))
        .set((
            Standing {
                cashier_id: Some(cashier.0),
                cashier_since: Some(now.naive_utc()),
                password_at: password_at.map(|t| t.naive_utc()),
            },
            till_devices::active_at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Locks a device.
///
/// # Errors
/// Those of the database.
pub fn lock(connection: &mut AnyConnection, tenant: Tenant, id: DeviceId) -> Result<(), StorageError> {
    diesel::update(till_devices::table.find((tenant.id(), id.0)))
        .set(Standing::default())
        .execute(connection)?;
    Ok(())
}

/// Locks every device at which a user stands: his password or rights have changed.
///
/// # Errors
/// Those of the database.
pub fn lock_all_of(connection: &mut AnyConnection, tenant: Tenant, user: UserId) -> Result<(), StorageError> {
    diesel::update(
        till_devices::table
            .filter(till_devices::network_id.eq(tenant.id()))
            .filter(till_devices::cashier_id.eq(user.0)),
    )
    .set(Standing::default())
    .execute(connection)?;
    Ok(())
}

/// Notes that a cashier did something.
///
/// # Errors
/// Those of the database.
pub fn active(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(till_devices::table.find((tenant.id(), id.0)))
        .filter(till_devices::active_at.lt(now.naive_utc()))
        .set(till_devices::active_at.eq(now.naive_utc()))
        .execute(connection)?;
    Ok(())
}

/// Gives the second screen another token.
///
/// # Errors
/// Those of the database.
pub fn rotate_screen(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
    generation: i32,
    screen_hash: &[u8],
) -> Result<(), StorageError> {
    diesel::update(till_devices::table.find((tenant.id(), id.0)))
        .set((
            till_devices::screen_generation.eq(generation),
            till_devices::screen_hash.eq(screen_hash),
        ))
        .execute(connection)?;
    Ok(())
}

/// Shows something on the second screen. Gives the version of what is shown.
///
/// # Errors
/// Those of the database.
pub fn show(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DeviceId,
    state: &str,
) -> Result<i64, StorageError> {
    let device = till_devices::table.find((tenant.id(), id.0));
    diesel::update(device)
        .set((
            till_devices::screen_state.eq(Some(state)),
            till_devices::screen_version.eq(till_devices::screen_version + 1),
        ))
        .execute(connection)?;
    Ok(device.select(till_devices::screen_version).first(connection)?)
}

/// What a second screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The network whose screen it is, proven by the screen's token.
    pub tenant: Tenant,
    /// Grows with every change.
    pub version: i64,
    /// JSON; `None`: nothing was shown yet.
    pub state: Option<String>,
}

/// What the second screen of a token shows. The token is the proof.
///
/// # Errors
/// Those of the database.
pub fn shown(connection: &mut AnyConnection, screen_hash: &[u8]) -> Result<Option<Shown>, StorageError> {
    let found: Option<(i64, i64, Option<String>)> = till_devices::table
        .filter(till_devices::screen_hash.eq(screen_hash))
        .filter(till_devices::revoked_at.is_null())
        .select((
            till_devices::network_id,
            till_devices::screen_version,
            till_devices::screen_state,
        ))
        .first(connection)
        .optional()?;
    Ok(found.map(|(network, version, state)| Shown {
        tenant: Tenant::proven(NetworkId(network)),
        version,
        state,
    }))
}
