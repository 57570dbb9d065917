//! The guest's second screen: the till says what it shows, and it asks again and again what that is.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::AtTill;
use super::start::{screen_hash, screen_token};
use crate::api::json_body::{JsonBody, QueryOf};
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::api::secrets::hash_of;
use crate::app::App;
use crate::storage::till_devices::{self, Shown};
use crate::storage::{networks, till_devices as devices};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(rotate))
        .routes(routes!(look))
}

/// Most bytes of what is shown.
const MOST: usize = 8 * 1024;
/// How long a screen waits for something new.
const WAIT: Duration = Duration::from_secs(25);
/// How often it looks by itself: another instance may have been told.
const EVERY: Duration = Duration::from_secs(1);

/// What the second screen shows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": {"stage": "sale", "total": "420.00"}}))]
struct ScreenRequest {
    /// Any JSON that the till's own page understands, 8 KiB at most.
    #[schema(value_type = Object)]
    state: Value,
}

/// Says what the second screen of this till shows.
#[utoipa::path(put, path = "/till/screen", tag = "virtual till", security(("till" = [])), request_body = ScreenRequest,
    responses((status = 204, description = "Shown."), Refusals))]
async fn show(
    State(app): State<App>,
    at: AtTill,
    body: JsonBody<ScreenRequest>,
) -> Result<StatusCode, Problem> {
    let state = body.value.state.to_string();
    if state.len() > MOST {
        return Err(Problem::invalid(
            "/state",
            "Второй экран: слишком много данных.",
            "At most 8 KiB.",
        ));
    }
    let (tenant, device) = (at.caller.tenant, at.till.device.id);
    app.write(move |c| devices::show(c, tenant, device, &state))
        .await
        .map_err(Problem::from)?;
    app.access.screens.notify_waiters();
    Ok(StatusCode::NO_CONTENT)
}

/// The token of the second screen.
#[derive(Debug, Serialize, ToSchema)]
struct ScreenToken {
    /// The screen is at `/till/guest` with it; the former one works no more.
    screen_token: String,
}

/// Gives the second screen another token: whoever has the former one sees nothing more.
#[utoipa::path(post, path = "/till/screen/rotate", tag = "virtual till", security(("till" = [])),
    responses((status = 200, body = ScreenToken), Refusals))]
async fn rotate(State(app): State<App>, at: AtTill) -> Result<Json<ScreenToken>, Problem> {
    let (tenant, device) = (at.caller.tenant, at.till.device.id);
    let generation = at.till.device.screen_generation.wrapping_add(1);
    let hash = screen_hash(&at.till.token, generation);
    app.write(move |c| till_devices::rotate_screen(c, tenant, device, generation, &hash))
        .await
        .map_err(Problem::from)?;
    app.access.screens.notify_waiters();
    Ok(Json(ScreenToken {
        screen_token: screen_token(&at.till.token, generation),
    }))
}

/// What the screen has seen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ScreenQuery {
    /// `version` of what it shows; absent: it shows nothing yet, and is answered at once.
    after: Option<i64>,
}

/// The network whose screen it is.
#[derive(Debug, Serialize, ToSchema)]
struct ScreenNetwork {
    #[schema(example = "Кофейни «Полка»")]
    name: String,
}

/// What the screen is to show.
#[derive(Debug, Serialize, ToSchema)]
struct ScreenView {
    /// Grows with every change.
    version: i64,
    /// What the till said last; null: nothing yet.
    #[schema(value_type = Option<Object>)]
    state: Option<Value>,
    network: ScreenNetwork,
    /// Where a guest joins by himself.
    #[schema(example = "https://polka.example/join")]
    join_url: Option<String>,
}

/// What a second screen shows; waits up to 25 seconds for something newer than `after`. The token is the proof.
#[utoipa::path(get, path = "/till/screens/{token}", tag = "virtual till", security(()),
    params(("token" = String, Path, example = "scr_01hgw3zj3q7hx"), ScreenQuery),
    responses((status = 200, body = ScreenView), Refusals))]
async fn look(
    State(app): State<App>,
    Path(token): Path<String>,
    QueryOf(query): QueryOf<ScreenQuery>,
) -> Result<Json<ScreenView>, Problem> {
    let hash = hash_of(&token);
    let end = Instant::now() + WAIT;
    let shown = loop {
        // Listens before it looks: what is said in between wakes it.
        let told = app.access.screens.notified();
        let shown = app
            .read(move |c| till_devices::shown(c, &hash))
            .await
            .map_err(Problem::from)?;
        let shown: Shown = shown.ok_or_else(Problem::not_found)?;
        let newer = query.after.is_none_or(|after| shown.version > after);
        if newer || Instant::now() >= end {
            break shown;
        }
        let _ = tokio::time::timeout_at(end.min(Instant::now() + EVERY), told).await;
    };
    let tenant = shown.tenant;
    let network = app
        .read(move |c| networks::find(c, tenant))
        .await
        .map_err(Problem::from)?;
    let state = shown.state.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Json(ScreenView {
        version: shown.version,
        state: state.map_err(|_| Problem::internal())?,
        network: ScreenNetwork { name: network.name },
        join_url: network.settings.join_url,
    }))
}
