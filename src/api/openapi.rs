//! The description of the API: OpenAPI 3.1 at `/api/openapi.json`, and a page to read it at `/api/docs`.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Json, Router, routing};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::authentication::SESSION_COOKIE;
use super::examples;
use super::problem::ProblemBody;
use super::till::device::TILL_COOKIE;
use crate::app::App;

/// What stands above the operations; the routers add those.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Kopilka",
        description = "A loyalty service: receipts in, bonuses right to the kopeck.\n\nErrors are RFC 9457 problems \
                       (`application/problem+json`) with a stable `code` and a `user_message` for the person at the till.\n\nAny operation may also answer 408 `too-slow`, 413 `body-too-large` and 415 `unsupported-media-type`.",
    ),
    modifiers(&Schemes),
    components(schemas(ProblemBody)),
    security(("key" = []), ("venue" = []), ("session" = []), ("till" = [])),
)]
pub struct Description;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "key",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some(
                        "An API key: `kop_live_…`, or `kop_test_…`, which can only quote.",
                    ))
                    .build(),
            ),
        );
        components.add_security_scheme(
            "venue",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Basic)
                    .description(Some("A venue's id (ours or your own) and an API key."))
                    .build(),
            ),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                SESSION_COOKIE,
                "The session of a member of staff. Changes need the header `x-csrf-token`, or to come from our own pages.",
            ))),
        );
        components.add_security_scheme(
            "till",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                TILL_COOKIE,
                "A device of the virtual till, with the cashier who stands at it. It may call what a till's key may at its venue; \
                 changes need the header `x-csrf-token`. Locked: 401 `till-locked`.",
            ))),
        );
    }
}

/// What any operation may answer beside its own: put it into `responses(…)`.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// The request can't be understood: `malformed-json`, `invalid-cursor`.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// `unauthorized`: the key, session or password is missing, wrong, expired or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemBody),
    /// `forbidden`, `test-key`, `csrf`: the caller has no right to do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
    /// `not-found`: there is none in the caller's network, or he is limited to other venues.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemBody),
    /// `invalid-request` and other refusals; `errors` names the fields.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemBody),
    /// `too-many-requests`: see `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemBody),
    /// `busy`: try again in a second.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(ProblemBody),
}

/// The description and the page.
pub fn routes(mut description: utoipa::openapi::OpenApi) -> Router<App> {
    name_operations(&mut description);
    // Made once: it is large, and never changes.
    let mut json = serde_json::to_value(&description).unwrap_or_default();
    examples::complete(&mut json);
    let page: Router<App> = SwaggerUi::new("/api/docs")
        .config(
            Config::from("/api/openapi.json")
                .validator_url("none")
                .persist_authorization(false),
        )
        .into();
    Router::new()
        .route(
            "/api/openapi.json",
            routing::get(move || async move { Json(json) }),
        )
        .merge(page.layer(middleware::from_fn(guard)))
}

/// Names every operation by its method and path: handlers of different resources have the same short names.
fn name_operations(description: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut description.paths.paths {
        let words: Vec<&str> = path
            .trim_start_matches("/api/v1")
            .split(['/', '{', '}', '-', '_'])
            .filter(|word| !word.is_empty())
            .collect();
        let place = words.join("_");
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{place}"));
            }
        }
    }
}

/// The page runs its own scripts only, and talks to us only. Its styles are partly inline, and its icons data URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
