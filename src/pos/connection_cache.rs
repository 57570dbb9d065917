//! Connections by token, kept in memory for some seconds: a till asks many times per sale.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::api::limits::Allowance;
use crate::api::problem::Problem;
use crate::api::secrets::hash_of;
use crate::app::App;
use crate::domain::ids::ConnectionId;
use crate::storage::Tenant;
use crate::storage::till_connections::{self, StoredConnection};

/// How long a change made by another instance may go unnoticed here.
const LIFE: Duration = Duration::from_secs(10);
/// Most connections in memory.
const MANY: usize = 20_000;

/// A connection whose token was shown.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its network.
    pub tenant: Tenant,
    /// The connection.
    pub connection: StoredConnection,
}

/// What was found for a token, and since when it is known; `None`: nothing.
type Remembered = (Instant, Option<Arc<Known>>);

/// Tokens that were shown a moment ago, by their hash.
#[derive(Debug, Default)]
pub struct ConnectionCache(Mutex<HashMap<[u8; 32], Remembered>>);

impl ConnectionCache {
    /// What is known of a token, and whether that is fresh.
    fn get(&self, hash: &[u8; 32]) -> Option<(Option<Arc<Known>>, bool)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .map(|(since, known)| (known.clone(), since.elapsed() < LIFE))
    }

    fn put(&self, hash: [u8; 32], known: Option<Arc<Known>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.retain(|_, (since, _)| since.elapsed() < LIFE);
        }
        if all.len() < MANY {
            all.insert(hash, (Instant::now(), known));
        }
    }

    /// Forgets a connection at once, after it was changed: it may have been switched on.
    pub fn forget(&self, id: ConnectionId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, (_, known)| known.as_ref().is_some_and(|known| known.connection.id != id));
    }
}

/// The active connection of a token that came from an address. Whoever shows many tokens that nobody has is stopped; the
/// tills that stand behind the same address are not: their tokens were good a while ago.
///
/// # Errors
/// 404 where no till has the token, 429 where the address has shown too many such tokens, and those of the database.
pub async fn find(app: &App, token: &str, address: IpAddr) -> Result<Arc<Known>, Problem> {
    let hash = hash_of(token);
    let (known, fresh) = app.connections.get(&hash).unwrap_or((None, false));
    if fresh {
        // A till that is set up wrong repeats one wrong token: that is no guessing.
        return known.ok_or_else(Problem::not_found);
    }
    let strangers = &app.access.unknown_tokens;
    if known.is_none() {
        strangers.check(&address).map_err(Allowance::refusal)?;
    }
    let found = app
        .read(move |c| till_connections::by_token(c, &hash))
        .await
        .map_err(Problem::from)?;
    let known = found.map(|(tenant, connection)| Arc::new(Known { tenant, connection }));
    app.connections.put(hash, known.clone());
    if known.is_none() {
        strangers.take(address).map_err(Allowance::refusal)?;
    }
    known.ok_or_else(Problem::not_found)
}

/// Notes that a till has spoken that may, once a minute, and not on its own time.
pub fn note_heard(app: &App, known: &Known) {
    let (now, tenant, id) = (app.clock.now(), known.tenant, known.connection.id);
    let noted = known.connection.heard_at;
    if noted.is_some_and(|at| (now - at).num_seconds().abs() < 60) {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        let done = app
            .write(move |c| till_connections::set_heard(c, tenant, id, now))
            .await;
        if let Err(error) = done {
            tracing::warn!(%error, connection = %id, "could not note that a till has spoken");
        }
    });
}
