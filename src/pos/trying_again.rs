//! Messages whose tills went on without us and never send them again: they are tried until they are written down.

use std::sync::Arc;
use std::time::Duration;

use kopilka_contract::{Adapter, Settings};

use super::connection_cache::Known;
use super::conversation::{self, DefaultOf, Failed};
use super::incoming::Incoming;
use crate::app::App;

/// So many times, the pauses growing to [`LONGEST_PAUSE`]: for an hour and a half.
const TIMES: u32 = 90;
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// Sees to a message that we failed at, where its till was told to go on. Of this instance alone, and in memory: what ends it before
/// loses the receipt, which has no bonuses.
pub(super) fn unless_sent_again(
    app: &App,
    adapter: &'static dyn Adapter,
    known: &Arc<Known>,
    incoming: &Incoming,
) {
    if incoming.replay_of.is_some() || !adapter.goes_on(&incoming.message(), &Settings::default_of(known)) {
        return;
    }
    let Ok(place) = Arc::clone(&app.tried_again).try_acquire_owned() else {
        tracing::error!(connection = %known.connection.id, "a receipt that its till has closed is lost: too many are tried again");
        return;
    };
    let (app, known, incoming) = (app.clone(), Arc::clone(known), incoming.clone());
    tokio::spawn(async move {
        let _place = place;
        for time in 0..TIMES {
            tokio::time::sleep(LONGEST_PAUSE.min(Duration::from_secs(1 << time.min(6)))).await;
            let (app, known, incoming) = (app.clone(), Arc::clone(&known), incoming.clone());
            match conversation::carry(app, adapter, known, incoming, None).await {
                Ok(_) | Err(Failed::Kept) => return,
                Err(_) => {}
            }
        }
        tracing::error!(connection = %known.connection.id, "a receipt that its till has closed could not be written down, and is lost");
    });
}
