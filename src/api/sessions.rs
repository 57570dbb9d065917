//! Logging in and out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authentication::{ClientAddress, SESSION_COOKIE, SESSION_LIFE, SESSION_LONGEST, session_token};
use super::caller::Caller;
use super::json_body::JsonBody;
use super::limits::Allowance;
use super::openapi::Refusals;
use super::problem::Problem;
use super::secrets::{
    MAX_PASSWORD, check_password, csrf_token, hash_of, hash_password, password_fits, random_text,
};
use super::users::UserView;
use crate::app::App;
use crate::domain::ids::{AuditId, UserId};
use crate::storage::users::StoredUser;
use crate::storage::{AnyConnection, StorageError, Tenant, audit, sessions, users};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(current, end))
        .routes(routes!(change_password))
}

/// A login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    /// Whatever its case.
    #[schema(example = "owner")]
    login: String,
    /// The password.
    #[schema(example = "kopilka-owner")]
    password: String,
}

/// Who has logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    /// The member of staff.
    pub(super) user: UserView,
    /// To be sent back as `x-csrf-token` with every change.
    #[schema(example = "2kz0cKkKlkjK8gD2i0cGJ3rCnlMq0jYHZ7hWkX3JxXM")]
    pub(super) csrf_token: String,
}

/// Starts a session in the caller's transaction. Gives its token, which is kept by the browser only.
pub(super) fn start(
    connection: &mut AnyConnection,
    app: &App,
    tenant: Tenant,
    user: UserId,
    token: &str,
) -> Result<(), StorageError> {
    let now = app.clock.now();
    sessions::begin(connection, tenant, user, &hash_of(token), now, now + SESSION_LIFE)
}

/// The answer to a login: the cookie, and who he is.
pub(super) fn started(status: StatusCode, headers: &HeaderMap, user: &StoredUser, token: &str) -> Response {
    let view = SessionView {
        user: UserView::of(user),
        csrf_token: csrf_token(token),
    };
    let mut response = (status, Json(view)).into_response();
    set_cookie(&mut response, headers, token, SESSION_LONGEST.num_seconds());
    response
}

fn set_cookie(response: &mut Response, headers: &HeaderMap, token: &str, seconds: i64) {
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    append_cookie(response, headers, cookie);
}

/// Sets a cookie; it is secure where the request came over TLS.
pub(super) fn append_cookie(response: &mut Response, headers: &HeaderMap, cookie: String) {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    // A café's own server often has no TLS: then a Secure cookie would never come back. Only a trusted proxy's word on
    // it has come this far.
    let secure = text("x-forwarded-proto") == "https" || text("origin").starts_with("https://");
    let secure = if secure { "; Secure" } else { "" };
    if let Ok(value) = HeaderValue::from_str(&format!("{cookie}{secure}")) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Checks a password off the request threads, a few at once only.
pub(super) async fn fits(app: &App, password: String, hash: Option<String>) -> Result<bool, Problem> {
    let _place = app.access.hashing.acquire().await.map_err(|_| Problem::busy())?;
    tokio::task::spawn_blocking(move || password_fits(&password, hash.as_deref()))
        .await
        .map_err(|_| Problem::internal())
}

/// Hashes a password off the request threads.
pub(super) async fn hashed(app: &App, password: String) -> Result<String, Problem> {
    let _place = app.access.hashing.acquire().await.map_err(|_| Problem::busy())?;
    tokio::task::spawn_blocking(move || hash_password(&password))
        .await
        .map_err(|_| Problem::internal())?
}

/// Who proves by login and password that he is a member of staff. Limited by login and by address.
pub(super) async fn log_in(
    app: &App,
    address: std::net::IpAddr,
    login: &str,
    password: String,
) -> Result<(Tenant, StoredUser), Problem> {
    let login = login.trim().to_lowercase();
    if login.chars().count() > 64 || password.len() > MAX_PASSWORD {
        return Err(wrong_login());
    }
    let access = &app.access;
    access
        .address_logins
        .take(address)
        .and_then(|_| access.logins.take((login.clone(), address)))
        .map_err(Allowance::refusal)?;
    let wanted = login.clone();
    let found: Result<_, Problem> = app
        .read(move |connection| Ok(users::by_login(connection, &wanted)?))
        .await;
    let found = found?;
    let hash = found.as_ref().map(|(_, user)| user.password_hash.clone());
    let fits = fits(app, password, hash).await?;
    let Some((tenant, user)) = found.filter(|(_, user)| fits && user.active) else {
        return Err(wrong_login());
    };
    access.logins.forget(&(login, address));
    Ok((tenant, user))
}

/// 401, said to one who types a login: he has no key.
fn wrong_login() -> Problem {
    Problem::unauthorized().saying(
        "Логин или пароль не подходят.",
        "The login or the password is wrong.",
    )
}

/// Logs a member of staff in.
///
/// Sets the cookie of the session. The answer to a wrong password and to an unknown login is the same.
#[utoipa::path(post, path = "/sessions", tag = "access", security(()), request_body = LoginRequest,
    responses((status = 201, description = "Logged in; the cookie is set.", body = SessionView), Refusals))]
