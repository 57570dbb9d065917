//! Returns that could not be applied, for a person: their sale has not come, or they do not fit it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kopilka_contract::Quantity;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::given::{filled, text};
use super::json_body::{JsonBody, PathId, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::period::OlderThan;
use super::problem::{Problem, ProblemBody};
use super::venues::within;
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{ReceiptId, ReturnId, VenueId};
use crate::domain::world::ReturnedLine;
use crate::storage::returns::{self, REFUSED, UnappliedFilter, UnappliedReturn, WAITING};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(settle))
}

/// A line that was to come back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = UnappliedLine)]
struct LineView {
    /// Line of the sale; empty where the till names only a product.
    #[schema(example = "1")]
    line_id: String,
    /// The till's id of the product, where it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    /// How much …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1")]
    quantity: Option<Quantity>,
    /// … or which part of its amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    amount: Option<Money>,
}

/// A return that could not be applied.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct UnappliedReturnView {
    #[schema(value_type = String, example = "ret_01hgw3zj3q7hx")]
    id: ReturnId,
    /// Where it was given back.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    /// Who told of it: a connection, or what a caller of REST says.
    #[schema(example = "con_01hgw3zj3q7hx")]
    source: String,
    /// Its id there.
    #[schema(example = "2026-11-22-0042-R1")]
    external_id: String,
    /// Where it was sold.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    sale_venue_id: VenueId,
    /// Who should tell of the sale.
    #[schema(example = "con_01hgw3zj3q7hx")]
    sale_source: String,
    /// Id of the sale there.
    #[schema(example = "2026-11-22-0042")]
    sale_external_id: String,
    /// The sale, where it came.
    #[schema(value_type = Option<String>)]
    receipt_id: Option<ReceiptId>,
    /// `waiting`: the sale has not come; `refused`: it came, and this does not fit it. Anything else: it was applied since.
    #[schema(example = "waiting")]
    status: String,
    /// What was to come back; null: all that is left.
    lines: Option<Vec<LineView>>,
    /// When the till gave it back.
    returned_at: DateTime<Utc>,
    /// When we heard of it.
    posted_at: DateTime<Utc>,
    /// When a person settled it; null: it waits.
    settled_at: Option<DateTime<Utc>>,
    /// Why.
    note: Option<String>,
}

impl From<UnappliedReturn> for UnappliedReturnView {
    fn from(stored: UnappliedReturn) -> Self {
        let lines = stored.request.lines.map(|lines| {
            let line = |line: ReturnedLine| LineView {
                line_id: line.line_id,
                product_id: line.product.map(|product| product.id),
                quantity: line.quantity,
                amount: line.amount,
            };
            lines.into_iter().map(line).collect()
        });
        UnappliedReturnView {
            id: stored.id,
            venue_id: stored.venue,
            source: stored.source,
            external_id: stored.external_id,
            sale_venue_id: stored.sale_venue,
            sale_source: stored.sale_source,
            sale_external_id: stored.sale_external_id,
            receipt_id: stored.receipt,
            status: stored.status,
            lines,
            returned_at: stored.request.returned_at,
            posted_at: stored.posted_at,
            settled_at: stored.settled_at,
            note: stored.note,
        }
    }
}

/// Where a return stands that could not be applied.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Unapplied {
    /// Its sale has not come.
    Waiting,
    /// It does not fit its sale.
    Refused,
}

/// Which returns.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UnappliedQuery {
    /// Given back at this venue: id or external id.
    #[param(example = "cafe")]
    venue_id: Option<String>,
    /// Absent: both.
    #[param(inline)]
    status: Option<Unapplied>,
}

/// Returns that could not be applied, the oldest first. One that waits is applied by itself when its sale comes. Attempts to pay that
/// were rolled back before they came are not among them: nobody has work with these.
#[utoipa::path(get, path = "/returns", tag = "reports", operation_id = "list_unapplied_returns",
    params(ListQuery, UnappliedQuery, OlderThan), responses((status = 200, body = Page<UnappliedReturnView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<UnappliedQuery>,
    QueryOf(waited): QueryOf<OlderThan>,
) -> Result<Json<Page<UnappliedReturnView>>, Problem> {
    caller.needs(Scope::Reports)?;
    let (limit, after) = (page.limit()?, page.after::<ReturnId>()?);
    let until = waited.before(app.clock.now());
    let status = query.status.map(|status| match status {
        Unapplied::Waiting => WAITING,
        Unapplied::Refused => REFUSED,
    });
    app.read(move |c| {
        let filter = UnappliedFilter {
            venues: within(c, &caller, filled(&query.venue_id))?,
            status,
            until,
            after,
        };
        let found = returns::list(c, caller.tenant, &filter, i64::from(limit) + 1)?;
        Ok(Json(
            Page::of(found, limit, |r| r.id).map(UnappliedReturnView::from),
        ))
    })
    .await
}

/// How a return is settled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettleReturnRequest)]
struct SettleRequest {
    /// What was done about it, or why nothing has to be.
    #[schema(example = "Продажа была до подключения кассы")]
    note: String,
}

fn return_settled() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "return-settled",
        "Этот возврат уже закрыт или проведён.",
        "This return is settled or posted already.",
    )
}

/// Settles a return that could not be applied, with a reason. It posts nothing: what fits the sale is given back by
/// `POST /receipts/{id}/returns`. Should the sale of one that waits come after all, the return is applied to it still.
#[utoipa::path(post, path = "/returns/{id}/settle", tag = "reports", operation_id = "settle_return",
    params(("id" = String, Path, example = "ret_01hgw3zj3q7hx")), request_body = SettleRequest,
    responses((status = 200, description = "As it now is.", body = UnappliedReturnView),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`return-settled`"),
        Refusals))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ReturnId>,
    body: JsonBody<SettleRequest>,
) -> Result<Json<UnappliedReturnView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let note = text("/note", &body.value.note, 500)?;
    let settled = app
        .write(move |connection| -> Result<UnappliedReturn, Problem> {
            let tenant = caller.tenant;
            let found = returns::find(connection, tenant, id)?;
            let mut unapplied = found.ok_or_else(Problem::not_found)?;
            caller.needs_venue(unapplied.venue)?;
            if unapplied.settled_at.is_some() && unapplied.note.as_ref() == Some(&note) {
                return Ok(unapplied);
            }
            let waits = [WAITING, REFUSED].contains(&unapplied.status.as_str());
            if !waits || unapplied.settled_at.is_some() {
                return Err(return_settled());
            }
            returns::settle(connection, tenant, id, (&author.actor, &note), author.now)?;
            let after = json!({"external_id": unapplied.external_id, "note": note});
            author.note(connection, "return.settle", id, None, Some(&after))?;
            unapplied.settled_at = Some(author.now);
            unapplied.note = Some(note.clone());
            Ok(unapplied)
        })
        .await?;
    Ok(Json(settled.into()))
}
