//! Receipts: quote, close, read.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, FixedOffset};
use kopilka_contract::{
    Close, CustomerRef, Line, Money, Offline, Payment, Phone, Quantity, Receipt, Redemption,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{ReceiptAnswer, ReturnAnswer};
use super::authentication::AnyCaller;
use super::caller::{Caller, Scope};
use super::json_body::{AnyBody, JsonBody, PathId, QueryOf};
use super::openapi::Refusals;
use super::problem::Problem;
use super::till::conflicts::OfflineSale;
use super::till::device::till_locked;
use super::till::permits;
use super::till::signed::read_code;
use super::till_path::{Envelope, or_keep, read_json, respond, unexpected, venue};
use crate::app::App;
use crate::domain::ids::{ReceiptId, UserId, VenueId};
use crate::ledger::{Answer, Answered, Place, Verb};
use crate::storage::receipts::{self, StoredTransaction};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(quote_receipt))
        .routes(routes!(close_receipt, find_receipt))
        .routes(routes!(get_receipt))
}

/// How a till names a guest: exactly one of the four.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "CustomerFields")]
pub enum CustomerName {
    /// Number of a card.
    #[schema(example = "9000000017")]
    Card(String),
    /// Telephone number, in any usual spelling.
    #[schema(value_type = String, example = "+79215550101")]
    Phone(Phone),
    /// Text of the guest's own QR code.
    Qr(String),
    /// Our id, or the caller's external id.
    #[schema(example = "cus_01hgw3zj3q7hx")]
    Id(String),
}

/// A guest's names as they are read: an enum of serde's own would call two of them broken JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerFields {
    card: Option<String>,
    phone: Option<Phone>,
    qr: Option<String>,
    id: Option<String>,
}

impl TryFrom<CustomerFields> for CustomerName {
    type Error = &'static str;

    fn try_from(fields: CustomerFields) -> Result<Self, Self::Error> {
        let names = [
            fields.card.map(CustomerName::Card),
            fields.phone.map(CustomerName::Phone),
            fields.qr.map(CustomerName::Qr),
            fields.id.map(CustomerName::Id),
        ];
        let mut names = names.into_iter().flatten();
        match (names.next(), names.next()) {
            (Some(one), None) => Ok(one),
            _ => Err("name the guest by exactly one of card, phone, qr, id"),
        }
    }
}

impl From<CustomerName> for CustomerRef {
    fn from(name: CustomerName) -> Self {
        match name {
            CustomerName::Card(number) => CustomerRef::Card(number),
            CustomerName::Phone(phone) => CustomerRef::Phone(phone),
            CustomerName::Qr(text) => CustomerRef::Qr(text),
            CustomerName::Id(id) => CustomerRef::Id(id),
        }
    }
}

/// A line of a receipt.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequest {
    /// Id of the line inside the receipt; its number from 1 where absent. Returns name it.
    #[serde(default)]
    pub line_id: Option<String>,
    /// Name of the product, as printed.
    #[schema(example = "Бизнес-ланч")]
    pub name: String,
    /// The till's id of the product.
    #[serde(default)]
    pub product_id: Option<String>,
    /// The till's id of the category.
    #[serde(default)]
    #[schema(example = "lunch")]
    pub category_id: Option<String>,
    /// The category's name.
    #[serde(default)]
    pub category_name: Option<String>,
    /// How much, up to three decimals; 1 where absent.
    #[serde(default = "one")]
    #[schema(value_type = String, example = "2")]
    pub quantity: Quantity,
    /// Price of one, before discounts.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "420.00")]
    pub price: Option<Money>,
    /// Amount of the line after discounts and before bonuses.
    #[schema(value_type = String, example = "840.00")]
    pub amount: Money,
    /// The part that the till itself covered with bonuses; on every line or on none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub redeemed: Option<Money>,
}

fn one() -> Quantity {
    Quantity::ONE
}

/// A payment in money or anything but our bonuses.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRequest {
    /// Kind, as the till calls it.
    #[schema(example = "card")]
    pub kind: String,
    /// How much.
    #[schema(value_type = String, example = "1105.00")]
    pub amount: Money,
}

