//! What balancers and orchestrators ask.

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, ProblemBody};
use crate::app::App;
use crate::storage::networks;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, description = "It lives.", body = String, example = "ok")))]
async fn alive() -> &'static str {
    "ok"
}

/// Whether the database answers.
#[utoipa::path(get, path = "/readyz", tag = "service", responses(
    (status = 200, description = "Requests may come.", body = String, example = "ok"),
    (status = 503, description = "The database does not answer.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    let probed: Result<(), Problem> = app.read(|connection| Ok(networks::probe(connection)?)).await;
    match probed {
        Ok(()) => Ok("ok"),
        Err(_) => Err(Problem {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Problem::busy()
        }),
    }
}
