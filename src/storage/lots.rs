//! Lots of bonuses as people see them. Changing them is the ledger's alone.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::lots;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, LotId, ReceiptId, VenueId};
use crate::domain::{Money, Timestamp};

/// A lot with something left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLot {
    /// Its id.
    pub id: LotId,
    /// What was credited.
    pub amount: Money,
    /// What is left.
    pub remaining: Money,
    /// When it can be spent from.
    pub starts_at: Timestamp,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The one venue where it can be spent; `None`: all of the network.
    pub scope: Option<VenueId>,
    /// The venue that issued it.
    pub issuer: Option<VenueId>,
    /// The receipt that created it.
    pub receipt: Option<ReceiptId>,
}

/// A customer's lots with something left at an instant, those that are spent first before the others. A lot whose
/// time is over is not there, even where its expiry has not been booked yet.
///
/// # Errors
/// Those of the database.
pub fn open_lots(
    connection: &mut AnyConnection,
    tenant: Tenant,
    customer: CustomerId,
    now: Timestamp,
) -> Result<Vec<OpenLot>, StorageError> {
    type Row = (
        i64,
        i64,
        i64,
        NaiveDateTime,
        Option<NaiveDateTime>,
        Option<i64>,
        Option<i64>,
        Option<i64>,
    );
    let rows: Vec<Row> = lots::table
        .filter(lots::network_id.eq(tenant.id()))
        .filter(lots::customer_id.eq(customer.0))
        .filter(lots::remaining.gt(0))
        .select((
            lots::id,
            lots::amount,
            lots::remaining,
            lots::starts_at,
            lots::expires_at,
            lots::scope_venue_id,
            lots::issuer_venue_id,
            lots::receipt_id,
        ))
        .load(connection)?;
    let mut open: Vec<OpenLot> = rows
        .into_iter()
        .map(|row| OpenLot {
            id: LotId(row.0),
            amount: Money::from_kopecks(row.1),
            remaining: Money::from_kopecks(row.2),
            starts_at: row.3.and_utc(),
            expires_at: row.4.map(|t| t.and_utc()),
            scope: row.5.map(VenueId),
            issuer: row.6.map(VenueId),
            receipt: row.7.map(ReceiptId),
        })
        .filter(|lot| lot.expires_at.is_none_or(|end| end > now))
        .collect();
    open.sort_by_key(|lot| {
        let never = lot.expires_at.is_none();
        (never, lot.expires_at, lot.starts_at, lot.id)
    });
    Ok(open)
}
