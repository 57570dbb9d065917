//! Write-offs that came before their receipts.

use diesel::prelude::*;

use super::schema::write_offs;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, TransactionId, VenueId};
use crate::domain::{Money, Timestamp};

/// A write-off that no receipt has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingWriteOff {
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
}

impl From<Row> for WaitingWriteOff {
    fn from(row: Row) -> Self {
        WaitingWriteOff {
            transaction: TransactionId(row.transaction_id),
            venue: VenueId(row.venue_id),
            source: row.source,
            customer: CustomerId(row.customer_id),
            amount: Money::from_kopecks(row.amount),
            debt: Money::from_kopecks(row.debt),
            posted_at: row.posted_at.and_utc(),
        }
    }
}

/// Write-offs that no receipt has taken over, the oldest first, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn waiting(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &WriteOffFilter,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<WaitingWriteOff>, StorageError> {
    let mut query = write_offs::table
        .filter(write_offs::network_id.eq(tenant.id()))
        .filter(write_offs::receipt_id.is_null())
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
        .map(WaitingWriteOff::from)
        .collect())
}
