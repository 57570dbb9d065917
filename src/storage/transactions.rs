//! Transactions as reports see them: lists, totals, and what venues owe each other.

use chrono::NaiveDateTime;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};

use super::dialect::Dialect;
use super::statement::{self, Statement, Value};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::books::{BookAccount, Direction, types};
use crate::domain::ids::{CustomerId, ReceiptId, ReturnId, TransactionId, VenueId};
use crate::domain::{Money, Timestamp};

/// A transaction with what a report shows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTransaction {
    /// Its id.
    pub id: TransactionId,
    /// Whose bonuses moved.
    pub customer: CustomerId,
    /// His name.
    pub customer_name: Option<String>,
    /// Transaction type.
    pub kind: String,
    /// To or from the customer.
    pub direction: Direction,
    /// How much.
    pub amount: Money,
    /// Where.
    pub venue: Option<VenueId>,
    /// The receipt that it belongs to.
    pub receipt: Option<ReceiptId>,
    /// Number of the receipt.
    pub receipt_number: Option<String>,
    /// Total of the receipt.
    pub receipt_total: Option<Money>,
    /// The return that it belongs to.
    pub return_id: Option<ReturnId>,
    /// When it happened in the venue.
    pub happened_at: Timestamp,
    /// When it was booked.
    pub posted_at: Timestamp,
    /// Who caused it.
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
}

/// What sets bonuses in motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanics {
    /// Purchases: types that venues choose.
    Purchase,
    /// Promotions and triggers.
    Promotion,
    /// People.
    Admin,
    /// Bonuses whose time was over.
    Expiry,
    /// Balance resets.
    Reset,
    /// Returns, cancellations, corrected versions.
    Reversal,
}

impl Mechanics {
    /// The transaction type that the ledger writes for it; `None` for purchases, whose types venues choose.
    const fn kind(self) -> Option<&'static str> {
        match self {
            Mechanics::Purchase => None,
            Mechanics::Promotion => Some(types::PROMOTION),
            Mechanics::Admin => Some(types::ADMIN),
            Mechanics::Expiry => Some(types::EXPIRY),
            Mechanics::Reset => Some(types::RESET),
            Mechanics::Reversal => Some(types::REVERSAL),
        }
    }
}

/// Types that a venue can't choose: the ledger writes them itself.
pub const LEDGER_TYPES: [&str; 5] = [
    types::PROMOTION,
    types::ADMIN,
    types::EXPIRY,
    types::RESET,
    types::REVERSAL,
];

/// Which transactions are wanted. What looks at a receipt leaves out transactions that have none.
#[derive(Debug, Clone, Default)]
pub struct TransactionFilter {
    /// Happened at or after.
    pub from: Option<Timestamp>,
    /// Happened before.
    pub until: Option<Timestamp>,
    /// Any of these types; empty: all.
    pub kinds: Vec<String>,
    /// To or from customers.
    pub direction: Option<Direction>,
    /// Any of these; empty: all.
    pub mechanics: Vec<Mechanics>,
    /// At any of these venues; `None`: anywhere, and nowhere.
    pub venues: Option<Vec<VenueId>>,
    /// This customer's.
    pub customer: Option<CustomerId>,
    /// Part of the name of an item in the receipt, in any case.
    pub item: Option<String>,
    /// The till's id of the category of an item in the receipt.
    pub category_id: Option<String>,
    /// Business weekdays of the receipt, 1 (Monday) to 7; empty: all.
    pub weekdays: Vec<i32>,
    /// Hours of the receipt, 0 to 23; empty: all.
    pub hours: Vec<i32>,
    /// Where the guest had heard of the venue.
    pub advertising_source: Option<String>,
    /// Least total of the receipt.
    pub receipt_min: Option<Money>,
    /// Greatest total of the receipt.
    pub receipt_max: Option<Money>,
}

impl TransactionFilter {
    fn looks_at_receipt(&self) -> bool {
        !self.weekdays.is_empty()
            || !self.hours.is_empty()
            || self.advertising_source.is_some()
            || self.receipt_min.is_some()
            || self.receipt_max.is_some()
    }
}

/// ` AND column IN (…)`; a set without members matches nothing.
fn among<'a>(statement: &mut Statement<'a>, column: &str, values: impl IntoIterator<Item = Value<'a>>) {
    let mut values = values.into_iter().peekable();
    if values.peek().is_none() {
        statement.push(" AND 1 = 0");
        return;
    }
    statement.push(" AND ").push(column).push(" IN (");
    for (i, value) in values.enumerate() {
        if i > 0 {
            statement.push(", ");
        }
        statement.bind(value);
    }
    statement.push(")");
}

