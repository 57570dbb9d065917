//! Posted receipts, to be read.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use kopilka_contract::{Closed, Money, Returned};

use super::dialect::Dialect;
use super::schema::{receipt_lines, receipts, returns, transactions, write_offs};
use super::statement::{Statement, load_rows};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, ReceiptId, TransactionId, VenueId};
use crate::domain::world::SourceKey;

/// A receipt with everything that hangs on it.
#[derive(Debug, Clone)]
pub struct ReceiptView {
    /// The receipt.
    pub head: ReceiptHead,
    /// Its lines, in order.
    pub lines: Vec<ReceiptLine>,
    /// Its movements of bonuses, in order.
    pub transactions: Vec<StoredTransaction>,
    /// Its returns, in order.
    pub returns: Vec<Returned>,
    /// What the till was answered.
    pub answer: Closed,
}

/// A receipt as stored.
#[derive(Debug, Clone, Queryable)]
pub struct ReceiptHead {
    /// The venue.
    pub venue_id: i64,
    /// Its source.
    pub source: String,
    /// Its id at the source.
    pub external_id: String,
    /// Where it stands.
    pub status: String,
    /// Number printed on it.
    pub number: Option<String>,
    /// The guest.
    pub customer_id: Option<i64>,
    /// Transaction type.
    pub kind: String,
    /// When the till closed it.
    pub closed_at: NaiveDateTime,
    /// When it was booked.
    pub posted_at: NaiveDateTime,
    /// Kopecks.
    pub total: i64,
    /// Kopecks.
    pub redeemed: i64,
    /// Kopecks.
    pub accrued: i64,
    answer: String,
}

/// A line as stored.
#[derive(Debug, Clone, Queryable)]
pub struct ReceiptLine {
    /// Its id.
    pub line_id: String,
    /// Name as sold.
    pub name: String,
    /// The till's id of the category.
    pub category_id: Option<String>,
    /// Thousandths.
    pub quantity: i64,
    /// Kopecks.
    pub amount: i64,
    /// Kopecks.
    pub redeemed: i64,
    /// Kopecks.
    pub accrued: i64,
    /// Thousandths.
    pub returned_quantity: i64,
    /// Kopecks.
    pub returned_amount: i64,
}

/// A movement of a receipt.
#[derive(Debug, Clone)]
pub struct StoredTransaction {
    /// Its id.
    pub id: TransactionId,
    /// Type.
    pub kind: String,
    /// `accrual` or `redemption`.
    pub direction: String,
    /// How much.
    pub amount: Money,
    /// When it was booked.
    pub posted_at: Timestamp,
}

/// A receipt with its lines, transactions and returns.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ReceiptId,
) -> Result<Option<ReceiptView>, StorageError> {
    let head: Option<ReceiptHead> = receipts::table
        .find((tenant.id(), id.0))
        .select((
            receipts::venue_id,
            receipts::source,
            receipts::external_id,
            receipts::status,
            receipts::number,
            receipts::customer_id,
            receipts::kind,
            receipts::closed_at,
            receipts::posted_at,
            receipts::total,
            receipts::redeemed,
            receipts::accrued,
            receipts::answer,
        ))
        .first(connection)
        .optional()?;
    let Some(head) = head else { return Ok(None) };
    let lines = receipt_lines::table
        .filter(
            receipt_lines::network_id
                .eq(tenant.id())
                .and(receipt_lines::receipt_id.eq(id.0)),
        )
        .order(receipt_lines::sequence)
        .select((
            receipt_lines::line_id,
            receipt_lines::name,
            receipt_lines::category_id,
            receipt_lines::quantity,
            receipt_lines::amount,
            receipt_lines::redeemed,
            receipt_lines::accrued,
            receipt_lines::returned_quantity,
            receipt_lines::returned_amount,
        ))
        .load(connection)?;
    let columns = (
        transactions::id,
        transactions::kind,
        transactions::direction,
        transactions::amount,
        transactions::posted_at,
    );
    let mut booked: Vec<(i64, String, String, i64, NaiveDateTime)> = transactions::table
        .filter(
            transactions::network_id
                .eq(tenant.id())
                .and(transactions::receipt_id.eq(id.0)),
        )
        .select(columns)
        .load(connection)?;
    // A write-off that the receipt took over was booked before there was a receipt.
    let taken_over: Vec<i64> = write_offs::table
        .filter(
            write_offs::network_id
                .eq(tenant.id())
                .and(write_offs::customer_id.nullable().eq(head.customer_id))
                .and(write_offs::receipt_id.eq(id.0)),
        )
        .select(write_offs::transaction_id)
        .load(connection)?;
    for transaction in taken_over {
        let found = transactions::table
            .find((tenant.id(), transaction))
            .select(columns)
            .first(connection)?;
        booked.push(found);
    }
    booked.sort_unstable_by_key(|(id, ..)| *id);
    let given_back: Vec<String> = returns::table
        .filter(returns::network_id.eq(tenant.id()))
        .filter(returns::sale_venue_id.eq(head.venue_id))
        .filter(
            returns::sale_source
                .eq(&head.source)
                .and(returns::sale_external_id.eq(&head.external_id)),
        )
        .order(returns::id)
        .select(returns::answer)
        .load(connection)?;
    Ok(Some(ReceiptView {
        answer: serde_json::from_str(&head.answer)?,
        head,
        lines,
        transactions: booked
            .into_iter()
            .map(|(id, kind, direction, amount, posted_at)| StoredTransaction {
                id: TransactionId(id),
                kind,
                direction,
                amount: Money::from_kopecks(amount),
                posted_at: posted_at.and_utc(),
            })
            .collect(),
        returns: given_back
            .iter()
            .map(|text| serde_json::from_str(text))
            .collect::<Result<_, _>>()?,
    }))
}

