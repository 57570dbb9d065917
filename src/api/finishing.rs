//! The outermost layer: the request's id, the log line, the limit's headers, and the final words of every problem.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use kopilka_contract::Language;
use tracing::Instrument;

use super::limits::Allowance;
use super::problem::Problem;

/// Id of a request: the caller's own where he sends a decent one, else ours.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of this request, for handlers.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Where the check of the caller leaves what remains of his allowance, for the headers of the answer.
#[derive(Debug, Clone, Default)]
pub struct AllowanceSlot(Arc<OnceLock<Allowance>>);

impl AllowanceSlot {
    /// Leaves it. The first one counts.
    pub fn leave(&self, allowance: Allowance) {
        let _ = self.0.set(allowance);
    }
}

/// The language that a caller wants words in; Russian where he says nothing of ru or en.
pub fn language(headers: &HeaderMap) -> Language {
    let Some(wanted) = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()) else {
        return Language::Ru;
    };
    let mut best: Option<(u16, Language)> = None;
    for part in wanted.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let tag = pieces.next().unwrap_or_default().to_ascii_lowercase();
        let language = match tag.split('-').next() {
            Some("ru") => Language::Ru,
            Some("en") => Language::En,
            _ => continue,
        };
        let weight = pieces
            .find_map(|p| p.strip_prefix("q="))
            .map_or(1000, thousandths);
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map_or(Language::Ru, |(_, language)| language)
}

/// A quality value (`0.8`) in thousandths.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let fraction: u16 = digits.parse().unwrap_or(0);
    if whole == "1" { 1000 } else { fraction }
}

fn request_id(headers: &HeaderMap) -> String {
    let decent = |id: &&str| {
        (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    if let Some(id) = headers
        .get(REQUEST_ID)
        .and_then(|v| v.to_str().ok())
        .filter(decent)
    {
        return id.to_owned();
    }
    crate::api::secrets::random_text::<16>().unwrap_or_default()
}

/// A path as it may stand in a log: the token in a till's address is the till's password.
fn without_token(path: &str) -> Cow<'_, str> {
    let Some((kind, rest)) = path.strip_prefix("/pos/").and_then(|rest| rest.split_once('/')) else {
        return Cow::Borrowed(path);
    };
    // The description of a kind's door has no token.
    let rest = match rest.split_once('/') {
        Some((_, rest)) => format!("/{rest}"),
        None if rest.ends_with(".json") => return Cow::Borrowed(path),
        None => String::new(),
    };
    Cow::Owned(format!("/pos/{kind}/…{rest}"))
}

/// The middleware. Put it outermost.
pub async fn finish(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let language = language(request.headers());
    let id = request_id(request.headers());
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let slot = AllowanceSlot::default();
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(slot.clone());

    let span = tracing::info_span!("request", id, %method, path = %without_token(&path));
    let mut response = next.run(request).instrument(span.clone()).await;

    let ours = path.starts_with("/api");
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| ours.then(|| bare(&response)).flatten());
    let code = problem.as_ref().map(|p| p.code.clone());
    if let Some(problem) = problem {
        response = worded(response, &problem, language, &path, &id);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(allowance) = slot.0.get() {
        allowance.write(headers);
    }
    headers
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    if ours {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    span.in_scope(|| {
        tracing::info!(
            status = response.status().as_u16(),
            code,
            ms = started.elapsed().as_millis(),
            "answered"
        );
    });
    response
}

/// The problem that a bare refusal of the framework stands for.
fn bare(response: &Response) -> Option<Problem> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|t| t.as_bytes().starts_with(b"text/plain"));
    plain.then(|| Problem::of_status(status))
}

/// Writes the body anew; the headers (Retry-After, Allow) stay.
fn worded(response: Response, problem: &Problem, language: Language, path: &str, id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = problem.body(language, path, id);
    let body = serde_json::to_vec(&body).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    let tag = match language {
        Language::Ru => "ru",
        Language::En => "en",
    };
    parts
        .headers
        .insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tag));
    if parts.status == StatusCode::UNAUTHORIZED {
        // Not Basic: a browser would open its own password window over our pages.
        parts.headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"kopilka\""),
        );
    }
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_best_liked_of_the_two() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
            language(&headers)
        };
        assert_eq!(language(&HeaderMap::new()), Language::Ru);
        assert_eq!(of("en"), Language::En);
        assert_eq!(of("en-GB,ru;q=0.5"), Language::En);
        assert_eq!(of("en;q=0.5, ru-RU;q=0.9"), Language::Ru);
        assert_eq!(of("de, fr;q=0.5"), Language::Ru);
        assert_eq!(of("en;q=0"), Language::Ru);
        assert_eq!(of(";;,=,q"), Language::Ru);
    }

    #[test]
    fn a_till_s_token_is_not_in_the_log() {
        for (path, shown) in [
            (
                "/pos/rkeeper/kop_till_1/GetCardInfoEx",
                "/pos/rkeeper/…/GetCardInfoEx",
            ),
            ("/pos/onec/kop_till_1", "/pos/onec/…"),
            ("/pos/onec/kop_till_1/a/b", "/pos/onec/…/a/b"),
            ("/pos/iiko/openapi.json", "/pos/iiko/openapi.json"),
            ("/api/v1/receipts", "/api/v1/receipts"),
        ] {
            assert_eq!(without_token(path), shown);
        }
    }
}
