//! Delivery orders as a journal, whoever told of them: r_keeper Delivery, iiko's cloud, a site.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use kopilka_contract::{CustomerStatus, Phone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::customers::found;
use super::given::filled;
use super::json_body::QueryOf;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::period::Period;
use super::problem::Problem;
use super::venues::within;
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{CustomerId, ReceiptId, VenueId};
use crate::storage::delivery_orders::{self, DeliveryOrder, DeliveryOrderFilter, Orderer};
use crate::storage::networks;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A delivery order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeliveryOrderView {
    /// Its receipt.
    #[schema(value_type = String, example = "rcp_01hgw3zj3q7hx")]
    pub receipt_id: ReceiptId,
    /// Who sold.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// Who told of it: a connection, or what a caller of REST says.
    #[schema(example = "con_01hgw3zj3q7hx")]
    pub source: String,
    /// Its id there.
    pub external_id: String,
    /// Its number, as guest and kitchen know it.
    pub number: Option<String>,
    /// `closed`, `partly_returned`, `returned`, `cancelled`.
    #[schema(example = "closed")]
    pub status: String,
    /// When it was delivered or paid.
    pub closed_at: DateTime<Utc>,
    /// After discounts, before bonuses.
    #[schema(value_type = String, example = "1745.00")]
    pub total: Money,
    /// Paid with bonuses.
    #[schema(value_type = String, example = "259.50")]
    pub redeemed: Money,
    /// Accrued.
    #[schema(value_type = String, example = "74.27")]
    pub accrued: Money,
    /// Advertising source.
    pub advertising_source: Option<String>,
    /// What the till noted.
    pub comment: Option<String>,
    /// Who ordered; null: nobody knows.
    pub customer: Option<OrdererView>,
}

/// Who ordered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OrdererView {
    /// His id.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub id: CustomerId,
    /// `potential`: known from orders only; `registered`, `blocked`.
    #[schema(value_type = String, example = "potential")]
    pub status: CustomerStatus,
    /// His name.
    pub name: Option<String>,
    /// His telephone.
    #[schema(value_type = Option<String>, example = "+79215550101")]
    pub phone: Option<Phone>,
}

impl From<Orderer> for OrdererView {
    fn from(orderer: Orderer) -> Self {
        OrdererView {
            id: orderer.id,
            status: orderer.status,
            name: orderer.name,
            phone: orderer.phone,
        }
    }
}

impl From<DeliveryOrder> for DeliveryOrderView {
    fn from(order: DeliveryOrder) -> Self {
        DeliveryOrderView {
            receipt_id: order.receipt,
            venue_id: order.venue,
            source: order.source,
            external_id: order.external_id,
            number: order.number,
            status: order.status,
            closed_at: order.closed_at,
            total: order.total,
            redeemed: order.redeemed,
            accrued: order.accrued,
            advertising_source: order.advertising_source,
            comment: order.comment,
            customer: order.customer.map(OrdererView::from),
        }
    }
}

/// Which orders.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryOrderQuery {
    /// The first business day of the network, or a time.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// The last business day, which counts whole, or a time, which does not count.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// Of this venue: id or external id.
    #[param(example = "cafe")]
    venue_id: Option<String>,
    /// Of this customer, by his id or yours.
    #[param(example = "crm-1042")]
    customer_id: Option<String>,
    /// Of customers of this standing: `potential`, `registered`, `blocked`.
    #[param(value_type = Option<String>, example = "potential")]
    customer_status: Option<CustomerStatus>,
}

/// Delivery orders of registered and potential customers, the newest first: receipts of the type `delivery`, those that accrued
/// nothing too.
#[utoipa::path(get, path = "/delivery-orders", tag = "reports", operation_id = "list_delivery_orders",
    params(ListQuery, DeliveryOrderQuery), responses((status = 200, body = Page<DeliveryOrderView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<DeliveryOrderQuery>,
) -> Result<Json<Page<DeliveryOrderView>>, Problem> {
    caller.needs(Scope::Reports)?;
    let (limit, before) = (page.limit()?, page.after::<ReceiptId>()?);
    app.read(move |c| {
        let network = networks::find(c, caller.tenant)?;
        let period = Period::read(query.from.as_deref(), query.to.as_deref(), &network)?;
        let filter = DeliveryOrderFilter {
            venues: within(c, &caller, filled(&query.venue_id))?,
            from: period.from,
            until: period.until,
            customer: match filled(&query.customer_id) {
                Some(reference) => Some(found(c, caller.tenant, &reference)?.id),
                None => None,
            },
            standing: query.customer_status,
            before,
        };
        let found = delivery_orders::list(c, caller.tenant, &filter, i64::from(limit) + 1)?;
        Ok(Json(
            Page::of(found, limit, |order| order.receipt).map(DeliveryOrderView::from),
        ))
    })
    .await
}
