//! Who comes to a till's door: what he is told who may not speak, or to whom we can't listen; who may is listened to.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use kopilka_contract::{Adapter, Bulk, POLL_PATH, Reply, presented};

use super::adapter;
use super::connection_cache::{self, Known};
use super::conversation::{self, Barred};
use super::incoming::Incoming;
use super::trying_again;
use crate::api::authentication::ClientAddress;
use crate::api::json_body::{MAX_BODY, read_body};
use crate::api::problem::Problem;
use crate::app::App;

/// This part of a till's patience is kept for telling it that we can't listen to it, in words that its message asks for.
const LAST_WORDS: u32 = 5;

/// So many letters of a till's login tell it apart from others.
const LONGEST_LOGIN: usize = 100;

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
) -> Result<Response, Told> {
    enter(app, address, &kind, &token, String::new(), request).await
}

async fn door(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path((kind, token, path)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Told> {
    enter(app, address, &kind, &token, path, request).await
}

/// What somebody is told who gets no further: in his till's own language, or that there is no such door.
#[derive(Debug)]
enum Told {
    Reply(Reply),
    Problem(Problem),
}

impl From<Problem> for Told {
    fn from(problem: Problem) -> Self {
        Told::Problem(problem)
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        match self {
            Told::Reply(reply) => response(reply),
            Told::Problem(problem) => problem.into_response(),
        }
    }
}

async fn enter(
    app: App,
    address: IpAddr,
    kind: &str,
    token: &str,
    path: String,
    request: Request,
) -> Result<Response, Told> {
    // One answer for a wrong kind and a wrong token: a guesser learns nothing.
    let adapter = adapter(kind).ok_or_else(Problem::not_found)?;
    // What the service fetches itself nobody else may send.
    if path.starts_with(POLL_PATH) {
        return Err(Problem::not_found().into());
    }
    let mut incoming = incoming(&app, &request, path);
    let visit = Visit {
        app,
        adapter,
        address,
        since: Instant::now(),
    };
    let known = match visit.known(token).await {
        Ok(known) => known,
        Err(problem) if problem.status.is_server_error() => {
            return Err(visit.not_listened_to(token, incoming, request, &problem).await);
        }
        Err(problem) => return Err(problem.into()),
    };
    if known.connection.kind != kind {
        return Err(visit.at_the_wrong_door(&known, incoming).await);
    }
    let barred = visit.barred(&known, &incoming, request.headers());
    let bulk = adapter.bulk(&incoming.message()).filter(|_| barred.is_none());
    match visit.listen(request, bulk.as_ref()).await {
        Ok(body) => incoming.body = body,
        Err(problem) => {
            let heard = || visit.not_heard(&known, &incoming, bulk.as_ref(), &problem);
            return Err(barred.map_or_else(heard, |(_, told)| told));
        }
    }
    if let Some((why, told)) = barred {
        conversation::keep_refused(&visit.app, adapter, &known, incoming, why).await;
        return Err(told);
    }
    connection_cache::note_heard(&visit.app, &known);
    let left = visit.patience_left(bulk.as_ref());
    let held = conversation::hold(&visit.app, adapter, &known, incoming, Some(left)).await;
    Ok(response(held.reply))
}

/// Somebody at the door of a kind of tills.
struct Visit {
    app: App,
    adapter: &'static dyn Adapter,
    address: IpAddr,
    since: Instant,
}

impl Visit {
    fn last_words(&self) -> Duration {
        self.app.till_patience / LAST_WORDS
    }

    /// For how long he still waits: a till by far not as long as who brings much at once.
    fn patience_left(&self, bulk: Option<&Bulk>) -> Duration {
        let patience = bulk.map_or(self.app.till_patience, |bulk| {
            Duration::from_secs(u64::from(bulk.patience_s))
        });
        patience.saturating_sub(self.since.elapsed())
    }

    /// The connection whose token he shows.
    async fn known(&self, token: &str) -> Result<Arc<Known>, Problem> {
        let patience = self.app.till_patience.saturating_sub(self.last_words());
        let found = connection_cache::find(&self.app, token, self.address);
        tokio::time::timeout(patience, found)
            .await
            .unwrap_or_else(|_| Err(Problem::busy()))
    }

    /// Whether a till may go on without us depends on what it says, and on how its connection was set when we last saw it.
    async fn not_listened_to(
        &self,
        token: &str,
        mut incoming: Incoming,
        request: Request,
        problem: &Problem,
    ) -> Told {
        let last = self
            .app
            .connections
            .last_known(token)
            .filter(|last| last.connection.kind == self.adapter.kind());
        let headers = request.headers().clone();
        if let Ok(Ok(body)) = tokio::time::timeout(self.last_words(), read_body(request)).await {
            incoming.body = body;
        }
        if let Some(last) = &last
            && self.barred(last, &incoming, &headers).is_none()
        {
            trying_again::unless_sent_again(&self.app, self.adapter, last, &incoming);
        }
        let words = &problem.words;
        Told::Reply(conversation::not_heard(
            self.adapter,
            last.as_deref(),
            &incoming,
            words,
        ))
    }

    /// His token is of a till of another kind. His body is not listened to: whose it is, the address does not say.
    async fn at_the_wrong_door(&self, known: &Arc<Known>, incoming: Incoming) -> Told {
        if let Some(own) = adapter(&known.connection.kind) {
            let why = Barred::Kind(self.adapter.kind());
            conversation::keep_refused(&self.app, own, known, incoming, why).await;
        }
        Problem::not_found().into()
    }

    /// Why he may not speak though his token is right, and what he is told; `None`: he may. It is known before his body is read: of who
    /// may not speak no more is listened to than of a till.
    fn barred(&self, known: &Known, incoming: &Incoming, headers: &HeaderMap) -> Option<(Barred, Told)> {
        let only_from = &known.connection.only_from;
        if !only_from.is_empty() && !only_from.contain(self.address) {
            return Some((Barred::Address(self.address), Problem::not_found().into()));
        }
        let shown_in = conversation::authorization_header(self.adapter, known, incoming);
        let shown = text_of(headers, &shown_in);
        let admitted = conversation::admits(self.adapter, known, incoming, shown.as_deref());
        admitted
            .err()
            .map(|reply| (Barred::Authorization, Told::Reply(reply)))
    }

    /// His body, of no more bytes than are taken of him.
    async fn listen(&self, mut request: Request, bulk: Option<&Bulk>) -> Result<Bytes, Problem> {
        if bulk.is_some() {
            DefaultBodyLimit::max(self.app.bulk_body).apply(&mut request);
        }
        tokio::time::timeout(self.patience_left(bulk), read_body(request))
            .await
            .unwrap_or_else(|_| Err(Problem::busy()))
    }

    /// What he is told whose body did not come, or is too large.
    fn not_heard(&self, known: &Known, incoming: &Incoming, bulk: Option<&Bulk>, problem: &Problem) -> Told {
        let reply = if problem.status == StatusCode::PAYLOAD_TOO_LARGE {
            let most = bulk.map_or(MAX_BODY, |_| self.app.bulk_body);
            let (kind, path) = (self.adapter.kind(), &incoming.path);
            tracing::warn!(connection = %known.connection.id, kind, path, most, "a message larger than is taken");
            conversation::too_large(self.adapter, known, incoming, most)
        } else {
            // Where the trouble is ours, a till is told so in its own language: it can't read a problem document.
            conversation::not_heard(self.adapter, Some(known), incoming, &problem.words)
        };
        Told::Reply(reply)
    }
}

/// What a request brings, but for its body.
fn incoming(app: &App, request: &Request, path: String) -> Incoming {
    let header = |name: header::HeaderName| text_of(request.headers(), name.as_str());
    Incoming {
        method: request.method().to_string(),
        path,
        query: request.uri().query().unwrap_or_default().to_owned(),
        content_type: header(header::CONTENT_TYPE),
        body: Bytes::new(),
        login: header(header::AUTHORIZATION).as_deref().and_then(login),
        received_at: app.clock.now(),
        replay_of: None,
    }
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
