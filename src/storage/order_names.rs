//! Names of one and the same order: a till and its cloud name it differently, and a message may have either.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::schema::order_names;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;

/// Under which names the orders of a source are known that these names mean; names that nobody has used are absent.
///
/// # Errors
/// Those of the database.
pub fn known(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    names: &[String],
) -> Result<BTreeMap<String, String>, StorageError> {
    let rows: Vec<(String, String)> = order_names::table
        .filter(order_names::network_id.eq(tenant.id()))
        .filter(order_names::source.eq(source))
        .filter(order_names::name.eq_any(names))
        .select((order_names::name, order_names::external_id))
        .load(connection)?;
    Ok(rows.into_iter().collect())
}

/// Writes down that `names`, which had no meaning, mean the order that is known as `external_id`. All go in in one order, so
/// that of two messages with the same names one waits for the other, and not each for each.
///
/// # Errors
/// Those of the database; a unique violation where another message has just taught one of them.
pub fn add(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    names: &[String],
    external_id: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let names: BTreeSet<&String> = names.iter().collect();
    for name in names {
        diesel::insert_into(order_names::table)
            .values((
                order_names::network_id.eq(tenant.id()),
                order_names::source.eq(source),
                order_names::name.eq(name),
                order_names::external_id.eq(external_id),
                order_names::created_at.eq(now.naive_utc()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Lets every name that means an order as `from` mean it as `to`: the two turned out to be one.
///
/// # Errors
/// Those of the database.
pub fn repoint(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    from: &str,
    to: &str,
) -> Result<(), StorageError> {
    diesel::update(order_names::table)
        .filter(order_names::network_id.eq(tenant.id()))
        .filter(order_names::source.eq(source))
        .filter(order_names::external_id.eq(from))
        .set(order_names::external_id.eq(to))
        .execute(connection)?;
    Ok(())
}
