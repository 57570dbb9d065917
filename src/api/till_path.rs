//! What the verbs of the till have in common: where they happen, how they are remembered, how failures are told.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::caller::Caller;
use super::json_body::{from_json, is_json};
use super::problem::Problem;
use crate::app::App;
use crate::domain::books::Hash;
use crate::domain::ids::{MessageId, VenueId};
use crate::domain::refusal::coded;
use crate::ledger::{Answered, Command, Failure, Verb};
use crate::storage::Tenant;
use crate::storage::ledger::message::{Outcome, RawMessage};
use crate::storage::terms::NetworkTerms;

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Busy => Problem::busy(),
            Failure::Internal | Failure::Kept | Failure::AskerGone => Problem::internal(),
        }
    }
}

/// The envelope of a request that moves bonuses: what is remembered of it besides its meaning.
#[derive(Debug, Clone)]
pub struct Envelope {
    method: String,
    path: String,
    query: String,
    content_type: Option<String>,
    idempotency_key: Option<String>,
    replay_of: Option<MessageId>,
}

/// Extension of a request that does a kept message again. Its outcome is remembered under the message, so that two people who
/// do so at once post it once.
#[derive(Debug, Clone, Copy)]
pub struct ReplayOf(pub MessageId);

impl ReplayOf {
    /// The idempotency key of what the message asks.
    pub fn key(self) -> String {
        format!("replay:{}", self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Envelope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A nested router shows its own part of the path; the whole one is remembered.
        let uri: &Uri = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or(&parts.uri, |uri| &uri.0);
        let replay = parts.extensions.get::<ReplayOf>().copied();
        Ok(Envelope {
            method: parts.method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            content_type: text(&parts.headers, header::CONTENT_TYPE),
            idempotency_key: idempotency_key(&parts.headers)?.or_else(|| replay.map(ReplayOf::key)),
            replay_of: replay.map(|ReplayOf(id)| id),
        })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid(
            "Idempotency-Key",
            "Ключ повтора: от 1 до 255 знаков.",
            "An Idempotency-Key has 1 to 255 printable characters.",
        )),
    }
}

