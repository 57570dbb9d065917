//! What is told of a customer.

use chrono::NaiveDate;
use kopilka_contract::{CustomerStatus, Phone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::cards::CardView;
use crate::api::problem::Problem;
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, VenueId};
use crate::domain::rate::Coefficient;
use crate::storage::customers::{self, Customer};
use crate::storage::{AnyConnection, Tenant};

/// A coefficient for one venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VenueCoefficient {
    /// The venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// The coefficient there.
    #[schema(value_type = String, example = "2")]
    pub coefficient: Coefficient,
}

/// A customer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    /// His id.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub id: CustomerId,
    /// Your own id of him; accepted wherever his id is.
    #[schema(example = "crm-1042")]
    pub external_id: Option<String>,
    /// `registered`, `potential` (known only from a delivery or an order), `blocked`.
    #[schema(value_type = String, example = "registered")]
    pub status: CustomerStatus,
    /// Name.
    #[schema(example = "Анна Иванова")]
    pub name: Option<String>,
    /// Telephone.
    #[schema(value_type = Option<String>, example = "+79215550101")]
    pub phone: Option<Phone>,
    /// E-mail.
    #[schema(example = "anna@example.com")]
    pub email: Option<String>,
    /// Birthday.
    #[schema(example = "1990-03-08")]
    pub birthday: Option<NaiveDate>,
    /// `male` or `female`.
    #[schema(example = "female")]
    pub sex: Option<String>,
    /// City.
    #[schema(example = "Санкт-Петербург")]
    pub city: Option<String>,
    /// A note for the back office.
    pub comment: Option<String>,
    /// A note that cashiers are shown.
    pub cashier_note: Option<String>,
    /// Which text of the consent he agreed to.
    #[schema(example = "2026-01")]
    pub consent_version: Option<String>,
    /// When he agreed.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub consent_at: Option<Timestamp>,
    /// Coefficient for the whole network; null: not set, which is not 0.
    #[schema(value_type = Option<String>, example = "1.5")]
    pub network_coefficient: Option<Coefficient>,
    /// Coefficients for single venues; they go before the network's.
    pub venue_coefficients: Vec<VenueCoefficient>,
    /// Cards, the newest first.
    pub cards: Vec<CardView>,
    /// Where he joined.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: Option<VenueId>,
    /// When he joined the programme; null: he has not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub registered_at: Option<Timestamp>,
    /// When he was first seen.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub created_at: Timestamp,
    /// When what is here last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub updated_at: Timestamp,
}

/// Customers with their coefficients and cards.
pub(super) fn views(
    connection: &mut AnyConnection,
    tenant: Tenant,
    found: Vec<Customer>,
) -> Result<Vec<CustomerView>, Problem> {
    let ids: Vec<CustomerId> = found.iter().map(|c| c.id).collect();
    let mut coefficients = customers::venue_coefficients(connection, tenant, &ids)?;
    let mut cards = crate::storage::cards::of_customers(connection, tenant, &ids)?;
    let view = |customer: Customer| CustomerView {
        id: customer.id,
        external_id: customer.external_id,
        status: customer.status,
        name: customer.name,
        phone: customer.phone,
        email: customer.email,
        birthday: customer.birthday,
        sex: customer.sex,
        city: customer.city,
        comment: customer.comment,
        cashier_note: customer.cashier_note,
        consent_version: customer.consent_version,
        consent_at: customer.consent_at,
        network_coefficient: customer.network_coefficient,
        venue_coefficients: coefficients
            .remove(&customer.id)
            .unwrap_or_default()
            .into_iter()
            .map(|(venue_id, coefficient)| VenueCoefficient {
                venue_id,
                coefficient,
            })
            .collect(),
        cards: cards
            .remove(&customer.id)
            .unwrap_or_default()
            .into_iter()
            .map(CardView::from)
            .collect(),
        venue_id: customer.venue,
        registered_at: customer.registered_at,
        created_at: customer.created_at,
        updated_at: customer.updated_at,
    };
    Ok(found.into_iter().map(view).collect())
}

pub(super) fn view(
    connection: &mut AnyConnection,
    tenant: Tenant,
    customer: Customer,
) -> Result<CustomerView, Problem> {
    let mut all = views(connection, tenant, vec![customer])?;
    all.pop().ok_or_else(Problem::not_found)
}
