//! Returns and cancellations.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, FixedOffset};
use kopilka_contract::{Money, Quantity, Stands};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::ReturnAnswer;
use super::caller::{Caller, Scope};
use super::json_body::{AnyBody, PathId};
use super::openapi::Refusals;
use super::problem::{Problem, ProblemBody};
use super::receipts::check_id;
use super::till_path::{Envelope, network_terms, or_keep, read_json, respond, unexpected, venue};
use crate::app::App;
use crate::domain::ids::ReceiptId;
use crate::domain::world::{ReturnRequest, ReturnedLine, SourceKey};
use crate::ledger::{Answer, Place, Verb};
use crate::storage::receipts;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(give_back))
        .routes(routes!(give_back_receipt))
        .routes(routes!(cancel_receipt))
}

/// A line that comes back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnLineRequest {
    /// Line of the sale.
    pub line_id: String,
    /// How much comes back …
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "1")]
    pub quantity: Option<Quantity>,
    /// … or which part of its amount before bonuses; one of the two for all returns of a line.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub amount: Option<Money>,
}

/// Which sale is meant: our id, or its identity at the source.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleName {
    /// `rcp_…`
    #[serde(default)]
    pub id: Option<String>,
    /// Venue: our id or the caller's own; implied by a venue's key.
    #[serde(default)]
    pub venue_id: Option<String>,
    /// Source; `rest` where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Id at the source.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// A return of a sale that may not have arrived yet.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "source": "till-1", "external_id": "2026-11-22-0042-R1",
    "sale": {"venue_id": "cafe", "source": "till-1", "external_id": "2026-11-22-0042"},
    "lines": [{"line_id": "1", "quantity": "1"}]
}))]
pub struct ReturnBody {
    /// What calls; the sale's source where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Id of the return at its source.
    pub external_id: String,
    /// The sale.
    pub sale: SaleName,
    /// What comes back; absent: all that is left.
    #[serde(default)]
    pub lines: Option<Vec<ReturnLineRequest>>,
    /// When the till gave it back; now where absent.
    #[serde(default)]
    pub returned_at: Option<DateTime<FixedOffset>>,
}

/// A return of a receipt named in the path.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "2026-11-22-0042-R1", "lines": [{"line_id": "1", "quantity": "1"}]}))]
pub struct ReceiptReturnBody {
    /// What calls; the sale's source where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Id of the return at its source.
    pub external_id: String,
    /// What comes back; absent: all that is left.
    #[serde(default)]
    pub lines: Option<Vec<ReturnLineRequest>>,
    /// When the till gave it back; now where absent.
    #[serde(default)]
    pub returned_at: Option<DateTime<FixedOffset>>,
}

/// A return as both doors read it.
struct Wanted {
    source: Option<String>,
    external_id: String,
    lines: Option<Vec<ReturnLineRequest>>,
    returned_at: Option<DateTime<FixedOffset>>,
    cancel: bool,
}

/// Give back a sale, in part or in whole. One that comes before its sale is kept and applied when that arrives
/// (202, `waiting`).
#[utoipa::path(
    post,
    path = "/returns",
    tag = "till",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ReturnBody,
    responses(
        (status = 201, body = ReturnAnswer),
        (status = 200, body = ReturnAnswer, description = "Posted before: the first answer"),
        (status = 202, body = ReturnAnswer, description = "Waits for its sale"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
         description = "`return-exceeds-sale`, `return-mixed`, `receipt-conflict`"),
        Refusals
    )
)]
pub async fn give_back(
    State(app): State<App>,
    caller: Caller,
    envelope: Envelope,
    AnyBody(raw): AnyBody,
) -> Result<Response, Problem> {
    may_return(&caller)?;
    let body: ReturnBody = read_json(&app, &caller, &envelope, &raw).await?;
    let sale = sale(&app, &caller, &body.sale).await;
    let sale = or_keep(&app, &caller, &envelope, &raw, sale).await?;
    let ReturnBody {
        source,
        external_id,
        lines,
        returned_at,
        ..
    } = body;
    let wanted = Wanted {
        source,
        external_id,
        lines,
        returned_at,
        cancel: false,
    };
    submit(&app, &caller, envelope, sale, wanted, &raw).await
}

