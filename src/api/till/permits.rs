//! The offline allowance: bonuses set aside for a guest whom the till has just seen, so that he can spend them even if
//! the network goes away this minute.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use kopilka_contract::{CustomerRef, Hold, Money, Permit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::SOURCE;
use super::signed::{sign, verified};
use crate::api::caller::{Caller, Scope};
use crate::api::customers::found;
use crate::api::json_body::JsonBody;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::api::till_path::{Envelope, respond, unexpected, venue};
use crate::app::App;
use crate::domain::ids::{CustomerId, NetworkId, VenueId};
use crate::domain::refusal::Refusal;
use crate::domain::settings::OFFLINE_PERMIT_MINUTES;
use crate::ledger::{Answer, Place, Verb};
use crate::storage::{Tenant, venues};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(give))
}

/// What an allowance is signed for.
const PURPOSE: &str = "offline permit";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    network: NetworkId,
    venue: VenueId,
    /// The device, or the key, that asked for it.
    till: String,
    customer: CustomerId,
    hold: String,
    key: String,
    amount: Money,
    expires_at: DateTime<Utc>,
}

/// Whom the allowance is for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_id": "crm-1042", "venue_id": "cafe"}))]
struct PermitRequest {
    /// The guest: our id or your own.
    customer_id: String,
    /// Venue: our id or your own; implied by a till and by a venue's key.
    #[serde(default)]
    venue_id: Option<String>,
}

/// An allowance.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PermitAnswer {
    /// To be sent as `offline.permit` with a sale that was made without a network.
    permit: String,
    /// `hld_…` that keeps its bonuses: a sale made with a network names it as `hold_id`; voiding it gives them back.
    #[schema(example = "hld_01hgw3zj3q7hx")]
    hold_id: String,
    /// The guest.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    customer_id: CustomerId,
    /// He may redeem at most so much.
    #[schema(value_type = String, example = "500.00")]
    amount: Money,
    /// It is good for sales made before this moment.
    expires_at: DateTime<Utc>,
}

/// Sets bonuses aside for a guest, who may then spend them at this till without a network.
///
/// As much as he has, up to the venue's `offline_limit`, for its `offline_permit_minutes`. Asked for again it is renewed: the former
/// hold is let go and a new one is made, in one step. 422 `offline-redemption-off` where the venue's limit is 0.00, `insufficient-balance` where
/// the guest has nothing.
#[utoipa::path(post, path = "/till/permits", tag = "virtual till", request_body = PermitRequest,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = PermitAnswer), Refusals))]
async fn give(
    State(app): State<App>,
    caller: Caller,
    envelope: Envelope,
    body: JsonBody<PermitRequest>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Till)?;
    caller.may_change()?;
    let tenant = caller.tenant;
    let PermitRequest {
        customer_id,
        venue_id,
    } = body.value;
    let venue = venue(&app, &caller, venue_id.as_deref()).await?;
    let (customer, settings) = app
        .read(move |c| -> Result<_, Problem> {
            let stored = venues::find(c, tenant, venue)?.ok_or_else(Problem::not_found)?;
            Ok((found(c, tenant, &customer_id)?.id, stored.settings))
        })
        .await?;
    let limit = settings.offline_limit.unwrap_or_default();
    if !limit.is_positive() {
        return Err(Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "offline-redemption-off",
            "Здесь бонусы без связи не списывают.",
            "Bonuses are not redeemed without a network here: the venue's offline_limit is 0.00.",
        ));
    }
    let till = match &caller.till {
        Some(till) => till.device.to_string(),
        None => caller.actor.clone(),
    };
    let key = format!("permit/{till}/{customer}");
    let ask = Hold {
        once: false,
        of_order: None,
        order: Vec::new(),
        external_id: key.clone(),
        customer: CustomerRef::Id(customer.to_string()),
        amount: None,
        at_most: Some(limit),
        minutes: Some(settings.offline_permit_minutes.unwrap_or(OFFLINE_PERMIT_MINUTES)),
    };
    let place = Place {
        venue,
        source: SOURCE.to_owned(),
    };
    let command = envelope.command(&app, &caller, Some(venue), Verb::Hold(place, ask), &body.raw);
    let answered = app.ledger.submit(command).await?;
    let Answer::Held(held) = answered.answer.clone() else {
        return Err(unexpected());
    };
    let signed = Signed {
        network: tenant.network(),
        venue,
        till,
        customer,
        hold: held.id.clone(),
        key,
        amount: held.amount,
        expires_at: held.ends_at,
    };
    let answer = PermitAnswer {
        permit: sign(&app, tenant, PURPOSE, &signed).await?,
        hold_id: held.id,
        customer_id: customer,
        amount: held.amount,
        expires_at: held.ends_at,
    };
    Ok(respond(&answered, answer))
}

/// Reads an allowance that a sale at a venue names.
///
/// # Errors
/// 422 `offline-permit-invalid` where this network has not given it, or not to this venue.
pub async fn read(app: &App, tenant: Tenant, venue: VenueId, text: &str) -> Result<Permit, Problem> {
    let signed: Option<Signed> = verified(app, tenant, PURPOSE, text).await?;
    let signed = signed.filter(|s| s.network == tenant.network() && s.venue == venue);
    let signed = signed.ok_or(Refusal::OfflinePermitInvalid)?;
    Ok(Permit {
        customer: signed.customer.to_string(),
        hold: signed.hold,
        key: signed.key,
        amount: signed.amount,
        expires_at: signed.expires_at,
    })
}
