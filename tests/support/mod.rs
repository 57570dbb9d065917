//! What tests of several folders need.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;

/// An empty database of one test; dropped with it.
pub struct Database {
    /// For settings and [`kopilka::storage::Store`].
    pub url: String,
    remains: Remains,
}

enum Remains {
    Folder(#[allow(dead_code, reason = "removes the folder when it is dropped")] TempDir),
    /// URL of the server's own database, and the name of ours.
    Database(String, String),
}

impl Database {
    /// A file that is not there yet.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Database {
            url: format!("sqlite:{}", folder.path().join("kopilka.db").display()),
            remains: Remains::Folder(folder),
        }
    }

    /// A new database of the server that KOPILKA_TEST_POSTGRES names; `None` where it names none.
    pub fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("KOPILKA_TEST_POSTGRES").ok()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kopilka_test_{}_{count}", std::process::id());
        PgConnection::establish(&server)
            .unwrap()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        let (host, _) = server.rsplit_once('/').unwrap();
        Some(Database {
            url: format!("{host}/{name}"),
            remains: Remains::Database(server.clone(), name),
        })
    }

    /// One of each kind that can be had.
    pub fn all() -> Vec<Self> {
        std::iter::once(Self::sqlite()).chain(Self::postgres()).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Remains::Database(server, name) = &self.remains {
            // The server may be gone, or a thread of a failed test may still be connected: no reason to hide why.
            if let Ok(mut connection) = PgConnection::establish(server) {
                let _ = connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
    }
}
