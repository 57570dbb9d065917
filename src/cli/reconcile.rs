//! `kopilka reconcile`: what tills say they sold, against the books.

use std::sync::Arc;

use kopilka_contract::Language;

use super::serve::{app, runtime};
use super::{Failure, open_existing, print};
use crate::api::author::Author;
use crate::api::reconciliations::ask_for;
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::Money;
use crate::domain::ids::ConnectionId;
use crate::storage::reconciliations::{self, DifferenceFilter, StoredDifference, word};
use crate::storage::{StorageError, books, till_connections};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What the till and the books say differently and nobody has settled
    List {
        /// Settled ones and those that are gone as well
        #[arg(long)]
        all: bool,
        /// How many of each network
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Ask the till system for a day once more; the running service does it
    Ask {
        /// The connection (con_…)
        connection: String,
        /// The business day, such as 2026-11-21
        day: chrono::NaiveDate,
    },
}

pub(super) fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let store = open_existing(settings, Language::En)?;
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        match command {
            Command::List { all, limit } => list(&app, !all, *limit).await,
            Command::Ask { connection, day } => ask(&app, connection, *day).await,
        }
    })
}

async fn list(app: &App, open: bool, limit: u32) -> Result<(), Failure> {
    for tenant in app.read(books::all_networks).await? {
        let filter = DifferenceFilter {
            open,
            ..DifferenceFilter::default()
        };
        let found = app
            .read(move |c| reconciliations::differences(c, tenant, &filter, i64::from(limit)))
            .await?;
        for difference in &found {
            show(difference);
        }
    }
    Ok(())
}

fn show(difference: &StoredDifference) {
    let what = &difference.what;
    let amount = |of: Option<Money>| of.map_or("-".to_owned(), |amount| amount.to_string());
    print(format!(
        "{}  {}  {:<18} {:<8} till {:>10}  books {:>10}  {}",
        difference.id,
        difference.day,
        word(what.kind),
        difference.status,
        amount(what.told),
        amount(what.known),
        what.order,
    ));
}

async fn ask(app: &App, id: &str, day: chrono::NaiveDate) -> Result<(), Failure> {
    let wanted: ConnectionId = id
        .parse()
        .map_err(|_| format!("{id} is not the id of a connection (con_…)"))?;
    let found = app
        .read(move |c| -> Result<_, StorageError> {
            for tenant in books::all_networks(c)? {
                if let Some(connection) = till_connections::find(c, tenant, wanted)? {
                    return Ok(Some((tenant, connection)));
                }
            }
            Ok(None)
        })
        .await?;
    let (tenant, connection) = found.ok_or_else(|| format!("there is no connection {id}"))?;
    let author = Author::command_line(app, tenant);
    app.write(move |c| ask_for(c, &connection, day, &author))
        .await
        .map_err(|problem| problem.words.en)?;
    print(format!("{day} will be asked for; see `kopilka reconcile list`"));
    Ok(())
}
