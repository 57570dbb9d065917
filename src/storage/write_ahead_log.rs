//! Carrying SQLite's write-ahead log into the database file, beside the ledger's writer instead of in its commits.
//!
//! SQLite does it in whichever commit finds a thousand pages in the log: some tills would wait for pages of others. Here
//! a thread of its own does it under load. Where it can't keep up, the writer does the rest itself when the log has
//! grown to [`OWN_LIMIT`] pages. What is committed is safe either way: it is in the log, on the disk.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use diesel::connection::SimpleConnection;

use super::{AnyConnection, StorageError, Store};

/// Pages in the log at which the writer carries them over itself: 32 MB.
const OWN_LIMIT: u32 = 8000;
/// Commands whose pages are worth a carry: about a thousand pages.
const WORTH_IT: usize = 100;
/// How long pages are let gather: one that is written often is carried over once.
const PAUSE: Duration = Duration::from_millis(150);

/// Tells the thread what is written. It ends with this.
#[derive(Debug)]
pub struct LogCarrier {
    written: SyncSender<usize>,
}

impl LogCarrier {
    /// Starts the thread, for the connection of the ledger's writer; `None` on PostgreSQL, which does the like itself.
    ///
    /// # Errors
    /// Those of the database; [`StorageError::Connect`] where there is no thread to be had.
    pub fn start(store: &Store, writer: &mut AnyConnection) -> Result<Option<Self>, StorageError> {
        if !store.is_sqlite() {
            return Ok(None);
        }
        let connection = store.own_connection()?;
        prepare(writer)?;
        let (written, told) = sync_channel(64);
        std::thread::Builder::new()
            .name("log-carrier".to_owned())
            .spawn(move || run(connection, &told))
            .map_err(|e| StorageError::Connect(e.to_string()))?;
        Ok(Some(LogCarrier { written }))
    }

    /// A commit of so many commands is done. Never waits: what is not told now is carried with the next.
    pub fn committed(&self, commands: usize) {
        let _ = self.written.try_send(commands);
    }
}

/// Tells the writer's connection to leave the log to the thread.
///
/// # Errors
/// Those of the database.
pub fn prepare(writer: &mut AnyConnection) -> Result<(), StorageError> {
    if let AnyConnection::Sqlite(c) = writer {
        c.batch_execute(&format!("PRAGMA wal_autocheckpoint = {OWN_LIMIT}"))?;
    }
    Ok(())
}

fn run(mut connection: AnyConnection, told: &Receiver<usize>) {
    let mut waiting = 0;
    while let Ok(commands) = told.recv() {
        waiting += commands;
        if waiting < WORTH_IT {
            continue;
        }
        std::thread::sleep(PAUSE);
        waiting = 0;
        while told.try_recv().is_ok() {}
        // PASSIVE: waits for nobody, and nobody waits for it.
        if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the write-ahead log can't be carried over; the ledger's writer will do it");
        }
    }
}
