//! Write-offs whose receipt has not come: a till of 1C writes bonuses off by one road and tells the receipt by another, and
//! where that road is cut a person must know.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use kopilka_contract::CustomerRef;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::given::{filled, text};
use super::json_body::{JsonBody, PathId, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::period::OlderThan;
use super::problem::{Problem, ProblemBody};
use super::till_path::Envelope;
use super::venues::within;
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{CustomerId, ReceiptId, TransactionId, VenueId};
use crate::domain::refusal::Refusal;
use crate::ledger::{Place, SettleWriteOff, Verb};
use crate::storage::write_offs::{self, StoredWriteOff, WriteOffFilter};

/// Routes of write-offs.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(settle))
}

/// A write-off that no receipt has taken over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WriteOffView {
    /// Its transaction.
    #[schema(value_type = String, example = "txn_01hgw3zj3q7hx")]
    pub transaction_id: TransactionId,
    /// Where.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// The connection that wrote off.
    #[schema(example = "con_01hgw3zj3q7hx")]
    pub source: String,
    /// Whose bonuses.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub customer_id: CustomerId,
    /// How much.
    #[schema(value_type = String, example = "149.50")]
    pub amount: Money,
    /// How much of it was missing and became debt.
    #[schema(value_type = String, example = "0.00")]
    pub debt: Money,
    /// When.
    pub posted_at: DateTime<Utc>,
    /// The receipt that has taken it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub receipt_id: Option<ReceiptId>,
    /// What a person made of it: `kept` or `given_back`; null: it waits.
    pub settlement: Option<String>,
    /// Why.
    pub note: Option<String>,
}

impl From<StoredWriteOff> for WriteOffView {
    fn from(write_off: StoredWriteOff) -> Self {
        WriteOffView {
            transaction_id: write_off.transaction,
            venue_id: write_off.venue,
            source: write_off.source,
            customer_id: write_off.customer,
            amount: write_off.amount,
            debt: write_off.debt,
            posted_at: write_off.posted_at,
            receipt_id: write_off.receipt,
            settlement: write_off.settlement,
            note: write_off.note,
        }
    }
}

/// Which write-offs.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WriteOffQuery {
    /// Of this venue: id or external id.
    #[param(example = "cafe")]
    venue_id: Option<String>,
}

/// Write-offs that came before their receipt, and whose receipt has not come: the oldest first. The bonuses are gone, so either
/// the receipt is brought (replay it, or mend its road), or a person settles the write-off.
#[utoipa::path(get, path = "/write-offs", tag = "reports", operation_id = "list_write_offs",
    params(ListQuery, WriteOffQuery, OlderThan), responses((status = 200, body = Page<WriteOffView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<WriteOffQuery>,
    QueryOf(waited): QueryOf<OlderThan>,
) -> Result<Json<Page<WriteOffView>>, Problem> {
    caller.needs(Scope::Reports)?;
    let (limit, after) = (page.limit()?, page.after::<TransactionId>()?);
    let until = waited.before(app.clock.now());
    app.read(move |c| {
        let venues = within(c, &caller, filled(&query.venue_id))?;
        let filter = WriteOffFilter { venues, until };
        let after = after.map(|id| id.0);
        let found = write_offs::waiting(c, caller.tenant, &filter, after, i64::from(limit) + 1)?;
        Ok(Json(
            Page::of(found, limit, |w| w.transaction).map(WriteOffView::from),
        ))
    })
    .await
}

/// What becomes of the bonuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WriteOffSettlement)]
enum Settlement {
    /// The guest had his discount: they stay written off. Should the receipt come after all, it takes the write-off over.
    Kept,
    /// He had none: they come back to where they came from, as with a return.
    GivenBack,
}

impl Settlement {
    fn name(self) -> &'static str {
        match self {
            Settlement::Kept => "kept",
            Settlement::GivenBack => "given_back",
        }
    }
}

/// How a write-off is settled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettleWriteOffRequest, example = json!({"settlement": "given_back", "note": "Гость отказался от заказа, чек не пробивали"}))]
struct SettleRequest {
    /// What becomes of the bonuses.
    settlement: Settlement,
    /// Why.
    note: String,
}

/// Settles a write-off whose receipt does not come, with a reason. One that was kept may be given back later; what was given back
/// or taken over by a receipt stays so. Said again it answers as the first time.
#[utoipa::path(post, path = "/write-offs/{id}/settle", tag = "reports", operation_id = "settle_write_off",
    params(("id" = String, Path, example = "txn_01hgw3zj3q7hx")), request_body = SettleRequest,
    responses((status = 200, description = "As it now is.", body = WriteOffView),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`write-off-settled`"),
        Refusals))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<TransactionId>,
    envelope: Envelope,
    body: JsonBody<SettleRequest>,
) -> Result<Json<WriteOffView>, Problem> {
    caller.needs(Scope::Admin)?;
    caller.may_change()?;
    let note = text("/note", &body.value.note, 500)?;
    let known = find(&app, &caller, id).await?;
    let wanted = body.value.settlement;
    if known.settlement.as_deref() == Some(wanted.name()) && known.note.as_ref() == Some(&note) {
        return Ok(Json(known.into()));
    }
    if known.receipt.is_some() {
        return Err(Refusal::WriteOffSettled.into());
    }
    let place = Place {
        venue: known.venue,
        source: known.source,
    };
    let ask = SettleWriteOff {
        customer: CustomerRef::Id(known.customer.to_string()),
        transaction: id,
        give_back: wanted == Settlement::GivenBack,
        note,
    };
    let venue = place.venue;
    let verb = Verb::SettleWriteOff(place, ask);
    app.ledger
        .submit(envelope.command(&app, &caller, Some(venue), verb, &body.raw))
        .await?;
    Ok(Json(find(&app, &caller, id).await?.into()))
}

async fn find(app: &App, caller: &Caller, id: TransactionId) -> Result<StoredWriteOff, Problem> {
    let tenant = caller.tenant;
    let found = app
        .read(move |c| write_offs::find(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let found = found.ok_or_else(Problem::not_found)?;
    caller.needs_venue(found.venue)?;
    Ok(found)
}