impl Envelope {
    /// What makes two requests under one key the same.
    fn fingerprint(&self, body: &[u8]) -> Hash {
        let mut hasher = Sha256::new();
        for part in [
            self.method.as_bytes(),
            self.path.as_bytes(),
            self.query.as_bytes(),
            body,
        ] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// The command of this request, with the message as it came.
    pub fn command(
        self,
        app: &App,
        caller: &Caller,
        venue: Option<VenueId>,
        verb: Verb,
        body: &Bytes,
    ) -> Command {
        let fingerprint = self.fingerprint(body);
        let raw = RawMessage {
            venue,
            connection: None,
            kind: "rest".to_owned(),
            method: self.method,
            path: self.path,
            query: self.query,
            content_type: self.content_type,
            body: body.to_vec(),
            received_at: app.clock.now(),
        };
        Command {
            since: std::time::Instant::now(),
            tenant: caller.tenant,
            actor: caller.actor.clone(),
            verb,
            raw: Some(Arc::new(raw)),
            remarks: Vec::new(),
            language: caller.language,
            idempotency: self.idempotency_key.map(|key| (key, fingerprint)),
            asks_before_sale: false,
            asker: None,
            replay_of: self.replay_of,
        }
    }
}

/// A request that was refused before the ledger saw it (it could not be read, its venue is not set up, a field is
/// wrong): what a till sent is kept all the same, for a person to mend the cause and replay it.
///
/// # Errors
/// The refusal, once it is kept; 503 where it could not be kept.
pub async fn or_keep<T>(
    app: &App,
    caller: &Caller,
    envelope: &Envelope,
    raw: &Bytes,
    result: Result<T, Problem>,
) -> Result<T, Problem> {
    let refused = match result {
        Err(refused) if refused.status.is_client_error() => refused,
        other => return other,
    };
    // A caller who is limited to some venues may name one that is not his.
    let exceeds = refused.status == StatusCode::FORBIDDEN
        || (caller.venues.is_some() && refused.code == Problem::no_venue("").code);
    let outcome = match refused.status {
        StatusCode::BAD_REQUEST => Outcome::Unreadable,
        // Done again with a person's rights it would do what its sender may not.
        _ if exceeds => Outcome::TurnedAway("forbidden"),
        _ => Outcome::Refused,
    };
    let venue = caller.only_venue();
    // Nothing is remembered under its idempotency key: a refusal binds nothing.
    let envelope = Envelope {
        idempotency_key: None,
        ..envelope.clone()
    };
    let mut command = envelope.command(app, caller, venue, Verb::Keep(outcome), raw);
    command.remarks = vec![coded(&refused.code, &refused.words)];
    app.ledger.submit(command).await?;
    Err(refused)
}

/// Reads the JSON of a request that moves bonuses, and keeps what can't be read.
///
/// # Errors
/// 415 where it does not say that it is JSON; as [`or_keep`].
pub async fn read_json<T: serde::de::DeserializeOwned>(
    app: &App,
    caller: &Caller,
    envelope: &Envelope,
    raw: &Bytes,
) -> Result<T, Problem> {
    let read = if envelope.content_type.as_deref().is_some_and(is_json) {
        from_json(raw)
    } else {
        Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    };
    or_keep(app, caller, envelope, raw, read).await
}

/// The terms of a network as this instance knows them; read where it knows none yet.
///
/// # Errors
/// Those of the database.
pub async fn network_terms(app: &App, tenant: Tenant) -> Result<Arc<NetworkTerms>, Problem> {
    match app.ledger.terms().known(tenant.network()) {
        Some(terms) => Ok(terms),
        None => fresh_terms(app, tenant).await,
    }
}

async fn fresh_terms(app: &App, tenant: Tenant) -> Result<Arc<NetworkTerms>, Problem> {
    let cache = Arc::clone(app.ledger.terms());
    let terms = app
        .read(move |c| cache.current(c, tenant.network()))
        .await
        .map_err(Problem::from)?;
    terms.ok_or_else(Problem::not_found)
}

/// The venue that a request means: the one it names (our id or the caller's own), else the one that the key is bound
/// to.
///
/// # Errors
/// 404 for one that is not the caller's; 422 where none is named.
pub async fn venue(app: &App, caller: &Caller, named: Option<&str>) -> Result<VenueId, Problem> {
    let Some(named) = named else {
        return caller.only_venue().ok_or_else(|| {
            Problem::invalid(
                "/venue_id",
                "Не указано заведение.",
                "Name a venue: the key is not bound to one.",
            )
        });
    };
    let find = |terms: &NetworkTerms| {
        let by_id = named.parse().ok().filter(|id| terms.venues.contains_key(id));
        by_id.or_else(|| terms.venue_external_ids.get(named).copied())
    };
    let known = find(&*network_terms(app, caller.tenant).await?);
    let found = match known {
        Some(venue) => Some(venue),
        // It may have been made a moment ago by another instance.
        None => find(&*fresh_terms(app, caller.tenant).await?),
    };
    // To a caller who is limited to other venues this one does not exist, in the same words.
    found
        .filter(|venue| caller.needs_venue(*venue).is_ok())
        .ok_or_else(|| Problem::no_venue("/venue_id"))
}

/// An answer of the ledger as a response: its status, and whether it repeats an earlier one.
pub fn respond(answered: &Answered, body: impl Serialize) -> Response {
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Json(body)).into_response();
    if answered.by_key {
        response
            .headers_mut()
            .insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// A ledger that answers something else than it was asked is a defect of ours.
pub fn unexpected() -> Problem {
    tracing::error!("the ledger answered another question");
    Problem::internal()
}
