//! Days of till systems compared with the books, and what they say differently.

mod books;
mod differences;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

pub use books::known;
pub use differences::{
    DifferenceFilter, GONE, OPEN, SETTLED, StoredDifference, differences, find, open_since, update, word,
};
use differences::{insert, of_day};

use super::schema::{reconciliation_differences, reconciliations};
use super::{AnyConnection, StorageError, Tenant, networks};
use crate::domain::ids::{ConnectionId, DifferenceId, IdSource, VenueId};
use crate::domain::reconcile::{Compared, Difference, DifferenceKind};
use crate::domain::{Money, Timestamp};

/// More differences of a day are not listed: where all differs it is one fault, and the counts of the day tell of it.
const MOST_OPEN: usize = 1000;

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
    let before = of_day(connection, tenant, result.connection, result.day)?;
    let mut before: BTreeMap<(String, DifferenceKind), StoredDifference> = before
        .into_iter()
        .map(|stored| ((stored.what.order.clone(), stored.what.kind), stored))
        .collect();
    let mut written = Written::default();
    let mut unknown = Vec::new();
    for what in &result.compared.differences {
        let Some(known) = before.remove(&(what.order.clone(), what.kind)) else {
            unknown.push(what);
            continue;
        };
        if known.status == SETTLED && same_amounts(&known.what, what) {
            continue;
        }
        written.open += 1;
        written.found += usize::from(known.status != OPEN);
        let found_at = if known.status == OPEN { known.found_at } else { now };
        update(connection, tenant, &open(result, known.id, what, found_at))?;
    }
    // Those that are listed already are followed, however many there are; others only while the list is not too long.
    for what in unknown.into_iter().take(MOST_OPEN.saturating_sub(written.open)) {
        written.open += 1;
        written.found += 1;
        insert(
            connection,
            tenant,
            &open(result, DifferenceId(ids.next_id()), what, now),
        )?;
    }
    for mut gone in before.into_values().filter(|known| known.status == OPEN) {
        GONE.clone_into(&mut gone.status);
        gone.ended_at = Some(now);
        update(connection, tenant, &gone)?;
        written.gone += 1;
    }
    Ok(written)
}

/// A difference that waits for a person.
fn open(result: &DayResult, id: DifferenceId, what: &Difference, found_at: Timestamp) -> StoredDifference {
    StoredDifference {
        id,
        connection: result.connection,
        venue: result.venue,
        day: result.day,
        what: what.clone(),
        status: OPEN.to_owned(),
        found_at,
        ended_at: None,
        settled_by: None,
        note: None,
    }
}

fn same_amounts(one: &Difference, other: &Difference) -> bool {
    (one.told, one.known) == (other.told, other.known)
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
