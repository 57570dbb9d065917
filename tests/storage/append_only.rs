//! Posted rows stay: the databases themselves refuse to change or delete them.

use diesel::connection::SimpleConnection;
use kopilka::storage::{AnyConnection, Store, StoreOptions};

use crate::support::Database;

const ROWS: &str = "
    INSERT INTO transactions (network_id, id, customer_id, sequence, kind, direction, amount, happened_at, posted_at,
        actor, hash) VALUES (1, 1, 1, 1, 'place', 'accrual', 100, '2026-11-22 10:00:00', '2026-11-22 10:00:00', 'x', 'h');
    INSERT INTO postings (network_id, transaction_id, sequence, account, customer_id, amount)
        VALUES (1, 1, 1, 'customer', 1, 100);
    INSERT INTO checkpoints (network_id, sequence, covers_until, customers, transactions, hash, created_at)
        VALUES (1, 1, '2026-11-22 10:00:00', 1, 1, 'h', '2026-11-22 10:00:00');
    INSERT INTO audit_log (network_id, id, actor, action, subject, at)
        VALUES (1, 1, 'x', 'y', 'z', '2026-11-22 10:00:00');";

fn execute(connection: &mut AnyConnection, sql: &str) -> diesel::QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(c) => c.batch_execute(sql),
        AnyConnection::Postgres(c) => c.batch_execute(sql),
    }
}

#[test]
fn posted_rows_are_never_changed() {
    for database in Database::all() {
        let store = Store::open(&StoreOptions::new(&database.url)).unwrap();
        store.migrate().unwrap();
        let mut connection = store.own_connection().unwrap();
        execute(&mut connection, ROWS).unwrap();
        for table in ["transactions", "postings", "checkpoints", "audit_log"] {
            let mut statements = vec![
                format!("UPDATE {table} SET network_id = 2"),
                format!("DELETE FROM {table}"),
            ];
            if store.is_sqlite() {
                // Deletes what is in its way.
                statements.push(format!("REPLACE INTO {table} SELECT * FROM {table}"));
            } else {
                statements.push(format!("TRUNCATE {table}"));
                statements.push(format!("TRUNCATE networks, {table} CASCADE"));
                statements.push(format!(
                    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ON CONSTRAINT {table}_pkey \
                     DO UPDATE SET network_id = 2"
                ));
            }
            for sql in statements {
                let error = execute(&mut connection, &sql)
                    .expect_err(&format!("{sql}: done on {}", database.url))
                    .to_string();
                assert!(
                    error.contains(&format!("posted rows of {table} are never changed")),
                    "{sql}: {error}"
                );
            }
        }
    }
}
