//! Connections, pools, and the one way to write.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StorageError;
use super::dialect::Dialect;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

pub use any::AnyConnection;

mod any {
    #![allow(missing_docs, reason = "the derive makes public items and documents none")]

    use diesel::{MultiConnection, PgConnection, SqliteConnection};

    /// A connection to either database, for everything but the ledger's own load and apply.
    #[derive(MultiConnection)]
    pub enum AnyConnection {
        /// PostgreSQL.
        Postgres(PgConnection),
        /// Embedded SQLite.
        Sqlite(SqliteConnection),
    }
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite:FILE`, a plain file path, or `postgres://…`.
    pub url: String,
    /// Most connections at once, writers not counted.
    pub pool_size: u32,
    /// How long a request waits for a connection.
    pub wait: Duration,
}

impl StoreOptions {
    /// With the usual limits.
    pub fn new(url: impl Into<String>) -> Self {
        StoreOptions {
            url: url.into(),
            pool_size: 8,
            wait: Duration::from_secs(3),
        }
    }

    /// The SQLite file that opening would make, where it is not there yet.
    ///
    /// # Errors
    /// [`StorageError::UnknownUrl`].
    pub fn missing_file(&self) -> Result<Option<String>, StorageError> {
        match Address::parse(&self.url)? {
            Address::Sqlite(path) if !Path::new(&path).exists() => Ok(Some(path)),
            _ => Ok(None),
        }
    }
}

/// Which of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Postgres(String),
    Sqlite(String),
}

impl Address {
    fn parse(url: &str) -> Result<Self, StorageError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Address::Postgres(url.to_owned()));
        }
        let unknown = || StorageError::UnknownUrl(without_password(url));
        let path = match url.split_once(':') {
            Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            // `C:\…` is a path; any other scheme is not ours.
            Some((scheme, _)) if scheme.len() > 1 => return Err(unknown()),
            _ => url,
        };
        if path.is_empty() || path.contains(['?', '#']) || path == ":memory:" {
            return Err(unknown());
        }
        Ok(Address::Sqlite(path.to_owned()))
    }
}

/// A URL that may be logged.
pub fn without_password(url: &str) -> String {
    let url = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme + 3 => {
            let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}://{user}{}", &url[..scheme], &url[at..])
        }
        _ => url.to_owned(),
    };
    // libpq takes passwords after the question mark as well.
    match url.split_once('?') {
        Some((address, query)) if query.contains("password") => format!("{address}?…"),
        _ => url,
    }
}

/// What every new connection of a pool is told.
#[derive(Debug, Clone, Copy)]
struct Prepare {
    for_ledger: bool,
}

impl CustomizeConnection<AnyConnection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, connection: &mut AnyConnection) -> Result<(), diesel::r2d2::Error> {
        let prepared = prepare(connection).and_then(|()| {
            if self.for_ledger {
                prepare_for_ledger(connection)
            } else {
                Ok(())
            }
        });
        prepared.map_err(diesel::r2d2::Error::QueryError)
    }
}

/// With arrays as parameters PostgreSQL would plan the ledger's statements anew each time. And it would plan them by how
/// large tables were once: a batch asks for some rows of each by key, so every plan that reads a table whole becomes
/// wrong as the table grows, and so does one that joins in another order than is written, from a table that was empty
/// then. Never for ordinary queries: a generic plan can't use a partial index where its condition is a parameter.
fn prepare_for_ledger(connection: &mut AnyConnection) -> diesel::QueryResult<()> {
    match connection {
        AnyConnection::Postgres(c) => c.batch_execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
             SET enable_mergejoin = off; SET enable_bitmapscan = off; SET enable_material = off; SET enable_memoize = off; \
             SET join_collapse_limit = 1; SET from_collapse_limit = 1; SET jit = off;",
        ),
        // Every receipt goes through the writer's own cache. Those of the readers, of which there are many, are small:
        // the system keeps the file's pages in memory once for all.
        AnyConnection::Sqlite(c) => c.batch_execute("PRAGMA cache_size = -6000"),
    }
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Lower case of a text in every alphabet; see [`super::dialect::Dialect::lower`].
    fn unicode_lower(
        text: diesel::sql_types::Nullable<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

/// SQLite: WAL, so that readers and the writer do not wait for each other; FULL, so that an acknowledged receipt
/// survives a power cut; recursive triggers, without which REPLACE would delete posted rows unseen. PostgreSQL: UTC.
fn prepare(connection: &mut AnyConnection) -> diesel::QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(c) => {
            unicode_lower_utils::register_impl(c, |text: Option<String>| text.map(|t| t.to_lowercase()))?;
            c.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -500;",
            )
        }
        AnyConnection::Postgres(c) => {
            c.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages = 'warning';")
        }
    }
}

/// A database: a pool of connections and the way to make more.
#[derive(Clone)]
pub struct Store {
    pool: Pool<ConnectionManager<AnyConnection>>,
    /// Connections prepared for the ledger's own statements, on PostgreSQL.
    by_key: Pool<ConnectionManager<AnyConnection>>,
    address: Address,
}

