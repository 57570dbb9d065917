//! Members of staff. Only owners see and change them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Role};
use super::json_body::{JsonBody, PathId, QueryOf, given};
use super::names;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::secrets::check_password;
use super::sessions::hashed;
use super::venues;
use crate::app::App;
use crate::domain::ids::{UserId, VenueId};
use crate::storage::users::StoredUser;
use crate::storage::{AnyConnection, Tenant, networks, sessions, till_devices, user_pins, users};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change))
}

/// A member of staff.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// His id.
    #[schema(value_type = String, example = "usr_01hgw3zj3q7hx")]
    pub id: UserId,
    /// What he logs in with.
    #[schema(example = "anna")]
    pub login: String,
    /// His name.
    #[schema(example = "Анна")]
    pub name: String,
    /// His role.
    #[schema(example = "manager")]
    pub role: String,
    /// The venues that he is limited to; null: all.
    #[schema(value_type = Option<Vec<String>>, example = json!(["ven_01hgw3zj3q7hx"]))]
    pub venue_ids: Option<Vec<VenueId>>,
    /// Whether he may log in.
    pub active: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl UserView {
    /// Without the password.
    pub fn of(user: &StoredUser) -> Self {
        UserView {
            id: user.id,
            login: user.login.clone(),
            name: user.name.clone(),
            role: user.role.clone(),
            venue_ids: user.venues.clone(),
            active: user.active,
            created_at: user.created_at,
        }
    }
}

fn noted(user: &StoredUser) -> Value {
    serde_json::to_value(UserView::of(user)).unwrap_or_default()
}

/// A new member of staff.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserRequest {
    /// 3 to 64 letters, digits and `. _ - + @`; unique on this server.
    #[schema(example = "anna")]
    login: String,
    #[schema(example = "Анна")]
    name: String,
    role: Role,
    /// 10 characters or more.
    #[schema(example = "a long sentence")]
    password: String,
    /// Ids or external ids of the venues that he is limited to; null: all.
    #[schema(example = json!(["ven_01hgw3zj3q7hx"]))]
    venue_ids: Option<Vec<String>>,
}

/// What changes of a member of staff; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct UserChange {
    login: Option<String>,
    #[schema(example = "Анна Петрова")]
    name: Option<String>,
    role: Option<Role>,
    /// A new password, where he has forgotten his. His sessions end.
    password: Option<String>,
    /// Null: all venues.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    venue_ids: Option<Option<Vec<String>>>,
    /// False: he can't log in, and his sessions end.
    active: Option<bool>,
}

/// Finds venues by id or external id.
fn limits(
    connection: &mut AnyConnection,
    caller: &Caller,
    wanted: Option<&[String]>,
) -> Result<Option<Vec<VenueId>>, Problem> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    if wanted.is_empty() || wanted.len() > 1000 {
        return Err(Problem::invalid(
            "/venue_ids",
            "Укажите хотя бы одно заведение; для всех — null.",
            "Name 1 to 1000 venues, or null for all.",
        ));
    }
    let mut found = Vec::new();
    for (i, name) in wanted.iter().enumerate() {
        let venue = venues::named(connection, caller, &format!("/venue_ids/{i}"), name)?;
        if !found.contains(&venue) {
            found.push(venue);
        }
    }
    Ok(Some(found))
}

/// An owner is never limited, and the last one stays.
fn check_owners(connection: &mut AnyConnection, tenant: Tenant, user: &StoredUser) -> Result<(), Problem> {
    let owner = user.role == Role::Owner.as_str();
    if owner && user.venues.is_some() {
        return Err(Problem::invalid(
            "/venue_ids",
            "Владелец видит все заведения.",
            "An owner is not limited to venues.",
        ));
    }
    let stays = owner && user.active;
    if !stays && !users::another_owner(connection, tenant, user.id)? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "last-owner",
            "Это последний владелец: сначала назначьте другого.",
            "He is the last owner: appoint another first.",
        ));
    }
    Ok(())
}

/// Members of staff.
#[utoipa::path(get, path = "/users", tag = "access", params(ListQuery),
    responses((status = 200, description = "A page of users.", body = Page<UserView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<UserView>>, Problem> {
    caller.needs_owner()?;
    let (limit, after) = (query.limit()?, query.after()?);
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let rows = users::list(connection, caller.tenant, after, i64::from(limit) + 1)?;
            let total = if query.with_total {
                Some(users::count(connection, caller.tenant)?)
            } else {
                None
            };
            Ok(Page::of(rows, limit, |u| u.id.0).with_total(total))
        })
        .await?;
    Ok(Json(page.map(|u| UserView::of(&u))))
}