/// ` WHERE …` of a query over `transactions t` and, where `with_receipt`, `receipts r`.
fn push_conditions<'a>(
    statement: &mut Statement<'a>,
    dialect: Dialect,
    tenant: Tenant,
    filter: &'a TransactionFilter,
) {
    statement.push(" WHERE t.network_id = ").bind(tenant.id());
    if let Some(customer) = filter.customer {
        statement.push(" AND t.customer_id = ").bind(customer.0);
    }
    if let Some(from) = filter.from {
        statement.push(" AND t.happened_at >= ").bind(from);
    }
    if let Some(until) = filter.until {
        statement.push(" AND t.happened_at < ").bind(until);
    }
    if let Some(direction) = filter.direction {
        statement.push(" AND t.direction = ").bind(direction.as_str());
    }
    if !filter.kinds.is_empty() {
        among(
            statement,
            "t.kind",
            filter.kinds.iter().map(|k| Value::from(k.as_str())),
        );
    }
    if !filter.mechanics.is_empty() {
        statement.push(" AND (1 = 0");
        for mechanics in &filter.mechanics {
            match mechanics.kind() {
                Some(kind) => {
                    statement.push(" OR t.kind = ").bind(kind);
                }
                None => {
                    statement.push(" OR (1 = 1");
                    for kind in LEDGER_TYPES {
                        statement.push(" AND t.kind <> ").bind(kind);
                    }
                    statement.push(")");
                }
            }
        }
        statement.push(")");
    }
    if let Some(venues) = &filter.venues {
        among(statement, "t.venue_id", venues.iter().map(|v| Value::from(v.0)));
    }
    push_receipt_conditions(statement, dialect, filter);
}

fn push_receipt_conditions<'a>(
    statement: &mut Statement<'a>,
    dialect: Dialect,
    filter: &'a TransactionFilter,
) {
    let integers = |values: &'a [i32]| values.iter().map(|v| Value::Integer(Some(*v)));
    if !filter.weekdays.is_empty() {
        among(statement, "r.weekday", integers(&filter.weekdays));
    }
    if !filter.hours.is_empty() {
        among(statement, "r.hour", integers(&filter.hours));
    }
    if let Some(source) = &filter.advertising_source {
        statement
            .push(" AND r.advertising_source = ")
            .bind(source.as_str());
    }
    if let Some(least) = filter.receipt_min {
        statement.push(" AND r.total >= ").bind(least);
    }
    if let Some(most) = filter.receipt_max {
        statement.push(" AND r.total <= ").bind(most);
    }
    if filter.item.is_none() && filter.category_id.is_none() {
        return;
    }
    statement.push(
        " AND EXISTS (SELECT 1 FROM receipt_lines l WHERE l.network_id = t.network_id \
         AND l.receipt_id = t.receipt_id",
    );
    if let Some(item) = &filter.item {
        statement
            .push(" AND ")
            .push(&dialect.lower("l.name"))
            .push(" LIKE ")
            .bind(Dialect::containing(item))
            .push(" ESCAPE '\\'");
    }
    if let Some(category) = &filter.category_id {
        statement.push(" AND l.category_id = ").bind(category.as_str());
    }
    statement.push(")");
}

type ListedSql = (
    BigInt,
    BigInt,
    Nullable<Text>,
    Text,
    Text,
    BigInt,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    SqlTimestamp,
    SqlTimestamp,
    Text,
    Nullable<Text>,
);

type ListedRow = (
    i64,
    i64,
    Option<String>,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    NaiveDateTime,
    NaiveDateTime,
    String,
    Option<String>,
);

fn direction(text: &str) -> Result<Direction, StorageError> {
    [Direction::Accrual, Direction::Redemption]
        .into_iter()
        .find(|d| d.as_str() == text)
        .ok_or_else(|| StorageError::Corrupt(format!("direction {text}")))
}

fn listed(row: ListedRow) -> Result<ListedTransaction, StorageError> {
    Ok(ListedTransaction {
        id: TransactionId(row.0),
        customer: CustomerId(row.1),
        customer_name: row.2,
        kind: row.3,
        direction: direction(&row.4)?,
        amount: Money::from_kopecks(row.5),
        venue: row.6.map(VenueId),
        receipt: row.7.map(ReceiptId),
        receipt_number: row.8,
        receipt_total: row.9.map(Money::from_kopecks),
        return_id: row.10.map(ReturnId),
        happened_at: row.11.and_utc(),
        posted_at: row.12.and_utc(),
        actor: row.13,
        comment: row.14,
    })
}

/// Transactions, the newest first, those before `before`.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &TransactionFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ListedTransaction>, StorageError> {
    let dialect = Dialect::of(connection);
    let mut query = Statement::new(dialect);
    query.push(
        "SELECT t.id, t.customer_id, c.name, t.kind, t.direction, t.amount, t.venue_id, t.receipt_id, r.number, \
         r.total, t.return_id, t.happened_at, t.posted_at, t.actor, t.comment FROM transactions t \
         LEFT JOIN receipts r ON r.network_id = t.network_id AND r.id = t.receipt_id \
         LEFT JOIN customers c ON c.network_id = t.network_id AND c.id = t.customer_id",
    );
    push_conditions(&mut query, dialect, tenant, filter);
    if let Some(before) = before {
        query.push(" AND t.id < ").bind(before);
    }
    query.push(" ORDER BY t.id DESC LIMIT ").bind(limit);
    let rows: Vec<ListedRow> = statement::load(query.returning::<ListedSql>(), connection)?;
    rows.into_iter().map(listed).collect()
}

