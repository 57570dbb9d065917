//! Work that takes longer than its sender waits: it goes on, and whoever asks the same again waits for the same work.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::watch::{self, Receiver};

use super::conversation::{Failed, Held};
use super::incoming::Incoming;
use crate::domain::ids::ConnectionId;

/// So long an outcome waits for its sender to ask again.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How it ended.
pub(crate) type Ended = Result<Held, Failed>;

/// What makes two messages ask for the same work: the connection, the address, the body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WorkKey {
    connection: ConnectionId,
    address: String,
    body: [u8; 32],
}

impl WorkKey {
    /// Of a message.
    pub(crate) fn of(connection: ConnectionId, incoming: &Incoming) -> Self {
        WorkKey {
            connection,
            address: format!("{} {}?{}", incoming.method, incoming.path, incoming.query),
            body: Sha256::digest(&incoming.body).into(),
        }
    }
}

#[derive(Debug)]
struct Work {
    ended: Receiver<Option<Ended>>,
    /// When it was last asked for.
    asked: Instant,
}

/// What goes on now, and what has ended and was not asked for since. Of this instance alone: another one does the same again,
/// which changes nothing twice.
#[derive(Debug, Default)]
pub struct LongWork(Mutex<HashMap<WorkKey, Work>>);

impl LongWork {
    fn all(&self) -> MutexGuard<'_, HashMap<WorkKey, Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the work if it goes on, else begins it, and waits for its end at most so long. `None`: it still goes on.
    pub(crate) async fn await_end(
        &self,
        key: WorkKey,
        work: impl Future<Output = Ended> + Send + 'static,
        at_most: Duration,
    ) -> Option<Ended> {
        let mut ended = self.join(&key, work);
        let waited = tokio::time::timeout(at_most, ended.wait_for(Option::is_some)).await;
        let outcome = match waited.map(|outcome| outcome.map(|outcome| outcome.clone())) {
            Err(_) => return None,
            Ok(Ok(outcome)) => outcome,
            // It broke down.
            Ok(Err(_)) => Some(Err(Failed::Ours)),
        };
        // Whoever hears the end first forgets it; the same may have been begun anew since.
        let mut all = self.all();
        if all.get(&key).is_some_and(|work| work.ended.same_channel(&ended)) {
            all.remove(&key);
        }
        outcome
    }

    fn join(
        &self,
        key: &WorkKey,
        work: impl Future<Output = Ended> + Send + 'static,
    ) -> Receiver<Option<Ended>> {
        let mut all = self.all();
        all.retain(|_, work| work.ended.borrow().is_none() || work.asked.elapsed() < KEPT_FOR);
        if let Some(known) = all.get_mut(key) {
            known.asked = Instant::now();
            return known.ended.clone();
        }
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move { tell.send_replace(Some(work.await)) });
        let of_key = Work {
            ended: ended.clone(),
            asked: Instant::now(),
        };
        all.insert(key.clone(), of_key);
        ended
    }

    /// A connection brings something new: what was done before is no answer to what it asks from now on.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        self.all().retain(|key, _| key.connection != connection);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kopilka_contract::Reply;
    use tokio::sync::Notify;

    use super::*;

    fn key(connection: i64) -> WorkKey {
        WorkKey {
            connection: ConnectionId(connection),
            address: "GET exchange?mode=import".to_owned(),
            body: [0; 32],
        }
    }

    fn done() -> Ended {
        Ok(Held {
            reply: Reply {
                status: 200,
                content_type: "text/plain",
                body: b"success".to_vec(),
            },
            refused: None,
            why: None,
            kept: true,
        })
    }

    #[tokio::test]
    async fn the_same_asked_again_waits_for_the_work_that_goes_on_and_hears_its_end_once() {
        let (works, begun, go) = (
            LongWork::default(),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let work = || {
            let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                done()
            }
        };
        let short = Duration::from_millis(20);
        assert!(works.await_end(key(1), work(), short).await.is_none());
        assert!(works.await_end(key(1), work(), short).await.is_none());
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        go.notify_one();
        let long = Duration::from_secs(5);
        assert!(works.await_end(key(1), work(), long).await.is_some());
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        // What was heard is over: the same again is done again, and so is what was forgotten.
        assert!(works.await_end(key(1), work(), short).await.is_none());
        works.forget(ConnectionId(2));
        assert!(works.await_end(key(1), work(), short).await.is_none());
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        works.forget(ConnectionId(1));
        assert!(works.await_end(key(1), work(), short).await.is_none());
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
