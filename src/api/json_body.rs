//! Reading requests: bodies and queries whose faults are named by field.

use std::fmt::Write;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::objects_only::ObjectsOnly;
use super::problem::{FieldError, Problem};

/// Most bytes of a body, but for what tills' systems send at once ([`crate::app::App::bulk_body`]).
pub const MAX_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive.
pub const BODY_TIME: Duration = Duration::from_secs(20);

/// A JSON body, read and as it came.
#[derive(Debug, Clone)]
pub struct JsonBody<T> {
    /// What it says.
    pub value: T,
    /// The bytes as they came: the till's path keeps them.
    pub raw: Bytes,
}

/// Reads a whole body within the limits of size and time.
///
/// # Errors
/// 413 `body-too-large`, 408 `too-slow`, 400 where the connection broke.
pub async fn read_body(request: Request) -> Result<Bytes, Problem> {
    read_body_within(request, BODY_TIME).await
}

async fn read_body_within(request: Request, time: Duration) -> Result<Bytes, Problem> {
    match tokio::time::timeout(time, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => Err(unread(&rejection)),
        Err(_) => Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
    }
}

fn unread(rejection: &BytesRejection) -> Problem {
    Problem::of_status(rejection.status())
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        if !content_type.is_some_and(is_json) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let raw = read_body(request).await?;
        let value = from_json(&raw)?;
        Ok(JsonBody { value, raw })
    }
}

/// A body that means nothing, as it came: calls that need none may still send one, and it is kept.
#[derive(Debug, Clone)]
pub struct AnyBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for AnyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_body(request).await.map(AnyBody)
    }
}

/// Whether a `Content-Type` means JSON.
pub fn is_json(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads JSON; faults name the field by JSON Pointer.
///
/// # Errors
/// 400 `malformed-json` where it is no JSON, 422 `invalid-request` where it says the wrong thing.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if holds_nul(bytes) {
        return Err(Problem::invalid(
            "",
            "Запрос составлен неверно: в тексте нулевой символ.",
            "A text holds the character U+0000, which no database keeps.",
        ));
    }
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(ObjectsOnly(&mut source)).map_err(|error| misread("", &error))?;
    source.end().map_err(|error| fault("", &error))?;
    Ok(value)
}

/// The same of a JSON value that is in memory; pointers begin with `base`.
///
/// # Errors
/// 422 `invalid-request`.
pub fn from_value<T: DeserializeOwned>(base: &str, value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(ObjectsOnly(value)).map_err(|error| misread(base, &error))
}

/// The refusal of a value that stands at `base` and can't be read.
pub fn misread(base: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    fault(&format!("{base}{}", pointer(error.path())), error.inner())
}

/// Whether a text holds an escaped U+0000; unescaped it is no JSON anyway.
fn holds_nul(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        if *byte == b'\\' {
            if rest.as_slice().starts_with(b"u0000") {
                return true;
            }
            rest.next();
        }
    }
    false
}

/// For a field of a PATCH that may be null: absent stays `None`, null is `Some(None)`.
///
/// # Errors
/// Those of the value.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

fn fault(path: &str, error: &serde_json::Error) -> Problem {
    use serde_json::error::Category;
    if !matches!(error.classify(), Category::Data) {
        return Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed-json",
            "Касса прислала непонятный запрос. Сообщите администратору.",
            format!("The body is not JSON: {error}."),
        );
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let path = match quoted(&message, "missing field `").or_else(|| quoted(&message, "unknown field `")) {
        Some(field) if !path.ends_with(&format!("/{}", escaped(field))) => {
            format!("{path}/{}", escaped(field))
        }
        _ => path.to_owned(),
    };
    let place = if path.is_empty() { "/" } else { &path };
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid-request",
        format!("Запрос составлен неверно: поле {place}."),
        format!("The request is wrong at {place}: {message}."),
    );
    problem.errors.push(FieldError {
        pointer: path,
        detail: message,
    });
    problem
}

