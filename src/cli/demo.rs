//! `kopilka demo`

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use super::serve::{app, run_service, runtime, told_to_stop};
use super::{Failure, print};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::demo::credentials::{LIVE_KEY, LOGINS, TEST_KEY};
use crate::demo::network::{NAME, VENUES};
use crate::demo::people::{ANNA_CARD, ANNA_NAME, ANNA_PHONE};
use crate::demo::samples::samples;
use crate::demo::{self, Loaded, Scale};
use crate::id_source::TimeOrderedIds;
use crate::storage::Store;
use crate::storage::connection::without_password;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen: this machine only, for the demo's keys are known to everybody; without it 127.0.0.1 and the port of the
    /// setting `listen`
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    listen: Option<SocketAddr>,
    /// An empty PostgreSQL database to use instead of a throw-away SQLite file
    #[arg(long, value_name = "URL", value_parser = postgres)]
    postgres: Option<String>,
}

pub(super) fn run(mut settings: Settings, args: &Args) -> Result<(), Failure> {
    let here = (Ipv4Addr::LOCALHOST, settings.listen.port());
    settings.listen = args.listen.unwrap_or_else(|| here.into());
    // Before the load, which takes its time: a port that is taken is known at once.
    drop(
        std::net::TcpListener::bind(settings.listen)
            .map_err(|e| format!("can't listen on {}: {e}", settings.listen))?,
    );
    // Removed when this function returns, however it does: Ctrl-C ends the service, not the process.
    let mut folder = None;
    settings.database.url = match &args.postgres {
        Some(url) => url.clone(),
        None => {
            let made = TempDir::with_prefix("kopilka-demo-")?;
            let file = made.path().join("kopilka.db");
            folder = Some(made);
            format!("sqlite:{}", file.display())
        }
    };
    let result = runtime()?.block_on(show(&settings));
    if let Some(folder) = folder {
        folder.close()?;
    }
    result
}

async fn show(settings: &Settings) -> Result<(), Failure> {
    let Some(loaded) = (tokio::select! {
        loaded = filled(settings) => Some(loaded?),
        () = told_to_stop() => None,
    }) else {
        return Ok(());
    };
    let (store, loaded) = loaded;
    let app = app(store, settings, Arc::new(SystemClock))?;
    run_service(app, settings, Some(introduction(settings, &loaded))).await
}

/// A new database with the demo network in it.
async fn filled(settings: &Settings) -> Result<(Store, Loaded), Failure> {
    let started = Instant::now();
    let store = Store::open(&settings.database.options())?;
    if !store.is_empty()? {
        return Err(format!(
            "{} is not empty: the demo needs a database of its own, such as one made by createdb kopilka_demo",
            without_password(&settings.database.url)
        )
        .into());
    }
    store.migrate()?;
    show_progress(format_args!("Making the demo network «{NAME}»:"));
    let ids = Arc::new(TimeOrderedIds::new(settings.node));
    let progress = |percent| show_progress(format_args!(" {percent} %"));
    let loaded = demo::load(&store, ids, Scale::FULL, SystemClock.now(), progress).await?;
    print(format_args!(
        "\n{} receipts in {} s.\n",
        loaded.receipts,
        started.elapsed().as_secs().max(1)
    ));
    Ok((store, loaded))
}

/// A piece of a line that grows.
fn show_progress(words: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let mut out = std::io::stdout();
    let _ = write!(out, "{words}").and_then(|()| out.flush());
}

/// What a newcomer sees.
fn introduction(settings: &Settings, loaded: &Loaded) -> String {
    let base = format!("http://{}", settings.listen);
    let mut text = String::new();
    // Writing to a string never fails.
    let mut line = |words: &str| {
        let _ = writeln!(text, "{words}");
    };
    line(&format!(
        "Address   {base}   (documentation of the API: {base}/api/docs)"
    ));
    line(&format!("Till      {base}/till"));
    line(&format!(
        "Database  {}{}",
        without_password(&settings.database.url),
        if settings.database.url.starts_with("sqlite:") {
            "   (removed at the end)"
        } else {
            ""
        }
    ));
    for login in LOGINS {
        let venue = VENUES.iter().find(|v| Some(v.external_id) == login.venue);
        let of = venue.map_or_else(String::new, |v| format!("   ({})", v.name));
        line(&format!(
            "Login     {:8} password {:16} PIN {}{of}",
            login.login, login.password, login.pin
        ));
    }
    line(&format!("API key   {LIVE_KEY}"));
    line(&format!("Test key  {TEST_KEY}   (reads and quotes only)"));
    line(&format!(
        "Guest     {ANNA_NAME}, card {ANNA_CARD}, telephone {ANNA_PHONE}"
    ));
    line(&format!(
        "Inside    {} venues, {} customers ({} known by telephone only), {} receipts, {} with redemption, {} returns",
        VENUES.len(),
        loaded.customers,
        loaded.strangers,
        loaded.receipts,
        loaded.with_redemption,
        loaded.returns
    ));
    line(
        "\nTry, in another terminal. Each line may be sent again: it is answered as a repeat, and nothing is posted twice.",
    );
    for sample in samples(SystemClock.now()) {
        line(&format!("\n# {}\n{}", sample.title, sample.curl(&base)));
    }
    line(&format!(
        "\n# The command line beside the demo: the same database\nexport KOPILKA__DATABASE__URL={}\nkopilka inbox list --limit 5\nkopilka connect rkeeper --another --address {base}",
        without_password(&settings.database.url)
    ));
    line(&format!(
        "\n# A day of a till\nkopilka simulate rkeeper --address {base}"
    ));
    line("\nCtrl-C ends the demo.");
    text
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:8080".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the demo's keys are known to everybody: it listens on this machine only".to_owned())
    }
}

fn postgres(text: &str) -> Result<String, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(text.to_owned())
    } else {
        Err("expected a URL such as postgres://user@host/database".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_stays_on_this_machine() {
        assert!(loopback("127.0.0.1:80").is_ok() && loopback("[::1]:80").is_ok());
        assert!(loopback("0.0.0.0:80").is_err() && loopback("localhost").is_err());
    }
}
