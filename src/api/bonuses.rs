//! A guest and his bonuses: identify, balance, and what people do to a balance.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Days, FixedOffset, LocalResult, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use kopilka_contract::{CustomerRef, Money};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{AdjustmentAnswer, BalanceAnswer, GuestAnswer};
use super::caller::{Caller, Scope};
use super::json_body::{JsonBody, QueryOf};
use super::openapi::Refusals;
use super::problem::Problem;
use super::receipts::CustomerName;
use super::till::messages::mark_ticked;
use super::till::signed::read_code;
use super::till_path::{Envelope, network_terms, respond, unexpected, venue};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::decide::Amend;
use crate::domain::ids::VenueId;
use crate::ledger::{Answer, Place, Verb};
use crate::storage::terms::NetworkTerms;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(identify_customer))
        .routes(routes!(customer_balance))
        .routes(routes!(credit_bonuses))
        .routes(routes!(debit_bonuses))
        .routes(routes!(reset_balance))
}

/// Whom a till asks about: exactly one of `card`, `phone`, `qr`, `id`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"card": "9000000017", "venue_id": "cafe"}))]
pub struct IdentifyRequest {
    /// Venue: our id or the caller's own; implied by a venue's key.
    #[serde(default)]
    pub venue_id: Option<String>,
    /// Number of a card.
    #[serde(default)]
    pub card: Option<String>,
    /// Telephone number.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub phone: Option<kopilka_contract::Phone>,
    /// Text of the guest's own QR code.
    #[serde(default)]
    pub qr: Option<String>,
    /// Our id, or the caller's external id.
    #[serde(default)]
    pub id: Option<String>,
}

impl IdentifyRequest {
    fn customer(&self) -> Result<CustomerRef, Problem> {
        let given = [
            self.card.clone().map(CustomerName::Card),
            self.phone.clone().map(CustomerName::Phone),
            self.qr.clone().map(CustomerName::Qr),
            self.id.clone().map(CustomerName::Id),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one.into()),
            _ => Err(Problem::invalid(
                "",
                "Назовите гостя одним способом.",
                "Name exactly one of card, phone, qr, id.",
            )),
        }
    }
}

/// Who is this guest, and what does he have here?
#[utoipa::path(
    post,
    path = "/customers/identify",
    tag = "till",
    request_body = IdentifyRequest,
    responses((status = 200, body = GuestAnswer), Refusals)
)]
pub async fn identify_customer(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<IdentifyRequest>,
) -> Result<Json<GuestAnswer>, Problem> {
    caller.needs(Scope::Till)?;
    let venue = venue(&app, &caller, body.value.venue_id.as_deref()).await?;
    let now = app.clock.now();
    let who = read_code(&app, caller.tenant, body.value.customer()?, now).await?;
    guest_at(&app, &caller, venue, who).await.map(Json)
}

/// A guest as a till at a venue shows him.
///
/// # Errors
/// 404 `customer-not-found`.
pub(super) async fn guest_at(
    app: &App,
    caller: &Caller,
    venue: VenueId,
    who: CustomerRef,
) -> Result<GuestAnswer, Problem> {
    let place = Place {
        venue,
        source: "rest".to_owned(),
    };
    let guest = app.ledger.identify(caller.tenant, place, who).await?;
    let mut answer = GuestAnswer::new(guest, caller.language);
    mark_ticked(app, caller.tenant, venue, &mut answer).await?;
    Ok(answer)
}

/// Where and when a balance is asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BalanceQuery {
    /// Available at this venue; without it, in the whole network.
    #[param(example = "cafe")]
    pub venue_id: Option<String>,
    /// At this moment, not in the past: what time alone will have changed.
    pub at: Option<DateTime<FixedOffset>>,
}

/// What a customer has: available, balance, held, pending, debt, expiring next.
#[utoipa::path(
    get,
    path = "/customers/{id}/balance",
    tag = "customers",
    params(("id" = String, Path, description = "Our id or the caller's own", example = "crm-1042"), BalanceQuery),
    responses((status = 200, body = BalanceAnswer), Refusals)
)]
pub async fn customer_balance(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    QueryOf(query): QueryOf<BalanceQuery>,
) -> Result<Json<BalanceAnswer>, Problem> {
    caller.needs_any(&[Scope::Till, Scope::Customers, Scope::Reports])?;
    let at_venue = match &query.venue_id {
        Some(named) => Some(venue(&app, &caller, Some(named)).await?),
        None => caller.only_venue(),
    };
    let at = query.at.map(|at| at.to_utc());
    let balance = app
        .ledger
        .balance(caller.tenant, at_venue, CustomerRef::Id(id), at)
        .await?;
    Ok(Json(balance.into()))
}

