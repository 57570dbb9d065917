//! Coefficients of a customer for single venues.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{CustomerView, VenueCoefficient, view};
use crate::api::author::Author;
use crate::api::caller::{Caller, Scope};
use crate::api::json_body::JsonBody;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::api::venues::reached;
use crate::app::App;
use crate::domain::rate::Coefficient;
use crate::storage::customers;

/// A coefficient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenCoefficient {
    /// 0 to 1000 with at most six decimals.
    #[schema(value_type = String, example = "2")]
    coefficient: Coefficient,
}

async fn change_coefficient(
    app: App,
    caller: Caller,
    (reference, venue): (String, String),
    coefficient: Option<Coefficient>,
) -> Result<CustomerView, Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let customer =
            customers::find_to_change(c, author.tenant, &reference)?.ok_or_else(Problem::not_found)?;
        let venue = reached(c, &caller, &venue)?;
        let before = customers::venue_coefficients(c, author.tenant, &[customer.id])?;
        let before = before
            .get(&customer.id)
            .and_then(|all| all.iter().find(|(v, _)| *v == venue))
            .map(|(_, coefficient)| *coefficient);
        if before != coefficient {
            customers::set_venue_coefficient(c, author.tenant, customer.id, venue, coefficient)?;
            let note = |coefficient: Option<Coefficient>| {
                coefficient.map(|coefficient| VenueCoefficient {
                    venue_id: venue,
                    coefficient,
                })
            };
            let (before, after) = (note(before), note(coefficient));
            author.note(
                c,
                "customer.coefficient",
                customer.id,
                before.as_ref(),
                after.as_ref(),
            )?;
        }
        view(c, author.tenant, customer)
    })
    .await
}

/// Sets a customer's coefficient for one venue.
#[utoipa::path(put, path = "/customers/{customer}/coefficients/{venue}", tag = "customers", operation_id = "set_coefficient",
    request_body = GivenCoefficient,
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042"), ("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 200, body = CustomerView), Refusals))]
pub(super) async fn set_coefficient(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<GivenCoefficient>,
) -> Result<Json<CustomerView>, Problem> {
    change_coefficient(app, caller, path, Some(given.coefficient))
        .await
        .map(Json)
}

/// Removes a customer's coefficient for one venue: the network's counts there again.
#[utoipa::path(delete, path = "/customers/{customer}/coefficients/{venue}", tag = "customers", operation_id = "remove_coefficient",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042"), ("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 204), Refusals))]
pub(super) async fn remove_coefficient(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    change_coefficient(app, caller, path, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
