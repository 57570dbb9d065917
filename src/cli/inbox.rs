//! `kopilka inbox`: the raw messages of tills and integrators, and what became of them.

use std::sync::Arc;

use super::serve::{app, runtime};
use super::{Failure, open_existing, print};
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::ids::MessageId;
use crate::pos::inbox::replay;
use crate::storage::messages::{self, KeptMessage, MessageFilter, MessageHead};
use crate::storage::{StorageError, Tenant, books};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The newest messages and their outcomes
    List {
        /// Only those with this outcome: posted, repeated, refused, unreadable, ignored or replayed
        #[arg(long)]
        outcome: Option<String>,
        /// Only those of this kind: rest, rkeeper, iiko or onec
        #[arg(long)]
        kind: Option<String>,
        /// Only those that hold this text: number of an order, of a card
        #[arg(long)]
        text: Option<String>,
        /// How many of each network
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One message as it came
    Show {
        /// Id of the message
        id: String,
    },
    /// Do again what a message asks, after its cause was mended
    Replay {
        /// Ids of the messages
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub(super) fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let store = open_existing(settings)?;
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        match command {
            Command::List {
                outcome,
                kind,
                text,
                limit,
            } => {
                let filter = MessageFilter {
                    outcomes: outcome.iter().cloned().collect(),
                    kind: kind.clone(),
                    text: text.clone(),
                    ..MessageFilter::default()
                };
                list(&app, filter, *limit).await
            }
            Command::Show { id } => {
                let (_, message) = find(&app, id).await?;
                show(&message);
                Ok(())
            }
            Command::Replay { ids } => replay_all(&app, ids).await,
        }
    })
}

async fn list(app: &App, filter: MessageFilter, limit: u32) -> Result<(), Failure> {
    for tenant in app.read(books::all_networks).await? {
        let filter = filter.clone();
        let found: Vec<MessageHead> = app
            .read(move |c| messages::list(c, tenant, &filter, i64::from(limit)))
            .await?;
        for message in found {
            let about = message.subject.or(message.code).unwrap_or_default();
            print(format!(
                "{}  {}  {:<8} {:<10} {:<22} {}",
                message.id,
                message.received_at.format("%Y-%m-%d %H:%M:%S"),
                message.kind,
                message.outcome,
                about,
                message.path,
            ));
        }
    }
    Ok(())
}

fn show(message: &KeptMessage) {
    let raw = &message.raw;
    print(format!("id        {}", message.id));
    print(format!("received  {}", raw.received_at.to_rfc3339()));
    print(format!("kind      {}", raw.kind));
    if let Some(connection) = raw.connection {
        print(format!("from      {connection}"));
    }
    print(format!("outcome   {}", message.outcome));
    if let Some(took) = message.took_ms {
        print(format!("took      {took} ms"));
    }
    for (name, value) in [
        ("code", &message.code),
        ("became", &message.subject),
        ("detail", &message.detail),
    ] {
        if let Some(value) = value {
            print(format!("{name:<9} {value}"));
        }
    }
    let query = if raw.query.is_empty() {
        String::new()
    } else {
        format!("?{}", raw.query)
    };
    print(format!("\n{} {}{query}", raw.method, raw.path));
    if let Some(content_type) = &raw.content_type {
        print(format!("Content-Type: {content_type}"));
    }
    print(format!("\n{}", String::from_utf8_lossy(&raw.body)));
}

async fn replay_all(app: &App, ids: &[String]) -> Result<(), Failure> {
    let mut failed = 0;
    for id in ids {
        let (tenant, message) = find(app, id).await?;
        let replayed = replay(app, tenant, message.id)
            .await
            .map_err(|problem| problem.words.en)?;
        let outcome = if replayed.done { "done" } else { "refused" };
        print(format!("{id}  {outcome}\n{}", replayed.answer));
        failed += usize::from(!replayed.done);
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {} were not posted", ids.len()).into())
    }
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
