//! Holds: bonuses set aside for an open order.

use axum::extract::State;
use axum::response::Response;
use kopilka_contract::{Hold, Money};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{GuestAnswer, HoldAnswer, VoidAnswer};
use super::caller::{Caller, Scope};
use super::json_body::{AnyBody, JsonBody, PathId};
use super::openapi::Refusals;
use super::problem::{Problem, ProblemBody};
use super::receipts::{CustomerName, check_id};
use super::till::signed::read_code;
use super::till_path::{Envelope, respond, unexpected, venue};
use crate::app::App;
use crate::domain::ids::HoldId;
use crate::ledger::{Answer, Place, Verb};
use crate::storage::holds;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(hold_bonuses))
        .routes(routes!(void_hold))
}

/// Bonuses to set aside.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"venue_id": "cafe", "customer": {"card": "9000000017"}, "amount": "300.00", "minutes": 30}))]
pub struct HoldRequest {
    /// Venue: our id or the caller's own; implied by a venue's key.
    #[serde(default)]
    pub venue_id: Option<String>,
    /// What calls; `rest` where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Key of the order at its source. A second hold with the same key replaces the first.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Whose bonuses.
    pub customer: CustomerName,
    /// How much.
    #[schema(value_type = String, example = "300.00")]
    pub amount: Money,
    /// For how long; as the venue sets it where absent.
    #[serde(default)]
    pub minutes: Option<u32>,
}

/// Set bonuses aside for an open order.
#[utoipa::path(
    post,
    path = "/holds",
    tag = "till",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = HoldRequest,
    responses((status = 201, body = HoldAnswer), Refusals)
)]
pub async fn hold_bonuses(
    State(app): State<App>,
    caller: Caller,
    envelope: Envelope,
    body: JsonBody<HoldRequest>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Till)?;
    caller.may_change()?;
    let HoldRequest {
        venue_id,
        source,
        external_id,
        customer,
        amount,
        minutes,
    } = body.value;
    let venue = venue(&app, &caller, venue_id.as_deref()).await?;
    let source = source.unwrap_or_else(|| "rest".to_owned());
    check_id("/source", &source)?;
    if !amount.is_positive() {
        return Err(Problem::invalid(
            "/amount",
            "Сумма должна быть больше нуля.",
            "The amount is above zero.",
        ));
    }
    let external_id = external_id.unwrap_or_default();
    let customer = read_code(&app, caller.tenant, customer.into(), app.clock.now()).await?;
    let ask = Hold {
        once: false,
        of_order: None,
        order: Vec::new(),
        external_id,
        customer,
        amount: Some(amount),
        at_most: None,
        minutes,
    };
    let verb = Verb::Hold(Place { venue, source }, ask);
    let answered = app
        .ledger
        .submit(envelope.command(&app, &caller, Some(venue), verb, &body.raw))
        .await?;
    match answered.answer.clone() {
        Answer::Held(held) => {
            let customer = GuestAnswer::new(held.guest, caller.language);
            let answer = HoldAnswer {
                id: held.id,
                amount: held.amount,
                ends_at: held.ends_at,
                customer,
            };
            Ok(respond(&answered, answer))
        }
        _ => Err(unexpected()),
    }
}

/// Let a hold go. A second time answers as the first.
#[utoipa::path(
    post,
    path = "/holds/{id}/void",
    tag = "till",
    params(("id" = String, Path, example = "hld_01hgw3zj3q7hx"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = VoidAnswer),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`hold-captured`"),
        Refusals
    )
)]
pub async fn void_hold(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<HoldId>,
    envelope: Envelope,
    AnyBody(body): AnyBody,
) -> Result<Response, Problem> {
    caller.needs(Scope::Till)?;
    caller.may_change()?;
    let tenant = caller.tenant;
    let venue = app
        .read(move |c| holds::venue_of(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let venue = venue.ok_or_else(Problem::not_found)?;
    caller.needs_venue(venue)?;
    let verb = Verb::Void(
        Place {
            venue,
            source: "rest".to_owned(),
        },
        id.to_string(),
    );
    let answered = app
        .ledger
        .submit(envelope.command(&app, &caller, Some(venue), verb, &body))
        .await?;
    match answered.answer.clone() {
        Answer::Voided(voided) => Ok(respond(
            &answered,
            VoidAnswer {
                id: voided.id,
                released: voided.released,
            },
        )),
        _ => Err(unexpected()),
    }
}