async fn begin(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: JsonBody<LoginRequest>,
) -> Result<Response, Problem> {
    let LoginRequest { login, password } = body.value;
    let (tenant, user) = log_in(&app, address, &login, password).await?;
    let token = random_text::<32>()?;
    let (task, kept, id) = (app.clone(), token.clone(), user.id);
    app.write(move |connection| -> Result<(), Problem> { Ok(start(connection, &task, tenant, id, &kept)?) })
        .await?;
    Ok(started(StatusCode::CREATED, &headers, &user, &token))
}

/// The user of the session that the request came with.
async fn own(app: &App, caller: &Caller, headers: &HeaderMap) -> Result<(StoredUser, String), Problem> {
    let token = session_token(headers)
        .filter(|_| caller.role.is_some())
        .ok_or_else(Problem::not_found)?
        .to_owned();
    let (hash, now) = (hash_of(&token), app.clock.now());
    let found: Result<_, Problem> = app
        .read(move |connection| Ok(sessions::by_token(connection, &hash, now)?))
        .await;
    let session = found?.ok_or_else(Problem::unauthorized)?;
    Ok((session.user, token))
}

/// The session of this request.
#[utoipa::path(get, path = "/sessions/current", tag = "access", security(("session" = [])),
    responses((status = 200, description = "Who is logged in.", body = SessionView), Refusals))]
async fn current(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<SessionView>, Problem> {
    let (user, token) = own(&app, &caller, &headers).await?;
    Ok(Json(SessionView {
        user: UserView::of(&user),
        csrf_token: csrf_token(&token),
    }))
}

/// Logs out.
#[utoipa::path(delete, path = "/sessions/current", tag = "access", security(("session" = [])),
    responses((status = 204, description = "Logged out; the cookie is gone."), Refusals))]
async fn end(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let (_, token) = own(&app, &caller, &headers).await?;
    let (tenant, hash) = (caller.tenant, hash_of(&token));
    let ended: Result<bool, Problem> = app
        .write(move |connection| Ok(sessions::end(connection, tenant, &hash)?))
        .await;
    ended?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &headers, "", 0);
    Ok(response)
}

/// A change of one's own password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordRequest {
    /// The password until now.
    #[schema(example = "kopilka-owner")]
    current: String,
    /// The password from now on, 10 characters or more.
    #[schema(example = "a longer sentence")]
    new: String,
}

/// Changes one's own password. Every session of the user ends but a new one, which this answers with.
#[utoipa::path(post, path = "/sessions/current/password", tag = "access", security(("session" = [])),
    request_body = PasswordRequest,
    responses((status = 200, description = "Changed; the cookie is new.", body = SessionView), Refusals))]
async fn change_password(
    State(app): State<App>,
    caller: Caller,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: JsonBody<PasswordRequest>,
) -> Result<Response, Problem> {
    let (user, _) = own(&app, &caller, &headers).await?;
    let PasswordRequest { current, new } = body.value;
    check_password("/new", &new)?;
    app.access
        .logins
        .take((user.login.clone(), address))
        .map_err(Allowance::refusal)?;
    if !fits(&app, current, Some(user.password_hash.clone())).await? {
        return Err(Problem::invalid(
            "/current",
            "Прежний пароль не подходит.",
            "The current password is wrong.",
        ));
    }
    let hash = hashed(&app, new).await?;
    let token = random_text::<32>()?;
    let (task, kept, id, actor, tenant) = (app.clone(), token.clone(), user.id, caller.actor, caller.tenant);
    let user = app
        .write(move |connection| -> Result<StoredUser, Problem> {
            let mut user = users::find(connection, tenant, id)?.ok_or_else(Problem::not_found)?;
            user.password_hash.clone_from(&hash);
            users::update(connection, tenant, &user)?;
            sessions::end_all(connection, tenant, id)?;
            start(connection, &task, tenant, id, &kept)?;
            let (now, entry) = (task.clock.now(), AuditId(task.ids.next_id()));
            let subject = id.to_string();
            audit::write(
                connection,
                tenant,
                &actor,
                "user.password",
                &subject,
                None,
                None,
                now,
                entry,
            )?;
            Ok(user)
        })
        .await?;
    Ok(started(StatusCode::OK, &headers, &user, &token))
}
