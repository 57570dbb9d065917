//! Holds, to be found.

use diesel::prelude::*;

use super::schema::holds;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Money;
use crate::domain::ids::{CustomerId, HoldId, VenueId};

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

/// Whose bonuses a hold has set aside, and how many; `None`: the network has no such hold.
///
/// # Errors
/// Those of the database.
pub fn of_customer(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: HoldId,
) -> Result<Option<(CustomerId, Money)>, StorageError> {
    let held: Option<(i64, i64)> = holds::table
        .find((tenant.id(), id.0))
        .select((holds::customer_id, holds::amount))
        .first(connection)
        .optional()?;
    Ok(held.map(|(customer, amount)| (CustomerId(customer), Money::from_kopecks(amount))))
}
