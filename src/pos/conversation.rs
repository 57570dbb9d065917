//! One message of a till from bytes to bytes: the adapter reads it, the ledger answers each ask, the adapter words the
//! answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kopilka_contract::{Adapter, Dialogue, Language, Reply, Settings, Unreadable, Words, words};
use tokio::task::JoinHandle;

use super::connection_cache::Known;
use super::files::{self, Filed};
use super::incoming::Incoming;
use super::long_work::WorkKey;
use super::talk::Talk;
use super::trying_again;
use crate::api::problem::Problem;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::refusal::coded;
use crate::ledger::Failure;
use crate::ledger::asker::{self, Asker};
use crate::storage::ledger::message::{Outcome, TOO_SLOW};
use crate::storage::messages;

/// How a conversation went.
#[derive(Debug, Clone)]
pub struct Held {
    /// What the till is told.
    pub reply: Reply,
    /// Code of the first refusal; `None`: everything asked was done, or there was nothing to do.
    pub refused: Option<String>,
    /// Why; `None`: nothing was refused, or that was not the message's fault.
    pub why: Option<Words>,
    /// Whether the message was dealt with, well or not. False: nobody knows what became of it, it must come again.
    pub kept: bool,
}

/// What a till is told where its message did not get as far as being read.
pub fn not_heard(adapter: &dyn Adapter, known: Option<&Known>, incoming: &Incoming, words: &Words) -> Reply {
    let settings = known.map_or_else(
        || Settings {
            time_zone: chrono_tz::UTC,
            language: Language::default(),
            values: serde_json::Value::Null,
        },
        Settings::default_of,
    );
    adapter.failure(&incoming.message(), words, &settings)
}

/// What a till is told whose message is larger than so many bytes.
pub fn too_large(adapter: &dyn Adapter, known: &Known, incoming: &Incoming, most: usize) -> Reply {
    let most = most / (1024 * 1024);
    let words = Words::new(
        format!("Сообщение больше {most} МиБ: присылайте меньше за один раз."),
        format!("The message is larger than {most} MiB: send less at a time."),
    );
    adapter.too_large(&incoming.message(), &words, &Settings::default_of(known))
}

/// Whether a message that just came may speak; else what its sender is told.
pub fn admits(
    adapter: &dyn Adapter,
    known: &Known,
    incoming: &Incoming,
    authorization: Option<&str>,
) -> Result<(), Reply> {
    adapter.admits(&incoming.message(), authorization, &Settings::default_of(known))
}

/// In which header it shows that.
pub fn authorization_header(adapter: &dyn Adapter, known: &Known, incoming: &Incoming) -> String {
    adapter.authorization_header(&incoming.message(), &Settings::default_of(known))
}

/// [`Barred::code`] of a message that came from an address that the connection does not name.
pub const FOREIGN_ADDRESS: &str = "foreign-address";

/// Why a message may not speak though its token is right.
#[derive(Debug, Clone, Copy)]
pub enum Barred {
    /// It does not show the password or key of the connection's settings.
    Authorization,
    /// It came from an address that the connection does not name.
    Address(IpAddr),
    /// It came to the door of another till system than the connection's.
    Kind(&'static str),
}

impl Barred {
    /// Stable code, kept with the message.
    pub const fn code(self) -> &'static str {
        match self {
            Barred::Authorization => "unauthorized",
            Barred::Address(_) => FOREIGN_ADDRESS,
            Barred::Kind(_) => "wrong-kind",
        }
    }

    fn reason(self) -> Words {
        let words = match self {
            Barred::Authorization => Words::new(
                "Не та авторизация: пароль или ключ в настройках кассы не тот, что в настройках подключения.",
                "Wrong authorization: the password or key in the till's settings is not that of the connection's settings.",
            ),
            Barred::Address(from) => words!(
                "Сообщение пришло с адреса {from}, а в подключении (only_from) его нет.",
                "The message came from {from}, which the connection (only_from) does not name."
            ),
            Barred::Kind(kind) => words!(
                "Ключ тот, а система в адресе не та: сообщение пришло на /pos/{kind}/…. Исправьте адрес в настройках кассы.",
                "The token is right, the till system in the address is not: the message came to /pos/{kind}/…. Mend the address in the till's settings."
            ),
        };
        coded(self.code(), &words)
    }
}

/// Leaves a trace of a message that may not speak, so that a person sees why nothing comes. It waits for nobody: whoever guesses
/// at a door must not get in with the tills' own messages; a person may let it in by its id. A sender who goes on leaves no more of them than a few.
pub async fn keep_refused(
    app: &App,
    adapter: &'static dyn Adapter,
    known: &Arc<Known>,
    incoming: Incoming,
    why: Barred,
) {
    tracing::warn!(connection = %known.connection.id, kind = adapter.kind(), path = incoming.path, ?why, "a message that may not speak");
    if incoming.has_null() || app.access.unauthorized.take(known.connection.id).is_err() {
        return;
    }
    let raw = Arc::new(incoming.raw(known, adapter));
    let talk = Talk {
        app: app.clone(),
        known: Arc::clone(known),
        raw,
        since: Instant::now(),
        replay_of: None,
        asker: None,
        asks_before_sale: false,
    };
    // The sender is told as much either way.
    let _ = tokio::time::timeout(
        app.till_patience,
        talk.keep(Outcome::TurnedAway(why.code()), vec![why.reason()]),
    )
    .await;
}

