//! The pages that a person opens in a browser: embedded, compressed once, each with a strict policy for its content.

pub mod setup;
pub mod till;

use std::io::Write;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::app::App;

/// What a page may do: nothing but load its own files and speak with this service. What stands in the page itself is
/// named by its hash.
fn policy(inline_script: Option<&str>, inline_style: Option<&str>) -> HeaderValue {
    let hash = |text: Option<&str>| {
        text.map_or_else(String::new, |text| {
            format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
        })
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'{}; style-src 'self'{}; img-src 'self' data: blob:; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(inline_script),
        hash(inline_style)
    );
    // Only letters and signs that a header may have; without a policy the page would be free, so it gets the narrowest.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Nobody keeps it: the address stays while the content changes with the version of the service.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");
/// Asked for again each time.
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Kept for ever: the address has a hash of the content.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Smaller than this, compression is not worth its header.
const WORTH_COMPRESSING: usize = 400;

/// All pages. Whoever opens the bare address means the page that staff work with.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(async || Redirect::to("/till")))
        .merge(setup::routes())
        .merge(till::routes())
}

/// A file of a page, ready to be sent.
#[derive(Debug, Clone)]
struct Asset {
    content_type: HeaderValue,
    cache: HeaderValue,
    policy: HeaderValue,
    plain: Bytes,
    /// The same compressed, where that is smaller.
    gzip: Option<Bytes>,
}

impl Asset {
    /// Of a file with this name.
    fn new(name: &str, content: impl Into<Bytes>, cache: HeaderValue) -> Self {
        let plain = content.into();
        let gzip = (plain.len() >= WORTH_COMPRESSING)
            .then(|| compressed(&plain).ok())
            .flatten()
            .filter(|small| small.len() < plain.len());
        Asset {
            content_type: content_type(name),
            cache,
            policy: policy(None, None),
            plain,
            gzip,
        }
    }

    /// A page in which these two stand, and nothing else.
    fn with_inline(mut self, script: &str, style: &str) -> Self {
        self.policy = policy(Some(script), Some(style));
        self
    }

    /// As the browser that sent these headers takes it.
    fn answer(&self, wanted: &HeaderMap) -> Response {
        let takes_gzip = wanted
            .get(header::ACCEPT_ENCODING)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.contains("gzip"));
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip);
        let body = gzip.unwrap_or(&self.plain).clone();
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        for (name, value) in [
            (header::VARY, "accept-encoding"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static("permissions-policy"), "camera=(self)"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if gzip.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn compressed(plain: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

fn content_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    })
}
