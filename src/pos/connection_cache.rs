//! Connections by token, kept in memory for some seconds: a till asks many times per sale.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// A connection, and since when it is known.
type Remembered = (Instant, Arc<Known>);

/// Connections that spoke a moment ago, by the hash of their token.
#[derive(Debug, Default)]
pub struct ConnectionCache(Mutex<HashMap<[u8; 32], Remembered>>);

impl ConnectionCache {
    fn get(&self, hash: &[u8; 32]) -> Option<Arc<Known>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .filter(|(since, _)| since.elapsed() < LIFE)
            .map(|(_, known)| Arc::clone(known))
    }

    fn put(&self, hash: [u8; 32], known: Arc<Known>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.retain(|_, (since, _)| since.elapsed() < LIFE);
        }
        if all.len() < MANY {
            all.insert(hash, (Instant::now(), known));
        }
    }

    /// Forgets a connection at once, after it was changed.
    pub fn forget(&self, id: ConnectionId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, (_, known)| known.connection.id != id);
    }
}

/// The active connection of a token.
///
/// # Errors
/// Those of the database.
pub async fn find(app: &App, token: &str) -> Result<Option<Arc<Known>>, Problem> {
    let hash = hash_of(token);
    if let Some(known) = app.connections.get(&hash) {
        return Ok(Some(known));
    }
    let found = app
        .read(move |c| till_connections::by_token(c, &hash))
        .await
        .map_err(Problem::from)?;
    Ok(found.map(|(tenant, connection)| {
        let known = Arc::new(Known { tenant, connection });
        app.connections.put(hash, Arc::clone(&known));
        known
    }))
}
