//! Small writes that share a commit: each is answered for itself, whatever becomes of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::SimpleConnection;
use kopilka::storage::shared_commit::SharedCommits;
use kopilka::storage::{AnyConnection, StorageError};

use crate::databases::each_database_async;

fn execute(connection: &mut AnyConnection, sql: &str) -> Result<(), StorageError> {
    let done = match connection {
        AnyConnection::Sqlite(c) => c.batch_execute(sql),
        AnyConnection::Postgres(c) => c.batch_execute(sql),
    };
    Ok(done?)
}

fn name(of: usize, means: &str) -> String {
    format!(
        "INSERT INTO order_names (network_id, source, name, external_id, created_at) \
         VALUES (1, 'con_1', 'name-{of}', '{means}', '2026-11-24 10:00:00')"
    )
}

#[test]
fn a_write_that_fails_takes_no_other_with_it() {
    each_database_async(|store| async move {
        let writes = SharedCommits::start(&store).unwrap();
        let all = (0..60).map(|at| {
            let writes = writes.clone();
            tokio::spawn(async move {
                writes
                    .write(String::new(), move |c| {
                        let sql = match at % 10 {
                            3 => "INSERT INTO no_such_table VALUES (1)".to_owned(),
                            _ => name(at, "order"),
                        };
                        execute(c, &sql).map(|()| at)
                    })
                    .await
            })
        });
        for (at, written) in all.collect::<Vec<_>>().into_iter().enumerate() {
            match (at % 10, written.await.unwrap()) {
                (3, Err(StorageError::Database(_))) => {}
                (3, other) => panic!("{at}: {other:?}"),
                (_, result) => assert_eq!(result.unwrap(), at),
            }
        }
        let mut connection = store.own_connection().unwrap();
        for at in (0..60).filter(|at| at % 10 != 3) {
            // A name that stands can't be given again: it was committed, and once.
            assert!(
                execute(&mut connection, &name(at, "another")).is_err(),
                "name-{at} is not there"
            );
        }
    });
}

#[test]
fn a_key_that_was_taken_meanwhile_is_decided_anew() {
    each_database_async(|store| async move {
        let writes = SharedCommits::start(&store).unwrap();
        let mut connection = store.own_connection().unwrap();
        execute(&mut connection, &name(1, "order")).unwrap();
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tries);
        let written = writes.write(String::new(), move |c| {
            match counted.fetch_add(1, Ordering::SeqCst) {
                // Decided before another's name was seen.
                0 => execute(c, &name(1, "mine")).map(|()| "first"),
                _ => execute(c, &name(2, "mine")).map(|()| "anew"),
            }
        });
        assert_eq!(written.await.unwrap(), "anew");
        assert_eq!(tries.load(Ordering::SeqCst), 2);
        assert!(execute(&mut connection, &name(2, "another")).is_err());
    });
}
