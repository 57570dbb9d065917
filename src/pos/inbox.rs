//! Looking at kept messages, and replaying one after its cause is mended.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use kopilka_contract::{Language, Settings, Words};
use tower::ServiceExt;

use super::connection_cache::Known;
use super::conversation::{self, DefaultOf};
use super::incoming::Incoming;
use crate::api::author::Author;
use crate::api::caller::{Caller, Role};
use crate::api::problem::{Problem, ProblemBody};
use crate::api::till_path::ReplayOf;
use crate::app::App;
use crate::domain::ids::MessageId;
use crate::storage::Tenant;
use crate::storage::ledger::message::{RawMessage, TURNED_AWAY};
use crate::storage::messages::{FailedAgain, MessageFilter, MessageHead};
use crate::storage::{messages, till_connections};

/// How a replay went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Whether it was posted, or had been.
    pub done: bool,
    /// What the sender would have been told.
    pub answer: String,
}

/// Outcomes of messages that are in the books.
const DONE: [&str; 3] = ["posted", "repeated", "replayed"];
const REFUSED: &str = "refused";
const UNREADABLE: &str = "unreadable";

/// Does again what a kept message asks, as if it came now. One that was posted is done: nothing is asked of the ledger. The
/// outcome of a success is written to the old message, so that it waits for nobody any more; after a failure it waits on with the
/// newest reason, and there is no second one. What was turned away at the door is turned away again, unless its address is named by now.
///
/// # Errors
/// 404 where there is no such message, or its connection is gone.
pub async fn replay(app: &App, tenant: Tenant, id: MessageId) -> Result<Replayed, Problem> {
    again(app, tenant, id, false).await
}

/// [`replay`] of a message that a person lets in though it was turned away at the door.
///
/// # Errors
/// Those of [`replay`].
pub async fn let_in(app: &App, tenant: Tenant, id: MessageId) -> Result<Replayed, Problem> {
    again(app, tenant, id, true).await
}