/// A connection of the pool.
pub type Pooled = PooledConnection<ConnectionManager<AnyConnection>>;

impl Store {
    /// Opens the database; an SQLite file is created where there is none.
    ///
    /// # Errors
    /// [`StorageError::UnknownUrl`], [`StorageError::Connect`].
    pub fn open(options: &StoreOptions) -> Result<Self, StorageError> {
        let address = Address::parse(&options.url)?;
        if let Address::Sqlite(path) = &address
            && let Some(folder) = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .map_err(|e| StorageError::Connect(format!("{}: {e}", folder.display())))?;
        }
        // One connection first: its error is readable, and journal_mode is set before others race for it.
        let mut first = establish(&address)?;
        prepare(&mut first)?;
        let url = match &address {
            Address::Postgres(url) => url.clone(),
            Address::Sqlite(path) => path.clone(),
        };
        let build = |for_ledger: bool| {
            Pool::builder()
                .max_size(options.pool_size)
                .min_idle(Some(1))
                .connection_timeout(options.wait)
                // Asking a connection whether it lives would double the round trips of a read.
                .test_on_check_out(false)
                .connection_customizer(Box::new(Prepare { for_ledger }))
                .build(ConnectionManager::new(&url))
                .map_err(|e| StorageError::Connect(e.to_string()))
        };
        let pool = build(false)?;
        let by_key = if matches!(address, Address::Sqlite(_)) {
            pool.clone()
        } else {
            build(true)?
        };
        Ok(Store {
            pool,
            by_key,
            address,
        })
    }

    /// Whether it is embedded SQLite, which has one writer.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.address, Address::Sqlite(_))
    }

    /// Whether the database has no tables at all, of ours or of anybody's.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_empty(&self) -> Result<bool, StorageError> {
        use diesel::RunQueryDsl;
        use diesel::sql_types::BigInt;
        let tables = match &mut *self.connection()? {
            AnyConnection::Sqlite(c) => {
                diesel::select(diesel::dsl::sql::<BigInt>("(SELECT COUNT(*) FROM sqlite_master)"))
                    .get_result::<i64>(c)?
            }
            AnyConnection::Postgres(c) => diesel::select(diesel::dsl::sql::<BigInt>(
                "(SELECT COUNT(*) FROM pg_catalog.pg_tables \
                 WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))",
            ))
            .get_result::<i64>(c)?,
        };
        Ok(tables == 0)
    }

    /// A connection of the pool, for reads and for [`write_tx`].
    ///
    /// # Errors
    /// [`StorageError::Busy`] where none is free in time.
    pub fn connection(&self) -> Result<Pooled, StorageError> {
        Ok(self.pool.get()?)
    }

    /// A connection of another pool, for statements that find all they need by whole keys, as the ledger's do: PostgreSQL never
    /// reads a table whole for them because it was small once.
    ///
    /// # Errors
    /// [`StorageError::Busy`] where none is free in time.
    pub fn connection_by_key(&self) -> Result<Pooled, StorageError> {
        Ok(self.by_key.get()?)
    }

    /// A connection of one's own, for a writer of the ledger.
    ///
    /// # Errors
    /// [`StorageError::Connect`].
    pub fn own_connection(&self) -> Result<AnyConnection, StorageError> {
        let mut connection = establish(&self.address)?;
        prepare(&mut connection)?;
        prepare_for_ledger(&mut connection)?;
        Ok(connection)
    }

    /// Runs what is not run yet of the migrations. Returns how many ran.
    ///
    /// # Errors
    /// [`StorageError::Migrate`].
    pub fn migrate(&self) -> Result<usize, StorageError> {
        let failed = |e: Box<dyn std::error::Error + Send + Sync>| StorageError::Migrate(e.to_string());
        let count = match &mut *self.connection()? {
            AnyConnection::Sqlite(c) => c.run_pending_migrations(SQLITE_MIGRATIONS).map_err(failed)?.len(),
            AnyConnection::Postgres(c) => c
                .run_pending_migrations(POSTGRES_MIGRATIONS)
                .map_err(failed)?
                .len(),
        };
        Ok(count)
    }

    /// Whether the service's tables are there: it was started on this database before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn has_tables(&self) -> Result<bool, StorageError> {
        #[derive(diesel::QueryableByName)]
        struct Found {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        use diesel::RunQueryDsl;
        let mut connection = self.connection()?;
        let statement = Dialect::of(&connection).count_of_tables("networks");
        let found: Found = diesel::sql_query(statement).get_result(&mut *connection)?;
        Ok(found.count > 0)
    }

    /// Lets PostgreSQL look at what its tables hold, as it does by itself within a minute of many changes: after a large
    /// load that nobody should wait for at the till. SQLite keeps the statistics of its migration.
    ///
    /// # Errors
    /// Those of the database.
    pub fn gather_statistics(&self) -> Result<(), StorageError> {
        if let AnyConnection::Postgres(c) = &mut *self.connection()? {
            c.batch_execute("ANALYZE")?;
        }
        Ok(())
    }

    /// Copies a live SQLite database into a file, consistently.
    ///
    /// # Errors
    /// [`StorageError::Database`]; for PostgreSQL `None` is returned: `pg_dump` does it.
    pub fn backup(&self, file: &str) -> Result<Option<()>, StorageError> {
        match &mut *self.connection()? {
            AnyConnection::Sqlite(c) => {
                use diesel::RunQueryDsl;
                diesel::sql_query("VACUUM INTO ?")
                    .bind::<diesel::sql_types::Text, _>(file)
                    .execute(c)?;
                Ok(Some(()))
            }
            AnyConnection::Postgres(_) => Ok(None),
        }
    }

    /// The one way to write, for everything but the ledger's pipeline: a transaction, done again whole where it lost
    /// a race.
    ///
    /// # Errors
    /// Those of `work`, and [`StorageError::Busy`].
    pub fn write<T, E>(&self, mut work: impl FnMut(&mut AnyConnection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StorageError> + From<diesel::result::Error>,
        E: RetryDecision,
    {
        let mut attempt = 0;
        loop {
            let mut connection = self.connection().map_err(E::from)?;
            match write_tx(&mut connection, &mut work) {
                Err(error) if attempt < 5 && error.is_transient() => {
                    attempt += 1;
                    std::thread::sleep(Duration::from_millis(5 << attempt));
                }
                result => return result,
            }
        }
    }
}

/// Work on a thread that is everybody's: where it breaks down that is its own trouble, [`StorageError::BrokeDown`].
///
/// # Errors
/// Those of `work`.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StorageError::BrokeDown))
}

