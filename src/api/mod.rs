//! REST v1: the doors for integrators, pages and keys. Requests in, problem+json or answers out.

pub mod access;
pub mod answers;
pub mod audit;
pub mod authentication;
pub mod author;
pub mod bonuses;
pub mod caller;
pub mod cards;
pub mod connection_alerts;
mod connection_checks;
pub(crate) mod connection_view;
pub mod connections;
pub mod customers;
pub mod delivery_orders;
pub mod enrolment;
pub mod examples;
pub mod finishing;
pub mod given;
pub mod holds;
pub mod json_body;
pub mod keys;
mod known_queries;
pub mod limits;
pub mod menu;
pub mod messages;
pub mod names;
pub mod network;
pub mod objects_only;
pub mod openapi;
pub mod page;
pub mod period;
pub mod probes;
pub mod problem;
pub mod proxies;
pub mod receipts;
pub mod reconciliations;
pub mod returns;
pub mod secrets;
pub mod sessions;
pub mod setup;
pub mod till;
pub mod till_path;
pub mod transactions;
pub mod unapplied_returns;
pub mod users;
pub mod venues;
pub mod write_offs;

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use problem::Problem;

/// Everything under `/api`, the probes, and the tills' doors.
pub fn router(app: App) -> Router {
    let v1 = OpenApiRouter::new()
        .merge(receipts::routes())
        .merge(returns::routes())
        .merge(holds::routes())
        .merge(bonuses::routes())
        .merge(venues::routes())
        .merge(menu::routes())
        .merge(customers::routes())
        .merge(cards::routes())
        .merge(transactions::routes())
        .merge(write_offs::routes())
        .merge(unapplied_returns::routes())
        .merge(delivery_orders::routes())
        .merge(setup::routes())
        .merge(sessions::routes())
        .merge(users::routes())
        .merge(keys::routes())
        .merge(network::routes())
        .merge(connections::routes())
        .merge(connection_alerts::routes())
        .merge(reconciliations::routes())
        .merge(audit::routes())
        .merge(messages::routes())
        .merge(till::routes());
    let (routes, description) = OpenApiRouter::with_openapi(openapi::Description::openapi())
        .nest("/api/v1", v1)
        .merge(probes::routes())
        .split_for_parts();
    let routes = known_queries::required(routes, &description)
        .merge(openapi::routes(description))
        .merge(crate::pages::routes())
        .merge(crate::pos::routes());
    finished(routes.fallback(nowhere))
        .layer(middleware::from_fn_with_state(app.clone(), proxies::resolve))
        .with_state(app)
}

/// Puts the layers that every door has around routes: limits on bodies, panics caught, problems worded, request ids.
pub fn finished(routes: Router<App>) -> Router<App> {
    routes
        .layer(DefaultBodyLimit::max(json_body::MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(finishing::finish))
}

async fn nowhere() -> Problem {
    Problem::not_found()
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let words = cause
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned());
    tracing::error!(panic = words, "a request panicked");
    Problem::internal().into_response()
}