async fn again(
    app: &App,
    tenant: Tenant,
    id: MessageId,
    although_unauthorized: bool,
) -> Result<Replayed, Problem> {
    let message = app
        .read(move |c| messages::find(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let message = message.ok_or_else(Problem::not_found)?;
    let head = message.head.clone();
    if DONE.contains(&head.outcome.as_str()) {
        return Ok(Replayed {
            done: true,
            answer: String::new(),
        });
    }
    let raw = message.into_raw();
    let (replayed, failed) = if raw.kind == "rest" {
        by_rest(app, tenant, id, raw).await?
    } else {
        let known = known(app, tenant, &head).await?;
        if !although_unauthorized && let Some(answer) = turned_away_again(&head, &known) {
            return Ok(Replayed { done: false, answer });
        }
        by_till(app, known, id, raw).await?
    };
    if replayed.done {
        app.write(move |c| -> Result<(), Problem> { Ok(messages::mark_replayed(c, tenant, id)?) })
            .await?;
    } else if let Some(failed) = failed
        && is_news(&head, &failed)
    {
        let first = head.first_detail.or(head.detail);
        app.write(move |c| -> Result<(), Problem> {
            Ok(messages::note_failure(c, tenant, id, &failed, first.as_deref())?)
        })
        .await?;
    }
    Ok(replayed)
}

/// Whether a message failed for another reason than the one that is kept with it.
fn is_news(message: &MessageHead, failed: &FailedAgain) -> bool {
    let known = message.detail.as_deref().unwrap_or_default();
    let words = failed.detail.as_deref().unwrap_or_default();
    // What is kept says more than the reason: remarks, or the code before it.
    let is_said = match (&message.code, &failed.code) {
        (None, Some(code)) => known.starts_with(&format!("{code}: ")),
        (kept, new) => kept == new && known.starts_with(words),
    };
    !is_said
}

/// What a person is told who does a message again that was turned away at the door; `None`: it may be done.
fn turned_away_again(message: &MessageHead, known: &Known) -> Option<String> {
    if message.needs_nobody.as_deref() != Some(TURNED_AWAY) {
        return None;
    }
    let kind = &message.kind;
    let words = if message.code.as_deref() == Some(conversation::FOREIGN_ADDRESS) {
        // Only the words say where it came from.
        let detail = message.detail.as_deref().unwrap_or_default();
        let mut named = detail.split_whitespace().map(|word| word.trim_end_matches(','));
        let from: Option<IpAddr> = named.find_map(|word| word.parse().ok());
        let only_from = &known.connection.only_from;
        if from.is_some_and(|from| only_from.is_empty() || only_from.contain(from)) {
            return None;
        }
        let from = from.map_or_else(|| "?".to_owned(), |from| from.to_string());
        Words::new(
            format!(
                "Не повторено: пришло с адреса {from}, которого нет в only_from. Сначала добавьте адрес; если он вам незнаком, токен кассы у чужих: kopilka connect {kind} --again."
            ),
            format!(
                "Not done again: it came from {from}, which only_from does not name. Add the address first; if you do not know it, strangers have the till's token: kopilka connect {kind} --again."
            ),
        )
    } else {
        Words::new(
            "Не повторено: пароль или ключ в сообщении был не тот, что в настройках подключения. Если его точно прислала ваша касса, повторите с --although-unauthorized (в API although_unauthorized=true).",
            "Not done again: its password or key was not that of the connection's settings. If it is surely your till's, do it again with --although-unauthorized (in the API although_unauthorized=true).",
        )
    };
    Some(words.in_language(Settings::default_of(known).language).to_owned())
}

/// Says that a person is done with a message that waited: it is not done again with the others, and stays in the list with its
/// outcome. One that waits for nobody stays as it is.
///
/// # Errors
/// Those of the database.
pub async fn dismiss(app: &App, author: Author, id: MessageId, note: String) -> Result<(), Problem> {
    app.write(move |c| -> Result<(), Problem> {
        if messages::dismiss(c, author.tenant, id)? {
            let note = serde_json::json!({"note": note});
            author.note(c, "message.dismiss", id, None, Some(&note))?;
        }
        Ok(())
    })
    .await
}

/// Messages that wait for a person and match, the oldest first, and whether there are more than `limit`.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    app: &App,
    tenant: Tenant,
    mut filter: MessageFilter,
    limit: u32,
) -> Result<(Vec<MessageId>, bool), Problem> {
    filter.waiting = true;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    // The list begins with the newest; what is done first is the oldest of all that match, a page being enough to
    // hold them in practice.
    let mut found = app
        .read(move |c| messages::list_all(c, tenant, filter, MOST_WAITING))
        .await
        .map_err(Problem::from)?;
    found.reverse();
    let more = found.len() > wanted;
    found.truncate(wanted);
    Ok((found.into_iter().map(|message| message.id).collect(), more))
}

/// Most messages that are looked at for the oldest of them.
const MOST_WAITING: i64 = 10_000;

/// The connection that a message came by.
async fn known(app: &App, tenant: Tenant, message: &MessageHead) -> Result<Arc<Known>, Problem> {
    let connection = message.connection.ok_or_else(Problem::not_found)?;
    let connection = app
        .read(move |c| till_connections::find(c, tenant, connection))
        .await
        .map_err(Problem::from)?;
    Ok(Arc::new(Known {
        tenant,
        connection: connection.ok_or_else(Problem::not_found)?,
    }))
}

/// How a replay went and, of a failure that is the message's own, why.
type Tried = (Replayed, Option<FailedAgain>);

async fn by_till(app: &App, known: Arc<Known>, id: MessageId, raw: RawMessage) -> Result<Tried, Problem> {
    let adapter = super::adapter(&raw.kind).ok_or_else(Problem::not_found)?;
    let incoming = Incoming {
        method: raw.method,
        path: raw.path,
        query: raw.query,
        content_type: raw.content_type,
        body: raw.body.into(),
        login: None,
        received_at: raw.received_at,
        replay_of: Some(id),
    };
    let held = conversation::hold(app, adapter, &known, incoming, None).await;
    let language = Settings::default_of(&known).language;
    let failed = held.why.as_ref().map(|why| {
        let code = held.refused.clone().filter(|code| code != UNREADABLE);
        FailedAgain {
            outcome: if code.is_some() { REFUSED } else { UNREADABLE },
            code,
            detail: Some(why.in_language(language).to_owned()),
        }
    });
    let replayed = Replayed {
        done: held.refused.is_none(),
        answer: String::from_utf8_lossy(&held.reply.body).into_owned(),
    };
    Ok((replayed, failed))
}

/// A REST message goes through the same routes once more, brought by us with an owner's rights.
async fn by_rest(app: &App, tenant: Tenant, id: MessageId, raw: RawMessage) -> Result<Tried, Problem> {
    let caller = Caller {
        tenant,
        actor: "replay".to_owned(),
        scopes: Role::Owner.scopes().to_vec(),
        role: Some(Role::Owner),
        venues: raw.venue.map(|venue| vec![venue]),
        test: false,
        language: Language::Ru,
        till: None,
    };
    let uri = if raw.query.is_empty() {
        raw.path
    } else {
        format!("{}?{}", raw.path, raw.query)
    };
    let mut request = Request::builder().method(raw.method.as_str()).uri(uri);
    if let Some(content_type) = raw.content_type {
        request = request.header("content-type", content_type);
    }
    let request = request
        .extension(caller)
        .extension(ReplayOf(id))
        .body(Body::from(raw.body))
        .map_err(|_| Problem::not_found())?;
    let response = crate::api::router(app.clone())
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {});
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|_| Problem::internal())?
        .to_bytes();
    let refused: Option<ProblemBody> = serde_json::from_slice(&body).ok();
    let failed = refused
        .filter(|_| status.is_client_error())
        .map(|problem| FailedAgain {
            outcome: if status == StatusCode::BAD_REQUEST {
                UNREADABLE
            } else {
                REFUSED
            },
            code: Some(problem.code),
            detail: Some(problem.user_message),
        });
    let replayed = Replayed {
        done: status.is_success(),
        answer: String::from_utf8_lossy(&body).into_owned(),
    };
    Ok((replayed, failed))
}