/// Reads a message, carries out what it asks, and words the answer. `deadline`: a till is not kept waiting longer; what it has asked
/// for goes on.
pub async fn hold(
    app: &App,
    adapter: &'static dyn Adapter,
    known: &Arc<Known>,
    incoming: Incoming,
    deadline: Option<Duration>,
) -> Held {
    let settings = Settings::default_of(known);
    let (id, bulk) = (known.connection.id, adapter.bulk(&incoming.message()));
    let meanwhile = bulk.and_then(|bulk| bulk.meanwhile);
    if meanwhile.is_none() && adapter.filing(&incoming.message()).is_some() {
        app.long_work.forget(id);
    }
    let key = meanwhile.is_some().then(|| WorkKey::of(id, &incoming));
    let asker = (deadline.is_some() && meanwhile.is_none()).then(Arc::<Asker>::default);
    // What a till is told of our failure may depend on all that it said: whether it may go on without us.
    let told = incoming.clone();
    let work = carry_surely(app.clone(), adapter, Arc::clone(known), incoming, asker.clone());
    let incoming = told;
    if let (Some(reply), Some(key), Some(deadline)) = (meanwhile, key, deadline) {
        return match app.long_work.await_end(key, work, deadline).await {
            Some(Ok(held)) => held,
            Some(Err(failed)) => failed.told(adapter, &incoming, &settings),
            None => Held {
                reply,
                refused: None,
                why: None,
                kept: true,
            },
        };
    }
    // On a task of its own: a till that hangs up does not stop what it has asked for.
    let mut task = tokio::spawn(work);
    let Some(outcome) = within(deadline, &mut task).await else {
        if let Some(asker) = asker {
            asker.goes();
            tokio::spawn(end_unheard(app.clone(), Arc::clone(known), asker, task));
        }
        return Failed::TooLong.told(adapter, &incoming, &settings);
    };
    match outcome {
        Ok(Ok(held)) => held,
        Ok(Err(failed)) => failed.told(adapter, &incoming, &settings),
        Err(error) => {
            tracing::error!(%error, kind = adapter.kind(), "a conversation with a till failed");
            Failed::Ours.told(adapter, &incoming, &settings)
        }
    }
}

/// Waits for the end of work whose sender was told that we were too slow. What was committed just when he was told is kept as if he had
/// heard it: it is written down that he has not.
async fn end_unheard(app: App, known: Arc<Known>, asker: Arc<Asker>, task: JoinHandle<Result<Held, Failed>>) {
    if let Err(error) = task.await {
        tracing::error!(%error, connection = %known.connection.id, "a conversation failed after its till was told that we are too slow");
    }
    let served = asker.take_served();
    if served.is_empty() {
        return;
    }
    let (tenant, words) = (known.tenant, asker::answered_before());
    let words = words
        .in_language(Settings::default_of(&known).language)
        .to_owned();
    let ids = served.clone();
    let noted = app.write(move |c| messages::note_answered_before(c, tenant, &ids, &words));
    if let Err(error) = noted.await {
        tracing::error!(%error, messages = ?served, "could not note that their sender had been answered before");
    }
}

/// What comes within the time; `None`: nothing did.
async fn within<T>(deadline: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

/// Why a till gets no proper answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failed {
    Busy,
    Ours,
    /// By our fault as well, but its message waits for a person: what comes behind it may go on.
    Kept,
    TooLong,
}

impl Failed {
    pub(super) fn of(problem: &Problem) -> Self {
        if problem.retryable {
            Failed::Busy
        } else {
            Failed::Ours
        }
    }

    fn told(self, adapter: &dyn Adapter, incoming: &Incoming, settings: &Settings) -> Held {
        let (code, words) = match self {
            Failed::Busy => (
                "busy",
                Words::new(
                    "Сервис бонусов занят. Повторите.",
                    "The bonus service is busy. Try again.",
                ),
            ),
            Failed::Ours | Failed::Kept => (
                "internal",
                Words::new(
                    "Ошибка сервиса бонусов. Повторите.",
                    "The bonus service failed. Try again.",
                ),
            ),
            Failed::TooLong => (
                TOO_SLOW,
                Words::new(
                    "Сервис бонусов не ответил вовремя. Повторите.",
                    "The bonus service was too slow. Try again.",
                ),
            ),
        };
        Held {
            reply: adapter.failure(&incoming.message(), &words, settings),
            refused: Some(code.to_owned()),
            why: None,
            kept: matches!(self, Failed::Kept),
        }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => Failed::Busy,
            Failure::Kept => Failed::Kept,
            Failure::AskerGone => Failed::TooLong,
            Failure::Internal | Failure::Refused(_) => Failed::Ours,
        }
    }
}

