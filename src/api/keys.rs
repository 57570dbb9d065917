//! API keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::json_body::{JsonBody, PathId, QueryOf};
use super::names;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::secrets::{LIVE_PREFIX, TEST_PREFIX, hash_of, random_text};
use super::venues::named;
use crate::app::App;
use crate::domain::ids::{KeyId, VenueId};
use crate::storage::keys;
use crate::storage::keys::StoredKey;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(revoke))
}

/// An API key, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct KeyView {
    #[schema(value_type = String, example = "key_01hgw3zj3q7hx")]
    id: KeyId,
    #[schema(example = "Касса на Невском")]
    name: String,
    /// The first characters of the secret, to tell keys apart.
    #[schema(example = "kop_live_3fQx")]
    prefix: String,
    #[schema(example = json!(["till"]))]
    scopes: Vec<String>,
    /// The only venue that it is for; null: all.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    venue_id: Option<VenueId>,
    /// Whether it can only read and quote.
    test: bool,
    created_at: DateTime<Utc>,
    /// When it stops working; null: never.
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// When it was last seen, give or take a minute.
    last_used_at: Option<DateTime<Utc>>,
}

impl KeyView {
    fn of(key: StoredKey) -> Self {
        KeyView {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            venue_id: key.venue,
            test: key.test,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

fn noted(key: &StoredKey) -> Value {
    serde_json::to_value(KeyView::of(key.clone())).unwrap_or_default()
}

/// A key that was just made, with its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct NewKeyView {
    #[serde(flatten)]
    key: KeyView,
    /// Shown this once: it is not kept.
    #[schema(example = "kop_live_3fQxX1uV0o0Jx2bq6XG0Zr8mB1yQJmFZb0J8hV0c8rE")]
    secret: String,
}

/// A new key.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRequest {
    #[schema(example = "Касса на Невском")]
    name: String,
    /// What it may do: of what its maker may do himself.
    scopes: Vec<Scope>,
    /// Id or external id of the only venue that it is for; null: all.
    #[schema(example = "ven_01hgw3zj3q7hx")]
    venue_id: Option<String>,
    /// Whether it can only read and quote.
    #[serde(default)]
    test: bool,
    /// When it stops working; null: never.
    expires_at: Option<DateTime<Utc>>,
}

/// The caller who may make and revoke keys: an owner, or a key with the scope `admin`.
fn check_caller(caller: &Caller) -> Result<(), Problem> {
    caller.needs(Scope::Admin)?;
    if caller.role.is_some() {
        caller.needs_owner()?;
    }
    Ok(())
}

/// Keys, revoked ones too.
#[utoipa::path(get, path = "/keys", tag = "access", params(ListQuery),
    responses((status = 200, description = "A page of keys.", body = Page<KeyView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<KeyView>>, Problem> {
    check_caller(&caller)?;
    let (limit, after) = (query.limit()?, query.after()?);
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let venues = caller.venues.as_deref();
            let rows = keys::list(connection, caller.tenant, venues, after, i64::from(limit) + 1)?;
            let total = if query.with_total {
                Some(keys::count(connection, caller.tenant, venues)?)
            } else {
                None
            };
            Ok(Page::of(rows, limit, |k| k.id.0).with_total(total))
        })
        .await?;
    Ok(Json(page.map(KeyView::of)))
}

/// A key that the caller may see.
fn seen(caller: &Caller, key: Option<StoredKey>) -> Result<StoredKey, Problem> {
    let key = key.ok_or_else(Problem::not_found)?;
    match (&caller.venues, key.venue) {
        (None, _) => Ok(key),
        (Some(venues), Some(venue)) if venues.contains(&venue) => Ok(key),
        _ => Err(Problem::not_found()),
    }
}

/// One key.
#[utoipa::path(get, path = "/keys/{id}", tag = "access", params(("id" = String, Path, example = "key_01hgw3zj3q7hx")),
    responses((status = 200, description = "The key.", body = KeyView), Refusals))]