/// A receipt to quote or close.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "source": "till-1", "external_id": "2026-11-22-0042", "venue_id": "cafe", "closed_at": "2026-11-22T18:30:00+03:00",
    "customer": {"card": "9000000017"}, "redeem": "100.00",
    "lines": [
        {"line_id": "1", "name": "Бизнес-ланч", "category_id": "lunch", "quantity": "2", "amount": "840.00"},
        {"line_id": "2", "name": "Капучино", "category_id": "coffee", "quantity": "1", "amount": "190.00"}
    ]
}))]
pub struct ReceiptRequest {
    /// What calls: a till, a site; with `external_id` and the venue the identity of the receipt. `rest` where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Id of the receipt at its source. A quote may go without.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Venue: our id or the caller's own; implied by a venue's key.
    #[serde(default)]
    pub venue_id: Option<String>,
    /// Number printed on the receipt.
    #[serde(default)]
    pub number: Option<String>,
    /// The till.
    #[serde(default)]
    pub till: Option<String>,
    /// The shift.
    #[serde(default)]
    pub shift: Option<String>,
    /// When the till closed it, with a UTC offset. A quote without it means now.
    #[serde(default)]
    pub closed_at: Option<DateTime<FixedOffset>>,
    /// Transaction type of the venue; its default where absent.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// The guest.
    #[serde(default)]
    pub customer: Option<CustomerName>,
    /// A telephone in the order: where no customer is found it makes a potential one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Phone>,
    /// The guest's name in the order.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// The lines. May be absent where `total` is given: then the receipt is one line.
    #[serde(default)]
    pub lines: Vec<LineRequest>,
    /// Payments other than bonuses.
    #[serde(default)]
    pub payments: Vec<PaymentRequest>,
    /// Total after discounts and before bonuses; the sum of the lines where both are given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub total: Option<Money>,
    /// Bonuses to redeem; 0.00 where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub redeem: Option<Money>,
    /// A hold to capture.
    #[serde(default)]
    pub hold_id: Option<String>,
    /// Promo codes that the guest named.
    #[serde(default)]
    pub promo_codes: Vec<String>,
    /// Who served the guest.
    #[serde(default)]
    pub waiter: Option<String>,
    /// How many guests.
    #[serde(default)]
    pub guests: Option<u32>,
    /// Anything the till noted.
    #[serde(default)]
    pub comment: Option<String>,
    /// Advertising source of an order.
    #[serde(default)]
    pub advertising_source: Option<String>,
    /// The sale was made while the till had no network; `closed_at` is then the time of the sale.
    #[serde(default)]
    pub offline: Option<OfflineRequest>,
}

/// A sale that was made while the till had no network, and is sent when it is back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflineRequest {
    /// When the till put it into its queue.
    pub queued_at: DateTime<FixedOffset>,
    /// What the till's own clock said when it sent the message.
    pub device_time: DateTime<FixedOffset>,
    /// The allowance (`POST /till/permits`) that a redemption is made within.
    #[serde(default)]
    pub permit: Option<String>,
    /// `usr_…` of the cashier who made the sale; who sends it may be another, or nobody, at a locked till.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub cashier_id: Option<UserId>,
}

/// Longest text of a field that is an identity.
const MAX_ID: usize = 200;
/// Most lines of a receipt.
const MAX_LINES: usize = 5000;

impl ReceiptRequest {
    /// As the ledger takes it. `closed_at` stands in where the request has none.
    fn into_close(self, closed_at: Option<DateTime<FixedOffset>>) -> Result<(String, Close), Problem> {
        let source = self.source.unwrap_or_else(|| "rest".to_owned());
        check_id("/source", &source)?;
        if let Some(id) = &self.external_id {
            check_id("/external_id", id)?;
        }
        let closed_at = self.closed_at.or(closed_at).ok_or_else(|| {
            Problem::invalid(
                "/closed_at",
                "Не указано время закрытия чека.",
                "closed_at is missing.",
            )
        })?;
        if !self.promo_codes.is_empty() {
            return Err(Problem::invalid(
                "/promo_codes/0",
                "Такого промокода нет.",
                "There is no such promo code.",
            ));
        }
        if self.lines.len() > MAX_LINES {
            return Err(Problem::invalid(
                "/lines",
                "В чеке слишком много строк.",
                "At most 5000 lines.",
            ));
        }
        let lines = match (self.lines.is_empty(), self.total) {
            (true, Some(total)) => vec![whole_receipt(total)],
            _ => self
                .lines
                .into_iter()
                .enumerate()
                .map(|(i, line)| line.into_line(i))
                .collect(),
        };
        let receipt = Receipt {
            external_id: self.external_id.unwrap_or_default(),
            version: None,
            number: self.number,
            till: self.till,
            shift: self.shift,
            closed_at,
            kind: self.kind,
            customer: self.customer.map(CustomerRef::from),
            phone: self.phone,
            customer_name: self.customer_name,
            lines,
            payments: self
                .payments
                .into_iter()
                .map(|p| Payment {
                    kind: p.kind,
                    amount: p.amount,
                })
                .collect(),
            total: self.total,
            waiter: self.waiter,
            guests: self.guests,
            comment: self.comment,
            advertising_source: self.advertising_source,
        };
        let redemption = Redemption::Now(self.redeem.unwrap_or_default());
        Ok((
            source,
            Close {
                redemption,
                hold: self.hold_id,
                offline: self.offline.map(|_| Offline::default()),
                ..Close::of(receipt)
            },
        ))
    }
}

