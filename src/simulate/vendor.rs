//! A vendor's system that the service asks, where a dialect needs one: it answers on this machine, for as long as the
//! day lasts.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Failure;
use crate::domain::Timestamp;

/// What the vendor is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// `GET`, `POST` …
    pub(crate) method: String,
    /// Path, without the query, as it came.
    pub(crate) path: String,
    /// The raw query; empty where there is none.
    pub(crate) query: String,
    /// The header `Authorization`; empty where there is none.
    pub(crate) authorization: String,
    /// The body.
    pub(crate) body: String,
}

/// A vendor's system, which knows nothing but what happens on one day.
pub(crate) trait Vendor: Debug + Send + Sync {
    /// From now on this is so: [`super::dialect::Message::fact`].
    fn happened(&self, fact: &Value);

    /// Status and JSON of an answer.
    fn answer(&self, question: &Question) -> (u16, String);

    /// Since when all that has happened was shown to the service at least once; `None`: something was not yet.
    fn shown_since(&self) -> Option<Timestamp>;

    /// How often it could not say at first how things stand with what it was asked about.
    fn late_answers(&self) -> u32 {
        0
    }

    /// The settings by which a connection asks this system at its address.
    fn settings(&self, address: &str) -> Value;
}

/// Opens the vendor's system; gives its address. It closes with the runtime.
pub(super) async fn open(vendor: Arc<dyn Vendor>) -> Result<String, Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(move |request: Request<Body>| answer(Arc::clone(&vendor), request));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(address)
}

async fn answer(vendor: Arc<dyn Vendor>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let question = Question {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: authorization(&parts.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, text) = vendor.answer(&question);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn authorization(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    value.unwrap_or_default().to_owned()
}
