//! Small writes of many messages in one commit: what a till must not wait for twice, once for what it taught and once for
//! the ledger, each with a commit and a connection of its own. What queues while one commit runs goes into the next; a
//! write that comes alone is carried out at once.

use diesel::result::Error;
use tokio::sync::{mpsc, oneshot};

use super::StorageError;
use super::connection::{AnyConnection, RetryDecision, Store, guarded, write_tx};

/// Writes that may wait; one more is told that we are busy.
const QUEUE: usize = 4096;
/// Most writes in one commit.
const MOST: usize = 128;

/// The queue of the small writes.
#[derive(Clone)]
pub struct SharedCommits {
    queue: mpsc::Sender<Box<dyn Pending>>,
}

impl SharedCommits {
    /// Starts the thread that writes; it ends with the last of the senders.
    ///
    /// # Errors
    /// [`StorageError::Connect`] where there can be no thread.
    pub fn start(store: &Store) -> Result<Self, StorageError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let store = store.clone();
        std::thread::Builder::new()
            .name("small-writes".to_owned())
            .spawn(move || write_all(&store, waiting))
            .map_err(|error| StorageError::Connect(error.to_string()))?;
        Ok(SharedCommits { queue })
    }

    /// Writes, in one transaction with others, those of one commit in the order of their keys: two instances that write the
    /// same then seldom wait each for the other, which the database would end only after a second. `work` may run again: where another's failed and where it lost a race, a
    /// key that was taken meanwhile included. It is answered when it is committed.
    ///
    /// # Errors
    /// Those of `work`, which are no other's, and [`StorageError::Busy`].
    pub async fn write<T: Send + 'static>(
        &self,
        key: String,
        work: impl FnMut(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (told, answer) = oneshot::channel();
        let small = Small {
            key,
            work,
            result: None,
            told,
        };
        self.queue
            .try_send(Box::new(small))
            .map_err(|_| StorageError::Busy)?;
        answer.await.unwrap_or(Err(StorageError::Busy))
    }
}

/// A write, whatever it results in.
trait Pending: Send {
    /// What it writes.
    fn key(&self) -> &str;
    /// Carries it out, within a transaction.
    fn run(&mut self, connection: &mut AnyConnection) -> Result<(), StorageError>;
    /// Tells how it ended: `Ok` where the transaction of the last run is committed.
    fn tell(self: Box<Self>, ended: Result<(), StorageError>);
}

struct Small<T, F> {
    key: String,
    work: F,
    result: Option<T>,
    told: oneshot::Sender<Result<T, StorageError>>,
}

impl<T: Send, F: FnMut(&mut AnyConnection) -> Result<T, StorageError> + Send> Pending for Small<T, F> {
    fn key(&self) -> &str {
        &self.key
    }

    fn run(&mut self, connection: &mut AnyConnection) -> Result<(), StorageError> {
        self.result = Some((self.work)(connection)?);
        Ok(())
    }

    fn tell(self: Box<Self>, ended: Result<(), StorageError>) {
        let Small { result, told, .. } = *self;
        // Whoever asked may have gone; what is written stays.
        let _ = told.send(ended.and_then(|()| result.ok_or(StorageError::Busy)));
    }
}

fn write_all(store: &Store, mut waiting: mpsc::Receiver<Box<dyn Pending>>) {
    let mut writes = Vec::new();
    while waiting.blocking_recv_many(&mut writes, MOST) > 0 {
        writes.sort_by(|one, other| one.key().cmp(other.key()));
        let together = writes.len() > 1 && guarded(|| commit(store, &mut writes)).is_ok();
        for mut write in writes.drain(..) {
            // Where one of them failed nobody knows which: each by itself.
            let ended = if together {
                Ok(())
            } else {
                guarded(|| alone(store, &mut *write))
            };
            write.tell(ended);
        }
    }
}

fn commit(store: &Store, writes: &mut [Box<dyn Pending>]) -> Result<(), StorageError> {
    let mut connection = store.connection_by_key()?;
    write_tx(&mut connection, |c| {
        writes.iter_mut().try_for_each(|write| write.run(c))
    })
}

fn alone(store: &Store, write: &mut dyn Pending) -> Result<(), StorageError> {
    let written: Result<(), Anew> = store.write(|c| write.run(c).map_err(Anew));
    written.map_err(|Anew(error)| error)
}

/// An error after which all is read and decided anew, also where a key was taken meanwhile.
struct Anew(StorageError);

impl RetryDecision for Anew {
    fn is_transient(&self) -> bool {
        self.0.is_transient()
    }
}

impl From<StorageError> for Anew {
    fn from(error: StorageError) -> Self {
        Anew(error)
    }
}

impl From<Error> for Anew {
    fn from(error: Error) -> Self {
        Anew(error.into())
    }
}