/// Refuses an identity that is empty, too long, or holds control characters.
///
/// # Errors
/// 422 at the pointer.
pub fn check_id(pointer: &str, id: &str) -> Result<(), Problem> {
    if id.trim().is_empty() || id.chars().count() > MAX_ID || id.chars().any(char::is_control) {
        return Err(Problem::invalid(
            pointer,
            "Номер: от 1 до 200 знаков.",
            "An id has 1 to 200 characters and no control characters.",
        ));
    }
    Ok(())
}

fn whole_receipt(total: Money) -> Line {
    Line {
        line_id: "1".to_owned(),
        name: String::new(),
        product_id: None,
        category_id: None,
        category_name: None,
        quantity: Quantity::ONE,
        price: None,
        amount: total,
        redeemed: None,
    }
}

impl LineRequest {
    fn into_line(self, index: usize) -> Line {
        Line {
            line_id: self.line_id.unwrap_or_else(|| (index + 1).to_string()),
            name: self.name,
            product_id: self.product_id,
            category_id: self.category_id,
            category_name: self.category_name,
            quantity: self.quantity,
            price: self.price,
            amount: self.amount,
            redeemed: self.redeemed,
        }
    }
}

/// What would this receipt do? Nothing is written.
#[utoipa::path(
    post,
    path = "/receipts/quote",
    tag = "till",
    request_body = ReceiptRequest,
    responses((status = 200, body = ReceiptAnswer), Refusals)
)]
pub async fn quote_receipt(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<ReceiptRequest>,
) -> Result<Json<ReceiptAnswer>, Problem> {
    caller.needs(Scope::Till)?;
    let terms = super::till_path::network_terms(&app, caller.tenant).await?;
    let now = app.ledger.now(&terms).fixed_offset();
    let (place, close) = asked(&app, &caller, body.value, Some(now)).await?;
    let quoted = app.ledger.quote(caller.tenant, place, close).await?;
    Ok(Json(ReceiptAnswer::new(quoted, caller.language)))
}

/// Close a receipt: exactly once, for ever.
///
/// The same receipt again (venue + `source` + `external_id`) is answered 200 with the first answer; with other content
/// 409 `receipt-conflict`.
///
/// A sale that a till made without a network is sent with `offline` when it is back, as often as it takes: its place in
/// the books is its `closed_at`. A redemption in it must be within an allowance. One that the books refuse is kept under
/// `GET /till/conflicts` for a person. A locked till may send what was sold while a cashier was there (`offline.cashier_id`).
#[utoipa::path(
    post,
    path = "/receipts",
    tag = "till",
    params(("Idempotency-Key" = Option<String>, Header, description = "≤ 255 characters")),
    request_body = ReceiptRequest,
    responses(
        (status = 201, body = ReceiptAnswer, description = "Posted"),
        (status = 200, body = ReceiptAnswer, description = "Posted before: the first answer"),
        (status = 409, body = super::problem::ProblemBody, content_type = "application/problem+json",
         description = "`receipt-conflict`"),
        Refusals
    )
)]
pub async fn close_receipt(
    State(app): State<App>,
    AnyCaller(caller): AnyCaller,
    envelope: Envelope,
    AnyBody(raw): AnyBody,
) -> Result<Response, Problem> {
    caller.needs(Scope::Till)?;
    caller.may_change()?;
    let sale = OfflineSale::of(&app, &caller, &raw).await?;
    if sale.is_none() && caller.is_at_locked_till() {
        return Err(till_locked());
    }
    let caller = sale.as_ref().map_or(caller.clone(), |sale| sale.caller.clone());
    let closed = close(&app, &caller, envelope, &raw).await;
    if let Some(sale) = sale {
        sale.note(&app, &closed).await?;
    }
    let answered = closed?;
    match answered.answer.clone() {
        Answer::Closed(closed) => Ok(respond(&answered, ReceiptAnswer::new(*closed, caller.language))),
        _ => Err(unexpected()),
    }
}

