//! Days of till systems compared with the books, and what they say differently.

mod books;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

pub use books::known;

use super::schema::{reconciliation_differences, reconciliations};
use super::{AnyConnection, StorageError, Tenant, networks};
use crate::domain::ids::{ConnectionId, DifferenceId, IdSource, ReceiptId, VenueId};
use crate::domain::reconcile::{Compared, Difference, DifferenceKind};
use crate::domain::{Money, Timestamp};

/// [`StoredDifference::status`] of one that waits for a person.
pub const OPEN: &str = "open";
/// Of one that a later report does not find any more.
pub const GONE: &str = "gone";
/// Of one that a person has settled.
pub const SETTLED: &str = "settled";

/// A day, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReconciliation {
    /// Whose report.
    pub connection: ConnectionId,
    /// Where.
    pub venue: VenueId,
    /// The till system's business day.
    pub day: NaiveDate,
    /// When the report came.
    pub told_at: Timestamp,
    /// Orders that the till sold.
    pub orders_told: i32,
    /// What they come to.
    pub amount_told: Money,
    /// How many of them the books have.
    pub orders_known: i32,
    /// What these come to in the books.
    pub amount_known: Money,
    /// Differences of the day that wait for a person.
    pub open: i64,
}

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

/// How a day's result was written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Differences that wait for a person now.
    pub open: usize,
    /// Those that were not known.
    pub found: usize,
    /// Those that are there no more.
    pub gone: usize,
}

const fn word(kind: DifferenceKind) -> &'static str {
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

/// A day's result, to be written down.
#[derive(Debug, Clone)]
pub struct DayResult {
    /// Whose report.
    pub connection: ConnectionId,
    /// Where.
    pub venue: VenueId,
    /// The till system's business day.
    pub day: NaiveDate,
    /// When the report came.
    pub told_at: Timestamp,
    /// What it came to.
    pub compared: Compared,
}

/// Writes a day's result over the one before. A difference that is there no more is closed, one that a person has settled stays
/// so unless its amounts are others now. `None`: a newer report of the day was compared before.
///
/// # Errors
/// Those of the database.
pub fn write(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &dyn IdSource,
    result: &DayResult,
    now: Timestamp,
) -> Result<Option<Written>, StorageError> {
    // Two reports of a day at once must not make two differences of one.
    networks::hold(connection, tenant)?;
    let key = (tenant.id(), result.connection.0, result.day);
    let told_at: Option<NaiveDateTime> = reconciliations::table
        .find(key)
        .select(reconciliations::told_at)
        .first(connection)
        .optional()?;
    if told_at.is_some_and(|before| before.and_utc() > result.told_at) {
        return Ok(None);
    }
    diesel::delete(reconciliations::table.find(key)).execute(connection)?;
    let compared = &result.compared;
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    diesel::insert_into(reconciliations::table)
        .values((
            reconciliations::network_id.eq(tenant.id()),
            reconciliations::connection_id.eq(result.connection.0),
            reconciliations::day.eq(result.day),
            reconciliations::venue_id.eq(result.venue.0),
            reconciliations::told_at.eq(result.told_at.naive_utc()),
            reconciliations::orders_told.eq(count(compared.orders_told)),
            reconciliations::amount_told.eq(compared.amount_told.kopecks()),
            reconciliations::orders_known.eq(count(compared.orders_known)),
            reconciliations::amount_known.eq(compared.amount_known.kopecks()),
        ))
        .execute(connection)?;
    write_differences(connection, tenant, ids, result, now).map(Some)
}

fn write_differences(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &dyn IdSource,
    result: &DayResult,
    now: Timestamp,
) -> Result<Written, StorageError> {
    let mut before: BTreeMap<(String, DifferenceKind), StoredDifference> = reconciliation_differences::table
        .filter(reconciliation_differences::network_id.eq(tenant.id()))
        .filter(reconciliation_differences::connection_id.eq(result.connection.0))
        .filter(reconciliation_differences::day.eq(result.day))
        .select(Row::as_select())
        .load(connection)?
        .into_iter()
        .map(|row| {
            let stored = row.difference()?;
            Ok(((stored.what.order.clone(), stored.what.kind), stored))
        })
        .collect::<Result<_, StorageError>>()?;
    let mut written = Written::default();
    for what in &result.compared.differences {
        let known = before.remove(&(what.order.clone(), what.kind));
        let settled = known
            .as_ref()
            .is_some_and(|k| k.status == SETTLED && same_amounts(&k.what, what));
        if settled {
            continue;
        }
        written.open += 1;
        written.found += usize::from(known.as_ref().is_none_or(|k| k.status != OPEN));
        let still_open = known.as_ref().is_some_and(|k| k.status == OPEN);
        let open = StoredDifference {
            id: known
                .as_ref()
                .map_or_else(|| DifferenceId(ids.next_id()), |k| k.id),
            connection: result.connection,
            venue: result.venue,
            day: result.day,
            what: what.clone(),
            status: OPEN.to_owned(),
            found_at: known.as_ref().filter(|_| still_open).map_or(now, |k| k.found_at),
            ended_at: None,
            settled_by: None,
            note: None,
        };
        match known {
            Some(_) => update(connection, tenant, &open)?,
            None => {
                diesel::insert_into(reconciliation_differences::table)
                    .values(Row::of(tenant, &open))
                    .execute(connection)?;
            }
        }
    }
    for mut gone in before.into_values().filter(|known| known.status == OPEN) {
        GONE.clone_into(&mut gone.status);
        gone.ended_at = Some(now);
        update(connection, tenant, &gone)?;
        written.gone += 1;
    }
    Ok(written)
}

fn same_amounts(one: &Difference, other: &Difference) -> bool {
    (one.told, one.known) == (other.told, other.known)
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

/// Days of a connection, the newest first, those before `before`.
///
/// # Errors
/// Those of the database.
pub fn days(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: ConnectionId,
    before: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<StoredReconciliation>, StorageError> {
    let mut query = reconciliations::table
        .filter(reconciliations::network_id.eq(tenant.id()))
        .filter(reconciliations::connection_id.eq(of.0))
        .order(reconciliations::day.desc())
        .limit(limit)
        .select((
            reconciliations::venue_id,
            reconciliations::day,
            reconciliations::told_at,
            reconciliations::orders_told,
            reconciliations::amount_told,
            reconciliations::orders_known,
            reconciliations::amount_known,
        ))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(reconciliations::day.lt(before));
    }
    type Day = (i64, NaiveDate, NaiveDateTime, i32, i64, i32, i64);
    let rows: Vec<Day> = query.load(connection)?;
    let open: Vec<NaiveDate> = reconciliation_differences::table
        .filter(reconciliation_differences::network_id.eq(tenant.id()))
        .filter(reconciliation_differences::connection_id.eq(of.0))
        .filter(reconciliation_differences::status.eq(OPEN))
        .select(reconciliation_differences::day)
        .load(connection)?;
    let mut counts: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for day in open {
        *counts.entry(day).or_default() += 1;
    }
    let day = |(venue, day, told_at, orders_told, amount_told, orders_known, amount_known): Day| {
        StoredReconciliation {
            connection: of,
            venue: VenueId(venue),
            day,
            told_at: told_at.and_utc(),
            orders_told,
            amount_told: Money::from_kopecks(amount_told),
            orders_known,
            amount_known: Money::from_kopecks(amount_known),
            open: counts.get(&day).copied().unwrap_or_default(),
        }
    };
    Ok(rows.into_iter().map(day).collect())
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