/// What a connection is set to, with the zone of its venue.
///
/// # Errors
/// Where the venue can't be read now.
pub(crate) async fn settings(app: &App, known: &Known) -> Result<Settings, Failed> {
    let terms = network_terms(app, known.tenant).await.map_err(|_| Failed::Busy)?;
    let time_zone = terms
        .venues
        .get(&known.connection.venue)
        .map_or(terms.time_zone, |venue| venue.time_zone);
    Ok(Settings {
        time_zone,
        ..Settings::default_of(known)
    })
}

/// Settings before the zone of the venue is known.
pub(super) trait DefaultOf {
    fn default_of(known: &Known) -> Self;
}

impl DefaultOf for Settings {
    fn default_of(known: &Known) -> Self {
        Settings {
            time_zone: chrono_tz::UTC,
            language: known.connection.spoken(),
            values: known.connection.settings.clone(),
        }
    }
}

/// [`carry`], once more later where it failed and the till has gone on.
async fn carry_surely(
    app: App,
    adapter: &'static dyn Adapter,
    known: Arc<Known>,
    incoming: Incoming,
    asker: Option<Arc<Asker>>,
) -> Result<Held, Failed> {
    let again = incoming.clone();
    let ended = carry(app.clone(), adapter, Arc::clone(&known), incoming, asker).await;
    if matches!(ended, Err(Failed::Busy | Failed::Ours)) {
        trying_again::unless_sent_again(&app, adapter, &known, &again);
    }
    ended
}

/// Reads a message and carries out what it asks.
pub(super) async fn carry(
    app: App,
    adapter: &'static dyn Adapter,
    known: Arc<Known>,
    mut incoming: Incoming,
    asker: Option<Arc<Asker>>,
) -> Result<Held, Failed> {
    let since = Instant::now();
    let settings = settings(&app, &known).await?;
    let filed = if incoming.address_has_null() {
        Ok(Filed::ReadOn)
    } else {
        files::file(&app, adapter, &known, &mut incoming).await
    };
    let filed = filed.map_err(|problem| Failed::of(&problem))?;
    let raw = Arc::new(incoming.raw(&known, adapter));
    let talk = Talk {
        app,
        known,
        raw,
        since,
        replay_of: incoming.replay_of,
        asker,
        asks_before_sale: false,
    };
    // A part of a file is bytes, until the file is read.
    if filed == Filed::PartKept {
        return Ok(part_answered(adapter, &incoming, &settings));
    }
    if incoming.has_null() {
        let words = Words::new(
            "В сообщении недопустимый символ.",
            "The message holds a forbidden character.",
        );
        let unreadable = Unreadable {
            reply: adapter.failure(&incoming.message(), &words, &settings),
            reason: Words::new(
                "в сообщении есть символ U+0000, которого не бывает в тексте",
                "it holds the character U+0000, which no text may have",
            ),
        };
        return talk.not_read(Outcome::Unreadable, unreadable).await;
    }
    if let Filed::NoRoom(words) = filed {
        let unreadable = Unreadable {
            reply: adapter.failure(&incoming.message(), &words, &settings),
            reason: words,
        };
        return talk.not_read(Outcome::Unreadable, unreadable).await;
    }
    match read(adapter, incoming, settings).await? {
        Err(unreadable) => talk.not_read(Outcome::Unreadable, unreadable).await,
        Ok(dialogue) => {
            let talk = Talk {
                asks_before_sale: dialogue.asks_before_sale(),
                ..talk
            };
            talk.answer(&*dialogue).await
        }
    }
}

/// A message of so many bytes takes long enough to read that others would wait for it.
const LONG_READING: usize = 64 * 1024;

/// What a message says; a large one is read off the threads that answer tills.
async fn read(
    adapter: &'static dyn Adapter,
    incoming: Incoming,
    settings: Settings,
) -> Result<Result<Box<dyn Dialogue>, Unreadable>, Failed> {
    if incoming.body.len() < LONG_READING {
        return Ok(adapter.read(&incoming.message(), &settings));
    }
    let read = tokio::task::spawn_blocking(move || adapter.read(&incoming.message(), &settings));
    read.await.map_err(|error| {
        tracing::error!(%error, kind = adapter.kind(), "a large message could not be read");
        Failed::Ours
    })
}

/// What the sender of a part of a file is told: it asks nothing, and the part is kept elsewhere than in the inbox.
fn part_answered(adapter: &dyn Adapter, incoming: &Incoming, settings: &Settings) -> Held {
    match adapter.read(&incoming.message(), settings) {
        Ok(dialogue) => Held {
            reply: dialogue.reply(&[]),
            refused: None,
            why: None,
            kept: true,
        },
        Err(unreadable) => Held {
            reply: unreadable.reply,
            refused: Some("unreadable".to_owned()),
            why: Some(unreadable.reason),
            kept: true,
        },
    }
}
