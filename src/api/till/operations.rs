//! What the tills of a venue did on a business day.

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
use super::guests::masked_phone;
use super::messages::business_day;
use crate::api::json_body::QueryOf;
use crate::api::openapi::Refusals;
use crate::api::page::{ListQuery, Page};
use crate::api::problem::Problem;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::business_time::day_bounds;
use crate::domain::ids::{CustomerId, ReceiptId, UserId};
use crate::storage::till_operations::{self, Happened, Operation, OperationFilter};
use crate::storage::users;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Whose operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Whose {
    /// This till's: sold at a device of its name.
    This,
    /// All tills' of the venue, of every kind.
    All,
}

/// Which operations.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OperationQuery {
    /// Part of the guest's name, digits of his telephone, number or amount of the receipt.
    #[param(example = "0117")]
    q: Option<String>,
    /// `this` till or `all` tills of the venue; absent: this.
    #[param(inline, example = "this")]
    device: Option<Whose>,
    /// Business day of the venue; absent: today.
    #[param(example = "2026-11-22")]
    day: Option<NaiveDate>,
}

/// A guest of an operation.
#[derive(Debug, Serialize, ToSchema)]
struct OperationGuestView {
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    id: CustomerId,
    name: Option<String>,
    /// Its end only.
    #[schema(example = "+7 ··· 01-17")]
    phone: Option<String>,
}

/// A sale or a return.
#[derive(Debug, Serialize, ToSchema)]
struct OperationView {
    /// `sale` or `return`.
    #[schema(example = "sale")]
    kind: &'static str,
    /// `rcp_…` of a sale, `ret_…` of a return.
    id: String,
    /// `rcp_…` of the sale.
    #[schema(value_type = String)]
    receipt_id: ReceiptId,
    /// When.
    at: DateTime<Utc>,
    /// Number of the receipt.
    number: Option<String>,
    /// Id at its source.
    external_id: String,
    /// The guest.
    guest: Option<OperationGuestView>,
    /// Amount of goods, before bonuses.
    #[schema(value_type = String, example = "1615.00")]
    total: Money,
    /// Paid with bonuses; of a return given back of them.
    #[schema(value_type = String, example = "510.00")]
    redeemed: Money,
    /// Money paid; of a return given back.
    #[schema(value_type = String, example = "1105.00")]
    to_pay: Money,
    /// Accrued; of a return taken back.
    #[schema(value_type = String, example = "125.21")]
    accrued: Money,
    /// What has come back of the sale so far; of a return its own amount.
    #[schema(value_type = String, example = "0.00")]
    returned: Money,
    /// Where the sale stands: `closed`, `partly_returned`, `returned`, `cancelled`.
    #[schema(example = "closed")]
    status: String,
    /// Name of who sold it or took it back.
    cashier: Option<String>,
    /// The till that sold it.
    till: Option<String>,
    /// How many lines the sale has.
    lines: i64,
}

/// What is asked for on a business day: the filter, and the day.
pub(super) async fn day_filter(
    app: &App,
    at: &AtTill,
    day: Option<NaiveDate>,
) -> Result<(OperationFilter, NaiveDate), Problem> {
    let (tenant, venue) = (at.caller.tenant, at.venue());
    let day = match day {
        Some(day) => day,
        None => business_day(app, tenant, venue).await?,
    };
    let network = network_terms(app, tenant).await?;
    let terms = network.venues.get(&venue).ok_or_else(Problem::not_found)?;
    let bounds = day_bounds(day, terms.time_zone, terms.day_starts_at);
    let (from, until) =
        bounds.ok_or_else(|| Problem::invalid("day", "Такого дня нет.", "There is no such day."))?;
    let filter = OperationFilter {
        venue,
        from,
        until,
        till: None,
        query: None,
        before: None,
    };
    Ok((filter, day))
}

/// Sales and returns of a business day, the newest first.
#[utoipa::path(get, path = "/till/operations", tag = "virtual till", security(("till" = [])),
    params(ListQuery, OperationQuery),
    responses((status = 200, body = Page<OperationView>), Refusals))]
async fn list(
    State(app): State<App>,
    at: AtTill,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<OperationQuery>,
) -> Result<Json<Page<OperationView>>, Problem> {
    let limit = page.limit()?;
    let (filter, _) = day_filter(&app, &at, query.day).await?;
    let filter = OperationFilter {
        till: (query.device != Some(Whose::All)).then(|| (SOURCE, at.till.device.name.clone())),
        query: query
            .q
            .filter(|q| !q.trim().is_empty())
            .map(|q| q.chars().take(100).collect()),
        before: page.after()?,
        ..filter
    };
    let tenant = at.caller.tenant;
    let found: Result<_, Problem> = app
        .read(move |c| {
            let found = till_operations::list(c, tenant, &filter, i64::from(limit) + 1)?;
            Ok((found, users::list(c, tenant, None, 10_000)?))
        })
        .await;
    let (found, staff) = found?;
    let name_of = |actor: &str| {
        let id: UserId = actor.strip_prefix("user:")?.parse().ok()?;
        staff.iter().find(|u| u.id == id).map(|u| u.name.clone())
    };
    let view = |o: Operation| OperationView {
        kind: match o.happened {
            Happened::Sale => "sale",
            Happened::Return(_) => "return",
        },
        id: match o.happened {
            Happened::Sale => o.receipt.to_string(),
            Happened::Return(id) => id.to_string(),
        },
        cashier: match o.happened {
            Happened::Sale => o.waiter,
            Happened::Return(_) => o.actor.as_deref().and_then(name_of),
        },
        receipt_id: o.receipt,
        at: o.at,
        number: o.number,
        external_id: o.external_id,
        guest: o.guest.map(|guest| OperationGuestView {
            id: guest.id,
            name: guest.name,
            phone: guest.phone.as_ref().map(masked_phone),
        }),
        to_pay: o.total - o.redeemed,
        total: o.total,
        redeemed: o.redeemed,
        accrued: o.accrued,
        returned: o.returned,
        status: o.status,
        till: o.till,
        lines: o.lines,
    };
    Ok(Json(Page::of(found, limit, Operation::place).map(view)))
}
