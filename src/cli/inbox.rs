//! `kopilka inbox`: the raw messages of tills and integrators, and what became of them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use clap::builder::PossibleValuesParser;
use kopilka_contract::Language;

use super::local_time::{self, Moment};
use super::serve::{app, runtime};
use super::user::told;
use super::{Failure, open_existing, print, till_kind};
use crate::api::author::Author;
use crate::api::given::text;
use crate::api::messages::MOST_NOTE;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::ids::{ConnectionId, MessageId};
use crate::pos::{ADAPTERS, inbox};
use crate::storage::ledger::message::TURNED_AWAY;
use crate::storage::messages::{self, KeptMessage, MessageFilter, OUTCOMES};
use crate::storage::{StorageError, Tenant, books, till_connections};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The newest messages and their outcomes
    List {
        /// Only those with this outcome; waiting: those that a person has to look at
        #[arg(long, value_parser = PossibleValuesParser::new(outcomes()))]
        outcome: Option<String>,
        #[command(flatten)]
        which: Which,
        /// How many of each network
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One message as it came
    Show {
        /// Id of the message
        id: String,
    },
    /// Do again what messages ask, after their cause was mended
    Replay {
        /// Ids of the messages
        #[arg(required_unless_present = "waiting", conflicts_with = "waiting")]
        ids: Vec<String>,
        /// All that wait for a person and match, the oldest first
        #[arg(long)]
        waiting: bool,
        /// Also those that were turned away at the door, their password being wrong or their address foreign
        #[arg(long, conflicts_with = "waiting")]
        although_unauthorized: bool,
        #[command(flatten)]
        which: Which,
        /// How many of each network at most
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Be done with a message that waits: it is refused for good
    Dismiss {
        /// Id of the message
        id: String,
        /// Why, for the audit log
        #[arg(long)]
        note: String,
    },
}

/// Which messages are meant.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only those of this connection
    #[arg(long, value_name = "ID")]
    connection: Option<ConnectionId>,
    /// Only those of this kind: rest, or a till system
    #[arg(long, value_parser = till_kind::one_of(kinds()))]
    kind: Option<String>,
    /// Only those with this code: too-slow, older-than-sale, customer-not-found
    #[arg(long)]
    code: Option<String>,
    /// Only those that came at this time or later: 2026-03-14 (its midnight), 2026-03-14T19:00 by the network's clock, or
    /// 2026-03-14T19:00:00+03:00
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only those that came before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Only those that hold this text: number of an order, of a card
    #[arg(long)]
    text: Option<String>,
}

impl Which {
    /// As a filter of a network whose clock is of this zone.
    fn filter(&self, zone: Tz) -> MessageFilter {
        MessageFilter {
            connection: self.connection,
            kind: self.kind.clone(),
            code: self.code.clone(),
            since: self.since.map(|at| at.instant(zone)),
            until: self.until.map(|at| at.instant(zone)),
            text: self.text.clone(),
            ..MessageFilter::default()
        }
    }
}

/// Stands for all outcomes of messages that a person has to look at.
const WAITING: &str = "waiting";

/// What became of messages, as one may ask for it.
fn outcomes() -> impl Iterator<Item = &'static str> {
    std::iter::once(WAITING).chain(OUTCOMES)
}

/// What a message may be of.
fn kinds() -> impl Iterator<Item = &'static str> {
    std::iter::once("rest").chain(ADAPTERS.iter().map(|adapter| adapter.kind()))
}

pub(super) fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let store = open_existing(settings, Language::En)?;
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        match command {
            Command::List {
                outcome,
                which,
                limit,
            } => list(&app, outcome.as_deref(), which, *limit).await,
            Command::Show { id } => {
                let (tenant, message) = find(&app, id).await?;
                let terms = network_terms(&app, tenant).await.map_err(told)?;
                show(&message, local_time::zone(&terms, message.head.venue));
                Ok(())
            }
            Command::Replay {
                waiting: true,
                which,
                limit,
                ..
            } => replay_waiting(&app, which, *limit).await,
            Command::Replay {
                ids,
                although_unauthorized,
                ..
            } => {
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    let (tenant, message) = find(&app, id).await?;
                    found.push((tenant, message.head.id));
                }
                replay_all(&app, found, *although_unauthorized).await
            }
            Command::Dismiss { id, note } => {
                let (tenant, message) = find(&app, id).await?;
                let note = text("/note", note, MOST_NOTE).map_err(told)?;
                let author = Author::command_line(&app, tenant);
                inbox::dismiss(&app, author, message.head.id, note)
                    .await
                    .map_err(told)?;
                let (_, message) = find(&app, id).await?;
                print(format!(
                    "{id}  {}",
                    standing(&message.head.outcome, message.head.needs_nobody.as_deref())
                ));
                Ok(())
            }
        }
    })
}

/// So much of a reason stands in the list; the whole of it: `kopilka inbox show`.
const MOST_OF_DETAIL: usize = 70;

/// What became of a message and, of a refused one that waits for nobody, why.
fn standing(outcome: &str, needs_nobody: Option<&str>) -> String {
    match needs_nobody {
        Some(why) => format!("{outcome}, {why}"),
        None => outcome.to_owned(),
    }
}