/// Closes the receipt of a message.
async fn close(app: &App, caller: &Caller, envelope: Envelope, raw: &Bytes) -> Result<Answered, Problem> {
    let request: ReceiptRequest = read_json(app, caller, &envelope, raw).await?;
    let asked = asked(app, caller, request, None).await;
    let (place, close) = or_keep(app, caller, &envelope, raw, asked).await?;
    let venue = place.venue;
    let verb = Verb::Close(place, Box::new(close));
    Ok(app
        .ledger
        .submit(envelope.command(app, caller, Some(venue), verb, raw))
        .await?)
}

/// What a request asks of the ledger, and where. `now` stands in where it does not say when the receipt was closed.
pub(super) async fn asked(
    app: &App,
    caller: &Caller,
    mut request: ReceiptRequest,
    now: Option<DateTime<FixedOffset>>,
) -> Result<(Place, Close), Problem> {
    let venue = venue(app, caller, request.venue_id.as_deref()).await?;
    if let Some(till) = &caller.till {
        request.source = Some(super::till::SOURCE.to_owned());
        request.till = Some(till.name.clone());
        let cashier = till.cashier.as_ref().map(|(_, name)| name.clone());
        request.waiter = request.waiter.or(cashier);
    }
    let permit = request.offline.as_ref().and_then(|o| o.permit.clone());
    let permit = match permit {
        Some(text) => Some(permits::read(app, caller.tenant, venue, &text).await?),
        None => None,
    };
    let (source, mut close) = request.into_close(now)?;
    if let Some(who) = close.receipt.customer.take() {
        // A guest's code must have lived when the sale was made, not when its message came or came again.
        let at = close.receipt.closed_at.to_utc().min(app.clock.now());
        close.receipt.customer = Some(read_code(app, caller.tenant, who, at).await?);
    }
    if let Some(offline) = &mut close.offline {
        offline.permit = permit;
    }
    Ok((Place { venue, source }, close))
}

/// Identity of a receipt at its source.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceiptIdentity {
    /// Venue: our id or the caller's own; implied by a venue's key.
    #[param(example = "cafe")]
    pub venue_id: Option<String>,
    /// Source; `rest` where absent.
    #[param(example = "till-1")]
    pub source: Option<String>,
    /// Id at the source.
    #[param(example = "2026-11-22-0042")]
    pub external_id: String,
}

/// A line of a posted receipt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostedLine {
    /// Id of the line.
    pub line_id: String,
    /// Name as sold.
    pub name: String,
    /// The till's id of the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<String>,
    /// How much was sold.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Amount after discounts, before bonuses.
    #[schema(value_type = String)]
    pub amount: Money,
    /// Paid with bonuses.
    #[schema(value_type = String)]
    pub redeemed: Money,
    /// Share of the accrual.
    #[schema(value_type = String)]
    pub accrued: Money,
    /// How much of it came back.
    #[schema(value_type = String)]
    pub returned_quantity: Quantity,
    /// Amount of what came back.
    #[schema(value_type = String)]
    pub returned_amount: Money,
}

/// A movement of bonuses of a receipt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptTransaction {
    /// `txn_…`
    pub id: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `accrual` or `redemption`.
    pub direction: String,
    /// How much.
    #[schema(value_type = String)]
    pub amount: Money,
    /// When it was booked.
    pub posted_at: DateTime<chrono::Utc>,
}

impl From<StoredTransaction> for ReceiptTransaction {
    fn from(t: StoredTransaction) -> Self {
        ReceiptTransaction {
            id: t.id.to_string(),
            kind: t.kind,
            direction: t.direction,
            amount: t.amount,
            posted_at: t.posted_at,
        }
    }
}

