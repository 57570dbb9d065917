//! The only place that knows SQL. Embedded SQLite or PostgreSQL, chosen by URL at run time, behind one [`Store`].

pub mod audit;
pub mod books;
pub mod cards;
pub mod connection;
pub mod connection_alerts;
pub mod customer_search;
pub mod customers;
pub mod delivery_orders;
pub mod dialect;
pub mod errands;
pub mod holds;
pub mod invitations;
pub mod keys;
pub mod ledger;
pub mod lots;
pub mod measure;
pub mod menu;
pub mod message_ticks;
pub mod messages;
pub mod network_secrets;
pub mod networks;
pub mod order_names;
pub mod outbox;
pub mod polls;
pub mod receipts;
pub mod reconciliations;
pub mod remembered;
pub mod returns;
pub mod schema;
pub mod sessions;
pub mod shared_commit;
pub mod statement;
pub mod tenant;
pub mod terms;
pub mod till_conflicts;
pub mod till_connections;
pub mod till_devices;
pub mod till_files;
pub mod till_operations;
pub mod transactions;
pub mod user_pins;
pub mod users;
pub mod venues;
pub mod write_ahead_log;
pub mod write_offs;

pub use connection::{AnyConnection, Store, StoreOptions};
pub use tenant::Tenant;

use thiserror::Error;

/// What can go wrong with a database.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The URL names no database that we speak.
    #[error(
        "unknown database URL {0:?}: expected sqlite:FILE (or a plain file path) or postgres://user@host/database"
    )]
    UnknownUrl(String),
    /// No connection could be had.
    #[error("no connection to the database: {0}")]
    Connect(String),
    /// Every connection of the pool is busy.
    #[error("every database connection is busy")]
    Busy,
    /// The schema could not be brought up to date.
    #[error("migrating the database failed: {0}")]
    Migrate(String),
    /// Somebody else changed what was read: read and decide again.
    #[error("lost a race for {0}")]
    LostRace(&'static str),
    /// A stored value that the program does not understand.
    #[error("a stored value can't be read: {0}")]
    Corrupt(String),
    /// The program broke down in the middle of it. Its connection is in nobody knows what state, and is not to be used again.
    #[error("the program broke down in the middle of a write")]
    BrokeDown,
    /// The database said no.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

impl StorageError {
    /// Whether doing the whole unit of work again may succeed: a lost race, a serialization failure, a deadlock, a
    /// key that somebody else inserted meanwhile, or a lock that was not had in time.
    pub fn is_transient(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match self {
            StorageError::LostRace(_) | StorageError::Busy => true,
            StorageError::Database(Error::DatabaseError(kind, info)) => match kind {
                Kind::SerializationFailure | Kind::UniqueViolation | Kind::ClosedConnection => true,
                _ => {
                    let message = info.message();
                    message.contains("deadlock") || message.contains("database is locked")
                }
            },
            StorageError::Database(Error::BrokenTransactionManager) => true,
            _ => false,
        }
    }
}

impl From<r2d2::Error> for StorageError {
    fn from(error: r2d2::Error) -> Self {
        tracing::warn!(%error, "no database connection in time");
        StorageError::Busy
    }
}

impl From<serde_json::Error> for StorageError {
    fn from(error: serde_json::Error) -> Self {
        StorageError::Corrupt(error.to_string())
    }
}

/// Whether a row could be written; false where a unique field of it is taken.
///
/// # Errors
/// Every other one of the database.
pub fn unless_taken(result: diesel::QueryResult<usize>) -> Result<bool, StorageError> {
    use diesel::result::{DatabaseErrorKind, Error};
    match result {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
