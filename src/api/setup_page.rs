//! The page behind the one-time link: a form that makes the first network and its owner. The token stands behind `#`,
//! so it reaches no log on the way.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page and what it needs.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/setup",
            get(|| {
                page(
                    "text/html; charset=utf-8",
                    include_str!("../../assets/setup.html"),
                )
            }),
        )
        .route(
            "/setup/setup.css",
            get(|| page("text/css; charset=utf-8", include_str!("../../assets/setup.css"))),
        )
        .route(
            "/setup/setup.js",
            get(|| {
                page(
                    "text/javascript; charset=utf-8",
                    include_str!("../../assets/setup.js"),
                )
            }),
        )
}

async fn page(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (headers, text).into_response()
}
