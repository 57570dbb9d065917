//! Delivery orders, of guests who have joined and of those who are only known from their orders.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kopilka_contract::{CustomerStatus, Phone};

use super::customers::{parse_phone, parse_status, status_text};
use super::schema::{customers, receipts};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, ReceiptId, VenueId};
use crate::domain::{Money, Timestamp};

/// Transaction type of a delivery order.
const DELIVERY: &str = "delivery";

/// An order, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOrder {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// Who sold.
    pub venue: VenueId,
    /// Who told of it.
    pub source: String,
    /// Its id there.
    pub external_id: String,
    /// Its number.
    pub number: Option<String>,
    /// Where the receipt stands.
    pub status: String,
    /// When it was delivered or paid.
    pub closed_at: Timestamp,
    /// After discounts, before bonuses.
    pub total: Money,
    /// Paid with bonuses.
    pub redeemed: Money,
    /// Accrued.
    pub accrued: Money,
    /// Advertising source.
    pub advertising_source: Option<String>,
    /// What the till noted.
    pub comment: Option<String>,
    /// The guest; `None`: nobody knows.
    pub customer: Option<Orderer>,
}

/// Who ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orderer {
    /// His id.
    pub id: CustomerId,
    /// Whether he has joined.
    pub status: CustomerStatus,
    /// His name.
    pub name: Option<String>,
    /// His telephone.
    pub phone: Option<Phone>,
}

/// Which orders are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryOrderFilter {
    /// Of these venues; `None`: of all.
    pub venues: Option<Vec<VenueId>>,
    /// Closed at this moment or later.
    pub from: Option<Timestamp>,
    /// Closed before this moment.
    pub until: Option<Timestamp>,
    /// Of one guest.
    pub customer: Option<CustomerId>,
    /// Of guests of this standing.
    pub standing: Option<CustomerStatus>,
    /// Older than this one.
    pub before: Option<ReceiptId>,
}

type Row = (
    (i64, i64, String, String, Option<String>, String, NaiveDateTime),
    (i64, i64, i64, Option<String>, Option<String>),
    Option<(i64, String, Option<String>, Option<String>)>,
);

/// Delivery orders, the newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &DeliveryOrderFilter,
    limit: i64,
) -> Result<Vec<DeliveryOrder>, StorageError> {
    let whose = customers::network_id
        .eq(receipts::network_id)
        .and(customers::id.nullable().eq(receipts::customer_id));
    let mut query = receipts::table
        .left_join(customers::table.on(whose))
        .filter(receipts::network_id.eq(tenant.id()))
        .filter(receipts::kind.eq(DELIVERY))
        .order(receipts::id.desc())
        .limit(limit)
        .select((
            (
                receipts::id,
                receipts::venue_id,
                receipts::source,
                receipts::external_id,
                receipts::number,
                receipts::status,
                receipts::closed_at,
            ),
            (
                receipts::total,
                receipts::redeemed,
                receipts::accrued,
                receipts::advertising_source,
                receipts::comment,
            ),
            (
                customers::id,
                customers::status,
                customers::name,
                customers::phone,
            )
                .nullable(),
        ))
        .into_boxed();
    if let Some(venues) = &filter.venues {
        let ids: Vec<i64> = venues.iter().map(|venue| venue.0).collect();
        query = query.filter(receipts::venue_id.eq_any(ids));
    }
    if let Some(from) = filter.from {
        query = query.filter(receipts::closed_at.ge(from.naive_utc()));
    }
    if let Some(until) = filter.until {
        query = query.filter(receipts::closed_at.lt(until.naive_utc()));
    }
    if let Some(customer) = filter.customer {
        query = query.filter(receipts::customer_id.eq(customer.0));
    }
    if let Some(standing) = filter.standing {
        query = query.filter(customers::status.eq(status_text(standing)));
    }
    if let Some(before) = filter.before {
        query = query.filter(receipts::id.lt(before.0));
    }
    let rows: Vec<Row> = query.load(connection)?;
    rows.into_iter().map(order).collect()
}

fn order((what, money, whose): Row) -> Result<DeliveryOrder, StorageError> {
    let (receipt, venue, source, external_id, number, status, closed_at) = what;
    let (total, redeemed, accrued, advertising_source, comment) = money;
    let customer = match whose {
        Some((id, status, name, phone)) => Some(Orderer {
            id: CustomerId(id),
            status: parse_status(&status)?,
            name,
            phone: phone.as_deref().map(parse_phone).transpose()?,
        }),
        None => None,
    };
    Ok(DeliveryOrder {
        receipt: ReceiptId(receipt),
        venue: VenueId(venue),
        source,
        external_id,
        number,
        status,
        closed_at: closed_at.and_utc(),
        total: Money::from_kopecks(total),
        redeemed: Money::from_kopecks(redeemed),
        accrued: Money::from_kopecks(accrued),
        advertising_source,
        comment,
        customer,
    })
}
