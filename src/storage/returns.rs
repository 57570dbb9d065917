//! Returns that could not be applied: their sale has not come, or they do not fit it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::returns;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{ReceiptId, ReturnId, VenueId};
use crate::domain::world::ReturnRequest;

/// Status of a return whose sale has not come.
pub const WAITING: &str = "waiting";
/// Status of a return that does not fit its sale.
pub const REFUSED: &str = "refused";
/// How a return is kept that undoes an attempt to pay. Before its sale it waits for ever, and nobody has work with it.
const ROLLBACK: &str = "%\"rollback\":true%";

/// A return that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnappliedReturn {
    /// Its id.
    pub id: ReturnId,
    /// Where it was given back.
    pub venue: VenueId,
    /// Who told of it.
    pub source: String,
    /// Its id there.
    pub external_id: String,
    /// Where it was sold.
    pub sale_venue: VenueId,
    /// Who should tell of the sale.
    pub sale_source: String,
    /// Id of the sale there.
    pub sale_external_id: String,
    /// The sale, where it came.
    pub receipt: Option<ReceiptId>,
    /// [`WAITING`] or [`REFUSED`]; else it was applied since.
    pub status: String,
    /// What it asks.
    pub request: ReturnRequest,
    /// When it came.
    pub posted_at: Timestamp,
    /// When a person settled it.
    pub settled_at: Option<Timestamp>,
    /// Why.
    pub note: Option<String>,
}

/// Which returns are wanted.
#[derive(Debug, Clone)]
pub struct UnappliedFilter {
    /// Given back at these venues; `None`: at any.
    pub venues: Option<Vec<VenueId>>,
    /// [`WAITING`] or [`REFUSED`]; `None`: both.
    pub status: Option<&'static str>,
    /// Of those that wait: they came before this moment. A sale may be on its way.
    pub until: Timestamp,
    /// After this one.
    pub after: Option<ReturnId>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = returns)]
struct Row {
    id: i64,
    venue_id: i64,
    source: String,
    external_id: String,
    sale_venue_id: i64,
    sale_source: String,
    sale_external_id: String,
    receipt_id: Option<i64>,
    status: String,
    request: String,
    posted_at: NaiveDateTime,
    settled_at: Option<NaiveDateTime>,
    note: Option<String>,
}

fn unapplied(row: Row) -> Result<UnappliedReturn, StorageError> {
    Ok(UnappliedReturn {
        id: ReturnId(row.id),
        venue: VenueId(row.venue_id),
        source: row.source,
        external_id: row.external_id,
        sale_venue: VenueId(row.sale_venue_id),
        sale_source: row.sale_source,
        sale_external_id: row.sale_external_id,
        receipt: row.receipt_id.map(ReceiptId),
        status: row.status,
        request: serde_json::from_str(&row.request)?,
        posted_at: row.posted_at.and_utc(),
        settled_at: row.settled_at.map(|at| at.and_utc()),
        note: row.note,
    })
}

/// Returns that wait for their sale or for a person, the oldest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &UnappliedFilter,
    limit: i64,
) -> Result<Vec<UnappliedReturn>, StorageError> {
    let is_old = returns::status
        .eq(REFUSED)
        .or(returns::posted_at.lt(filter.until.naive_utc()));
    let mut query = returns::table
        .filter(returns::network_id.eq(tenant.id()))
        .filter(returns::settled_at.is_null())
        .filter(returns::request.not_like(ROLLBACK))
        .filter(is_old)
        .filter(returns::id.gt(filter.after.map_or(0, |after| after.0)))
        .order(returns::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    query = match filter.status {
        Some(status) => query.filter(returns::status.eq(status)),
        None => query.filter(returns::status.eq_any([WAITING, REFUSED])),
    };
    if let Some(venues) = &filter.venues {
        let ids: Vec<i64> = venues.iter().map(|venue| venue.0).collect();
        query = query.filter(returns::venue_id.eq_any(ids));
    }
    query.load(connection)?.into_iter().map(unapplied).collect()
}

/// A return by its id.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ReturnId,
) -> Result<Option<UnappliedReturn>, StorageError> {
    let found = returns::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    found.map(unapplied).transpose()
}

/// Writes down that a person settled a return. It posts nothing, and one whose sale comes after all is applied still.
///
/// # Errors
/// Those of the database.
pub fn settle(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ReturnId,
    (by, note): (&str, &str),
    now: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(returns::table.find((tenant.id(), id.0)))
        .set((
            returns::settled_at.eq(now.naive_utc()),
            returns::settled_by.eq(by),
            returns::note.eq(note),
        ))
        .execute(connection)?;
    Ok(())
}
