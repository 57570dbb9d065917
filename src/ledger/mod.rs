//! The verbs of the ledger, and the pipeline that carries them out: `load` the facts of a batch, `decide` each
//! command purely, `apply` what was decided in one durable commit.

pub mod asker;
mod changed_sale;
pub mod command;
mod kept_message;
pub mod pipeline;
pub mod read;
pub mod verify;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::ids::IdSource;
use crate::storage::terms::{NetworkTerms, TermsCache};
use crate::storage::{StorageError, Store};

pub use asker::Asker;
pub use command::{Answer, Answered, Command, Failure, Place, SettleWriteOff, Verb};
pub use pipeline::PipelineOptions;

/// The ledger: commands go to its writers, reads are made beside them.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    terms: Arc<TermsCache>,
    writers: pipeline::Writers,
}

impl Ledger {
    /// Starts the writers: one on SQLite, as many as asked on PostgreSQL.
    ///
    /// # Errors
    /// [`StorageError::Connect`].
    pub fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        options: PipelineOptions,
    ) -> Result<Self, StorageError> {
        let terms = Arc::new(TermsCache::default());
        let writers = pipeline::start(&store, &clock, &ids, &terms, options)?;
        Ok(Ledger {
            store,
            clock,
            ids,
            terms,
            writers,
        })
    }

    /// Carries out a command: exactly once, durable when this returns.
    ///
    /// # Errors
    /// [`Failure::Refused`] where the rules say no, [`Failure::Busy`] where too much is queued, [`Failure::Internal`].
    pub async fn submit(&self, command: Command) -> Result<Answered, Failure> {
        self.writers.submit(command).await
    }

    /// Terms of all networks, shared with the writers.
    pub fn terms(&self) -> &Arc<TermsCache> {
        &self.terms
    }

    /// Now, as a network's clock says.
    pub fn now(&self, network: &NetworkTerms) -> Timestamp {
        self.clock.now() + network.clock_offset
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where ids come from.
    pub fn ids(&self) -> &Arc<dyn IdSource> {
        &self.ids
    }

    /// The service's clock, no network's offset in it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
