//! Holds, to be found.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::holds;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, HoldId, VenueId};
use crate::domain::{Money, Timestamp};

/// The venue of a hold; `None`: the network has no such hold.
///
/// # Errors
/// Those of the database.
pub fn venue_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: HoldId,
) -> Result<Option<VenueId>, StorageError> {
    let venue: Option<i64> = holds::table
        .find((tenant.id(), id.0))
        .select(holds::venue_id)
        .first(connection)
        .optional()?;
    Ok(venue.map(VenueId))
}

/// The newest hold of a source under its key; `None`: there is none.
///
/// # Errors
/// Those of the database.
pub fn of_key(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    key: &str,
) -> Result<Option<HoldId>, StorageError> {
    let id: Option<i64> = holds::table
        .filter(holds::network_id.eq(tenant.id()))
        .filter(holds::venue_id.eq(venue.0))
        .filter(holds::source.eq(source))
        .filter(holds::external_id.eq(key))
        .order(holds::id.desc())
        .select(holds::id)
        .first(connection)
        .optional()?;
    Ok(id.map(HoldId))
}

/// Bonuses that were set aside.
#[derive(Debug, Clone)]
pub struct StoredHold {
    /// Whose.
    pub customer: CustomerId,
    /// How many.
    pub amount: Money,
    /// Whether they still are, as far as nobody has let them go: the time may be over.
    pub is_active: bool,
    /// Since when.
    pub created_at: Timestamp,
}

/// One hold; `None`: the network has no such hold.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: HoldId,
) -> Result<Option<StoredHold>, StorageError> {
    let held: Option<(i64, i64, String, NaiveDateTime)> = holds::table
        .find((tenant.id(), id.0))
        .select((
            holds::customer_id,
            holds::amount,
            holds::status,
            holds::created_at,
        ))
        .first(connection)
        .optional()?;
    Ok(held.map(|(customer, amount, status, created_at)| StoredHold {
        customer: CustomerId(customer),
        amount: Money::from_kopecks(amount),
        is_active: status == "active",
        created_at: created_at.and_utc(),
    }))
}
