//! Messages that cashiers tick off: they stay ticked off for the rest of the venue's business day.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::AtTill;
use crate::api::answers::GuestAnswer;
use crate::api::customers::found;
use crate::api::json_body::JsonBody;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::business_time::BusinessTime;
use crate::domain::ids::VenueId;
use crate::storage::message_ticks::{self, Occasion};
use crate::storage::{StorageError, Tenant};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tick))
}

/// Today, as a venue counts its days.
pub(super) async fn business_day(app: &App, tenant: Tenant, venue: VenueId) -> Result<NaiveDate, Problem> {
    let network = network_terms(app, tenant).await?;
    let terms = network.venues.get(&venue).ok_or_else(Problem::not_found)?;
    let now = app.ledger.now(&network);
    Ok(BusinessTime::new(now, terms.time_zone, terms.day_starts_at).date)
}

/// Marks those messages to the cashier that have been ticked off today.
///
/// # Errors
/// Those of the database.
pub async fn mark_ticked(
    app: &App,
    tenant: Tenant,
    venue: VenueId,
    guest: &mut GuestAnswer,
) -> Result<(), Problem> {
    if guest.cashier_messages.is_empty() {
        return Ok(());
    }
    let customer = guest.id.parse().map_err(|_| Problem::internal())?;
    let day = business_day(app, tenant, venue).await?;
    let occasion = Occasion { venue, day, customer };
    let ticked = app
        .read(move |c| message_ticks::of(c, tenant, occasion))
        .await
        .map_err(Problem::from)?;
    for message in &mut guest.cashier_messages {
        message.ticked = ticked.contains(&message.code);
    }
    Ok(())
}

/// A message that was read and done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tick {
    /// Whose message.
    #[schema(example = "cus_01hgw3zj3q7hx")]
    customer_id: String,
    /// Its code.
    #[schema(example = "birthday")]
    code: String,
}

/// Ticks a message off. It is remembered who did so first, and when.
#[utoipa::path(post, path = "/till/messages/tick", tag = "virtual till", security(("till" = [])), request_body = Tick,
    responses((status = 204, description = "Ticked off."), Refusals))]
async fn tick(State(app): State<App>, at: AtTill, body: JsonBody<Tick>) -> Result<StatusCode, Problem> {
    let Tick { customer_id, code } = body.value;
    let code = crate::api::given::text("/code", &code, 64)?;
    let (tenant, venue, actor) = (at.caller.tenant, at.venue(), at.caller.actor.clone());
    let day = business_day(&app, tenant, venue).await?;
    let now = app.clock.now();
    app.write(move |c| -> Result<(), Problem> {
        let customer = found(c, tenant, &customer_id)?.id;
        let occasion = Occasion { venue, day, customer };
        let ticked: Result<(), StorageError> = message_ticks::tick(c, tenant, occasion, &code, &actor, now);
        Ok(ticked?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
