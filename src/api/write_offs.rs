//! Write-offs whose receipt has not come: a till of 1C writes bonuses off by one road and tells the receipt by another, and
//! where that road is cut a person must know.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::given::filled;
use super::json_body::QueryOf;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::venues::within;
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{CustomerId, TransactionId, VenueId};
use crate::storage::write_offs::{self, WaitingWriteOff, WriteOffFilter};

/// Routes of write-offs.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
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
}

impl From<WaitingWriteOff> for WriteOffView {
    fn from(write_off: WaitingWriteOff) -> Self {
        WriteOffView {
            transaction_id: write_off.transaction,
            venue_id: write_off.venue,
            source: write_off.source,
            customer_id: write_off.customer,
            amount: write_off.amount,
            debt: write_off.debt,
            posted_at: write_off.posted_at,
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
    /// Posted at least so many minutes ago: until then the receipt may be on its way. Absent: 60.
    #[param(example = 60, minimum = 0)]
    older_than_minutes: Option<u32>,
}

/// Minutes that a receipt may take, where the caller does not say.
const USUAL_MINUTES: u32 = 60;

/// Write-offs that came before their receipt, and whose receipt has not come: the oldest first. The bonuses are gone, so either
/// the receipt is brought (replay it, or mend its road), or the bonuses are given back by hand.
#[utoipa::path(get, path = "/write-offs", tag = "reports", operation_id = "list_write_offs",
    params(ListQuery, WriteOffQuery), responses((status = 200, body = Page<WriteOffView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<WriteOffQuery>,
) -> Result<Json<Page<WriteOffView>>, Problem> {
    caller.needs(Scope::Reports)?;
    let (limit, after) = (page.limit()?, page.after::<TransactionId>()?);
    let minutes = i64::from(query.older_than_minutes.unwrap_or(USUAL_MINUTES));
    let until = app.clock.now() - Duration::minutes(minutes);
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