/// An admin bonus or a temporary bonus.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": "500.00", "comment": "Извинение за ожидание", "starts_on": "2026-12-01", "burns_on": "2026-12-10"}))]
pub struct CreditRequest {
    /// How much.
    #[schema(value_type = String, example = "500.00")]
    pub amount: Money,
    /// Usable at this venue only.
    #[serde(default)]
    pub venue_id: Option<String>,
    /// First day of a temporary bonus, from 00:00 in the network's zone; at once where absent.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, through 23:59:59 in the network's zone; absent: as ordinary bonuses live.
    #[serde(default)]
    pub burns_on: Option<NaiveDate>,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Give bonuses: an admin bonus, or a temporary one with its days.
#[utoipa::path(
    post,
    path = "/customers/{id}/credits",
    tag = "customers",
    params(("id" = String, Path, example = "crm-1042"), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CreditRequest,
    responses((status = 201, body = AdjustmentAnswer), Refusals)
)]
pub async fn credit_bonuses(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    envelope: Envelope,
    body: JsonBody<CreditRequest>,
) -> Result<Response, Problem> {
    may_adjust(&caller)?;
    let terms = network_terms(&app, caller.tenant).await?;
    let request = body.value;
    let scope = match &request.venue_id {
        Some(named) => Some(venue(&app, &caller, Some(named)).await?),
        None => None,
    };
    let starts_at = request.starts_on.map(|day| start_of_day(terms.time_zone, day));
    let expires_at = match request.burns_on {
        Some(day) => Some(start_of_day(terms.time_zone, day + Days::new(1))),
        None => ordinary_end(&terms, starts_at.unwrap_or_else(|| app.ledger.now(&terms))),
    };
    let amend = Amend::Credit {
        amount: request.amount,
        starts_at,
        expires_at,
        scope,
        promotion: false,
        comment: request.comment,
    };
    adjust(&app, &caller, envelope, id, amend, &body.raw).await
}

/// When ordinary bonuses of a network end that start at a moment; `None`: never.
pub fn ordinary_end(terms: &NetworkTerms, starts_at: Timestamp) -> Option<Timestamp> {
    let days = terms.settings.bonus_lifetime_days?;
    Some(starts_at + chrono::Duration::days(i64::from(days)))
}

/// Bonuses to write off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DebitRequest {
    /// How much.
    #[schema(value_type = String, example = "100.00")]
    pub amount: Money,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Take bonuses: a write-off by a person.
#[utoipa::path(
    post,
    path = "/customers/{id}/debits",
    tag = "customers",
    params(("id" = String, Path, example = "crm-1042"), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DebitRequest,
    responses((status = 201, body = AdjustmentAnswer), Refusals)
)]
pub async fn debit_bonuses(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    envelope: Envelope,
    body: JsonBody<DebitRequest>,
) -> Result<Response, Problem> {
    may_adjust(&caller)?;
    let amend = Amend::Debit {
        amount: body.value.amount,
        comment: body.value.comment,
    };
    adjust(&app, &caller, envelope, id, amend, &body.raw).await
}

/// Why a balance is reset.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"comment": "По просьбе гостя"}))]
pub struct ResetRequest {
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Reset a balance: ends the holds, takes active lots and debt to 0.00; pending lots stay.
#[utoipa::path(
    post,
    path = "/customers/{id}/reset",
    tag = "customers",
    params(("id" = String, Path, example = "crm-1042"), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ResetRequest,
    responses((status = 201, body = AdjustmentAnswer), Refusals)
)]
pub async fn reset_balance(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    envelope: Envelope,
    body: JsonBody<ResetRequest>,
) -> Result<Response, Problem> {
    may_adjust(&caller)?;
    let amend = Amend::Reset {
        comment: body.value.comment,
    };
    adjust(&app, &caller, envelope, id, amend, &body.raw).await
}

fn may_adjust(caller: &Caller) -> Result<(), Problem> {
    caller.needs(Scope::Customers)?;
    caller.may_change()
}

async fn adjust(
    app: &App,
    caller: &Caller,
    envelope: Envelope,
    id: String,
    amend: Amend,
    raw: &axum::body::Bytes,
) -> Result<Response, Problem> {
    let verb = Verb::Amend(CustomerRef::Id(id), amend);
    let answered = app
        .ledger
        .submit(envelope.command(app, caller, None, verb, raw))
        .await?;
    match answered.answer.clone() {
        Answer::Adjusted(adjusted) => {
            let answer = AdjustmentAnswer {
                transaction_id: adjusted.transaction_id,
                amount: adjusted.amount,
                balance: adjusted.balance.into(),
            };
            Ok(respond(&answered, answer))
        }
        _ => Err(unexpected()),
    }
}

/// 00:00 of a day in a zone; where the clocks skip midnight, the first moment of the day.
fn start_of_day(zone: Tz, day: NaiveDate) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..4)
        .find_map(
            |hours| match zone.from_local_datetime(&(midnight + chrono::Duration::hours(hours))) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
                LocalResult::None => None,
            },
        )
        .unwrap_or_else(|| midnight.and_utc())
}
