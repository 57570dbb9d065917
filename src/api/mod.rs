//! REST v1: the doors for integrators, pages and keys. Requests in, problem+json or answers out.

pub mod access;
pub mod authentication;
pub mod caller;
pub mod finishing;
pub mod json_body;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod probes;
pub mod problem;
pub mod secrets;

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

/// Everything under `/api`, and the probes.
pub fn router(app: App) -> Router {
    let v1 = OpenApiRouter::new();
    let (routes, description) = OpenApiRouter::with_openapi(openapi::Description::openapi())
        .nest("/api/v1", v1)
        .merge(probes::routes())
        .split_for_parts();
    let routes = routes.merge(openapi::routes(description));
    finished(routes.fallback(nowhere)).with_state(app)
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
