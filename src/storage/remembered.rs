//! Answers remembered under idempotency keys.

use diesel::prelude::*;

use super::schema::remembered_answers;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;

/// Forgets answers older than `before`. Returns how many.
///
/// # Errors
/// Those of the database.
pub fn drop_old(
    connection: &mut AnyConnection,
    tenant: Tenant,
    before: Timestamp,
) -> Result<usize, StorageError> {
    Ok(diesel::delete(
        remembered_answers::table
            .filter(remembered_answers::network_id.eq(tenant.id()))
            .filter(remembered_answers::created_at.lt(before.naive_utc())),
    )
    .execute(connection)?)
}
