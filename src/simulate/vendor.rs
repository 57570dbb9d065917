//! A vendor's system that the service asks, where a dialect needs one: it answers on this machine, for as long as the
//! day lasts.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Failure;

/// What the vendor is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// `GET`, `POST` …
    pub(crate) method: String,
    /// Path, without the query.
    pub(crate) path: String,
    /// What follows `Bearer`; empty where there is none.
    pub(crate) token: String,
    /// The body.
    pub(crate) body: String,
}

/// How a vendor answers: status and JSON.
pub(crate) type Answers = fn(&Question) -> (u16, String);

/// Opens the vendor's system; gives its address. It closes with the runtime.
pub(super) async fn open(answers: Answers) -> Result<String, Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(move |request: Request<Body>| answer(answers, request));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(address)
}

async fn answer(answers: Answers, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let token = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let question = Question {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        token: token
            .and_then(|t| t.strip_prefix("Bearer "))
            .unwrap_or_default()
            .to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, text) = answers(&question);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
