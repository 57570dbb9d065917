//! The tills' doors: `/pos/<kind>/<connection token>/…`, what follows being the vendor's own path. The token
//! authenticates; the adapter translates; the ledger decides; every message that may change something is kept raw.

mod asking;
mod chains;
pub mod connection_cache;
pub mod conversation;
pub mod files;
pub mod inbox;
pub mod incoming;
pub mod long_work;
pub mod menu_categories;
pub mod menu_import;
pub mod order_names;
mod orders_before;
pub mod reconciling;
pub mod same_sales;
pub mod secrets;
mod talk;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use kopilka_contract::{Adapter, POLL_PATH, Reply, presented};

use crate::api::authentication::ClientAddress;
use crate::api::json_body::{MAX_BODY, read_body};
use crate::api::problem::Problem;
use crate::app::App;
use connection_cache::Known;
use conversation::Barred;
use incoming::Incoming;

/// This part of a till's patience is kept for telling it that we can't listen to it, in words that its message asks for.
const LAST_WORDS: u32 = 5;

/// So many letters of a till's login tell it apart from others.
const LONGEST_LOGIN: usize = 100;

/// Every dialect that we speak. Adding a till system adds one line here.
pub static ADAPTERS: &[&dyn Adapter] = &[
    &kopilka_rkeeper::RKeeper,
    &kopilka_rkeeper_delivery::RKeeperDelivery,
    &kopilka_iiko::Iiko,
    &kopilka_onec::OneC,
];

/// The adapter of a kind.
pub fn adapter(kind: &str) -> Option<&'static dyn Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.kind() == kind)
}

/// The doors.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/pos/{kind}/openapi.json", get(description))
        .route("/pos/{kind}/{token}", any(door_without_path))
        .route("/pos/{kind}/{token}/", any(door_without_path))
        .route("/pos/{kind}/{token}/{*path}", any(door))
}

/// The description of a contract of our own, where a kind has one. It is no secret: integrators read it before there is a
/// connection.
async fn description(Path(kind): Path<String>) -> Result<Response, Problem> {
    let text = adapter(&kind)
        .and_then(Adapter::description)
        .ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response())
}

async fn door_without_path(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path((kind, token)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    enter(app, address, &kind, &token, String::new(), request).await
}

async fn door(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path((kind, token, path)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    enter(app, address, &kind, &token, path, request).await
}

async fn enter(
    app: App,
    address: IpAddr,
    kind: &str,
    token: &str,
    path: String,
    mut request: Request,
) -> Result<Response, Problem> {
    // One answer for a wrong kind and a wrong token: a guesser learns nothing.
    let adapter = adapter(kind).ok_or_else(Problem::not_found)?;
    // What the service fetches itself nobody else may send.
    if path.starts_with(POLL_PATH) {
        return Err(Problem::not_found());
    }
    let since = Instant::now();
    let mut incoming = Incoming {
        method: request.method().to_string(),
        path,
        query: request.uri().query().unwrap_or_default().to_owned(),
        content_type: request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned),
        body: Bytes::new(),
        login: None,
        received_at: app.clock.now(),
        replay_of: None,
    };
    // Where the trouble is ours, a till is told so in its own language: it can't read a problem document.
    let told = |known: Option<&Known>, incoming: &Incoming, problem: &Problem| {
        response(conversation::not_heard(adapter, known, incoming, &problem.words))
    };
    let last_words = app.till_patience / LAST_WORDS;
    let found = tokio::time::timeout(
        app.till_patience - last_words,
        connection_cache::find(&app, token, address),
    )
    .await;
    let known = match found.unwrap_or_else(|_| Err(Problem::busy())) {
        Ok(known) => known,
        Err(problem) if problem.status.is_server_error() => {
            // Whether a till may go on without us depends on what it says, and on how its connection was set when we last saw it.
            if let Ok(Ok(body)) = tokio::time::timeout(last_words, read_body(request)).await {
                incoming.body = body;
            }
            let last = app
                .connections
                .last_known(token)
                .filter(|last| last.connection.kind == kind);
            return Ok(told(last.as_deref(), &incoming, &problem));
        }
        Err(problem) => return Err(problem),
    };
    if known.connection.kind != kind {
        tracing::warn!(connection = %known.connection.id, kind, "a message at the door of another till system than its connection's");
        // Its body is not listened to: whose it is, the address does not say.
        if let Some(own) = self::adapter(&known.connection.kind) {
            conversation::keep_refused(&app, own, &known, incoming, Barred::Kind(adapter.kind())).await;
        }
        return Err(Problem::not_found());
    }
    let wanted = conversation::authorization_header(adapter, &known, &incoming);
    let shown = text_of(request.headers(), &wanted);
    let authorization = text_of(request.headers(), header::AUTHORIZATION.as_str());
    incoming.login = authorization.as_deref().and_then(login);
    let is_welcome = known.connection.only_from.is_empty() || known.connection.only_from.contain(address);
    // Before the body is read: of who may not speak no more is listened to than of a till.
    let admitted = conversation::admits(adapter, &known, &incoming, shown.as_deref());
    let bulk = adapter
        .bulk(&incoming.message())
        .filter(|_| is_welcome && admitted.is_ok());
    let deadline = match &bulk {
        Some(bulk) => {
            DefaultBodyLimit::max(app.bulk_body).apply(&mut request);
            Duration::from_secs(u64::from(bulk.patience_s))
        }
        None => app.till_patience,
    };
    let body = tokio::time::timeout(deadline.saturating_sub(since.elapsed()), read_body(request)).await;
    match body.unwrap_or_else(|_| Err(Problem::busy())) {
        Ok(body) => incoming.body = body,
        // Whoever may not speak is told nothing of us, whatever he sends.
        Err(_) if !is_welcome => return Err(Problem::not_found()),
        Err(problem) if problem.status == StatusCode::PAYLOAD_TOO_LARGE => {
            if let Err(reply) = admitted {
                return Ok(response(reply));
            }
            let most = if bulk.is_some() { app.bulk_body } else { MAX_BODY };
            tracing::warn!(connection = %known.connection.id, kind, path = incoming.path, most, "a message larger than is taken");
            let reply = conversation::too_large(adapter, &known, &incoming, most);
            return Ok(response(reply));
        }
        Err(problem) => return Ok(told(Some(&known), &incoming, &problem)),
    }
    if !is_welcome {
        tracing::warn!(connection = %known.connection.id, kind, %address, "a message from an address that its connection does not name");
        conversation::keep_refused(&app, adapter, &known, incoming, Barred::Address(address)).await;
        return Err(Problem::not_found());
    }
    if let Err(reply) = admitted {
        tracing::warn!(connection = %known.connection.id, kind, path = incoming.path, "a message without the right authorization");
        conversation::keep_refused(&app, adapter, &known, incoming, Barred::Authorization).await;
        return Ok(response(reply));
    }
    connection_cache::note_heard(&app, &known);
    let left = deadline.saturating_sub(since.elapsed());
    Ok(response(
        conversation::hold(&app, adapter, &known, incoming, Some(left))
            .await
            .reply,
    ))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// The login of `Authorization: Basic`, which becomes a part of a key of the books: short, and of letters that can be seen.
fn login(authorization: &str) -> Option<String> {
    let (login, _) = presented(authorization)?;
    let login = login?;
    let seen = login.chars().filter(|c| !c.is_control()).take(LONGEST_LOGIN);
    Some(seen.collect())
}

fn response(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = (status, reply.body).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    response
}
