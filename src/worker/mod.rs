//! Jobs that time asks for. Each step is a function that a test can call; instances that run the same step at the same
//! time do it once, since every step is guarded by what it writes.

pub mod cleaning;
pub mod expiry;
pub mod polling;
pub mod watching;

use std::future::Future;
use std::time::Duration;

use crate::app::App;
use crate::config::Settings;
use crate::ledger::verify;
use crate::storage::{StorageError, Tenant, books};

/// Starts the jobs that the settings ask for. They end with the runtime.
pub fn start(app: &App, settings: &Settings) {
    let jobs = &settings.jobs;
    repeat("expiry", jobs.expiry(), app, |app| async move {
        expiry::write_off_due(&app).await.map(|_| ())
    });
    repeat("inactivity", jobs.inactivity(), app, |app| async move {
        expiry::reset_inactive(&app).await.map(|_| ())
    });
    repeat("checkpoint", jobs.checkpoint(), app, |app| async move {
        checkpoint_all(&app).await
    });
    if let Some(every) = jobs.polling() {
        polling::start(app, every);
    }
    repeat("watch", jobs.watch(), app, |app| async move {
        watching::look_after_connections(&app).await.map(|_| ())
    });
    let keep_days = settings.inbox.keep_days();
    repeat("cleaning", jobs.cleaning(), app, move |app| async move {
        cleaning::clean(&app, keep_days).await
    });
}

fn repeat<F: Future<Output = Result<(), StorageError>> + Send>(
    name: &'static str,
    every: Option<Duration>,
    app: &App,
    step: impl Fn(App) -> F + Send + 'static,
) {
    let (Some(every), app) = (every, app.clone()) else {
        return;
    };
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once; a service that has just started has better things to do.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = step(app.clone()).await {
                tracing::warn!(%error, job = name, "a job failed; it will try again");
            }
        }
    });
}

/// All networks.
///
/// # Errors
/// Those of the database.
pub async fn tenants(app: &App) -> Result<Vec<Tenant>, StorageError> {
    app.read(books::all_networks).await
}

/// Seals the books of every network.
///
/// # Errors
/// Those of the database.
pub async fn checkpoint_all(app: &App) -> Result<(), StorageError> {
    for tenant in tenants(app).await? {
        let (store, now) = (app.store.clone(), app.clock.now());
        let done = tokio::task::spawn_blocking(move || verify::checkpoint(&store, tenant, now)).await;
        done.map_err(|e| StorageError::Connect(e.to_string()))??;
    }
    Ok(())
}
