//! One message of a till from bytes to bytes: the adapter reads it, the ledger answers each ask, the adapter words the
//! answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kopilka_contract::{
    About, Adapter, Adjust, AdjustDirection, Ask, CustomerRef, Dialogue, Errand, GiveBack, Language, Menu,
    Message, Part, Refusal, Reply, Settings, Spend, TillDay, Told, Unreadable, WhatBack, Words,
};
use sha2::{Digest, Sha256};

use super::connection_cache::Known;
use super::files::{self, Filed};
use super::long_work::WorkKey;
use super::order_names::OrderNames;
use super::reconciling::reconcile;
use super::{menu_categories, menu_import};
use crate::api::author::Author;
use crate::api::bonuses::ordinary_end;
use crate::api::caller::{Caller, Scope};
use crate::api::enrolment;
use crate::api::problem::Problem;
use crate::api::till::signed::read_code;
use crate::api::till_path::{ReplayOf, network_terms};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::decide::Amend;
use crate::domain::ids::MessageId;
use crate::domain::world::{ReturnRequest, SourceKey};
use crate::ledger::{Answer, Command, Failure, Place, Verb};
use crate::storage::StorageError;
use crate::storage::ledger::message::{Outcome, RawMessage};
use crate::storage::{errands, polls};

/// What a zip archive begins with.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// So many products that a menu could not bring are named in the inbox.
const MOST_SKIPPED_NAMED: usize = 50;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// HTTP method.
    pub method: String,
    /// What follows the token.
    pub path: String,
    /// Raw query.
    pub query: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The login that came with it ([`Message::login`]).
    pub login: Option<String>,
    /// When it reached us.
    pub received_at: Timestamp,
    /// The kept message that a person does again; `None`: it just came.
    pub replay_of: Option<MessageId>,
}

impl Incoming {
    /// As an adapter sees it.
    pub fn message(&self) -> Message<'_> {
        Message {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            content_type: self.content_type.as_deref(),
            body: &self.body,
            login: self.login.as_deref(),
            received_at: self.received_at,
        }
    }
}

impl Incoming {
    /// The same without its body.
    fn clone_address(&self) -> Self {
        Incoming {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            content_type: self.content_type.clone(),
            body: Vec::new(),
            login: self.login.clone(),
            received_at: self.received_at,
            replay_of: self.replay_of,
        }
    }

    /// As it is kept.
    fn raw(&self, known: &Known, adapter: &dyn Adapter) -> RawMessage {
        RawMessage {
            venue: Some(known.connection.venue),
            connection: Some(known.connection.id),
            kind: adapter.kind().to_owned(),
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            content_type: self.content_type.clone(),
            body: self.body.clone(),
            received_at: self.received_at,
        }
    }

    /// Whether a text of it could hold U+0000 in any spelling: PostgreSQL can't store it, and no till means it. Zero bytes
    /// after the end are those of a C string, and whether they matter is the adapter's to say. What an archive holds is
    /// looked at by whoever unpacks it.
    fn has_null(&self) -> bool {
        let escaped = b"\\u0000";
        let is_archive = self.body.starts_with(ARCHIVE);
        let end = self
            .body
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        let body = self.body.get(..end).unwrap_or_default();
        let in_body = || body.contains(&0) || body.windows(escaped.len()).any(|w| w == escaped);
        self.address_has_null() || (!is_archive && in_body())
    }

    fn address_has_null(&self) -> bool {
        self.query.contains("%00") || self.path.contains("%00") || self.path.contains('\0')
    }
}

