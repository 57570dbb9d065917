//! Guests at the till: found as one types, and registered in ten seconds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use kopilka_contract::{CustomerRef, Money, Phone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::AtTill;
use crate::api::answers::GuestAnswer;
use crate::api::bonuses::guest_at;
use crate::api::customers::{Joined, NewCustomer, join};
use crate::api::json_body::{JsonBody, QueryOf};
use crate::api::limits::Allowance;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::ids::CustomerId;
use crate::storage::customers::{self, Typed, status_text};
use crate::storage::networks;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(suggest, register))
}

/// Most guests of an answer.
const MOST: i64 = 8;

/// What the cashier has typed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GuestQuery {
    /// At least 3 digits of a telephone or card, or 2 letters of a name; less finds nobody.
    #[param(example = "0117")]
    q: String,
}

/// A guest whom the typed text may mean.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuestSuggestion {
    /// `cus_…`
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    id: CustomerId,
    /// Name.
    #[schema(example = "Анна К.")]
    name: Option<String>,
    /// Telephone, its end only.
    #[schema(example = "+7 ··· 01-17")]
    phone: Option<String>,
    /// Newest card that works, its end only.
    #[schema(example = "··· 0017")]
    card: Option<String>,
    /// What he may spend here.
    #[schema(value_type = String, example = "1240.00")]
    available: Money,
    /// `registered`, `potential` or `blocked`.
    #[schema(example = "registered")]
    status: &'static str,
}

/// Guests whom a typed text may mean.
#[derive(Debug, Serialize, ToSchema)]
struct GuestSuggestions {
    /// 8 at most; those whose telephone or card ends with the digits come first.
    items: Vec<GuestSuggestion>,
}

/// A telephone of which only the end is shown.
pub(super) fn masked_phone(phone: &Phone) -> String {
    let digits = phone.digits();
    let end = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
    let (first, last) = end.split_at_checked(2).unwrap_or((end, ""));
    let code = if digits.starts_with('7') { "+7 " } else { "+" };
    format!("{code}··· {first}-{last}")
}

fn masked_card(number: &str) -> String {
    let count = number.chars().count();
    let end: String = number.chars().skip(count.saturating_sub(4)).collect();
    if count > 4 { format!("··· {end}") } else { end }
}

/// Guests as one types. Limited for each device.
#[utoipa::path(get, path = "/till/guests", tag = "virtual till", security(("till" = [])), params(GuestQuery),
    responses((status = 200, body = GuestSuggestions), Refusals))]
async fn suggest(
    State(app): State<App>,
    at: AtTill,
    QueryOf(query): QueryOf<GuestQuery>,
) -> Result<Json<GuestSuggestions>, Problem> {
    let Some(typed) = Typed::read(&query.q) else {
        return Ok(Json(GuestSuggestions { items: Vec::new() }));
    };
    app.access
        .guest_searches
        .take(at.till.device.id)
        .map_err(Allowance::refusal)?;
    let tenant = at.caller.tenant;
    let found = app
        .read(move |c| customers::suggest(c, tenant, &typed, MOST))
        .await
        .map_err(Problem::from)?;
    let ids = found.iter().map(|guest| guest.id).collect();
    let available = app.ledger.available(tenant, at.venue(), ids).await?;
    let items = found
        .into_iter()
        .map(|guest| GuestSuggestion {
            available: available.get(&guest.id).copied().unwrap_or_default(),
            id: guest.id,
            name: guest.name,
            phone: guest.phone.as_ref().map(masked_phone),
            card: guest.card.as_deref().map(masked_card),
            status: status_text(guest.status),
        })
        .collect();
    Ok(Json(GuestSuggestions { items }))
}

/// A guest who joins at the till.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGuest {
    /// Telephone, in any spelling.
    #[schema(example = "+7 921 555-90-01")]
    phone: String,
    /// Name.
    #[schema(example = "Вера")]
    name: Option<String>,
    /// Birthday.
    #[schema(example = "1990-03-08")]
    birthday: Option<NaiveDate>,
    /// Which text of the consent he was shown and agreed to.
    #[schema(example = "2026-01")]
    consent_version: Option<String>,
}

/// A guest who joined, or had joined before.
#[derive(Debug, Serialize, ToSchema)]
struct JoinedGuest {
    #[serde(flatten)]
    guest: GuestAnswer,
    /// He had joined before: nothing of him was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    already: bool,
}

/// Registers a guest at the till. A potential customer with the telephone becomes registered and keeps his history; one
/// who has joined already is answered as he is, with `already`.
#[utoipa::path(post, path = "/till/guests", tag = "virtual till", security(("till" = [])), request_body = NewGuest,
    responses((status = 201, body = JoinedGuest, description = "Somebody new"),
        (status = 200, body = JoinedGuest, description = "A potential customer, or one who has joined already"), Refusals))]
async fn register(
    State(app): State<App>,
    at: AtTill,
    body: JsonBody<NewGuest>,
) -> Result<(StatusCode, Json<JoinedGuest>), Problem> {
    let given = body.value;
    let (tenant, venue) = (at.caller.tenant, at.venue());
    let network = app
        .read(move |c| networks::find(c, tenant))
        .await
        .map_err(Problem::from)?;
    let consent = network.settings.consent_version;
    let agreed = given
        .consent_version
        .as_ref()
        .is_some_and(|v| !v.trim().is_empty());
    if consent.is_some() && !agreed {
        return Err(Problem::invalid(
            "/consent_version",
            "Нужно согласие гостя.",
            "The guest's consent is needed.",
        ));
    }
    let new = NewCustomer::at_till(
        given.phone,
        given.name,
        given.birthday,
        given.consent_version,
        venue,
    );
    let joined = join(&app, &at.caller, new).await?;
    let (status, id, already) = match joined {
        Joined::New(view) => (StatusCode::CREATED, view.id, false),
        Joined::WasPotential(view) => (StatusCode::OK, view.id, false),
        Joined::Already(id) => (StatusCode::OK, id, true),
    };
    let guest = guest_at(&app, &at.caller, venue, CustomerRef::Id(id.to_string())).await?;
    Ok((status, Json(JoinedGuest { guest, already })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_number_is_shown() {
        let phone = |text: &str| masked_phone(&Phone::parse(text).unwrap());
        assert_eq!(phone("+79215550117"), "+7 ··· 01-17");
        assert_eq!(phone("+375291234567"), "+··· 45-67");
        assert_eq!(masked_card("9000000017"), "··· 0017");
        assert_eq!(masked_card("777"), "777");
    }
}
