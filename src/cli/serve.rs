//! `kopilka serve`

use std::sync::Arc;

use tokio::net::TcpListener;

use super::{Failure, print};
use crate::api::access::{Access, AccessLimits};
use crate::api::setup::{INVITATION_LIFE, invite};
use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::id_source::TimeOrderedIds;
use crate::ledger::{Ledger, PipelineOptions};
use crate::server::ServerLimits;
use crate::storage::{Store, books};
use crate::{api, server, worker};

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let store = Store::open(&settings.database.options())?;
    let migrated = store.migrate()?;
    if migrated > 0 {
        tracing::info!(migrated, "the schema is up to date");
    }
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        let greeting = if app.read(books::all_networks).await?.is_empty() {
            Some(first_steps(&app, settings).await?)
        } else {
            None
        };
        run_service(app, settings, greeting).await
    })
}

/// Threads for reads and for hashing passwords. Many more than there are connections would only wait for one, and each
/// keeps memory of its own.
const BLOCKING_THREADS: usize = 16;

/// The runtime of every command that serves or uses the ledger.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?)
}

/// Everything that requests need, as the settings say.
pub(super) fn app(store: Store, settings: &Settings, clock: Arc<dyn Clock>) -> Result<App, Failure> {
    let options = PipelineOptions {
        queue: settings.ledger.queue,
        batch: settings.ledger.batch,
        writers: settings.ledger.writers,
    };
    let ledger = Ledger::start(
        store,
        clock,
        Arc::new(TimeOrderedIds::new(settings.node)),
        options,
    )?;
    let mut limits = AccessLimits::default();
    match settings.limits.requests_per_minute_per_key() {
        Some(per_minute) => limits.requests = limits.requests.per_minute(per_minute),
        None => limits.requests = limits.requests.per_minute(u32::MAX),
    }
    let mut app = App::with(ledger, Access::new(limits))?;
    app.proxies = Arc::new(settings.http.trusted_proxies.clone());
    app.private_addresses = settings.polling.private_addresses;
    app.bulk_body = settings.limits.bulk_body();
    Ok(app)
}

/// Listens, greets, starts the jobs, and serves until it is told to stop.
pub(super) async fn run_service(
    app: App,
    settings: &Settings,
    greeting: Option<String>,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|e| format!("can't listen on {}: {e}", settings.listen))?;
    // Not before: what it invites to must be there.
    if let Some(greeting) = greeting {
        print(greeting);
    }
    worker::start(&app, settings);
    tracing::info!(address = %listener.local_addr()?, "ready");
    let limits = ServerLimits {
        header_time: settings.limits.header_timeout(),
        ..ServerLimits::default()
    };
    server::serve_within(limits, listener, api::router(app), told_to_stop()).await?;
    Ok(())
}

async fn first_steps(app: &App, settings: &Settings) -> Result<String, Failure> {
    let token = invite(app, INVITATION_LIFE)
        .await
        .map_err(|problem| problem.words.en)?;
    let url = settings.public_url();
    Ok(format!(
        "The database is empty. Open this link within 24 hours to make your network and its owner; it works once:\n\n  \
         {url}/setup#token={token}\n"
    ))
}

/// Ctrl-C, or the stop of a container.
pub(super) async fn told_to_stop() {
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! {
                    () = interrupted => {}
                    _ = terminated.recv() => {}
                }
            }
            Err(_) => interrupted.await,
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
    tracing::info!("stopping");
}