/// How a conversation went.
#[derive(Debug, Clone)]
pub struct Held {
    /// What the till is told.
    pub reply: Reply,
    /// Code of the first refusal; `None`: everything asked was done, or there was nothing to do.
    pub refused: Option<String>,
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

/// Leaves a trace of a message that may not speak, so that a person sees why nothing comes, and can replay it once the settings
/// are right. A sender who goes on leaves no more of them than a few.
pub async fn keep_unauthorized(
    app: &App,
    adapter: &'static dyn Adapter,
    known: &Arc<Known>,
    incoming: Incoming,
) {
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
    };
    let words = Words::new(
        "Не та авторизация: пароль или ключ в настройках кассы не тот, что в настройках подключения.",
        "Wrong authorization: the password or key in the till's settings is not that of the connection's settings.",
    );
    let words = words.in_language(Settings::default_of(known).language);
    let reason = format!("unauthorized: {words}");
    // The sender is told as much either way.
    let _ = tokio::time::timeout(super::DEADLINE, talk.keep(Outcome::Refused, Some(reason))).await;
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
    let since = Instant::now();
    let settings = match within(deadline, settings(app, known)).await {
        Some(Ok(settings)) => settings,
        Some(Err(failed)) => return failed.told(adapter, &incoming, &Settings::default_of(known)),
        None => return Failed::TooLong.told(adapter, &incoming, &Settings::default_of(known)),
    };
    let deadline = deadline.map(|deadline| deadline.saturating_sub(since.elapsed()));
    let (id, bulk) = (known.connection.id, adapter.bulk(&incoming.message()));
    let meanwhile = bulk.and_then(|bulk| bulk.meanwhile);
    if meanwhile.is_none() && adapter.filing(&incoming.message()).is_some() {
        app.long_work.forget(id);
    }
    let key = meanwhile.is_some().then(|| WorkKey::of(id, &incoming));
    let (told, work) = (
        incoming.clone_address(),
        carry(
            app.clone(),
            adapter,
            Arc::clone(known),
            incoming,
            settings.clone(),
            since,
        ),
    );
    let incoming = told;
    if let (Some(reply), Some(key), Some(deadline)) = (meanwhile, key, deadline) {
        return match app.long_work.await_end(key, work, deadline).await {
            Some(Ok(held)) => held,
            Some(Err(failed)) => failed.told(adapter, &incoming, &settings),
            None => Held {
                reply,
                refused: None,
                kept: true,
            },
        };
    }
    // On a task of its own: a till that hangs up does not stop what it has asked for.
    let task = tokio::spawn(work);
    let outcome = match deadline {
        Some(deadline) => tokio::time::timeout(deadline, task)
            .await
            .unwrap_or(Ok(Err(Failed::TooLong))),
        None => task.await,
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
    TooLong,
}

impl Failed {
    fn of(problem: &Problem) -> Self {
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
            Failed::Ours => (
                "internal",
                Words::new(
                    "Ошибка сервиса бонусов. Повторите.",
                    "The bonus service failed. Try again.",
                ),
            ),
            Failed::TooLong => (
                "too-slow",
                Words::new(
                    "Сервис бонусов не ответил вовремя. Повторите.",
                    "The bonus service was too slow. Try again.",
                ),
            ),
        };
        Held {
            reply: adapter.failure(&incoming.message(), &words, settings),
            refused: Some(code.to_owned()),
            kept: false,
        }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => Failed::Busy,
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
trait DefaultOf {
    fn default_of(known: &Known) -> Self;
}

impl DefaultOf for Settings {
    fn default_of(known: &Known) -> Self {
        let language = if known.connection.language == "en" {
            Language::En
        } else {
            Language::Ru
        };
        Settings {
            time_zone: chrono_tz::UTC,
            language,
            values: known.connection.settings.clone(),
        }
    }
}

async fn carry(
    app: App,
    adapter: &'static dyn Adapter,
    known: Arc<Known>,
    mut incoming: Incoming,
    settings: Settings,
    since: Instant,
) -> Result<Held, Failed> {
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
    };
    // A part of a file is bytes, until the file is read.
    if filed == Filed::PartKept {
        return Ok(part_answered(adapter, &incoming, &settings));
    }
    if incoming.has_null() {
        let reason = "it holds the character U+0000, which no text may have".to_owned();
        talk.keep(Outcome::Unreadable, Some(reason)).await?;
        let words = Words::new(
            "В сообщении недопустимый символ.",
            "The message holds a forbidden character.",
        );
        let reply = adapter.failure(&incoming.message(), &words, &settings);
        return Ok(Held {
            reply,
            refused: Some("unreadable".to_owned()),
            kept: true,
        });
    }
    if let Filed::NoRoom(words) = filed {
        talk.keep(
            Outcome::Unreadable,
            Some(words.in_language(settings.language).to_owned()),
        )
        .await?;
        return Ok(Held {
            reply: adapter.failure(&incoming.message(), &words, &settings),
            refused: Some("unreadable".to_owned()),
            kept: true,
        });
    }
    match read(adapter, incoming, settings).await? {
        Err(Unreadable { reason, reply }) => {
            talk.keep(Outcome::Unreadable, Some(reason)).await?;
            Ok(Held {
                reply,
                refused: Some("unreadable".to_owned()),
                kept: true,
            })
        }
        Ok(dialogue) => talk.answer(&*dialogue).await,
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
            kept: true,
        },
        Err(unreadable) => Held {
            reply: unreadable.reply,
            refused: Some("unreadable".to_owned()),
            kept: true,
        },
    }
}

