//! Wiring: the only place that knows everybody.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use crate::api::access::Access;
use crate::api::proxies::TrustedProxies;
use crate::clock::Clock;
use crate::domain::ids::IdSource;
use crate::ledger::{Ledger, PipelineOptions};
use crate::pos::connection_cache::ConnectionCache;
use crate::pos::long_work::LongWork;
use crate::storage::shared_commit::SharedCommits;
use crate::storage::{AnyConnection, StorageError, Store};
use crate::worker::polling::PrivateAddresses;

/// [`App::bulk_body`], unless somebody says otherwise: as in config/default.toml.
const BULK_BODY: usize = 16 * 1024 * 1024;

/// [`App::till_patience`], but for tests. Vendors' own limits are 60 to 120 seconds, the cashier's patience is shorter.
const TILL_PATIENCE: Duration = Duration::from_secs(5);

/// Most of [`App::sums`] at once.
const SUMS: usize = 2;

/// Most of [`App::tried_again`].
const TRIED_AGAIN: usize = 1000;

/// Everything that a request may need. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// The ledger.
    pub ledger: Ledger,
    /// Verified keys and allowances, in memory.
    pub access: Arc<Access>,
    /// Connections of tills that spoke a moment ago.
    pub connections: Arc<ConnectionCache>,
    /// The proxies whose word on their clients is taken; none, unless somebody says so.
    pub proxies: Arc<TrustedProxies>,
    /// A message has left an errand: vendors' systems need not wait for their turn.
    pub errand_left: Arc<Notify>,
    /// Small writes that share a commit.
    pub small_writes: SharedCommits,
    /// So long a till waits for its answer; then it is told that we are too slow.
    pub till_patience: Duration,
    /// Most bytes of a message by which a till's system sends much at once.
    pub bulk_body: usize,
    /// Sums over all that a guest has bought: only so many at once, since one holds a connection for as long as it takes, though
    /// nobody waits for it any more.
    pub sums: Arc<Semaphore>,
    /// Messages that are tried again because their tills went on without us: only so many at once.
    pub tried_again: Arc<Semaphore>,
    /// Work that takes longer than its sender waits.
    pub long_work: Arc<LongWork>,
    /// Whether vendors' systems are asked that stand inside the service's own network.
    pub private_addresses: PrivateAddresses,
}

impl App {
    /// With the usual limits; starts the ledger's writers.
    ///
    /// # Errors
    /// [`StorageError::Connect`].
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Result<Self, StorageError> {
        let ledger = Ledger::start(store, clock, ids, PipelineOptions::default())?;
        App::with(ledger, Access::default())
    }

    /// Around a ledger that runs.
    ///
    /// # Errors
    /// [`StorageError::Connect`].
    pub fn with(ledger: Ledger, access: Access) -> Result<Self, StorageError> {
        let store = ledger.store().clone();
        Ok(App {
            small_writes: SharedCommits::start(&store)?,
            store,
            clock: Arc::clone(ledger.clock()),
            ids: Arc::clone(ledger.ids()),
            ledger,
            access: Arc::new(access),
            connections: Arc::new(ConnectionCache::default()),
            proxies: Arc::default(),
            errand_left: Arc::default(),
            till_patience: TILL_PATIENCE,
            bulk_body: BULK_BODY,
            sums: Arc::new(Semaphore::new(SUMS)),
            tried_again: Arc::new(Semaphore::new(TRIED_AGAIN)),
            long_work: Arc::default(),
            private_addresses: PrivateAddresses::default(),
        })
    }

    /// Reads, off the request threads: diesel blocks.
    ///
    /// # Errors
    /// Those of `work`, and [`StorageError::Busy`].
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let store = self.store.clone();
        blocking(move || work(&mut *store.connection().map_err(E::from)?)).await
    }

    /// The same for what is found by whole keys ([`Store::connection_by_key`]).
    ///
    /// # Errors
    /// Those of `work`, and [`StorageError::Busy`].
    pub async fn read_by_key<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = self.store.clone();
        blocking(move || work(&mut *store.connection_by_key()?)).await
    }

    /// Writes in one transaction, off the request threads. `work` runs again where it lost a race.
    ///
    /// # Errors
    /// Those of `work`, and [`StorageError::Busy`].
    pub async fn write<T, E>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError>
            + From<diesel::result::Error>
            + crate::storage::connection::RetryDecision
            + Send
            + 'static,
    {
        let store = self.store.clone();
        blocking(move || store.write(work)).await
    }
}

/// Work that waits for the database, on a thread that may.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(E::from(StorageError::Connect(error.to_string()))),
    }
}