/// The beginning of what a person should know of a message, on one line.
fn beginning(detail: Option<&str>) -> String {
    let line = detail
        .and_then(|detail| detail.lines().next())
        .unwrap_or_default();
    match line.char_indices().nth(MOST_OF_DETAIL) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

async fn list(app: &App, outcome: Option<&str>, which: &Which, limit: u32) -> Result<(), Failure> {
    print(format!(
        "{:<17}  {:<25}  {:<24} {:<20} {:>8}  {:<22} {:<24} detail",
        "id", "received", "from", "outcome", "took", "became or code", "path"
    ));
    for tenant in app.read(books::all_networks).await? {
        let terms = network_terms(app, tenant).await.map_err(told)?;
        let filter = MessageFilter {
            waiting: outcome == Some(WAITING),
            outcomes: outcome
                .filter(|outcome| *outcome != WAITING)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            ..which.filter(terms.time_zone)
        };
        let (found, connections) = app
            .read(move |c| -> Result<_, StorageError> {
                let found = messages::list_all(c, tenant, filter, i64::from(limit))?;
                Ok((found, till_connections::list(c, tenant, None, None, i64::MAX)?))
            })
            .await?;
        let names: HashMap<_, _> = connections.into_iter().map(|c| (c.id, c.name)).collect();
        for message in found {
            let zone = local_time::zone(&terms, message.venue);
            let name = message.connection.and_then(|id| names.get(&id));
            let took = message
                .took_ms
                .map_or_else(String::new, |took| format!("{took} ms"));
            print(format!(
                "{}  {}  {:<24} {:<20} {took:>8}  {:<22} {:<24} {}",
                message.id,
                local_time::shown(message.received_at, zone),
                name.unwrap_or(&message.kind),
                standing(&message.outcome, message.needs_nobody.as_deref()),
                message
                    .subject
                    .as_ref()
                    .or(message.code.as_ref())
                    .map_or("", String::as_str),
                message.path,
                beginning(message.detail.as_deref()),
            ));
        }
    }
    Ok(())
}

fn show(message: &KeptMessage, zone: Tz) {
    let head = &message.head;
    print(format!("id        {}", head.id));
    print(format!("received  {}", local_time::shown(head.received_at, zone)));
    print(format!("kind      {}", head.kind));
    if let Some(connection) = head.connection {
        print(format!("from      {connection}"));
    }
    let outcome = standing(&head.outcome, head.needs_nobody.as_deref());
    print(format!("outcome   {outcome}"));
    if let Some(took) = head.took_ms {
        print(format!("took      {took} ms"));
    }
    for (name, value) in [
        ("code", &head.code),
        ("became", &head.subject),
        ("detail", &head.detail),
        ("at first", &head.first_detail),
    ] {
        if let Some(value) = value {
            print(format!("{name:<9} {value}"));
        }
    }
    let query = if head.query.is_empty() {
        String::new()
    } else {
        format!("?{}", head.query)
    };
    print(format!("\n{} {}{query}", head.method, head.path));
    if let Some(content_type) = &message.content_type {
        print(format!("Content-Type: {content_type}"));
    }
    print(format!("\n{}", String::from_utf8_lossy(&message.body)));
}

async fn replay_waiting(app: &App, which: &Which, limit: u32) -> Result<(), Failure> {
    let mut found = Vec::new();
    for tenant in app.read(books::all_networks).await? {
        let terms = network_terms(app, tenant).await.map_err(told)?;
        let waiting = inbox::waiting(app, tenant, which.filter(terms.time_zone), limit).await;
        let (ids, _) = waiting.map_err(|problem| problem.words.en)?;
        found.extend(ids.into_iter().map(|id| (tenant, id)));
    }
    replay_all(app, found, false).await
}

async fn replay_all(
    app: &App,
    wanted: Vec<(Tenant, MessageId)>,
    although_unauthorized: bool,
) -> Result<(), Failure> {
    let (all, mut failed) = (wanted.len(), 0);
    for (tenant, id) in wanted {
        let replayed = if although_unauthorized {
            inbox::let_in(app, tenant, id).await
        } else {
            inbox::replay(app, tenant, id).await
        };
        let replayed = replayed.map_err(told)?;
        if replayed.done {
            print(format!("{id}  done"));
        } else {
            failed += 1;
            tell_failed(app, tenant, id, &replayed.answer).await?;
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {all} were not posted").into())
    }
}

/// Says as what a message waits on that was done again in vain, and why; of one that was not even tried, `answer` says why.
async fn tell_failed(app: &App, tenant: Tenant, id: MessageId, answer: &str) -> Result<(), Failure> {
    let Some(message) = app.read(move |c| messages::find(c, tenant, id)).await? else {
        return Ok(());
    };
    let head = message.head;
    let outcome = standing(&head.outcome, head.needs_nobody.as_deref());
    let code = head.code.map_or_else(String::new, |code| format!("  {code}"));
    print(format!("{id}  {outcome}{code}"));
    let was_tried = head.needs_nobody.as_deref() != Some(TURNED_AWAY);
    let why = head.detail.filter(|_| was_tried);
    for line in why.as_deref().unwrap_or(answer).lines() {
        print(format!("     {line}"));
    }
    Ok(())
}

async fn find(app: &App, id: &str) -> Result<(Tenant, KeptMessage), Failure> {
    let wanted: MessageId = id
        .parse()
        .map_err(|_| format!("{id} is not the id of a message (msg_…)"))?;
    let found = app.read(move |c| -> Result<_, StorageError> {
        for tenant in books::all_networks(c)? {
            if let Some(message) = messages::find(c, tenant, wanted)? {
                return Ok(Some((tenant, message)));
            }
        }
        Ok(None)
    });
    found
        .await?
        .ok_or_else(|| format!("there is no message {id}").into())
}
