//! Devices of the virtual till: enrolled once with a login and password, seen and revoked by managers.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::{TILL_COOKIE, Till, may_stand};
use super::start::{Start, screen_hash, start_of};
use crate::api::authentication::{ClientAddress, cookie};
use crate::api::author::Author;
use crate::api::caller::{Caller, Scope};
use crate::api::json_body::{JsonBody, PathId, QueryOf};
use crate::api::names;
use crate::api::openapi::Refusals;
use crate::api::page::{ListQuery, Page};
use crate::api::problem::Problem;
use crate::api::secrets::{hash_of, random_text};
use crate::api::sessions::{append_cookie, log_in};
use crate::app::App;
use crate::domain::ids::{AuditId, DeviceId, UserId, VenueId};
use crate::storage::till_devices::{self, StoredDevice};
use crate::storage::users::{self, StoredUser};
use crate::storage::{AnyConnection, Tenant, audit, user_pins, venues};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(who_may_enrol))
        .routes(routes!(enrol, list))
        .routes(routes!(revoke))
}

/// How long a browser keeps the device's cookie.
const COOKIE_SECONDS: i64 = 365 * 24 * 3600;

/// Login and password of who enrols a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TillLogin {
    #[schema(example = "cashier")]
    login: String,
    #[schema(example = "kopilka-cashier")]
    password: String,
}

/// Who he is.
#[derive(Debug, Serialize, ToSchema)]
struct TillUser {
    #[schema(value_type = String, example = "usr_01hgw3zj3q7hx")]
    id: UserId,
    #[schema(example = "Катя")]
    name: String,
    #[schema(example = "cashier")]
    role: String,
}

/// A venue where he may open a till.
#[derive(Debug, Serialize, ToSchema)]
struct VenueChoice {
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    id: VenueId,
    #[schema(example = "Кофейня на Мира")]
    name: String,
}

/// Who logs in and where he may open a till.
#[derive(Debug, Serialize, ToSchema)]
struct TillLoginAnswer {
    user: TillUser,
    venues: Vec<VenueChoice>,
}

/// Where a member of staff may open a till. Checks the password; nothing begins yet.
#[utoipa::path(post, path = "/till/logins", tag = "virtual till", security(()), request_body = TillLogin,
    responses((status = 200, body = TillLoginAnswer), Refusals))]
async fn who_may_enrol(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    body: JsonBody<TillLogin>,
) -> Result<Json<TillLoginAnswer>, Problem> {
    let TillLogin { login, password } = body.value;
    let (tenant, user) = log_in(&app, address, &login, password).await?;
    let limited = user.venues.clone();
    let found: Result<_, Problem> = app
        .read(move |c| {
            Ok(venues::list(
                c,
                tenant,
                limited.as_deref(),
                Some(false),
                None,
                1000,
            )?)
        })
        .await;
    let venues: Vec<VenueChoice> = found?
        .into_iter()
        .filter(|venue| may_stand(&user, venue.id))
        .map(|venue| VenueChoice {
            id: venue.id,
            name: venue.name,
        })
        .collect();
    if venues.is_empty() {
        return Err(Problem::forbidden());
    }
    Ok(Json(TillLoginAnswer {
        user: TillUser {
            id: user.id,
            name: user.name,
            role: user.role,
        },
        venues,
    }))
}

/// A device to be enrolled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    #[schema(example = "cashier")]
    login: String,
    #[schema(example = "kopilka-cashier")]
    password: String,
    /// Venue: our id or your own.
    #[schema(example = "cafe")]
    venue_id: String,
    /// What the venue calls it. Devices of one name are one till: a new telephone takes the place of the old one.
    #[schema(example = "Касса 1")]
    name: String,
}

/// Enrols this browser as a till: the cookie is set, and who enrols it stands at it.
#[utoipa::path(post, path = "/till/devices", tag = "virtual till", security(()), request_body = Enrolment,
    responses((status = 201, description = "Enrolled; the cookie is set.", body = Start), Refusals))]
