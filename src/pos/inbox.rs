//! Looking at kept messages, and replaying one after its cause is mended.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use kopilka_contract::Language;
use tower::ServiceExt;

use super::connection_cache::Known;
use super::conversation;
use super::incoming::Incoming;
use crate::api::caller::{Caller, Role};
use crate::api::problem::Problem;
use crate::api::till_path::ReplayOf;
use crate::app::App;
use crate::domain::ids::MessageId;
use crate::storage::Tenant;
use crate::storage::ledger::message::RawMessage;
use crate::storage::messages::MessageFilter;
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

/// Does again what a kept message asks, as if it came now. One that was posted is done: nothing is asked of the ledger. The
/// outcome of a success is written to the old message, so that it waits for nobody any more; after a failure it waits on, and
/// there is no second one.
///
/// # Errors
/// 404 where there is no such message, or its connection is gone.
pub async fn replay(app: &App, tenant: Tenant, id: MessageId) -> Result<Replayed, Problem> {
    let message = app
        .read(move |c| messages::find(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let message = message.ok_or_else(Problem::not_found)?;
    if DONE.contains(&message.outcome.as_str()) {
        return Ok(Replayed {
            done: true,
            answer: String::new(),
        });
    }
    let raw = message.raw;
    let replayed = if raw.kind == "rest" {
        by_rest(app, tenant, id, raw).await
    } else {
        by_till(app, tenant, id, raw).await
    }?;
    if replayed.done {
        app.write(move |c| -> Result<(), Problem> { Ok(messages::mark_replayed(c, tenant, id)?) })
            .await?;
    }
    Ok(replayed)
}

/// Messages that wait for a person and match, the oldest first, and whether there are more than `limit`.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    app: &App,
    tenant: Tenant,
    filter: MessageFilter,
    limit: u32,
) -> Result<(Vec<MessageId>, bool), Problem> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    // The list begins with the newest; what is done first is the oldest of all that match, a page being enough to
    // hold them in practice.
    let mut found = app
        .read(move |c| messages::list(c, tenant, &filter, MOST_WAITING))
        .await
        .map_err(Problem::from)?;
    found.reverse();
    let more = found.len() > wanted;
    found.truncate(wanted);
    Ok((found.into_iter().map(|message| message.id).collect(), more))
}

/// Most messages that are looked at for the oldest of them.
const MOST_WAITING: i64 = 10_000;

async fn by_till(app: &App, tenant: Tenant, id: MessageId, raw: RawMessage) -> Result<Replayed, Problem> {
    let adapter = super::adapter(&raw.kind).ok_or_else(Problem::not_found)?;
    let connection = raw.connection.ok_or_else(Problem::not_found)?;
    let connection = app
        .read(move |c| till_connections::find(c, tenant, connection))
        .await
        .map_err(Problem::from)?;
    let known = std::sync::Arc::new(Known {
        tenant,
        connection: connection.ok_or_else(Problem::not_found)?,
    });
    let incoming = Incoming {
        method: raw.method,
        path: raw.path,
        query: raw.query,
        content_type: raw.content_type,
        body: raw.body,
        login: None,
        received_at: raw.received_at,
        replay_of: Some(id),
    };
    let held = conversation::hold(app, adapter, &known, incoming, None).await;
    Ok(Replayed {
        done: held.refused.is_none(),
        answer: String::from_utf8_lossy(&held.reply.body).into_owned(),
    })
}

/// A REST message goes through the same routes once more, brought by us with an owner's rights.
async fn by_rest(app: &App, tenant: Tenant, id: MessageId, raw: RawMessage) -> Result<Replayed, Problem> {
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
    let done = response.status().is_success();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|_| Problem::internal())?
        .to_bytes();
    Ok(Replayed {
        done,
        answer: String::from_utf8_lossy(&body).into_owned(),
    })
}
