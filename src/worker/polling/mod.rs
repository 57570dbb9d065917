//! Asking vendors' systems, as the adapters say ([`kopilka_contract::Poll`]): who is due, one lease per connection, a
//! pause that grows with failures.

mod backoff;
mod reach;
mod round;
mod vendor_client;

use std::sync::Arc;
use std::time::Duration;

use kopilka_contract::Adapter;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use reach::{PrivateAddresses, Reach};
pub use vendor_client::VendorClient;

use crate::app::App;
use crate::domain::ids::ConnectionId;
use crate::pos::ADAPTERS;
use crate::storage::{StorageError, Tenant, polls};

/// Most connections asked at once by one instance.
const AT_ONCE: usize = 16;

/// Asks for ever: at every interval, and as soon as a message leaves an errand here.
pub fn start(app: &App, every: Duration) {
    let client = match VendorClient::new() {
        Ok(client) => client,
        Err(reason) => {
            tracing::error!(reason, "vendors' systems are not asked");
            return;
        }
    };
    let (app, places) = (app.clone(), Arc::new(Semaphore::new(AT_ONCE)));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = app.errand_left.notified() => {}
            }
            let due = match due(&app, ADAPTERS, places.available_permits()).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "whom to ask can't be read; it will try again");
                    continue;
                }
            };
            for (tenant, id) in due {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                    return;
                };
                let (app, client) = (app.clone(), client.clone());
                tokio::spawn(async move {
                    if let Err(error) = round::go(&app, &client, ADAPTERS, tenant, id).await {
                        tracing::warn!(%error, connection = %id, "asking a vendor's system failed here");
                    }
                    drop(place);
                });
            }
        }
    });
}

/// One round of every connection that is due, all at once. Returns how many were asked by this call.
///
/// # Errors
/// Those of the database.
pub async fn poll_due(
    app: &App,
    client: &VendorClient,
    adapters: &'static [&'static dyn Adapter],
) -> Result<usize, StorageError> {
    let mut rounds = JoinSet::new();
    for (tenant, id) in due(app, adapters, 1000).await? {
        let (app, client) = (app.clone(), client.clone());
        rounds.spawn(async move { round::go(&app, &client, adapters, tenant, id).await });
    }
    let mut asked = 0;
    while let Some(round) = rounds.join_next().await {
        let round = round.map_err(|error| StorageError::Connect(error.to_string()))?;
        asked += usize::from(round?);
    }
    Ok(asked)
}

/// Whom to ask now.
async fn due(
    app: &App,
    adapters: &'static [&'static dyn Adapter],
    limit: usize,
) -> Result<Vec<(Tenant, ConnectionId)>, StorageError> {
    let asking = adapters.iter().filter(|adapter| adapter.poll().is_some());
    let kinds: Vec<&str> = asking.map(|adapter| adapter.kind()).collect();
    let (now, limit) = (app.clock.now(), i64::try_from(limit).unwrap_or(i64::MAX));
    app.read(move |c| polls::due(c, &kinds, now, limit)).await
}
