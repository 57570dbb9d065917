//! Every test of storage runs on both databases: SQLite in a temporary file, PostgreSQL in a database of its own where
//! `KOPILKA_TEST_POSTGRES` names a server (`./test` starts one).

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use kopilka::storage::{Store, StoreOptions};

/// A fresh, migrated database that goes away with this value.
pub struct Database {
    pub store: Store,
    pub url: String,
    pub name: &'static str,
    dropped: Dropped,
}

enum Dropped {
    Folder(#[expect(dead_code, reason = "held for its drop")] tempfile::TempDir),
    Postgres { server: String, database: String },
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Dropped::Postgres { server, database } = &self.dropped {
            if let Ok(mut admin) = PgConnection::establish(server) {
                let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
            }
        }
    }
}

/// A fresh SQLite database.
pub fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("kopilka.db").display());
    open(url, "sqlite", Dropped::Folder(folder))
}

/// A fresh PostgreSQL database; `None` where no server is named.
pub fn postgres() -> Option<Database> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("KOPILKA_TEST_POSTGRES").ok()?;
    let database = format!(
        "kopilka_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut admin = PgConnection::establish(&server).unwrap();
    admin
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(open(
        format!("{base}/{database}"),
        "postgres",
        Dropped::Postgres {
            server: server.clone(),
            database,
        },
    ))
}

fn open(url: String, name: &'static str, dropped: Dropped) -> Database {
    let store = Store::open(&StoreOptions::new(&url)).unwrap();
    store.migrate().unwrap();
    Database {
        store,
        url,
        name,
        dropped,
    }
}

/// Runs a test on each database.
pub fn each(test: impl Fn(&Database)) {
    for database in std::iter::once(sqlite()).chain(postgres()) {
        println!("on {}", database.name);
        test(&database);
    }
}
