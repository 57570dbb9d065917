//! Connections by token, kept in memory for some seconds: a till asks many times per sale.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::api::limits::Allowance;
use crate::api::problem::Problem;
use crate::api::secrets::hash_of;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::ConnectionId;
use crate::storage::Tenant;
use crate::storage::till_connections::{self, StoredConnection};

/// How long a change made by another instance may go unnoticed here.
const LIFE: Duration = Duration::from_secs(10);
/// How often it is written down that a till was heard.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
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

/// Connections that spoke a moment ago.
#[derive(Debug, Default)]
pub struct ConnectionCache {
    /// By the hash of the token that was shown.
    by_token: Mutex<HashMap<[u8; 32], Remembered>>,
    /// When it was last written down that they were heard.
    noted: Mutex<HashMap<ConnectionId, Timestamp>>,
}

impl ConnectionCache {
    /// What is known of a token, and whether that is fresh.
    fn get(&self, hash: &[u8; 32]) -> Option<(Option<Arc<Known>>, bool)> {
        let known = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .map(|(since, known)| (known.clone(), since.elapsed() < LIFE))
    }

    /// The connection of a token as it was when it was last looked up here, however long ago.
    pub fn last_known(&self, token: &str) -> Option<Arc<Known>> {
        self.get(&hash_of(token))?.0
    }

    fn put(&self, hash: [u8; 32], known: Option<Arc<Known>>) {
        let mut all = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.retain(|_, (since, _)| since.elapsed() < LIFE);
        }
        if all.len() < MANY {
            all.insert(hash, (Instant::now(), known));
        }
    }

    /// Forgets a connection at once, after it was changed: it may have been switched on.
    pub fn forget(&self, id: ConnectionId) {
        self.by_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, (_, known)| known.as_ref().is_some_and(|known| known.connection.id != id));
    }

    /// Whether that a connection speaks now is worth writing down: nobody has within the minute before.
    fn is_news(&self, known: &Known, now: Timestamp) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.connection.id;
        let last = noted.get(&id).copied().or(known.connection.heard_at);
        let is_news = last.is_none_or(|at| (now - at).abs() >= NOTED_EVERY);
        if is_news {
            noted.insert(id, now);
        }
        is_news
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
    if !app.connections.is_news(known, now) {
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