fn quoted<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    message.strip_prefix(before)?.split('`').next()
}

fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(text, "/{index}");
            }
            Segment::Map { key } => {
                let _ = write!(text, "/{}", escaped(key));
            }
            // A variant's name is not a place in the document.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// The query of a request. Several may be taken from one query: what one does not know another may.
#[derive(Debug, Clone)]
pub struct QueryOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|q| q.contains("%00")) {
            return Err(wrong_query("the character U+0000"));
        }
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(QueryOf(value)),
            Err(rejection) => Err(wrong_query(&rejection.body_text())),
        }
    }
}

/// The framework says "Failed to deserialize query string: limit: invalid digit found in string".
pub(super) fn wrong_query(text: &str) -> Problem {
    let said = text.split_once("query string: ").map_or(text, |(_, said)| said);
    let name = said
        .split_once(": ")
        .map(|(name, _)| name)
        .or_else(|| quoted(said, "missing field `"))
        .unwrap_or_default();
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid-request",
        format!("Запрос составлен неверно: параметр {name}."),
        format!("The query is wrong: {said}."),
    );
    problem.errors.push(FieldError {
        pointer: name.to_owned(),
        detail: said.to_owned(),
    });
    problem
}

/// The id in the path. What is not an id of this kind is not found.
#[derive(Debug, Clone, Copy)]
pub struct PathId<I>(pub I);

impl<S: Send + Sync, I: std::str::FromStr + Send> FromRequestParts<S> for PathId<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        text.parse().map(PathId).map_err(|_| Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Line {
        amount: i64,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Receipt {
        lines: Vec<Line>,
    }

    fn told(text: &str) -> (String, String) {
        let problem = from_json::<Receipt>(text.as_bytes()).unwrap_err();
        let pointer = problem.errors.first().map(|e| e.pointer.clone());
        (problem.code, pointer.unwrap_or_default())
    }

    #[test]
    fn faults_name_their_field() {
        let wrong = |pointer: &str| ("invalid-request".to_owned(), pointer.to_owned());
        assert_eq!(
            told(r#"{"lines":[{"amount":1},{"amount":"x"}]}"#),
            wrong("/lines/1/amount")
        );
        assert_eq!(told(r#"{"lines":[{}]}"#), wrong("/lines/0/amount"));
        assert_eq!(
            told(r#"{"lines":[{"amount":1,"a/b":2}]}"#),
            wrong("/lines/0/a~1b")
        );
        assert_eq!(told(r#"{}"#), wrong("/lines"));
        assert_eq!(told(r#"[]"#), wrong(""));
        assert_eq!(told(r#"[[[1]]]"#), wrong(""));
        assert_eq!(told(r#"{"lines":[{"amount":1},[1]]}"#), wrong("/lines/1"));
        assert_eq!(told(r#"null"#), wrong(""));
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", "{", "{\"lines\":[]} x", "{'lines':[]}", "\u{feff}{}"] {
            assert_eq!(told(text).0, "malformed-json", "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(from_json::<serde_json::Value>(deep.as_bytes()).is_err());
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_too_slow() {
        struct Endless;
        impl hyper::body::Body for Endless {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                std::task::Poll::Pending
            }
        }
        let request = Request::new(axum::body::Body::new(Endless));
        let problem = read_body_within(request, Duration::from_millis(20))
            .await
            .unwrap_err();
        assert_eq!(
            (problem.code.as_str(), problem.status),
            ("too-slow", StatusCode::REQUEST_TIMEOUT)
        );
    }

    #[test]
    fn a_nul_is_refused_and_a_backslash_before_the_letters_is_not() {
        assert!(from_json::<String>(br#""a\\u0000""#).is_ok());
        for nul in [r#""a\u0000""#, r#""\\\u0000b""#] {
            assert_eq!(
                from_json::<String>(nul.as_bytes()).unwrap_err().code,
                "invalid-request",
                "{nul}"
            );
        }
    }
}
