//! What a network signs guests' codes and offline allowances with.

use diesel::prelude::*;

use super::schema::network_secrets;
use super::{AnyConnection, StorageError, Tenant, networks};
use crate::domain::Timestamp;

/// The secret of a network, where it has one.
///
/// # Errors
/// Those of the database; [`StorageError::Corrupt`] where it is no secret.
pub fn find(connection: &mut AnyConnection, tenant: Tenant) -> Result<Option<[u8; 32]>, StorageError> {
    let bytes: Option<Vec<u8>> = network_secrets::table
        .find(tenant.id())
        .select(network_secrets::secret)
        .first(connection)
        .optional()?;
    bytes
        .map(|b| {
            <[u8; 32]>::try_from(b.as_slice())
                .map_err(|_| StorageError::Corrupt("a network's secret".to_owned()))
        })
        .transpose()
}

/// The secret of a network; the first time it is the one that is offered.
///
/// # Errors
/// Those of the database.
pub fn find_or_keep(
    connection: &mut AnyConnection,
    tenant: Tenant,
    offered: &[u8; 32],
    now: Timestamp,
) -> Result<[u8; 32], StorageError> {
    // Two who come at once must not keep two.
    networks::hold(connection, tenant)?;
    if let Some(secret) = find(connection, tenant)? {
        return Ok(secret);
    }
    diesel::insert_into(network_secrets::table)
        .values((
            network_secrets::network_id.eq(tenant.id()),
            network_secrets::secret.eq(offered.as_slice()),
            network_secrets::created_at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(*offered)
}
