//! Write-offs that came before their receipts.

use diesel::prelude::*;

use super::schema::write_offs;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, ReceiptId, TransactionId, VenueId};
use crate::domain::{Money, Timestamp};

/// A write-off that came before its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWriteOff {
    /// Its transaction.
    pub transaction: TransactionId,
    /// Where.
    pub venue: VenueId,
    /// Who wrote off: a connection.
    pub source: String,
    /// Whose bonuses.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
    /// How much of it was missing.
    pub debt: Money,
    /// When.
    pub posted_at: Timestamp,
    /// The receipt that has taken it over.
    pub receipt: Option<ReceiptId>,
    /// What a person made of it: `kept` or `given_back`.
    pub settlement: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// Which write-offs are wanted.
#[derive(Debug, Clone)]
pub struct WriteOffFilter {
    /// Of these venues; `None`: of all.
    pub venues: Option<Vec<VenueId>>,
    /// Posted before this moment: a receipt may be on its way.
    pub until: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = write_offs)]
struct Row {
    transaction_id: i64,
    venue_id: i64,
    source: String,
    customer_id: i64,
    amount: i64,
    debt: i64,
    posted_at: chrono::NaiveDateTime,
    receipt_id: Option<i64>,
    settlement: Option<String>,
    note: Option<String>,
}

impl From<Row> for StoredWriteOff {
    fn from(row: Row) -> Self {
        StoredWriteOff {
            transaction: TransactionId(row.transaction_id),
            venue: VenueId(row.venue_id),
            source: row.source,
            customer: CustomerId(row.customer_id),
            amount: Money::from_kopecks(row.amount),
            debt: Money::from_kopecks(row.debt),
            posted_at: row.posted_at.and_utc(),
            receipt: row.receipt_id.map(ReceiptId),
            settlement: row.settlement,
            note: row.note,
        }
    }
}

/// Write-offs that wait for a receipt or a person, the oldest first, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn waiting(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &WriteOffFilter,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredWriteOff>, StorageError> {
    let mut query = write_offs::table
        .filter(write_offs::network_id.eq(tenant.id()))
        .filter(write_offs::receipt_id.is_null())
        .filter(write_offs::settled_at.is_null())
        .filter(write_offs::posted_at.lt(filter.until.naive_utc()))
        .filter(write_offs::transaction_id.gt(after.unwrap_or(0)))
        .order(write_offs::transaction_id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = &filter.venues {
        query =
            query.filter(write_offs::venue_id.eq_any(venues.iter().map(|venue| venue.0).collect::<Vec<_>>()));
    }
    Ok(query
        .load(connection)?
        .into_iter()
        .map(StoredWriteOff::from)
        .collect())
}

/// A write-off by its transaction.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: TransactionId,
) -> Result<Option<StoredWriteOff>, StorageError> {
    let found = write_offs::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    Ok(found.map(StoredWriteOff::from))
}
