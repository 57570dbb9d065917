//! Who calls: an API key (Bearer, or Basic with a venue), or a member of staff by his session's cookie.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use kopilka_contract::{presented, same_secret};
use serde::de::value::{Error as NoValue, StrDeserializer};
use serde::{Deserialize, de::IntoDeserializer};

use super::access::{Presented, VerifiedKey};
use super::caller::{Caller, Role, Scope};
use super::finishing::{AllowanceSlot, language};
use super::problem::Problem;
use super::secrets::{LIVE_PREFIX, TEST_PREFIX, csrf_token, hash_of};
use super::till::device::{TILL_COOKIE, Till, till_locked};
use crate::app::App;
use crate::domain::ids::{KeyId, VenueId};
use crate::storage::{Tenant, keys, sessions, venues};

/// Name of the session's cookie.
pub const SESSION_COOKIE: &str = "kopilka_session";
/// Header with the session's CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// How long a session lives without a request.
pub const SESSION_LIFE: chrono::Duration = chrono::Duration::hours(12);
/// How long it lives at most.
pub const SESSION_LONGEST: chrono::Duration = chrono::Duration::days(30);

/// Where a request came from: the server puts its peer into the request's extensions, and [`super::proxies::resolve`] the
/// client behind a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<ClientAddress>().copied();
        Ok(known.unwrap_or(ClientAddress(IpAddr::from([0, 0, 0, 0]))))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let AnyCaller(caller) = AnyCaller::from_request_parts(parts, app).await?;
        if caller.is_at_locked_till() {
            return Err(till_locked());
        }
        Ok(caller)
    }
}

/// A caller, though his till may be locked: it may still send what was sold while it was not.
#[derive(Debug, Clone)]
pub struct AnyCaller(pub Caller);

impl FromRequestParts<App> for AnyCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Two extractors of one handler, or a middleware before it, ask once.
        if let Some(known) = parts.extensions.get::<Caller>() {
            return Ok(AnyCaller(known.clone()));
        }
        let caller = match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let (venue, secret) = value
                    .to_str()
                    .ok()
                    .and_then(presented)
                    .ok_or_else(Problem::unauthorized)?;
                by_key(app, &parts.headers, venue, &secret).await?
            }
            None if comes_from_till(&parts.headers) => Till::known(app, &parts.method, &parts.headers)
                .await?
                .caller(app, language(&parts.headers)),
            None => by_session(app, &parts.method, &parts.headers).await?,
        };
        charge(app, parts, &caller)?;
        parts.extensions.insert(caller.clone());
        Ok(AnyCaller(caller))
    }
}

/// Whether a request with cookies comes from the till's page. A browser may have both cookies, a session's and a till's:
/// then the CSRF token tells which of the two pages speaks, and where there is none (a read) the page's own address.
fn comes_from_till(headers: &HeaderMap) -> bool {
    let Some(till) = cookie(headers, TILL_COOKIE) else {
        return false;
    };
    if session_token(headers).is_none() {
        return true;
    }
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    match text(CSRF_HEADER) {
        Some(token) => same_secret(token, &csrf_token(till)),
        None => text("referer")
            .and_then(|r| r.split_once("://"))
            .and_then(|(_, rest)| rest.split_once('/'))
            .is_some_and(|(_, path)| path == "till" || path.starts_with("till/")),
    }
}

/// Takes one request off the caller's allowance.
///
/// # Errors
/// 429 where none is left.
pub fn charge(app: &App, parts: &Parts, caller: &Caller) -> Result<(), Problem> {
    let taken = app
        .access
        .requests
        .take((caller.tenant.network(), caller.actor.clone()));
    let slot = parts.extensions.get::<AllowanceSlot>();
    let (allowance, result) = match taken {
        Ok(allowance) => (allowance, Ok(())),
        Err(allowance) => (allowance, Err(allowance.refusal())),
    };
    if let Some(slot) = slot {
        slot.leave(allowance);
    }
    result
}

fn scope(name: &str) -> Option<Scope> {
    let name: StrDeserializer<'_, NoValue> = name.into_deserializer();
    Scope::deserialize(name).ok()
}

/// A caller by key. `venue`: the one that he names beside it; he is then limited to it.
///
/// # Errors
/// 401.
pub async fn by_key(
    app: &App,
    headers: &HeaderMap,
    venue: Option<String>,
    secret: &str,
) -> Result<Caller, Problem> {
    if venue.as_ref().is_some_and(|v| v.contains('\0')) {
        return Err(Problem::unauthorized());
    }
    if !secret.starts_with(LIVE_PREFIX) && !secret.starts_with(TEST_PREFIX) {
        return Err(Problem::unauthorized());
    }
    let presented: Presented = (hash_of(secret), venue);
    let key = match app.access.keys.get(&presented, app.clock.now()) {
        Some(key) => key,
        None => check(app, presented).await?,
    };
    Ok(Caller {
        tenant: key.tenant,
        actor: format!("key:{}", key.id),
        scopes: key.scopes,
        role: None,
        venues: key.venue.map(|v| vec![v]),
        test: key.test,
        language: language(headers),
        till: None,
    })
}

