//! What a network signs: a guest's own short-lived code, and the allowance to redeem without a network. HMAC-SHA-256
//! with a secret of the network, which never leaves the database and this program.

use std::sync::PoisonError;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SubsecRound, Utc};
use hmac::{Hmac, KeyInit, Mac};
use kopilka_contract::CustomerRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::{Caller, Scope};
use crate::api::customers::found;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::CustomerId;
use crate::storage::{Tenant, network_secrets};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(make_code))
}

/// What a guest's code begins with; what does not is the number of a card.
const CODE_PREFIX: &str = "kq1.";
/// How long a guest's code works.
const CODE_LIFE: chrono::Duration = chrono::Duration::minutes(5);
/// How much of the signature a code holds: it is drawn on a screen, and lives for minutes.
const CODE_SIGNATURE: usize = 16;

/// The secret of a network; made the first time.
async fn secret(app: &App, tenant: Tenant) -> Result<[u8; 32], Problem> {
    let known = app
        .access
        .network_secrets
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&tenant.network())
        .copied();
    if let Some(secret) = known {
        return Ok(secret);
    }
    let kept = app
        .read(move |c| network_secrets::find(c, tenant))
        .await
        .map_err(Problem::from)?;
    let secret = match kept {
        Some(secret) => secret,
        None => {
            let mut offered = [0u8; 32];
            getrandom::fill(&mut offered).map_err(|error| {
                tracing::error!(%error, "no randomness");
                Problem::internal()
            })?;
            let now = app.clock.now();
            app.write(move |c| network_secrets::find_or_keep(c, tenant, &offered, now))
                .await
                .map_err(Problem::from)?
        }
    };
    app.access
        .network_secrets
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(tenant.network(), secret);
    Ok(secret)
}

/// The signature's state over a purpose and a payload: one purpose's signature is no good for another.
fn signature(secret: &[u8; 32], purpose: &str, payload: &[u8]) -> Result<Hmac<Sha256>, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Problem::internal())?;
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(payload);
    Ok(mac)
}

/// A payload with its signature.
///
/// # Errors
/// Those of the database.
pub(super) async fn sign(
    app: &App,
    tenant: Tenant,
    purpose: &str,
    payload: &impl Serialize,
) -> Result<String, Problem> {
    let payload = serde_json::to_vec(payload).map_err(|_| Problem::internal())?;
    let signature = signature(&secret(app, tenant).await?, purpose, &payload)?
        .finalize()
        .into_bytes();
    Ok(format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(payload),
        URL_SAFE_NO_PAD.encode(signature)
    ))
}

/// The payload of a text that this network has signed for this purpose; `None`: it has not.
///
/// # Errors
/// Those of the database.
pub(super) async fn verified<T: DeserializeOwned>(
    app: &App,
    tenant: Tenant,
    purpose: &str,
    text: &str,
) -> Result<Option<T>, Problem> {
    let parts = text.split_once('.').and_then(|(payload, mac)| {
        Some((
            URL_SAFE_NO_PAD.decode(payload).ok()?,
            URL_SAFE_NO_PAD.decode(mac).ok()?,
        ))
    });
    let Some((payload, given)) = parts else {
        return Ok(None);
    };
    let right = signature(&secret(app, tenant).await?, purpose, &payload)?
        .verify_slice(&given)
        .is_ok();
    if !right {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&payload).ok())
}

/// A guest's own code.
#[derive(Debug, Serialize, ToSchema)]
struct GuestCode {
    /// To be shown as a QR code; a till sends it as `qr`.
    #[schema(example = "kq1.AAAAAAAAAAEAAAAAaZ3f8Qx1Z0mYc2Vk0m1dE5oK3vA")]
    qr: String,
    /// It is of no use from here.
    expires_at: DateTime<Utc>,
}

/// A guest's own code, for an app that shows it to a till. It works for 5 minutes.
#[utoipa::path(post, path = "/customers/{id}/qr", tag = "customers",
    params(("id" = String, Path, description = "Our id or the caller's own", example = "crm-1042")),
    responses((status = 200, body = GuestCode), Refusals))]
async fn make_code(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<GuestCode>, Problem> {
    caller.needs(Scope::Customers)?;
    caller.may_change()?;
    let tenant = caller.tenant;
    let customer = app.read(move |c| found(c, tenant, &reference)).await?;
    let expires_at = (app.clock.now() + CODE_LIFE).trunc_subsecs(0);
    let mut code = Vec::with_capacity(16 + CODE_SIGNATURE);
    code.extend(customer.id.0.to_be_bytes());
    code.extend(expires_at.timestamp().to_be_bytes());
    let signature = signature(&secret(&app, tenant).await?, "guest code", &code)?
        .finalize()
        .into_bytes();
    code.extend(signature.iter().take(CODE_SIGNATURE));
    Ok(Json(GuestCode {
        qr: format!("{CODE_PREFIX}{}", URL_SAFE_NO_PAD.encode(code)),
        expires_at,
    }))
}

fn unreadable() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "qr-unreadable",
        "Код гостя не читается. Попросите показать новый или назвать телефон.",
        "The guest's code can't be read: ask for a new one, or for the telephone.",
    )
    .at("/qr")
}

fn expired() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "qr-expired",
        "Код гостя устарел. Попросите показать новый.",
        "The guest's code has expired: ask for a new one.",
    )
    .at("/qr")
}

/// Whom a reference means where it is a guest's own code, which must have lived `at` a moment; any other reference stays
/// as it is, a code that is a card's number too.
///
/// # Errors
/// 422 `qr-unreadable`, `qr-expired`.
pub async fn read_code(
    app: &App,
    tenant: Tenant,
    who: CustomerRef,
    at: Timestamp,
) -> Result<CustomerRef, Problem> {
    let CustomerRef::Qr(text) = &who else {
        return Ok(who);
    };
    let Some(code) = text.trim().strip_prefix(CODE_PREFIX) else {
        return Ok(who);
    };
    let code = URL_SAFE_NO_PAD.decode(code).map_err(|_| unreadable())?;
    let (payload, given) = code.split_at_checked(16).ok_or_else(unreadable)?;
    if given.len() != CODE_SIGNATURE {
        return Err(unreadable());
    }
    signature(&secret(app, tenant).await?, "guest code", payload)?
        .verify_truncated_left(given)
        .map_err(|_| unreadable())?;
    let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes);
    let (customer, end) = payload.split_at_checked(8).ok_or_else(unreadable)?;
    let (Ok(customer), Ok(end)) = (number(customer), number(end)) else {
        return Err(unreadable());
    };
    let end = DateTime::from_timestamp(end, 0).ok_or_else(unreadable)?;
    if at >= end {
        return Err(expired());
    }
    Ok(CustomerRef::Id(CustomerId(customer).to_string()))
}
