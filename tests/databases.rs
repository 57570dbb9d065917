//! Migrated databases for tests of the ledger and the doors, one of each kind that can be had.

use kopilka::storage::{Store, StoreOptions};

use crate::support;

/// A fresh, migrated database that goes away with this value.
pub struct Database {
    pub store: Store,
    pub url: String,
    pub name: &'static str,
    _remains: support::Database,
}

impl From<support::Database> for Database {
    fn from(empty: support::Database) -> Self {
        let store = Store::open(&StoreOptions::new(&empty.url)).unwrap();
        store.migrate().unwrap();
        let name = if store.is_sqlite() { "sqlite" } else { "postgres" };
        Database {
            store,
            url: empty.url.clone(),
            name,
            _remains: empty,
        }
    }
}

/// Runs a test on each database.
pub fn each(test: impl Fn(&Database)) {
    for empty in support::Database::all() {
        let database = Database::from(empty);
        println!("on {}", database.name);
        test(&database);
    }
}

/// The same for a test of the doors alone.
pub fn each_database(test: impl Fn(Store)) {
    each(|database| test(database.store.clone()));
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
