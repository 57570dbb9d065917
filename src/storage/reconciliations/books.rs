//! What the books know of the orders that a report speaks of.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kopilka_contract::{GiveBack, Payment};

use super::super::schema::{receipt_lines, receipts, returns};
use super::super::{AnyConnection, StorageError, Tenant, order_names};
use crate::domain::ids::{ReceiptId, VenueId};
use crate::domain::reconcile::{Known, KnownReceipt};
use crate::domain::{Money, Timestamp};

/// So many names are looked up by one statement.
const AT_ONCE: usize = 1000;
/// Most receipts of a day that are looked at.
const MOST_OF_A_DAY: i64 = 50_000;

#[derive(Queryable)]
struct ReceiptRow {
    id: i64,
    external_id: String,
    number: Option<String>,
    closed_at: NaiveDateTime,
    total: i64,
    redeemed: i64,
    status: String,
    payments: String,
}

impl ReceiptRow {
    /// What was neither paid in money nor redeemed, where the payments are known.
    fn unposted(&self) -> Money {
        let payments: Vec<Payment> = serde_json::from_str(&self.payments).unwrap_or_default();
        let paid: Money = payments.iter().map(|payment| payment.amount).sum();
        if payments.is_empty() {
            return Money::ZERO;
        }
        (Money::from_kopecks(self.total) - Money::from_kopecks(self.redeemed) - paid).max(Money::ZERO)
    }
}

impl From<ReceiptRow> for KnownReceipt {
    fn from(row: ReceiptRow) -> Self {
        KnownReceipt {
            unposted: row.unposted(),
            id: ReceiptId(row.id),
            name: row.external_id,
            number: row.number,
            closed_at: row.closed_at.and_utc(),
            total: Money::from_kopecks(row.total),
            redeemed: Money::from_kopecks(row.redeemed),
            returned: Money::ZERO,
            cancelled: row.status == "cancelled",
            returned_at: None,
        }
    }
}

/// Receipts that count: others are only remembered.
const COUNTING: [&str; 4] = ["closed", "partly_returned", "returned", "cancelled"];

macro_rules! receipts_of {
    ($tenant:expr, $venue:expr, $source:expr) => {
        receipts::table
            .filter(receipts::network_id.eq($tenant.id()))
            .filter(receipts::venue_id.eq($venue.0))
            .filter(receipts::source.eq($source))
            .filter(receipts::status.eq_any(COUNTING))
            .select((
                receipts::id,
                receipts::external_id,
                receipts::number,
                receipts::closed_at,
                receipts::total,
                receipts::redeemed,
                receipts::status,
                receipts::payments,
            ))
    };
}

/// What the books know of the orders of these names, and of the business day between two moments. A few statements, however
/// many orders there are.
///
/// # Errors
/// Those of the database.
pub fn known(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    names: &[String],
    day: Option<(Timestamp, Timestamp)>,
) -> Result<Known, StorageError> {
    let mut known = Known {
        day,
        ..Known::default()
    };
    for names in names.chunks(AT_ONCE) {
        known
            .aliases
            .extend(order_names::known(connection, tenant, source, names)?);
    }
    let meant = |name: &String| known.aliases.get(name).unwrap_or(name).clone();
    let wanted: BTreeSet<String> = names.iter().map(meant).collect();
    let wanted: Vec<String> = wanted.into_iter().collect();
    let mut found: Vec<ReceiptRow> = Vec::new();
    for names in wanted.chunks(AT_ONCE) {
        let named = receipts_of!(tenant, venue, source).filter(receipts::external_id.eq_any(names));
        found.extend(named.load::<ReceiptRow>(connection)?);
        known
            .not_sold
            .extend(not_sold(connection, tenant, venue, source, names)?);
    }
    if let Some((from, until)) = day {
        let of_day = receipts_of!(tenant, venue, source)
            .filter(receipts::closed_at.ge(from.naive_utc()))
            .filter(receipts::closed_at.lt(until.naive_utc()))
            .limit(MOST_OF_A_DAY);
        found.extend(of_day.load::<ReceiptRow>(connection)?);
    }
    let with_returns: BTreeMap<i64, String> = found
        .iter()
        .filter(|row| row.status != "closed")
        .map(|row| (row.id, row.external_id.clone()))
        .collect();
    known.receipts = found
        .into_iter()
        .map(|row| (row.external_id.clone(), KnownReceipt::from(row)))
        .collect();
    let (ids, names): (Vec<i64>, Vec<String>) = with_returns.into_iter().unzip();
    for ids in ids.chunks(AT_ONCE) {
        add_returned(connection, tenant, ids, &mut known)?;
    }
    for names in names.chunks(AT_ONCE) {
        add_times(connection, tenant, venue, source, names, &mut known)?;
    }
    Ok(known)
}

/// Which of these orders were told to be no sale.
fn not_sold(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    names: &[String],
) -> Result<Vec<String>, StorageError> {
    let rows: Vec<(String, String)> = returns::table
        .filter(returns::network_id.eq(tenant.id()))
        .filter(returns::sale_venue_id.eq(venue.0))
        .filter(returns::sale_source.eq(source))
        .filter(returns::sale_external_id.eq_any(names))
        .select((returns::sale_external_id, returns::external_id))
        .load(connection)?;
    let told = rows.into_iter().filter(|(_, name)| GiveBack::is_of_no_sale(name));
    Ok(told.map(|(sale, _)| sale).collect())
}

fn add_returned(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &[i64],
    known: &mut Known,
) -> Result<(), StorageError> {
    let rows: Vec<(i64, i64)> = receipt_lines::table
        .filter(receipt_lines::network_id.eq(tenant.id()))
        .filter(receipt_lines::receipt_id.eq_any(ids))
        .filter(receipt_lines::returned_amount.gt(0))
        .select((receipt_lines::receipt_id, receipt_lines::returned_amount))
        .load(connection)?;
    let mut sums: BTreeMap<i64, Money> = BTreeMap::new();
    for (id, amount) in rows {
        *sums.entry(id).or_default() += Money::from_kopecks(amount);
    }
    for receipt in known.receipts.values_mut() {
        if let Some(sum) = sums.get(&receipt.id.0) {
            receipt.returned = *sum;
        }
    }
    Ok(())
}

fn add_times(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    names: &[String],
    known: &mut Known,
) -> Result<(), StorageError> {
    let rows: Vec<(String, NaiveDateTime)> = returns::table
        .filter(returns::network_id.eq(tenant.id()))
        .filter(returns::sale_venue_id.eq(venue.0))
        .filter(returns::sale_source.eq(source))
        .filter(returns::sale_external_id.eq_any(names))
        .select((returns::sale_external_id, returns::posted_at))
        .load(connection)?;
    for (name, at) in rows {
        if let Some(receipt) = known.receipts.get_mut(&name) {
            receipt.returned_at = receipt.returned_at.max(Some(at.and_utc()));
        }
    }
    Ok(())
}