/// Id of a receipt by its identity at the source.
///
/// # Errors
/// Those of the database.
pub fn id_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    external_id: &str,
) -> Result<Option<ReceiptId>, StorageError> {
    let id: Option<i64> = receipts::table
        .filter(
            receipts::network_id
                .eq(tenant.id())
                .and(receipts::venue_id.eq(venue.0)),
        )
        .filter(
            receipts::source
                .eq(source)
                .and(receipts::external_id.eq(external_id)),
        )
        .select(receipts::id)
        .first(connection)
        .optional()?;
    Ok(id.map(ReceiptId))
}

/// Identity of a receipt by its id.
///
/// # Errors
/// Those of the database.
pub fn key_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ReceiptId,
) -> Result<Option<SourceKey>, StorageError> {
    let row: Option<(i64, String, String)> = receipts::table
        .find((tenant.id(), id.0))
        .select((receipts::venue_id, receipts::source, receipts::external_id))
        .first(connection)
        .optional()?;
    Ok(row.map(|(venue, source, external_id)| SourceKey {
        network: tenant.network(),
        venue: VenueId(venue),
        source,
        external_id,
    }))
}

/// Which of these orders of a source have a receipt, whatever became of it.
///
/// # Errors
/// Those of the database.
pub fn which_exist(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    names: &[&String],
) -> Result<BTreeSet<String>, StorageError> {
    let found: Vec<String> = receipts::table
        .filter(receipts::network_id.eq(tenant.id()))
        .filter(receipts::venue_id.eq(venue.0))
        .filter(receipts::source.eq(source))
        .filter(receipts::external_id.eq_any(names.iter().map(|name| name.as_str())))
        .select(receipts::external_id)
        .load(connection)?;
    Ok(found.into_iter().collect())
}

/// What a guest has bought in all: his receipts after discounts and before bonuses, without what came back. `None`: he has more than
/// `most` receipts.
///
/// # Errors
/// Those of the database.
pub fn turnover(
    connection: &mut AnyConnection,
    tenant: Tenant,
    guest: CustomerId,
    most: i64,
) -> Result<Option<Money>, StorageError> {
    let beyond: Option<i64> = receipts::table
        .filter(receipts::network_id.eq(tenant.id()))
        .filter(receipts::customer_id.eq(guest.0))
        .order(receipts::id)
        .offset(most)
        .select(receipts::id)
        .first(connection)
        .optional()?;
    if beyond.is_some() {
        return Ok(None);
    }
    let mut statement = Statement::new(Dialect::of(connection));
    statement
        .push("SELECT ")
        .push(&Dialect::sum("l.amount - l.returned_amount"))
        .push(" FROM receipts r JOIN receipt_lines l ON l.network_id = r.network_id AND l.receipt_id = r.id WHERE r.network_id = ")
        .bind(tenant.id())
        .push(" AND r.customer_id = ")
        .bind(guest.0);
    let rows: Vec<(i64,)> = load_rows(connection, statement.returning::<(BigInt,)>())?;
    Ok(Some(Money::from_kopecks(rows.first().map_or(0, |row| row.0))))
}
