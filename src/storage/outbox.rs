//! The outbox: what happened, written in the transaction that made it happen, for those who act on it after the
//! commit. The ledger writes its own events with everything else of a batch.

use diesel::prelude::*;

use super::schema::events;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, EventId};

/// Adds an event about a customer.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: EventId,
    kind: &str,
    customer: CustomerId,
    at: Timestamp,
) -> Result<(), StorageError> {
    diesel::insert_into(events::table)
        .values((
            events::network_id.eq(tenant.id()),
            events::id.eq(id.0),
            events::kind.eq(kind),
            events::customer_id.eq(Some(customer.0)),
            events::subject.eq(customer.to_string()),
            events::at.eq(at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}
