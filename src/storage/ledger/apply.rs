//! Writing what a batch decided: all of it or nothing.
//!
//! PostgreSQL gets the tables that every receipt touches in one statement, one round trip, and where nothing else is
//! written no transaction around it: a statement is one by itself. SQLite, which has no round trips, gets prepared
//! single-row statements. Accounts carry a version, and receipts a revision, for not every receipt has a guest: whoever
//! finds another one than he read has lost a race, and the whole batch is decided again.

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;

use super::rows::{self, Tables, Update};
use crate::domain::world::World;
use crate::storage::connection::write_tx;
use crate::storage::dialect::Dialect;
use crate::storage::statement::{Rows, Statement, execute_each, insert_each};
use crate::storage::{AnyConnection, StorageError};

use super::message::{Remember, StoredMessage};

/// Writes a decided batch in one transaction.
///
/// # Errors
/// [`StorageError::LostRace`] and other transient errors: load and decide again. Nothing is written then.
pub fn apply(
    connection: &mut AnyConnection,
    world: &World,
    messages: &[StoredMessage],
    answers: &[Remember],
) -> Result<(), StorageError> {
    let tables = rows::tables(world, messages, answers)?;
    match connection {
        AnyConnection::Postgres(c) if tables.are_ordinary() => write_hot(c, &tables),
        _ => write_tx(connection, |connection| write(connection, tables)),
    }
}

/// Writes the rows of a batch, inside the caller's transaction.
///
/// # Errors
/// As [`apply`].
pub fn write(connection: &mut AnyConnection, tables: Tables<'_>) -> Result<(), StorageError> {
    match connection {
        AnyConnection::Postgres(c) => apply_postgres(c, tables),
        AnyConnection::Sqlite(c) => apply_sqlite(c, tables),
    }
}

/// Begins the words in which PostgreSQL says that a race was lost.
const LOST_RACE: &str = "lost a race: ";

/// Everything that every receipt touches, in one statement. It fails as a whole where it finds fewer lots and
/// accounts to change than were read: no number can be read from the words that it then makes one of.
fn write_hot(connection: &mut diesel::PgConnection, tables: &Tables<'_>) -> Result<(), StorageError> {
    // A part that has nothing to write still costs time: it is left out. There are few shapes in practice.
    let mut statement = Statement::new(Dialect::Postgres);
    let mut word = "WITH ";
    for rows in tables.hot_inserts.iter().filter(|rows| !rows.rows.is_empty()) {
        statement
            .push(&format!("{word}new_{} AS (", rows.name))
            .insert(rows)
            .push(")");
        word = ", ";
    }
    let mut wanted = 0;
    let mut found = Vec::new();
    for (name, update) in [
        ("lots_changed", &tables.lots_changed),
        ("accounts_changed", &tables.accounts_changed),
    ] {
        if update.rows.rows.is_empty() {
            continue;
        }
        statement.push(&format!("{word}{name} AS ("));
        push_update(&mut statement, update);
        statement.push(" RETURNING 1)");
        word = ", ";
        wanted += i64::try_from(update.rows.rows.len()).unwrap_or(i64::MAX);
        found.push(format!("(SELECT COUNT(*) FROM {name})"));
    }
    if word == "WITH " {
        return Ok(());
    }
    if found.is_empty() {
        statement.push(" SELECT CAST(1 AS BIGINT)");
    } else {
        statement
            .push(&format!(
                ", changed AS (SELECT {} AS count) SELECT CASE WHEN count = ",
                found.join(" + ")
            ))
            .bind(wanted)
            .push(&format!(
                " THEN 1 ELSE CAST('{LOST_RACE}' || count || ' rows' AS BIGINT) END FROM changed"
            ));
    }
    match statement.returning::<BigInt>().get_result::<i64>(connection) {
        Ok(_) => Ok(()),
        Err(diesel::result::Error::DatabaseError(_, info)) if info.message().contains(LOST_RACE) => {
            Err(StorageError::LostRace("an account or a lot"))
        }
        Err(error) => Err(error.into()),
    }
}

