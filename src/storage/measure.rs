//! What a measurement asks of the database itself, beside the service.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{QueryResult, RunQueryDsl};

use super::connection::write_tx;
use super::dialect::Dialect;
use super::ledger::apply;
use super::ledger::rows::Tables;
use super::statement::Statement;
use super::{AnyConnection, StorageError};

fn run(connection: &mut AnyConnection, sql: &str) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(c) => c.batch_execute(sql),
        AnyConnection::Sqlite(c) => c.batch_execute(sql),
    }
}

/// After a large load: what a database does by itself some minutes later is done now, not amid the measurement.
///
/// # Errors
/// Those of the database.
pub fn settle(connection: &mut AnyConnection) -> Result<(), StorageError> {
    let work = match Dialect::of(connection) {
        Dialect::Postgres => ["VACUUM (ANALYZE)", "CHECKPOINT"].as_slice(),
        Dialect::Sqlite => &["PRAGMA wal_checkpoint(TRUNCATE)"],
    };
    for sql in work {
        run(connection, sql)?;
    }
    Ok(())
}

/// How long each commit of one row takes on one connection, for so long.
///
/// # Errors
/// Those of the database.
pub fn single_commits(connection: &mut AnyConnection, time: Duration) -> Result<Vec<Duration>, StorageError> {
    run(connection, "CREATE TABLE single_commits (number BIGINT NOT NULL)")?;
    let begin = Instant::now();
    let mut took = Vec::new();
    while begin.elapsed() < time {
        let mut statement = Statement::new(Dialect::of(connection));
        statement
            .push("INSERT INTO single_commits (number) VALUES (")
            .bind(1)
            .push(")");
        let started = Instant::now();
        match connection {
            AnyConnection::Postgres(c) => statement.execute(c)?,
            AnyConnection::Sqlite(c) => statement.execute(c)?,
        };
        took.push(started.elapsed());
    }
    run(connection, "DROP TABLE single_commits")?;
    Ok(took)
}

/// Writes rows that are ready, so many sets of them in each transaction. Returns how long it took in all.
///
/// # Errors
/// As [`apply::apply`].
pub fn write_bare(
    connection: &mut AnyConnection,
    sets: Vec<Tables<'_>>,
    in_one_transaction: usize,
) -> Result<Duration, StorageError> {
    let started = Instant::now();
    let mut sets = sets.into_iter().peekable();
    while sets.peek().is_some() {
        let batch = sets.by_ref().take(in_one_transaction);
        write_tx(connection, |connection| {
            for tables in batch {
                apply::write(connection, tables)?;
            }
            Ok::<_, StorageError>(())
        })?;
    }
    Ok(started.elapsed())
}
