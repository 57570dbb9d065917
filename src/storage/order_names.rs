//! Names of one and the same order: a till and its cloud name it differently, and a message may have either.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::dialect::Dialect;
use super::schema::order_names;
use super::statement::{Statement, load_rows};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;

/// So many names are looked up in one statement.
const AT_ONCE: usize = 50;

/// Under which names the orders of a source are known that these names mean; names that nobody has used are absent. Each
/// is asked for by its whole key: of a list of names PostgreSQL makes a filter as long as it takes the table for small, and reads all
/// names of the source.
///
/// # Errors
/// Those of the database.
pub fn known(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    names: &[String],
) -> Result<BTreeMap<String, String>, StorageError> {
    let mut known = BTreeMap::new();
    for names in names.chunks(AT_ONCE) {
        let mut statement = Statement::new(Dialect::of(connection));
        for (at, name) in names.iter().enumerate() {
            statement
                .push(if at > 0 { " UNION ALL " } else { "" })
                .push("SELECT name, external_id FROM order_names WHERE network_id = ")
                .bind(tenant.id())
                .push(" AND source = ")
                .bind(source)
                .push(" AND name = ")
                .bind(name.as_str());
        }
        let rows: Vec<(String, String)> = load_rows(connection, statement.returning::<(Text, Text)>())?;
        known.extend(rows);
    }
    Ok(known)
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