/// Totals of one transaction type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeTotal {
    /// The type.
    pub kind: String,
    /// How many transactions.
    pub count: i64,
    /// What they gave to customers.
    pub accrued: Money,
    /// What they took from customers.
    pub redeemed: Money,
}

/// Totals by type, in the order of their names.
///
/// # Errors
/// Those of the database.
pub fn totals(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &TransactionFilter,
) -> Result<Vec<TypeTotal>, StorageError> {
    let dialect = Dialect::of(connection);
    let mut query = Statement::new(dialect);
    query
        .push("SELECT t.kind, t.direction, COUNT(*), ")
        .push(&Dialect::sum("t.amount"))
        .push(" FROM transactions t");
    if filter.looks_at_receipt() {
        query.push(" JOIN receipts r ON r.network_id = t.network_id AND r.id = t.receipt_id");
    }
    push_conditions(&mut query, dialect, tenant, filter);
    query.push(" GROUP BY t.kind, t.direction ORDER BY t.kind, t.direction");
    let rows: Vec<(String, String, i64, i64)> =
        statement::load(query.returning::<(Text, Text, BigInt, BigInt)>(), connection)?;
    let mut totals: Vec<TypeTotal> = Vec::new();
    for (kind, text, count, amount) in rows {
        let same = totals.last().is_some_and(|last| last.kind == kind);
        if !same {
            totals.push(TypeTotal {
                kind,
                count: 0,
                accrued: Money::ZERO,
                redeemed: Money::ZERO,
            });
        }
        if let Some(total) = totals.last_mut() {
            total.count += count;
            let amount = Money::from_kopecks(amount);
            match direction(&text)? {
                Direction::Accrual => total.accrued += amount,
                Direction::Redemption => total.redeemed += amount,
            }
        }
    }
    Ok(totals)
}

/// Bonuses that one venue issued and a venue redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redeemed {
    /// Where they were redeemed.
    pub venue: Option<VenueId>,
    /// Who had issued them; `None`: the network itself, by its people and promotions.
    pub issuer: Option<VenueId>,
    /// How much, less what returns gave back.
    pub amount: Money,
}

/// What venues redeemed of each other's bonuses in a period.
///
/// # Errors
/// Those of the database.
pub fn redeemed_by_issuer(
    connection: &mut AnyConnection,
    tenant: Tenant,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Redeemed>, StorageError> {
    let mut query = Statement::new(Dialect::of(connection));
    query
        .push("SELECT p.venue_id, p.issuer_venue_id, ")
        .push(&Dialect::sum("p.amount"));
    push_postings(&mut query, tenant, BookAccount::Redeemed, from, until);
    query.push(" GROUP BY p.venue_id, p.issuer_venue_id ORDER BY p.venue_id, p.issuer_venue_id");
    let rows: Vec<(Option<i64>, Option<i64>, i64)> = statement::load(
        query.returning::<(Nullable<BigInt>, Nullable<BigInt>, BigInt)>(),
        connection,
    )?;
    Ok(rows
        .into_iter()
        .map(|(venue, issuer, amount)| Redeemed {
            venue: venue.map(VenueId),
            issuer: issuer.map(VenueId),
            amount: Money::from_kopecks(amount),
        })
        .collect())
}

/// What venues issued in a period, less what returns took back.
///
/// # Errors
/// Those of the database.
pub fn issued(
    connection: &mut AnyConnection,
    tenant: Tenant,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Option<VenueId>, Money)>, StorageError> {
    let mut query = Statement::new(Dialect::of(connection));
    query.push("SELECT p.venue_id, ").push(&Dialect::sum("p.amount"));
    push_postings(&mut query, tenant, BookAccount::Issued, from, until);
    query.push(" GROUP BY p.venue_id ORDER BY p.venue_id");
    let rows: Vec<(Option<i64>, i64)> =
        statement::load(query.returning::<(Nullable<BigInt>, BigInt)>(), connection)?;
    // What is given to a customer is taken from the account of who gives.
    Ok(rows
        .into_iter()
        .map(|(venue, amount)| (venue.map(VenueId), -Money::from_kopecks(amount)))
        .collect())
}

fn push_postings(
    query: &mut Statement<'_>,
    tenant: Tenant,
    account: BookAccount,
    from: Timestamp,
    until: Timestamp,
) {
    query
        .push(
            " FROM transactions t JOIN postings p ON p.network_id = t.network_id AND p.transaction_id = t.id \
             WHERE t.network_id = ",
        )
        .bind(tenant.id())
        .push(" AND p.account = ")
        .bind(account.as_str())
        .push(" AND t.happened_at >= ")
        .bind(from)
        .push(" AND t.happened_at < ")
        .bind(until);
}