/// Whether an error of a unit of work is worth another try.
pub trait RetryDecision {
    /// True where the whole unit may succeed when done again.
    fn is_transient(&self) -> bool;
}

impl RetryDecision for StorageError {
    fn is_transient(&self) -> bool {
        // Outside the ledger a taken key is an answer, not a race.
        use diesel::result::{DatabaseErrorKind, Error};
        !matches!(
            self,
            StorageError::Database(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
        ) && StorageError::is_transient(self)
    }
}

fn establish(address: &Address) -> Result<AnyConnection, StorageError> {
    let failed = |e: diesel::ConnectionError| StorageError::Connect(e.to_string());
    match address {
        Address::Postgres(url) => PgConnection::establish(url)
            .map(AnyConnection::Postgres)
            .map_err(failed),
        Address::Sqlite(path) => SqliteConnection::establish(path)
            .map(AnyConnection::Sqlite)
            .map_err(failed),
    }
}

/// One transaction: BEGIN IMMEDIATE on SQLite (a plain one is refused when it wants to write after another did),
/// an ordinary one on PostgreSQL. Rolled back on every error.
///
/// # Errors
/// Those of `work` and of the database.
pub fn write_tx<T, E: From<diesel::result::Error>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    begin(connection)?;
    match work(connection) {
        Ok(value) => {
            commit(connection)?;
            Ok(value)
        }
        Err(error) => {
            rollback(connection);
            Err(error)
        }
    }
}

fn begin(connection: &mut AnyConnection) -> diesel::QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        AnyConnection::Postgres(c) => AnsiTransactionManager::begin_transaction(c),
    }
}

fn commit(connection: &mut AnyConnection) -> diesel::QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(c) => AnsiTransactionManager::commit_transaction(c),
        AnyConnection::Postgres(c) => AnsiTransactionManager::commit_transaction(c),
    }
}

fn rollback(connection: &mut AnyConnection) {
    let result = match connection {
        AnyConnection::Sqlite(c) => AnsiTransactionManager::rollback_transaction(c),
        AnyConnection::Postgres(c) => AnsiTransactionManager::rollback_transaction(c),
    };
    if let Err(error) = result {
        tracing::warn!(%error, "rolling back failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_the_two_databases_are_taken() {
        assert_eq!(
            Address::parse("sqlite:kopilka.db").unwrap(),
            Address::Sqlite("kopilka.db".to_owned())
        );
        assert_eq!(
            Address::parse("sqlite:///var/k.db").unwrap(),
            Address::Sqlite("/var/k.db".to_owned())
        );
        assert_eq!(
            Address::parse("./data/k.db").unwrap(),
            Address::Sqlite("./data/k.db".to_owned())
        );
        assert!(matches!(
            Address::parse("postgres://u@h/d").unwrap(),
            Address::Postgres(_)
        ));
        for url in [
            "",
            "mysql://u:secret@h/d",
            "http://x",
            "sqlite:",
            "sqlite:k.db?mode=ro",
            "sqlite::memory:",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(
                error.contains("expected sqlite:FILE") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_logged_url_has_no_password() {
        assert_eq!(
            without_password("postgres://u:secret@h:5432/d"),
            "postgres://u@h:5432/d"
        );
        assert_eq!(without_password("sqlite:k.db"), "sqlite:k.db");
        assert_eq!(
            without_password("postgres://h/d?user=u&password=secret"),
            "postgres://h/d?…"
        );
    }
}
