//! The outbox: what happened, written in the transaction that made it happen, for those who act on it after the
//! commit. The ledger writes its own events with everything else of a batch.

use diesel::prelude::*;

use super::schema::events;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, CustomerId, EventId};

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A customer.
    Customer(CustomerId),
    /// A link to a till system.
    Connection(ConnectionId),
}

/// Adds an event.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: EventId,
    kind: &str,
    about: About,
    at: Timestamp,
) -> Result<(), StorageError> {
    let (customer, subject) = match about {
        About::Customer(customer) => (Some(customer.0), customer.to_string()),
        About::Connection(of) => (None, of.to_string()),
    };
    diesel::insert_into(events::table)
        .values((
            events::network_id.eq(tenant.id()),
            events::id.eq(id.0),
            events::kind.eq(kind),
            events::customer_id.eq(customer),
            events::subject.eq(subject),
            events::at.eq(at.naive_utc()),
        ))
        .execute(connection)?;
    Ok(())
}
