//! The page behind the one-time link: a form that makes the first network and its owner. The token stands behind `#`,
//! so it reaches no log on the way.

use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use super::{Asset, NEVER_KEPT};
use crate::app::App;

static PAGE: LazyLock<Asset> =
    LazyLock::new(|| file("setup.html", include_str!("../../assets/setup/setup.html")));
static STYLE: LazyLock<Asset> =
    LazyLock::new(|| file("setup.css", include_str!("../../assets/setup/setup.css")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| file("setup.js", include_str!("../../assets/setup/setup.js")));

fn file(name: &str, content: &'static str) -> Asset {
    Asset::new(name, content, NEVER_KEPT)
}

/// The page and what it needs.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/setup", get(async |wanted: HeaderMap| PAGE.answer(&wanted)))
        .route(
            "/setup/setup.css",
            get(async |wanted: HeaderMap| STYLE.answer(&wanted)),
        )
        .route(
            "/setup/setup.js",
            get(async |wanted: HeaderMap| SCRIPT.answer(&wanted)),
        )
}
