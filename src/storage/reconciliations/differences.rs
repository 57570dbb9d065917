//! What tills and the books say differently: rows that a report writes, and that people settle.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::super::schema::reconciliation_differences;
use super::super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{ConnectionId, DifferenceId, ReceiptId, VenueId};
use crate::domain::reconcile::{Difference, DifferenceKind};
use crate::domain::{Money, Timestamp};

/// [`StoredDifference::status`] of one that waits for a person.
pub const OPEN: &str = "open";
/// Of one that a later report does not find any more.
pub const GONE: &str = "gone";
/// Of one that a person has settled.
pub const SETTLED: &str = "settled";

/// What the till and the books say differently of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDifference {
    /// Its id.
    pub id: DifferenceId,
    /// Whose report.
    pub connection: ConnectionId,
    /// Where.
    pub venue: VenueId,
    /// Of which day.
    pub day: NaiveDate,
    /// What.
    pub what: Difference,
    /// [`OPEN`], [`GONE`] or [`SETTLED`].
    pub status: String,
    /// When it was first found.
    pub found_at: Timestamp,
    /// When it was gone or settled.
    pub ended_at: Option<Timestamp>,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// Why it was settled.
    pub note: Option<String>,
}

/// A kind of difference in one word.
pub const fn word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Amount => "amount",
        DifferenceKind::NotReturned => "not_returned",
        DifferenceKind::ReturnedHereOnly => "returned_here_only",
        DifferenceKind::UnknownToTill => "unknown_to_till",
    }
}

fn kind(word: &str) -> Result<DifferenceKind, StorageError> {
    Ok(match word {
        "missing" => DifferenceKind::Missing,
        "amount" => DifferenceKind::Amount,
        "not_returned" => DifferenceKind::NotReturned,
        "returned_here_only" => DifferenceKind::ReturnedHereOnly,
        "unknown_to_till" => DifferenceKind::UnknownToTill,
        other => return Err(StorageError::Corrupt(format!("difference of kind {other}"))),
    })
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = reconciliation_differences)]
#[diesel(treat_none_as_null = true)]
struct Row {
    network_id: i64,
    id: i64,
    connection_id: i64,
    venue_id: i64,
    day: NaiveDate,
    order_name: String,
    kind: String,
    number: Option<String>,
    closed_at: Option<NaiveDateTime>,
    told: Option<i64>,
    known: Option<i64>,
    receipt_id: Option<i64>,
    status: String,
    found_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
    settled_by: Option<String>,
    note: Option<String>,
}

impl Row {
    fn of(tenant: Tenant, of: &StoredDifference) -> Self {
        Row {
            network_id: tenant.id(),
            id: of.id.0,
            connection_id: of.connection.0,
            venue_id: of.venue.0,
            day: of.day,
            order_name: of.what.order.clone(),
            kind: word(of.what.kind).to_owned(),
            number: of.what.number.clone(),
            closed_at: of.what.closed_at.map(|at| at.naive_utc()),
            told: of.what.told.map(Money::kopecks),
            known: of.what.known.map(Money::kopecks),
            receipt_id: of.what.receipt.map(|id| id.0),
            status: of.status.clone(),
            found_at: of.found_at.naive_utc(),
            ended_at: of.ended_at.map(|at| at.naive_utc()),
            settled_by: of.settled_by.clone(),
            note: of.note.clone(),
        }
    }

    fn difference(self) -> Result<StoredDifference, StorageError> {
        Ok(StoredDifference {
            id: DifferenceId(self.id),
            connection: ConnectionId(self.connection_id),
            venue: VenueId(self.venue_id),
            day: self.day,
            what: Difference {
                kind: kind(&self.kind)?,
                order: self.order_name,
                number: self.number,
                closed_at: self.closed_at.map(|at| at.and_utc()),
                told: self.told.map(Money::from_kopecks),
                known: self.known.map(Money::from_kopecks),
                receipt: self.receipt_id.map(ReceiptId),
            },
            status: self.status,
            found_at: self.found_at.and_utc(),
            ended_at: self.ended_at.map(|at| at.and_utc()),
            settled_by: self.settled_by,
            note: self.note,
        })
    }
}

/// Differences of a day, those that are closed included.
pub(super) fn of_day(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    day: NaiveDate,
) -> Result<Vec<StoredDifference>, StorageError> {
    reconciliation_differences::table
        .filter(reconciliation_differences::network_id.eq(tenant.id()))
        .filter(reconciliation_differences::connection_id.eq(of.0))
        .filter(reconciliation_differences::day.eq(day))
        .select(Row::as_select())
        .load(connection)?
        .into_iter()
        .map(Row::difference)
        .collect()
}

/// Keeps a new difference.
pub(super) fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    difference: &StoredDifference,
) -> Result<(), StorageError> {
    diesel::insert_into(reconciliation_differences::table)
        .values(Row::of(tenant, difference))
        .execute(connection)?;
    Ok(())
}

/// Writes a difference over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    difference: &StoredDifference,
) -> Result<(), StorageError> {
    diesel::update(reconciliation_differences::table.find((tenant.id(), difference.id.0)))
        .set(Row::of(tenant, difference))
        .execute(connection)?;
    Ok(())
}

/// Which differences are wanted.
#[derive(Debug, Clone, Default)]
pub struct DifferenceFilter {
    /// Only those of these venues; `None`: of all.
    pub venues: Option<Vec<VenueId>>,
    /// Only those of this connection.
    pub connection: Option<ConnectionId>,
    /// Only those of this day.
    pub day: Option<NaiveDate>,
    /// Only those that wait for a person.
    pub open: bool,
    /// Only those after this one.
    pub after: Option<DifferenceId>,
}

/// Differences, in the order in which they were first found.
///
/// # Errors
/// Those of the database.
pub fn differences(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &DifferenceFilter,
    limit: i64,
) -> Result<Vec<StoredDifference>, StorageError> {
    let mut query = reconciliation_differences::table
        .filter(reconciliation_differences::network_id.eq(tenant.id()))
        .filter(reconciliation_differences::id.gt(filter.after.map_or(0, |id| id.0)))
        .order(reconciliation_differences::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = &filter.venues {
        let ids: Vec<i64> = venues.iter().map(|v| v.0).collect();
        query = query.filter(reconciliation_differences::venue_id.eq_any(ids));
    }
    if let Some(of) = filter.connection {
        query = query.filter(reconciliation_differences::connection_id.eq(of.0));
    }
    if let Some(day) = filter.day {
        query = query.filter(reconciliation_differences::day.eq(day));
    }
    if filter.open {
        query = query.filter(reconciliation_differences::status.eq(OPEN));
    }
    query.load(connection)?.into_iter().map(Row::difference).collect()
}

/// One difference.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: DifferenceId,
) -> Result<Option<StoredDifference>, StorageError> {
    reconciliation_differences::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?
        .map(Row::difference)
        .transpose()
}

/// Since when a connection has differences that nobody has settled; `None`: it has none.
///
/// # Errors
/// Those of the database.
pub fn open_since(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
) -> Result<Option<Timestamp>, StorageError> {
    let oldest: Option<NaiveDateTime> = reconciliation_differences::table
        .filter(reconciliation_differences::network_id.eq(tenant.id()))
        .filter(reconciliation_differences::connection_id.eq(of.0))
        .filter(reconciliation_differences::status.eq(OPEN))
        .order(reconciliation_differences::id)
        .select(reconciliation_differences::found_at)
        .first(connection)
        .optional()?;
    Ok(oldest.map(|at| at.and_utc()))
}