async fn enrol(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: JsonBody<Enrolment>,
) -> Result<Response, Problem> {
    let given = body.value;
    let name = names::name("/name", &given.name, 60)?;
    let (tenant, user) = log_in(&app, address, &given.login, given.password).await?;
    // The browser forgets the till that it was; nobody could use that one any more.
    let former = match cookie(&headers, TILL_COOKIE) {
        Some(token) => Till::of_token(&app, token).await?,
        None => None,
    };
    let former = former
        .filter(|till| till.tenant == tenant)
        .map(|till| till.device.id);
    let token = random_text::<32>()?;
    let (hash, screen) = (hash_of(&token), screen_hash(&token, 1));
    let (now, ids) = (app.clock.now(), app.ids.clone());
    let id = DeviceId(app.ids.next_id());
    app.write(move |c| -> Result<(), Problem> {
        let venue =
            venues::resolve(c, tenant, &given.venue_id)?.ok_or_else(|| Problem::no_venue("/venue_id"))?;
        if !user.venues.as_ref().is_none_or(|v| v.contains(&venue)) {
            return Err(Problem::no_venue("/venue_id"));
        }
        if !may_stand(&user, venue) {
            return Err(Problem::forbidden());
        }
        if venues::find(c, tenant, venue)?.is_none_or(|v| v.archived_at.is_some()) {
            return Err(Problem::no_venue("/venue_id"));
        }
        let device = StoredDevice {
            id,
            venue,
            name: name.clone(),
            enrolled_by: user.id,
            created_at: now,
            revoked_at: None,
            cashier: Some(user.id),
            cashier_since: Some(now),
            password_at: Some(now),
            active_at: now,
            screen_generation: 1,
        };
        till_devices::insert(c, tenant, &device, &hash, &screen)?;
        user_pins::forgive(c, tenant, user.id)?;
        if let Some(former) = former {
            till_devices::revoke(c, tenant, former, now)?;
        }
        let after = json!({"name": name, "venue_id": venue, "replaces": former});
        audit::write(
            c,
            tenant,
            &format!("user:{}", user.id),
            "till.enrol",
            &id.to_string(),
            None,
            Some(&after),
            now,
            AuditId(ids.next_id()),
        )?;
        Ok(())
    })
    .await?;
    let start = start_of(&app, &token).await?;
    let mut response = (StatusCode::CREATED, Json(start)).into_response();
    let cookie =
        format!("{TILL_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={COOKIE_SECONDS}");
    append_cookie(&mut response, &headers, cookie);
    Ok(response)
}

/// A device as managers see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeviceView {
    /// `dev_…`
    #[schema(value_type = String, example = "dev_01hgw3zj3q7hx")]
    id: DeviceId,
    /// What the venue calls it.
    #[schema(example = "Касса 1")]
    name: String,
    /// Where it sells.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    /// Name of the venue.
    #[schema(example = "Кофейня на Мира")]
    venue_name: String,
    /// Who enrolled it.
    #[schema(value_type = String, example = "usr_01hgw3zj3q7hx")]
    enrolled_by: UserId,
    /// His name.
    #[schema(example = "Катя")]
    enrolled_by_name: String,
    /// When.
    created_at: DateTime<Utc>,
    /// When a cashier last did something at it.
    last_seen_at: DateTime<Utc>,
    /// Name of who stands at it; null: it is locked.
    #[schema(example = "Катя")]
    cashier_name: Option<String>,
    /// Since when it may do nothing more.
    revoked_at: Option<DateTime<Utc>>,
}

fn views(
    c: &mut AnyConnection,
    tenant: Tenant,
    found: Vec<StoredDevice>,
) -> Result<Vec<DeviceView>, Problem> {
    let staff: Vec<StoredUser> = users::list(c, tenant, None, 10_000)?;
    let name = |id: UserId| {
        staff
            .iter()
            .find(|u| u.id == id)
            .map(|u| u.name.clone())
            .unwrap_or_default()
    };
    let all = venues::list(c, tenant, None, None, None, 10_000)?;
    let venue_name = |id: VenueId| {
        all.iter()
            .find(|v| v.id == id)
            .map(|v| v.name.clone())
            .unwrap_or_default()
    };
    let view = |device: StoredDevice| DeviceView {
        id: device.id,
        venue_name: venue_name(device.venue),
        venue_id: device.venue,
        enrolled_by_name: name(device.enrolled_by),
        enrolled_by: device.enrolled_by,
        cashier_name: device.cashier.map(name),
        name: device.name,
        created_at: device.created_at,
        last_seen_at: device.active_at,
        revoked_at: device.revoked_at,
    };
    Ok(found.into_iter().map(view).collect())
}

/// Devices of the virtual till at the caller's venues, revoked ones too.
#[utoipa::path(get, path = "/till/devices", tag = "virtual till", params(ListQuery),
    responses((status = 200, body = Page<DeviceView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<DeviceView>>, Problem> {
    caller.may_read(Scope::Admin)?;
    let (limit, after) = (query.limit()?, query.after::<DeviceId>()?);
    app.read(move |c| {
        let found = till_devices::list(
            c,
            caller.tenant,
            caller.venues.as_deref(),
            after.map(|id| id.0),
            i64::from(limit) + 1,
        )?;
        let page = Page::of(found, limit, |device| device.id);
        Ok(Json(Page {
            items: views(c, caller.tenant, page.items)?,
            next_cursor: page.next_cursor,
            total: None,
        }))
    })
    .await
}

/// Takes a device out of use: from now on it is unknown. A second time answers as the first.
#[utoipa::path(post, path = "/till/devices/{id}/revoke", tag = "virtual till",
    params(("id" = String, Path, example = "dev_01hgw3zj3q7hx")),
    responses((status = 200, body = DeviceView), Refusals))]
async fn revoke(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let device = till_devices::find(c, author.tenant, id)?.ok_or_else(Problem::not_found)?;
        caller.needs_venue(device.venue)?;
        if device.revoked_at.is_none() {
            till_devices::revoke(c, author.tenant, id, author.now)?;
            author.note(c, "till.revoke", id, None, Some(&json!({"name": device.name})))?;
        }
        let device = till_devices::find(c, author.tenant, id)?.ok_or_else(Problem::not_found)?;
        let view = views(c, author.tenant, vec![device])?.pop();
        view.map(Json).ok_or_else(Problem::not_found)
    })
    .await
}
