//! Fresh databases for tests: a file of SQLite always, and one of PostgreSQL where `KOPILKA_TEST_POSTGRES` names a server.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use kopilka::storage::{Store, StoreOptions};

/// The variable with the URL of a server that tests may make databases on, such as `postgres://postgres@localhost/postgres`.
const SERVER: &str = "KOPILKA_TEST_POSTGRES";

/// Runs a test on a fresh, migrated database of each kind.
pub fn each_database(test: impl Fn(Store)) {
    let folder = tempfile::tempdir().unwrap();
    test(fresh(folder.path().join("kopilka.db").to_str().unwrap()));
    let Ok(server) = std::env::var(SERVER) else {
        return;
    };
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "kopilka_test_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut admin = PgConnection::establish(&server).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| test(fresh(&format!("{base}/{name}")))));
    // The test's own connections may still be closing.
    admin
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .unwrap();
    if let Err(cause) = result {
        eprintln!("this was on PostgreSQL");
        resume_unwind(cause);
    }
}

/// The same for a test that awaits: each run has a runtime of its own.
pub fn each_database_async<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    each_database(|store| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(test(store));
    });
}

fn fresh(url: &str) -> Store {
    let store = Store::open(&StoreOptions::new(url)).unwrap();
    store.migrate().unwrap();
    store
}
