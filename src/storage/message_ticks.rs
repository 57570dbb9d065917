//! Messages that cashiers have ticked off.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::schema::message_ticks;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, VenueId};

/// Whose messages on which business day of which venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// The venue.
    pub venue: VenueId,
    /// Its business day.
    pub day: NaiveDate,
    /// The guest.
    pub customer: CustomerId,
}

/// Codes of the messages that are ticked off.
///
/// # Errors
/// Those of the database.
pub fn of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    occasion: Occasion,
) -> Result<HashSet<String>, StorageError> {
    let codes: Vec<String> = message_ticks::table
        .filter(message_ticks::network_id.eq(tenant.id()))
        .filter(message_ticks::venue_id.eq(occasion.venue.0))
        .filter(message_ticks::business_date.eq(occasion.day))
        .filter(message_ticks::customer_id.eq(occasion.customer.0))
        .select(message_ticks::code)
        .load(connection)?;
    Ok(codes.into_iter().collect())
}

/// Ticks a message off; the first who does so is remembered.
///
/// # Errors
/// Those of the database.
pub fn tick(
    connection: &mut AnyConnection,
    tenant: Tenant,
    occasion: Occasion,
    code: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    if of(connection, tenant, occasion)?.contains(code) {
        return Ok(());
    }
    let inserted = diesel::insert_into(message_ticks::table)
        .values((
            message_ticks::network_id.eq(tenant.id()),
            message_ticks::venue_id.eq(occasion.venue.0),
            message_ticks::business_date.eq(occasion.day),
            message_ticks::customer_id.eq(occasion.customer.0),
            message_ticks::code.eq(code),
            message_ticks::actor.eq(actor),
            message_ticks::ticked_at.eq(now.naive_utc()),
        ))
        .execute(connection);
    // Somebody else has ticked it off this moment: as good.
    super::unless_taken(inserted)?;
    Ok(())
}

/// Forgets ticks of business days before `before`. Returns how many.
///
/// # Errors
/// Those of the database.
pub fn drop_old(
    connection: &mut AnyConnection,
    tenant: Tenant,
    before: NaiveDate,
) -> Result<usize, StorageError> {
    Ok(diesel::delete(
        message_ticks::table
            .filter(message_ticks::network_id.eq(tenant.id()))
            .filter(message_ticks::business_date.lt(before)),
    )
    .execute(connection)?)
}