fn apply_postgres(connection: &mut diesel::PgConnection, tables: Tables<'_>) -> Result<(), StorageError> {
    write_hot(connection, &tables)?;
    for update in tables
        .before_inserts
        .into_iter()
        .chain(tables.rare_updates)
        .filter(|u| !u.rows.rows.is_empty())
    {
        let mut statement = Statement::new(Dialect::Postgres);
        push_update(&mut statement, &update);
        let changed = statement.execute(connection)?;
        expect_all(update.rows.name, update.set, changed, update.rows.rows.len())?;
    }
    for rows in tables.rare_inserts.iter().filter(|r| !r.rows.is_empty()) {
        let mut statement = Statement::new(Dialect::Postgres);
        statement.insert(rows);
        statement.execute(connection)?;
    }
    Ok(())
}

fn apply_sqlite(connection: &mut diesel::SqliteConnection, tables: Tables<'_>) -> Result<(), StorageError> {
    for update in [tables.accounts_changed, tables.lots_changed]
        .into_iter()
        .chain(tables.before_inserts)
        .chain(tables.rare_updates)
    {
        let (table, set, wanted) = (update.rows.name, update.set, update.rows.rows.len());
        let changed = execute_each(connection, &update_text(&update), update.rows)?;
        expect_all(table, set, changed, wanted)?;
    }
    for rows in tables.hot_inserts.into_iter().chain(tables.rare_inserts) {
        insert_each(connection, rows)?;
    }
    Ok(())
}

/// What was read is still there to be changed: else somebody else was faster. A deletion takes what it finds.
fn expect_all(table: &'static str, set: usize, changed: usize, wanted: usize) -> Result<(), StorageError> {
    if changed == wanted || set == 0 {
        Ok(())
    } else {
        Err(StorageError::LostRace(table))
    }
}

/// The names of the columns that are set, and of those that find the row.
fn split<'a>(
    update: &'a Update<'_>,
) -> (
    impl Iterator<Item = &'static str> + 'a,
    impl Iterator<Item = &'static str> + 'a,
) {
    let names =
        |range: &'a [(&'static str, crate::storage::dialect::Kind)]| range.iter().map(|(name, _)| *name);
    let (set, find) = update.rows.columns.split_at(update.set);
    (names(set), names(find))
}

/// `was_version` finds by `version`.
fn found_by(name: &str) -> &str {
    name.strip_prefix("was_").unwrap_or(name)
}

/// The single-row form, values in the order of the columns.
fn update_text(update: &Update<'_>) -> String {
    let (set, find) = split(update);
    let find: Vec<String> = find.map(|name| format!("{} = ?", found_by(name))).collect();
    if update.set == 0 {
        return format!("DELETE FROM {} WHERE {}", update.rows.name, find.join(" AND "));
    }
    let set: Vec<String> = set.map(|name| format!("{name} = ?")).collect();
    format!(
        "UPDATE {} SET {} WHERE {}",
        update.rows.name,
        set.join(", "),
        find.join(" AND ")
    )
}

/// The set form, for PostgreSQL.
fn push_update<'a>(statement: &mut Statement<'a>, update: &Update<'a>) {
    let (set, find) = split(update);
    let table = update.rows.name;
    let find: Vec<String> = find
        .map(|name| format!("{table}.{} = given_rows.{name}", found_by(name)))
        .collect();
    if update.set == 0 {
        statement.push(&format!("DELETE FROM {table} USING ("));
    } else {
        let set: Vec<String> = set.map(|name| format!("{name} = given_rows.{name}")).collect();
        statement.push(&format!("UPDATE {table} SET {} FROM (", set.join(", ")));
    }
    statement
        .relation(&update.rows)
        .push(&format!(") AS given_rows WHERE {}", find.join(" AND ")));
}

/// The rows of one table, to be inserted on its own.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &mut AnyConnection, rows: Rows<'_>) -> Result<(), StorageError> {
    match connection {
        AnyConnection::Postgres(c) => {
            let mut statement = Statement::new(Dialect::Postgres);
            statement.insert(&rows);
            statement.execute(c)?;
        }
        AnyConnection::Sqlite(c) => {
            insert_each(c, rows)?;
        }
    }
    Ok(())
}