async fn one(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<KeyId>,
) -> Result<Json<KeyView>, Problem> {
    check_caller(&caller)?;
    let key = app
        .read(move |connection| -> Result<_, Problem> {
            seen(&caller, keys::find(connection, caller.tenant, id)?)
        })
        .await?;
    Ok(Json(KeyView::of(key)))
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/keys", tag = "access", request_body = KeyRequest,
    responses((status = 201, description = "Made; keep the secret.", body = NewKeyView), Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<KeyRequest>,
) -> Result<(StatusCode, Json<NewKeyView>), Problem> {
    check_caller(&caller)?;
    let author = Author::of(&app, &caller)?;
    let request = body.value;
    let name = names::name("/name", &request.name, 200)?;
    let mut scopes: Vec<Scope> = Vec::new();
    for (i, scope) in request.scopes.iter().enumerate() {
        if !caller.scopes.contains(scope) {
            return Err(Problem::invalid(
                &format!("/scopes/{i}"),
                "Нельзя дать больше прав, чем есть у вас.",
                "A key can't have a scope that its maker has not.",
            ));
        }
        if !scopes.contains(scope) {
            scopes.push(*scope);
        }
    }
    if scopes.is_empty() {
        return Err(Problem::invalid(
            "/scopes",
            "Укажите хотя бы одно право.",
            "Name a scope at least.",
        ));
    }
    let now = author.now;
    let expires_at = request.expires_at.map(|t| t.trunc_subsecs(6));
    let latest = now + chrono::Duration::days(36_500);
    if expires_at.is_some_and(|end| end <= now || end > latest) {
        return Err(Problem::invalid(
            "/expires_at",
            "Срок уже прошёл или слишком далёк.",
            "The time is past or too far.",
        ));
    }
    let prefix = if request.test { TEST_PREFIX } else { LIVE_PREFIX };
    let secret = format!("{prefix}{}", random_text::<32>()?);
    let hash = hash_of(&secret);
    let id = KeyId(author.next_id());
    let shown: String = secret.chars().take(prefix.len() + 4).collect();
    let key = app
        .write(move |connection| -> Result<StoredKey, Problem> {
            let tenant = caller.tenant;
            let venue = match &request.venue_id {
                // A key of one venue makes keys of that venue.
                None => caller.only_venue(),
                Some(wanted) => Some(named(connection, &caller, "/venue_id", wanted)?),
            };
            if venue.is_none() && caller.venues.is_some() {
                return Err(Problem::no_venue("/venue_id"));
            }
            let key = StoredKey {
                id,
                name: name.clone(),
                prefix: shown.clone(),
                scopes: scopes.iter().map(|s| s.as_str().to_owned()).collect(),
                venue,
                test: request.test,
                created_at: now,
                expires_at,
                revoked_at: None,
                last_used_at: None,
            };
            keys::insert(connection, tenant, &key, &hash)?;
            author.note(connection, "key.create", id, None, Some(&noted(&key)))?;
            Ok(key)
        })
        .await?;
    let key = KeyView::of(key);
    Ok((StatusCode::CREATED, Json(NewKeyView { key, secret })))
}

/// Revokes a key, for good. On this instance it stops at once, on others within seconds.
#[utoipa::path(post, path = "/keys/{id}/revoke", tag = "access", params(("id" = String, Path, example = "key_01hgw3zj3q7hx")),
    responses((status = 200, description = "As it now is; the same when it was revoked before.", body = KeyView), Refusals))]
async fn revoke(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<KeyId>,
) -> Result<Json<KeyView>, Problem> {
    check_caller(&caller)?;
    let author = Author::of(&app, &caller)?;
    let key = app
        .write(move |connection| -> Result<StoredKey, Problem> {
            let tenant = caller.tenant;
            let key = seen(&caller, keys::find(connection, tenant, id)?)?;
            if !keys::revoke(connection, tenant, id, author.now)? {
                return Ok(key);
            }
            let before = noted(&key);
            let key = StoredKey {
                revoked_at: Some(author.now),
                ..key
            };
            author.note(connection, "key.revoke", id, Some(&before), Some(&noted(&key)))?;
            Ok(key)
        })
        .await?;
    app.access.keys.forget(id);
    Ok(Json(KeyView::of(key)))
}
