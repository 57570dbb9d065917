//! Totals of a business day: of this till, and of the venue.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use kopilka_contract::Money;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::SOURCE;
use super::device::AtTill;
use super::operations::day_filter;
use crate::api::json_body::QueryOf;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::app::App;
use crate::storage::till_operations::{self, OperationFilter, Totals};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(totals))
}

/// Which day.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ShiftQuery {
    /// Business day of the venue; absent: today.
    #[param(example = "2026-11-22")]
    day: Option<NaiveDate>,
}

/// What one cashier sold.
#[derive(Debug, Serialize, ToSchema)]
struct CashierShift {
    /// His name; empty: the receipts name nobody.
    #[schema(example = "Катя")]
    name: String,
    receipts: i64,
    #[schema(value_type = String, example = "16150.00")]
    total: Money,
}

/// Totals.
#[derive(Debug, Serialize, ToSchema)]
struct ShiftTotals {
    /// How many receipts.
    receipts: i64,
    /// Their totals, before bonuses.
    #[schema(value_type = String, example = "16150.00")]
    total: Money,
    /// Paid with bonuses.
    #[schema(value_type = String, example = "1510.00")]
    redeemed: Money,
    /// Paid with money, what was given back not taken off.
    #[schema(value_type = String, example = "14640.00")]
    paid: Money,
    /// Accrued.
    #[schema(value_type = String, example = "1250.21")]
    accrued: Money,
    /// How many returns.
    returns: i64,
    /// Amount of goods that came back.
    #[schema(value_type = String, example = "190.00")]
    returned: Money,
    /// Money given back for them; the rest of their amount came back as bonuses.
    #[schema(value_type = String, example = "133.00")]
    refunded: Money,
    /// How many known guests bought.
    guests: i64,
    /// Of them, those who joined on this day.
    new_guests: i64,
    /// By who sold.
    by_cashier: Vec<CashierShift>,
}

impl From<Totals> for ShiftTotals {
    fn from(t: Totals) -> Self {
        ShiftTotals {
            receipts: t.receipts,
            total: t.total,
            redeemed: t.redeemed,
            paid: t.total - t.redeemed,
            accrued: t.accrued,
            returns: t.returns,
            returned: t.returned,
            refunded: t.refunded,
            guests: t.guests,
            new_guests: t.new_guests,
            by_cashier: t
                .by_cashier
                .into_iter()
                .map(|c| CashierShift {
                    name: c.name,
                    receipts: c.receipts,
                    total: c.total,
                })
                .collect(),
        }
    }
}

/// Totals of a business day.
#[derive(Debug, Serialize, ToSchema)]
struct Shift {
    /// The day.
    day: NaiveDate,
    /// When it began.
    since: DateTime<Utc>,
    /// Of this till: sold at a device of its name.
    device: ShiftTotals,
    /// Of all tills of the venue, of every kind.
    venue: ShiftTotals,
}

/// Totals of a business day.
#[utoipa::path(get, path = "/till/shift", tag = "virtual till", security(("till" = [])), params(ShiftQuery),
    responses((status = 200, body = Shift), Refusals))]
async fn totals(
    State(app): State<App>,
    at: AtTill,
    QueryOf(query): QueryOf<ShiftQuery>,
) -> Result<Json<Shift>, Problem> {
    let (all, day) = day_filter(&app, &at, query.day).await?;
    let since = all.from;
    let own = OperationFilter {
        till: Some((SOURCE, at.till.device.name.clone())),
        ..all.clone()
    };
    let tenant = at.caller.tenant;
    let found: Result<_, Problem> = app
        .read(move |c| {
            Ok((
                till_operations::totals(c, tenant, &own)?,
                till_operations::totals(c, tenant, &all)?,
            ))
        })
        .await;
    let (device, venue) = found?;
    Ok(Json(Shift {
        day,
        since,
        device: device.into(),
        venue: venue.into(),
    }))
}
