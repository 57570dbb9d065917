//! Names of one and the same order: a till and its cloud name it differently, and a message may have either.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::dialect::{Dialect, Kind};
use super::schema::order_names;
use super::statement::{Rows, Statement, load_rows};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;

const COLUMNS: &[(&str, Kind)] = &[
    ("network_id", Kind::BigInt),
    ("source", Kind::Text),
    ("name", Kind::Text),
    ("external_id", Kind::Text),
    ("created_at", Kind::Timestamp),
];
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
        let statement = look_up(Dialect::of(connection), tenant, source, names);
        let rows: Vec<(String, String)> = load_rows(connection, statement.returning::<(Text, Text)>())?;
        known.extend(rows);
    }
    Ok(known)
}

/// How the database would find names: its own words, a line for each step.
///
/// # Errors
/// Those of the database.
pub fn plan(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    names: &[String],
) -> Result<Vec<String>, StorageError> {
    let statement = look_up(Dialect::of(connection), tenant, source, names);
    Ok(statement.plan(connection)?)
}

fn look_up<'a>(dialect: Dialect, tenant: Tenant, source: &'a str, names: &'a [String]) -> Statement<'a> {
    let mut statement = Statement::new(dialect);
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
    statement
}

/// Writes down which orders names mean that had no meaning, each as (name, the name under which the order is known), in one
/// statement. They go in in one order, so that of two messages with the same names one waits for the other, and not each for each.
///
/// # Errors
/// Those of the database; [`StorageError::LostRace`] where another message has taught one of them meanwhile.
pub fn add(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    new: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), StorageError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new("order_names", COLUMNS);
    for (name, external_id) in new {
        rows.push(vec![
            tenant.id().into(),
            source.into(),
            name.as_str().into(),
            external_id.as_str().into(),
            now.into(),
        ]);
    }
    let mut statement = Statement::new(Dialect::of(connection));
    // SQLite would take ON for the condition of a join.
    statement.insert(&rows).push(" WHERE TRUE ON CONFLICT DO NOTHING");
    let added = match connection {
        AnyConnection::Postgres(c) => statement.execute(c)?,
        AnyConnection::Sqlite(c) => statement.execute(c)?,
    };
    if added < new.len() {
        return Err(StorageError::LostRace("the names of an order"));
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