/// Asks the database.
async fn check(app: &App, presented: Presented) -> Result<VerifiedKey, Problem> {
    let revocations = app.access.keys.revocations();
    let now = app.clock.now();
    let (hash, named) = presented.clone();
    type Found = Option<(Tenant, keys::StoredKey, Option<VenueId>)>;
    let found: Found = app
        .read(move |connection| -> Result<Found, Problem> {
            let Some((tenant, key)) = keys::by_secret(connection, &hash)? else {
                return Ok(None);
            };
            let named = match &named {
                None => None,
                Some(name) => match venues::resolve(connection, tenant, name)? {
                    Some(venue) => Some(venue),
                    None => return Ok(None),
                },
            };
            Ok(Some((tenant, key, named)))
        })
        .await?;
    let Some((tenant, key, named)) = found else {
        return Err(Problem::unauthorized());
    };
    let other_venue = named.is_some() && key.venue.is_some() && named != key.venue;
    if !key.works_at(now) || other_venue {
        return Err(Problem::unauthorized());
    }
    if key
        .last_used_at
        .is_none_or(|used| now - used >= chrono::Duration::minutes(1))
    {
        note_use(app, tenant, key.id);
    }
    let verified = VerifiedKey {
        tenant,
        id: key.id,
        scopes: key.scopes.iter().filter_map(|s| scope(s)).collect(),
        venue: named.or(key.venue),
        test: key.test,
        expires_at: key.expires_at,
    };
    app.access.keys.put(presented, verified.clone(), revocations);
    Ok(verified)
}

/// Writes the last use behind the request's back: nobody waits for it, and nothing fails with it.
fn note_use(app: &App, tenant: Tenant, id: KeyId) {
    let app = app.clone();
    tokio::spawn(async move {
        let now = app.clock.now();
        let noted: Result<(), Problem> = app
            .write(move |connection| Ok(keys::used(connection, tenant, id, now)?))
            .await;
        if let Err(problem) = noted {
            tracing::warn!(code = problem.code, key = %id, "the last use of a key was not noted");
        }
    });
}

/// The token of the session's cookie.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, SESSION_COOKIE)
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

async fn by_session(app: &App, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = session_token(headers).ok_or_else(Problem::unauthorized)?;
    let hash = hash_of(token);
    let now = app.clock.now();
    let found: Result<_, Problem> = app
        .read(move |connection| Ok(sessions::by_token(connection, &hash, now)?))
        .await;
    let session = found?.ok_or_else(Problem::unauthorized)?;
    if !method.is_safe() && !is_ours(headers, token) {
        return Err(not_ours());
    }
    let role = Role::parse(&session.user.role).ok_or_else(|| {
        tracing::error!(role = session.user.role, "unknown role");
        Problem::internal()
    })?;
    let end = (now + SESSION_LIFE).min(session.created_at + SESSION_LONGEST);
    if end - session.expires_at > chrono::Duration::hours(1) {
        extend(app, session.tenant, hash, end);
    }
    Ok(Caller {
        tenant: session.tenant,
        actor: format!("user:{}", session.user.id),
        scopes: role.scopes().to_vec(),
        role: Some(role),
        venues: session.user.venues,
        test: false,
        language: language(headers),
        till: None,
    })
}

fn extend(app: &App, tenant: Tenant, hash: [u8; 32], end: crate::domain::Timestamp) {
    let app = app.clone();
    tokio::spawn(async move {
        let extended: Result<(), Problem> = app
            .write(move |connection| Ok(sessions::extend(connection, tenant, &hash, end)?))
            .await;
        if let Err(problem) = extended {
            tracing::warn!(code = problem.code, "a session was not extended");
        }
    });
}

/// 403: a change by cookie that does not come from our own page.
pub fn not_ours() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "csrf",
        "Страница устарела. Обновите её и повторите.",
        "A change by session needs the header x-csrf-token, or to come from our own pages.",
    )
}

/// Whether a change that a browser sends with our cookie comes from our own page.
pub fn is_ours(headers: &HeaderMap, session: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(token) = text(CSRF_HEADER) {
        return same_secret(token, &csrf_token(session));
    }
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text("origin").and_then(|o| o.split_once("://"));
    match (origin, text("host")) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_its_stored_name() {
        assert_eq!(scope("till"), Some(Scope::Till));
        assert_eq!(scope("admin"), Some(Scope::Admin));
        assert_eq!(scope("all"), None);
    }

    #[test]
    fn a_change_by_cookie_must_come_from_our_own_page() {
        let ours = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_ours(&headers, "token")
        };
        let right = csrf_token("token");
        assert!(ours(&[("x-csrf-token", &right)]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[
            ("origin", "http://k.example:8080"),
            ("host", "k.example:8080")
        ]));
        assert!(!ours(&[]));
        assert!(!ours(&[("x-csrf-token", "x"), ("sec-fetch-site", "same-origin")]));
        assert!(!ours(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://k"),
            ("host", "k")
        ]));
        assert!(!ours(&[("origin", "http://evil.example"), ("host", "k.example")]));
        assert!(!ours(&[("origin", "null"), ("host", "k.example")]));
    }
}