/// A posted receipt with everything that hangs on it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostedReceipt {
    /// `rcp_…`
    pub id: String,
    /// `ven_…`
    pub venue_id: String,
    /// Its source.
    pub source: String,
    /// Its id at the source.
    pub external_id: String,
    /// Where it stands now.
    pub status: String,
    /// Number printed on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// `cus_…` of the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Transaction type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the till closed it.
    pub closed_at: DateTime<chrono::Utc>,
    /// When it was booked.
    pub posted_at: DateTime<chrono::Utc>,
    /// Total after discounts, before bonuses.
    #[schema(value_type = String)]
    pub total: Money,
    /// Paid with bonuses.
    #[schema(value_type = String)]
    pub redeemed: Money,
    /// Accrued.
    #[schema(value_type = String)]
    pub accrued: Money,
    /// The lines.
    pub lines: Vec<PostedLine>,
    /// Movements of bonuses.
    pub transactions: Vec<ReceiptTransaction>,
    /// Returns, in order.
    pub returns: Vec<ReturnAnswer>,
    /// What the till was answered, with the explanation.
    pub answer: ReceiptAnswer,
}

/// A receipt by its identity at the source.
#[utoipa::path(
    get,
    path = "/receipts",
    tag = "till",
    params(ReceiptIdentity),
    responses((status = 200, body = PostedReceipt), Refusals)
)]
pub async fn find_receipt(
    State(app): State<App>,
    caller: Caller,
    QueryOf(identity): QueryOf<ReceiptIdentity>,
) -> Result<Json<PostedReceipt>, Problem> {
    caller.needs_any(&[Scope::Till, Scope::Reports])?;
    let venue = venue(&app, &caller, identity.venue_id.as_deref()).await?;
    let tenant = caller.tenant;
    let source = identity.source.unwrap_or_else(|| "rest".to_owned());
    let id = app
        .read(move |c| receipts::id_of(c, tenant, venue, &source, &identity.external_id))
        .await;
    show(
        app,
        caller,
        id.map_err(Problem::from)?.ok_or_else(Problem::not_found)?,
    )
    .await
}

/// A receipt with its lines, transactions, explanation and returns.
#[utoipa::path(
    get,
    path = "/receipts/{id}",
    tag = "till",
    params(("id" = String, Path, example = "rcp_01hgw3zj3q7hx")),
    responses((status = 200, body = PostedReceipt), Refusals)
)]
pub async fn get_receipt(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ReceiptId>,
) -> Result<Json<PostedReceipt>, Problem> {
    caller.needs_any(&[Scope::Till, Scope::Reports])?;
    show(app, caller, id).await
}

async fn show(app: App, caller: Caller, id: ReceiptId) -> Result<Json<PostedReceipt>, Problem> {
    let tenant = caller.tenant;
    let found = app
        .read(move |c| receipts::find(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let receipt = found.ok_or_else(Problem::not_found)?;
    caller.needs_venue(VenueId(receipt.head.venue_id))?;
    let head = receipt.head;
    Ok(Json(PostedReceipt {
        id: id.to_string(),
        venue_id: VenueId(head.venue_id).to_string(),
        source: head.source,
        external_id: head.external_id,
        status: head.status,
        number: head.number,
        customer_id: head
            .customer_id
            .map(|c| crate::domain::ids::CustomerId(c).to_string()),
        kind: head.kind,
        closed_at: head.closed_at.and_utc(),
        posted_at: head.posted_at.and_utc(),
        total: Money::from_kopecks(head.total),
        redeemed: Money::from_kopecks(head.redeemed),
        accrued: Money::from_kopecks(head.accrued),
        lines: receipt
            .lines
            .into_iter()
            .map(|l| PostedLine {
                line_id: l.line_id,
                name: l.name,
                category_id: l.category_id,
                quantity: Quantity::from_thousandths(l.quantity),
                amount: Money::from_kopecks(l.amount),
                redeemed: Money::from_kopecks(l.redeemed),
                accrued: Money::from_kopecks(l.accrued),
                returned_quantity: Quantity::from_thousandths(l.returned_quantity),
                returned_amount: Money::from_kopecks(l.returned_amount),
            })
            .collect(),
        transactions: receipt
            .transactions
            .into_iter()
            .map(ReceiptTransaction::from)
            .collect(),
        returns: receipt.returns.into_iter().map(ReturnAnswer::from).collect(),
        answer: ReceiptAnswer::new(receipt.answer, caller.language),
    }))
}