/// Give back a receipt, in part or in whole.
#[utoipa::path(
    post,
    path = "/receipts/{id}/returns",
    tag = "till",
    params(("id" = String, Path, example = "rcp_01hgw3zj3q7hx"), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ReceiptReturnBody,
    responses(
        (status = 201, body = ReturnAnswer),
        (status = 200, body = ReturnAnswer, description = "Posted before: the first answer"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Refusals
    )
)]
pub async fn give_back_receipt(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ReceiptId>,
    envelope: Envelope,
    AnyBody(raw): AnyBody,
) -> Result<Response, Problem> {
    may_return(&caller)?;
    let body: ReceiptReturnBody = read_json(&app, &caller, &envelope, &raw).await?;
    let sale = sale_by_id(&app, &caller, id).await?;
    let ReceiptReturnBody {
        source,
        external_id,
        lines,
        returned_at,
    } = body;
    let wanted = Wanted {
        source,
        external_id,
        lines,
        returned_at,
        cancel: false,
    };
    submit(&app, &caller, envelope, sale, wanted, &raw).await
}

/// Cancel a receipt: the return of all that is left. A second time answers as the first.
#[utoipa::path(
    post,
    path = "/receipts/{id}/cancel",
    tag = "till",
    params(("id" = String, Path, example = "rcp_01hgw3zj3q7hx"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = ReturnAnswer),
        (status = 200, body = ReturnAnswer, description = "Cancelled before: the first answer"),
        Refusals
    )
)]
pub async fn cancel_receipt(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ReceiptId>,
    envelope: Envelope,
    AnyBody(body): AnyBody,
) -> Result<Response, Problem> {
    may_return(&caller)?;
    let sale = sale_by_id(&app, &caller, id).await?;
    let wanted = Wanted {
        source: None,
        external_id: format!("{}/cancel", sale.external_id),
        lines: None,
        returned_at: None,
        cancel: true,
    };
    submit(&app, &caller, envelope, sale, wanted, &body).await
}

fn may_return(caller: &Caller) -> Result<(), Problem> {
    caller.needs(Scope::Till)?;
    caller.may_change()
}

async fn sale(app: &App, caller: &Caller, name: &SaleName) -> Result<SourceKey, Problem> {
    if let Some(id) = &name.id {
        let id = id.parse().map_err(|_| Problem::not_found().at("/sale/id"))?;
        return sale_by_id(app, caller, id).await;
    }
    let external_id = name.external_id.clone().ok_or_else(|| {
        Problem::invalid(
            "/sale",
            "Не указано, какой чек возвращают.",
            "Name the sale: its id, or its external_id.",
        )
    })?;
    check_id("/sale/external_id", &external_id)?;
    let venue = venue(app, caller, name.venue_id.as_deref()).await?;
    let source = name.source.clone().unwrap_or_else(|| "rest".to_owned());
    Ok(SourceKey {
        network: caller.tenant.network(),
        venue,
        source,
        external_id,
    })
}

async fn sale_by_id(app: &App, caller: &Caller, id: ReceiptId) -> Result<SourceKey, Problem> {
    let tenant = caller.tenant;
    let key = app
        .read(move |c| receipts::key_of(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let key = key.ok_or_else(Problem::not_found)?;
    caller.needs_venue(key.venue)?;
    Ok(key)
}

async fn submit(
    app: &App,
    caller: &Caller,
    envelope: Envelope,
    sale: SourceKey,
    wanted: Wanted,
    raw: &Bytes,
) -> Result<Response, Problem> {
    if !wanted.cancel {
        check_id("/external_id", &wanted.external_id)?;
    }
    if let Some(source) = &wanted.source {
        check_id("/source", source)?;
    }
    if wanted.lines.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::invalid(
            "/lines",
            "Не указано ни одной строки.",
            "Name lines, or leave `lines` out for all.",
        ));
    }
    let terms = network_terms(app, caller.tenant).await?;
    let returned_at = wanted
        .returned_at
        .map_or_else(|| app.ledger.now(&terms), |at| at.to_utc());
    let lines = wanted.lines.map(|lines| {
        let line = |l: ReturnLineRequest| ReturnedLine {
            product: None,
            line_id: l.line_id,
            quantity: l.quantity,
            amount: l.amount,
        };
        lines.into_iter().map(line).collect()
    });
    let venue = sale.venue;
    let verb = Verb::GiveBack {
        place: Place {
            venue,
            source: wanted.source.unwrap_or_else(|| sale.source.clone()),
        },
        external_id: wanted.external_id,
        sale,
        request: ReturnRequest {
            version: None,
            returned_at,
            lines,
            rollback: false,
            stands: Stands::WithItsSale,
            cancel: wanted.cancel,
        },
    };
    let answered = app
        .ledger
        .submit(envelope.command(app, caller, Some(venue), verb, raw))
        .await?;
    match answered.answer.clone() {
        Answer::Returned(returned) => Ok(respond(&answered, ReturnAnswer::from(*returned))),
        _ => Err(unexpected()),
    }
}