/// A problem of ours in the words of the conversation.
fn refusal_of(problem: Problem) -> Refusal {
    Refusal {
        code: problem.code,
        words: problem.words,
        pointer: problem.errors.into_iter().next().map(|error| error.pointer),
        retryable: problem.retryable,
        most: None,
    }
}

/// A message that was read, with all that its asks need.
struct Talk {
    app: App,
    known: Arc<Known>,
    raw: Arc<RawMessage>,
    since: Instant,
    replay_of: Option<MessageId>,
}

impl Talk {
    async fn answer(&self, dialogue: &(dyn Dialogue + '_)) -> Result<Held, Failed> {
        let (asks, remarks) = (dialogue.asks(), dialogue.remarks());
        let remarks = (!remarks.is_empty()).then(|| remarks.join("\n"));
        // What only reads is not kept: tills ask many times per sale, and nothing can be lost.
        let reads = |ask: &Ask| matches!(ask, Ask::Identify(_) | Ask::Search(_) | Ask::Quote(_));
        let only_reads = !asks.is_empty() && asks.iter().all(reads);
        let parts = dialogue.parts();
        if asks.is_empty() || (only_reads && remarks.is_some()) || !parts.is_empty() {
            self.keep(Outcome::Ignored, remarks.clone()).await?;
        }
        self.leave(dialogue.errands()).await?;
        let names = self.names(dialogue.orders()).await?;
        let mut told = Vec::with_capacity(asks.len());
        for part in &parts {
            if let About::Unread(reason) = &part.about {
                self.of_part(part)
                    .keep(Outcome::Unreadable, Some(reason.clone()))
                    .await?;
            }
        }
        for (at, mut ask) in asks.into_iter().enumerate() {
            names.apply(&mut ask);
            told.push(match parts.iter().find(|part| part.about == About::Ask(at)) {
                Some(part) => self.of_part(part).ask(ask, None).await?,
                None => self.ask(ask, remarks.clone()).await?,
            });
        }
        match dialogue.then(&told) {
            Ok(more) => {
                for mut ask in more {
                    names.apply(&mut ask);
                    told.push(self.ask(ask, remarks.clone()).await?);
                }
            }
            Err(Unreadable { reason, reply }) => {
                self.keep(Outcome::Refused, Some(reason)).await?;
                return Ok(Held {
                    reply,
                    refused: Some("unreadable".to_owned()),
                    kept: true,
                });
            }
        }
        let refused = told.iter().find_map(|answer| answer.as_ref().err());
        let refused = refused.map(|refusal| refusal.code.clone());
        self.leave(dialogue.errands_after(&told)).await?;
        Ok(Held {
            reply: dialogue.reply(&told),
            refused,
            kept: true,
        })
    }

    /// Under which names the orders of the message are known; what is known twice is one from now on.
    async fn names(&self, orders: Vec<Vec<String>>) -> Result<OrderNames, Failed> {
        let (tenant, source) = (self.known.tenant, self.place().source);
        let failed = |error: StorageError| {
            tracing::warn!(%error, "could not look an order's names up");
            Failed::Busy
        };
        let names = OrderNames::of(&self.app, tenant, &source, orders.clone()).await;
        let names = names.map_err(failed)?;
        if !names.have_twins(&orders) {
            return Ok(names);
        }
        self.unite(&orders).await?;
        OrderNames::of(&self.app, tenant, &source, orders)
            .await
            .map_err(failed)
    }

    /// Makes one of orders that are known twice. The receipt of the one is given back before its names mean the other: where
    /// this is broken off, the next message with both names does it again.
    async fn unite(&self, orders: &[Vec<String>]) -> Result<(), Failed> {
        let (tenant, place) = (self.known.tenant, self.place());
        let failed = |error: StorageError| {
            tracing::warn!(%error, "could not make one order of two");
            Failed::Busy
        };
        let twins = OrderNames::twins(&self.app, tenant, (place.venue, &place.source), orders).await;
        for twins in twins.map_err(failed)? {
            let undone = twins.is_sold.then(|| GiveBack {
                external_id: format!("{}/merged", twins.twin),
                sale: twins.twin.clone(),
                version: None,
                returned_at: self.raw.received_at.fixed_offset(),
                what: WhatBack::Everything,
                rollback: true,
            });
            let remark = format!("{} and {} are one order", twins.kept, twins.twin);
            if let Some(undone) = undone
                && let Err(refusal) = self.ask(Ask::GiveBack(undone), Some(remark)).await?
            {
                tracing::warn!(
                    refusal = refusal.code,
                    "the receipt of an order that is known twice stays"
                );
            }
            let merged = OrderNames::merge(&self.app, tenant, &place.source, twins).await;
            merged.map_err(failed)?;
        }
        Ok(())
    }

    /// Keeps what the vendor's system is to be asked. A till is not answered before that.
    async fn leave(&self, errands: Vec<Errand>) -> Result<(), Failed> {
        if errands.is_empty() {
            return Ok(());
        }
        let (tenant, id) = (self.known.tenant, self.known.connection.id);
        let (ids, now) = (Arc::clone(&self.app.ids), self.app.clock.now());
        let left = self.app.small_writes.write(move |c| {
            for errand in &errands {
                errands::leave(c, tenant, id, ids.next_id(), errand, now)?;
            }
            polls::hurry(c, tenant, id, now)
        });
        left.await.map_err(|error| {
            tracing::warn!(%error, connection = %id, "an errand could not be kept");
            Failed::Ours
        })?;
        self.app.errand_left.notify_one();
        Ok(())
    }

    /// The same conversation about one thing of many that a message brings: kept by itself.
    fn of_part(&self, part: &Part) -> Talk {
        let raw = RawMessage {
            method: "POST".to_owned(),
            path: part.path.clone(),
            query: String::new(),
            content_type: Some(part.content_type.to_owned()),
            body: part.body.clone(),
            ..(*self.raw).clone()
        };
        Talk {
            app: self.app.clone(),
            known: Arc::clone(&self.known),
            raw: Arc::new(raw),
            since: self.since,
            replay_of: self.replay_of,
        }
    }

    /// That of the connection.
    fn language(&self) -> Language {
        Settings::default_of(&self.known).language
    }

    fn place(&self) -> Place {
        Place {
            venue: self.known.connection.venue,
            source: self.known.connection.source().to_string(),
        }
    }

    async fn ask(&self, ask: Ask, remarks: Option<String>) -> Result<Result<Told, Refusal>, Failed> {
        let (ledger, tenant, place) = (&self.app.ledger, self.known.tenant, self.place());
        let mut ask = match self.without_codes(ask).await {
            Ok(ask) => ask,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let looked_up = menu_categories::look_up(&self.app, tenant, place.venue, &mut ask).await;
        looked_up.map_err(|error| {
            tracing::warn!(%error, "could not look up the menu");
            Failed::Busy
        })?;
        let read = match ask {
            Ask::Identify(who) => ledger
                .identify(tenant, place, who)
                .await
                .map(|guest| Told::Guest(Box::new(guest))),
            Ask::Search(search) => ledger.search(tenant, place, search).await.map(Told::Guests),
            Ask::Quote(close) => ledger
                .quote(tenant, place, close)
                .await
                .map(|quoted| Told::Quoted(Box::new(quoted))),
            Ask::Close(close) => return self.write(Verb::Close(place, Box::new(close)), remarks).await,
            Ask::Hold(hold) => return self.write(Verb::Hold(place, hold), remarks).await,
            Ask::Void(name) => return self.write(Verb::Void(place, name), remarks).await,
            Ask::Spend(spend) => return self.spend(place, spend, remarks).await,
            Ask::Adjust(ask) => return self.adjust(ask, remarks).await,
            Ask::Enrol(_) | Ask::AddCard(_) | Ask::RemoveCard(_) => {
                return self.about_guest(ask, remarks).await;
            }
            Ask::TakeMenu(menu) => return self.take_menu(menu, remarks).await,
            Ask::Reconcile(day) => return self.reconcile(*day, remarks).await,
            Ask::UndoReturn(ask) => {
                let sale = SourceKey {
                    network: tenant.network(),
                    venue: place.venue,
                    source: place.source.clone(),
                    external_id: ask.sale,
                };
                let verb = Verb::UndoReturn {
                    place,
                    external_id: ask.external_id,
                    sale,
                    version: ask.version,
                    undone_at: ask.undone_at.to_utc(),
                };
                return self.write(verb, remarks).await;
            }
            Ask::GiveBack(ask) => {
                let sale = SourceKey {
                    network: tenant.network(),
                    venue: place.venue,
                    source: place.source.clone(),
                    external_id: ask.sale.clone(),
                };
                let request = ReturnRequest::from_ask(&ask);
                let verb = Verb::GiveBack {
                    place,
                    external_id: ask.external_id,
                    sale,
                    request,
                };
                return self.write(verb, remarks).await;
            }
        };
        match read {
            Ok(told) => Ok(Ok(told)),
            Err(Failure::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Takes a menu over; the message is kept with what could not be taken.
    async fn take_menu(&self, menu: Menu, remarks: Option<String>) -> Result<Result<Told, Refusal>, Failed> {
        let author = Author::till(&self.app, self.known.tenant, self.known.connection.id);
        let taken = menu_import::take(&self.app, author, self.known.connection.venue, menu)
            .await
            .map_err(|problem| Failed::of(&problem))?;
        let language = self.language();
        let skipped = taken
            .skipped
            .iter()
            .take(MOST_SKIPPED_NAMED)
            .map(|w| w.in_language(language).to_owned());
        let detail: Vec<String> = remarks.into_iter().chain(skipped).collect();
        let outcome = if taken.added + taken.changed == 0 {
            Outcome::Repeated
        } else {
            Outcome::Posted
        };
        self.keep(outcome, (!detail.is_empty()).then(|| detail.join("\n")))
            .await?;
        Ok(Ok(Told::MenuTaken(taken)))
    }

    /// Compares a day of the till with the books; a report that is replayed counts as of when it came.
    async fn reconcile(
        &self,
        day: TillDay,
        remarks: Option<String>,
    ) -> Result<Result<Told, Refusal>, Failed> {
        let compared = reconcile(&self.app, &self.known, day, self.raw.received_at)
            .await
            .map_err(|problem| Failed::of(&problem))?;
        let outcome = match compared {
            Some(_) => Outcome::Posted,
            None => Outcome::Repeated,
        };
        self.keep(outcome, remarks).await?;
        Ok(Ok(Told::Reconciled(compared.unwrap_or_default())))
    }

    /// The same with the guest's own short-lived codes read: they are good at a till as they are at ours.
    async fn without_codes(&self, mut ask: Ask) -> Result<Ask, Refusal> {
        let who = match &mut ask {
            Ask::Identify(who) => Some(who),
            Ask::Quote(close) | Ask::Close(close) => close.receipt.customer.as_mut(),
            Ask::Hold(hold) => Some(&mut hold.customer),
            Ask::Spend(spend) => Some(&mut spend.customer),
            Ask::Enrol(ask) => ask.who.as_mut(),
            Ask::AddCard(ask) | Ask::RemoveCard(ask) => Some(&mut ask.customer),
            Ask::Adjust(ask) => Some(&mut ask.customer),
            Ask::GiveBack(_)
            | Ask::UndoReturn(_)
            | Ask::Void(_)
            | Ask::Search(_)
            | Ask::TakeMenu(_)
            | Ask::Reconcile(_) => None,
        };
        if let Some(who) = who {
            let read = read_code(&self.app, self.known.tenant, who.clone(), self.app.clock.now()).await;
            *who = read.map_err(refusal_of)?;
        }
        Ok(ask)
    }

    async fn write(&self, verb: Verb, remarks: Option<String>) -> Result<Result<Told, Refusal>, Failed> {
        self.submit(self.command(verb, remarks)).await
    }

    async fn submit(&self, command: Command) -> Result<Result<Told, Refusal>, Failed> {
        match self.app.ledger.submit(command).await {
            Ok(answered) => match answered.answer {
                Answer::Closed(closed) => Ok(Ok(Told::Closed(closed))),
                Answer::Returned(returned) => Ok(Ok(Told::Returned(returned))),
                Answer::Held(held) => Ok(Ok(Told::Held(held))),
                Answer::Voided(voided) => Ok(Ok(Told::Voided(voided))),
                Answer::Spent(spent) => Ok(Ok(Told::Spent(spent))),
                Answer::Adjusted(adjusted) => Ok(Ok(Told::Adjusted(adjusted))),
                Answer::Kept => Err(Failed::Ours),
            },
            Err(Failure::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes bonuses off. A till's repeat is known by its time; that of a person who does the message again by the message.
    async fn spend(
        &self,
        place: Place,
        spend: Spend,
        remarks: Option<String>,
    ) -> Result<Result<Told, Refusal>, Failed> {
        let key = self.replay_of.map(|id| ReplayOf(id).key());
        let fingerprint = Sha256::digest(format!("{spend:?}")).into();
        let mut command = self.command(Verb::Spend(place, spend), remarks);
        command.idempotency = key.map(|key| (key, fingerprint));
        self.submit(command).await
    }

    /// Gives or takes bonuses by hand, once by its key.
    async fn adjust(&self, ask: Adjust, remarks: Option<String>) -> Result<Result<Told, Refusal>, Failed> {
        let terms = network_terms(&self.app, self.known.tenant)
            .await
            .map_err(|_| Failed::Busy)?;
        let fingerprint = Sha256::digest(format!("{ask:?}")).into();
        let amend = match ask.direction {
            AdjustDirection::Credit => Amend::Credit {
                amount: ask.amount,
                starts_at: None,
                expires_at: ordinary_end(&terms, self.app.ledger.now(&terms)),
                scope: None,
                promotion: false,
                comment: ask.reason,
            },
            AdjustDirection::Debit => Amend::Debit {
                amount: ask.amount,
                comment: ask.reason,
            },
        };
        let mut command = self.command(Verb::Amend(ask.customer, amend), remarks);
        command.idempotency = Some((ask.key, fingerprint));
        self.submit(command).await
    }

    /// Carries out what is asked about the guest himself as REST does, and tells who he is then.
    async fn about_guest(&self, ask: Ask, remarks: Option<String>) -> Result<Result<Told, Refusal>, Failed> {
        let caller = self.caller();
        let done = match ask {
            Ask::Enrol(ask) => enrolment::enrol(&self.app, &caller, *ask).await,
            Ask::AddCard(ask) => enrolment::add_card(&self.app, &caller, ask).await,
            Ask::RemoveCard(ask) => enrolment::remove_card(&self.app, &caller, ask).await,
            _ => return Err(Failed::Ours),
        };
        let id = match done {
            Ok(id) => id,
            Err(problem) if problem.status.is_server_error() => return Err(Failed::Busy),
            Err(problem) => {
                let refusal = refusal_of(problem);
                let words = refusal.words.in_language(self.language());
                let why = [Some(format!("{}: {words}", refusal.code)), remarks];
                let why = why.into_iter().flatten().collect::<Vec<_>>().join("\n");
                self.keep(Outcome::Refused, Some(why)).await?;
                return Ok(Err(refusal));
            }
        };
        self.keep(Outcome::Posted, remarks).await?;
        let who = CustomerRef::Id(id.to_string());
        let guest = self
            .app
            .ledger
            .identify(self.known.tenant, self.place(), who)
            .await?;
        Ok(Ok(Told::Guest(Box::new(guest))))
    }

    /// The till as a caller of what REST does: it reaches the guests of its network, from its own venue.
    fn caller(&self) -> Caller {
        Caller {
            tenant: self.known.tenant,
            actor: format!("till:{}", self.known.connection.id),
            scopes: vec![Scope::Till, Scope::Customers],
            role: None,
            venues: Some(vec![self.known.connection.venue]),
            test: false,
            language: self.language(),
            till: None,
        }
    }

    /// Keeps the message without doing anything. A till is not answered before it is kept.
    async fn keep(&self, outcome: Outcome, remarks: Option<String>) -> Result<(), Failed> {
        self.app
            .ledger
            .submit(self.command(Verb::Keep(outcome), remarks))
            .await?;
        Ok(())
    }

    fn command(&self, verb: Verb, remarks: Option<String>) -> Command {
        Command {
            tenant: self.known.tenant,
            actor: format!("till:{}", self.known.connection.id),
            verb,
            raw: Some(Arc::clone(&self.raw)),
            remarks,
            language: self.language(),
            idempotency: None,
            replay_of: self.replay_of,
            since: self.since,
        }
    }
}