/// One member of staff.
#[utoipa::path(get, path = "/users/{id}", tag = "access", params(("id" = String, Path, example = "usr_01hgw3zj3q7hx")),
    responses((status = 200, description = "The user.", body = UserView), Refusals))]
async fn one(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<Json<UserView>, Problem> {
    caller.needs_owner()?;
    let found: Result<_, Problem> = app
        .read(move |connection| Ok(users::find(connection, caller.tenant, id)?))
        .await;
    let user = found?.ok_or_else(Problem::not_found)?;
    Ok(Json(UserView::of(&user)))
}

/// Adds a member of staff.
#[utoipa::path(post, path = "/users", tag = "access", request_body = UserRequest,
    responses((status = 201, description = "Added.", body = UserView),
        (status = 409, description = "`already-exists`: the login is taken.", body = super::problem::ProblemBody, content_type = "application/problem+json"),
        Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<UserRequest>,
) -> Result<(StatusCode, Json<UserView>), Problem> {
    caller.needs_owner()?;
    let request = body.value;
    let login = names::login("/login", &request.login)?;
    let name = names::name("/name", &request.name, 200)?;
    check_password("/password", &request.password)?;
    let password_hash = hashed(&app, request.password).await?;
    let author = Author::of(&app, &caller)?;
    let id = UserId(author.next_id());
    let user = app
        .write(move |connection| -> Result<StoredUser, Problem> {
            let user = StoredUser {
                id,
                login: login.clone(),
                name: name.clone(),
                role: request.role.as_str().to_owned(),
                venues: limits(connection, &caller, request.venue_ids.as_deref())?,
                password_hash: password_hash.clone(),
                active: true,
                created_at: author.now,
            };
            check_owners(connection, caller.tenant, &user)?;
            if !users::insert(connection, caller.tenant, &user)? {
                return Err(Problem::taken("/login"));
            }
            author.note(connection, "user.create", id, None, Some(&noted(&user)))?;
            Ok(user)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(UserView::of(&user))))
}

/// Changes a member of staff.
#[utoipa::path(patch, path = "/users/{id}", tag = "access", request_body = UserChange,
    params(("id" = String, Path, example = "usr_01hgw3zj3q7hx")),
    responses((status = 200, description = "As he now is.", body = UserView),
        (status = 409, description = "`already-exists`: the login is taken; `last-owner`: a network keeps an owner.", body = super::problem::ProblemBody, content_type = "application/problem+json"),
        Refusals))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<UserId>,
    body: JsonBody<UserChange>,
) -> Result<Json<UserView>, Problem> {
    caller.needs_owner()?;
    let change = body.value;
    let login = change
        .login
        .as_deref()
        .map(|l| names::login("/login", l))
        .transpose()?;
    let name = change
        .name
        .as_deref()
        .map(|n| names::name("/name", n, 200))
        .transpose()?;
    let password_hash = match change.password {
        None => None,
        Some(password) => {
            check_password("/password", &password)?;
            Some(hashed(&app, password).await?)
        }
    };
    let author = Author::of(&app, &caller)?;
    let user = app
        .write(move |connection| -> Result<StoredUser, Problem> {
            let tenant = caller.tenant;
            networks::hold(connection, tenant)?;
            let before = users::find(connection, tenant, id)?.ok_or_else(Problem::not_found)?;
            let mut user = before.clone();
            if let Some(login) = &login {
                user.login.clone_from(login);
            }
            if let Some(name) = &name {
                user.name.clone_from(name);
            }
            if let Some(role) = change.role {
                role.as_str().clone_into(&mut user.role);
            }
            if let Some(wanted) = &change.venue_ids {
                user.venues = limits(connection, &caller, wanted.as_deref())?;
            }
            if let Some(active) = change.active {
                user.active = active;
            }
            if let Some(hash) = &password_hash {
                user.password_hash.clone_from(hash);
            }
            check_owners(connection, tenant, &user)?;
            if !users::update(connection, tenant, &user)? {
                return Err(Problem::taken("/login"));
            }
            if password_hash.is_some() || !user.active {
                sessions::end_all(connection, tenant, id)?;
                till_devices::lock_all_of(connection, tenant, id)?;
                user_pins::remove(connection, tenant, id)?;
            }
            let action = if password_hash.is_some() {
                "user.password"
            } else {
                "user.update"
            };
            author.note(connection, action, id, Some(&noted(&before)), Some(&noted(&user)))?;
            Ok(user)
        })
        .await?;
    Ok(Json(UserView::of(&user)))
}
