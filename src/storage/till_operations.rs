//! What a venue's tills did in a stretch of time: sales, returns, totals.

use chrono::NaiveDateTime;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use kopilka_contract::{Money, Phone};

use super::dialect::Dialect;
use super::statement::{self, Statement};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, ReceiptId, ReturnId, VenueId};

/// Which operations.
#[derive(Debug, Clone)]
pub struct OperationFilter {
    /// The venue.
    pub venue: VenueId,
    /// From this moment,
    pub from: Timestamp,
    /// until before this one.
    pub until: Timestamp,
    /// Only those of this source's till of this name.
    pub till: Option<(&'static str, String)>,
    /// Part of the guest's name, digits of his telephone, the receipt's number or its total.
    pub query: Option<String>,
    /// Only those before this place in the list: time in microseconds, and id.
    pub before: Option<(i64, i64)>,
}

/// A guest of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationGuest {
    /// His id.
    pub id: CustomerId,
    /// His name.
    pub name: Option<String>,
    /// His telephone.
    pub phone: Option<Phone>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// A sale.
    Sale,
    /// A return.
    Return(ReturnId),
}

/// A sale or a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which of the two.
    pub happened: Happened,
    /// The sale, or the one that something came back of.
    pub receipt: ReceiptId,
    /// When.
    pub at: Timestamp,
    /// Number of the receipt.
    pub number: Option<String>,
    /// Id at the source.
    pub external_id: String,
    /// The guest.
    pub guest: Option<OperationGuest>,
    /// Amount of goods, before bonuses.
    pub total: Money,
    /// Paid with bonuses, or given back of them.
    pub redeemed: Money,
    /// Accrued, or taken back of it.
    pub accrued: Money,
    /// What has come back of the sale so far; of a return its own amount.
    pub returned: Money,
    /// Where the sale stands now.
    pub status: String,
    /// Name of who sold.
    pub waiter: Option<String>,
    /// Who took it back: `user:usr_…` or `key:key_…`.
    pub actor: Option<String>,
    /// The till.
    pub till: Option<String>,
    /// How many lines the sale has.
    pub lines: i64,
}

impl Operation {
    /// Its place in the list: time in microseconds, and id.
    pub fn place(&self) -> (i64, i64) {
        let id = match self.happened {
            Happened::Sale => self.receipt.0,
            Happened::Return(id) => id.0,
        };
        (self.at.timestamp_micros(), id)
    }
}

/// ` AND …` for what a filter says of a receipt `r` and its customer `c`.
fn push_receipt<'a>(statement: &mut Statement<'a>, dialect: Dialect, filter: &'a OperationFilter) {
    if let Some((source, till)) = &filter.till {
        statement
            .push(" AND r.source = ")
            .bind(*source)
            .push(" AND r.till = ")
            .bind(till.as_str());
    }
    let Some(text) = &filter.query else { return };
    statement
        .push(" AND (r.number = ")
        .bind(text.trim())
        .push(&format!(" OR COALESCE({}, '') LIKE ", dialect.lower("c.name")))
        .bind(Dialect::containing(text))
        .push(" ESCAPE '\\'");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 3 {
        statement
            .push(" OR COALESCE(c.phone, '') LIKE ")
            .bind(format!("%{digits}%"));
    }
    // As people write amounts: 1 615,00.
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{a0}' && *c != '₽')
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    if let Ok(amount) = plain.parse::<Money>() {
        statement.push(" OR r.total = ").bind(amount);
    }
    statement.push(")");
}

/// ` AND …` for the stretch of time and the place in the list.
fn push_time<'a>(
    statement: &mut Statement<'a>,
    filter: &OperationFilter,
    (at, id): (&str, &str),
) -> Result<(), StorageError> {
    statement
        .push(&format!(" AND {at} >= "))
        .bind(filter.from)
        .push(&format!(" AND {at} < "))
        .bind(filter.until);
    if let Some((micros, last)) = filter.before {
        let before = Timestamp::from_timestamp_micros(micros)
            .ok_or_else(|| StorageError::Corrupt("a cursor".to_owned()))?;
        statement
            .push(&format!(" AND ({at} < "))
            .bind(before)
            .push(&format!(" OR ({at} = "))
            .bind(before)
            .push(&format!(" AND {id} < "))
            .bind(last)
            .push("))");
    }
    Ok(())
}

type Sql = (
    BigInt,
    BigInt,
    SqlTimestamp,
    Nullable<Text>,
    Text,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    BigInt,
);
type Row = (
    i64,
    i64,
    NaiveDateTime,
    Option<String>,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
);

fn operation(row: Row) -> Operation {
    let money = Money::from_kopecks;
    Operation {
        receipt: ReceiptId(row.0),
        happened: if row.1 == 0 {
            Happened::Sale
        } else {
            Happened::Return(ReturnId(row.1))
        },
        at: row.2.and_utc(),
        number: row.3,
        external_id: row.4,
        guest: row.5.map(|id| OperationGuest {
            id: CustomerId(id),
            name: row.6,
            phone: row.7.and_then(|digits| Phone::parse(&format!("+{digits}"))),
        }),
        total: money(row.8),
        redeemed: money(row.9),
        accrued: money(row.10),
        returned: money(row.11),
        status: row.12,
        waiter: row.13,
        actor: row.14,
        till: row.15,
        lines: row.16,
    }
}

const LINES: &str =
    "(SELECT COUNT(*) FROM receipt_lines l WHERE l.network_id = r.network_id AND l.receipt_id = r.id)";

/// Sales and returns, the newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &OperationFilter,
    limit: i64,
) -> Result<Vec<Operation>, StorageError> {
    let dialect = Dialect::of(connection);
    let mut sales = Statement::new(dialect);
    sales
        .push(
            "SELECT r.id, CAST(0 AS BIGINT), r.closed_at, r.number, r.external_id, r.customer_id, c.name, c.phone, r.total, \
             r.redeemed, r.accrued, (SELECT ",
        )
        .push(&Dialect::sum("t.amount"))
        .push(
            " FROM returns t WHERE t.network_id = r.network_id AND t.sale_venue_id = r.venue_id AND t.sale_source = r.source \
             AND t.sale_external_id = r.external_id AND t.receipt_id = r.id), r.status, r.waiter, NULL, r.till, ",
        )
        .push(LINES)
        .push(
            " FROM receipts r LEFT JOIN customers c ON c.network_id = r.network_id AND c.id = r.customer_id \
             WHERE r.network_id = ",
        )
        .bind(tenant.id())
        .push(" AND r.venue_id = ")
        .bind(filter.venue.0);
    push_time(&mut sales, filter, ("r.closed_at", "r.id"))?;
    push_receipt(&mut sales, dialect, filter);
    sales
        .push(" ORDER BY r.closed_at DESC, r.id DESC LIMIT ")
        .bind(limit);

    let mut returns = Statement::new(dialect);
    returns
        .push(
            "SELECT r.id, t.id, t.posted_at, r.number, t.external_id, r.customer_id, c.name, c.phone, t.amount, \
             t.redemption_undone, t.accrual_undone, t.amount, r.status, r.waiter, t.actor, r.till, ",
        )
        .push(LINES)
        .push(
            " FROM returns t JOIN receipts r ON r.network_id = t.network_id AND r.id = t.receipt_id \
             LEFT JOIN customers c ON c.network_id = r.network_id AND c.id = r.customer_id WHERE t.network_id = ",
        )
        .bind(tenant.id())
        .push(" AND t.venue_id = ")
        .bind(filter.venue.0);
    push_time(&mut returns, filter, ("t.posted_at", "t.id"))?;
    push_receipt(&mut returns, dialect, filter);
    returns
        .push(" ORDER BY t.posted_at DESC, t.id DESC LIMIT ")
        .bind(limit);

    let mut rows: Vec<Row> = statement::load(sales.returning::<Sql>(), connection)?;
    let given_back: Vec<Row> = statement::load(returns.returning::<Sql>(), connection)?;
    rows.extend(given_back);
    let mut operations: Vec<Operation> = rows.into_iter().map(operation).collect();
    operations.sort_by_key(|o| std::cmp::Reverse(o.place()));
    operations.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(operations)
}

/// What one cashier sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CashierTotal {
    /// His name; empty: the receipts name nobody.
    pub name: String,
    /// How many receipts.
    pub receipts: i64,
    /// Their totals, before bonuses.
    pub total: Money,
}

/// Totals of a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many receipts.
    pub receipts: i64,
    /// Their totals, before bonuses.
    pub total: Money,
    /// Paid with bonuses.
    pub redeemed: Money,
    /// Accrued.
    pub accrued: Money,
    /// How many returns.
    pub returns: i64,
    /// Amount of goods that came back.
    pub returned: Money,
    /// Money given back for them.
    pub refunded: Money,
    /// How many known guests.
    pub guests: i64,
    /// Of them, those who joined in the same stretch of time.
    pub new_guests: i64,
    /// By who sold, in the order of names.
    pub by_cashier: Vec<CashierTotal>,
}

/// Totals of what a filter finds; its query and place in the list don't count.
///
/// # Errors
/// Those of the database.
pub fn totals(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &OperationFilter,
) -> Result<Totals, StorageError> {
    let filter = OperationFilter {
        query: None,
        before: None,
        ..filter.clone()
    };
    let dialect = Dialect::of(connection);
    let sold = |statement: &mut Statement<'_>| -> Result<(), StorageError> {
        statement
            .push(
                " FROM receipts r LEFT JOIN customers c ON c.network_id = r.network_id AND c.id = r.customer_id \
                 WHERE r.network_id = ",
            )
            .bind(tenant.id())
            .push(" AND r.venue_id = ")
            .bind(filter.venue.0);
        push_time(statement, &filter, ("r.closed_at", "r.id"))
    };
    let mut sums = Statement::new(dialect);
    sums.push("SELECT COUNT(*), ")
        .push(&Dialect::sum("r.total"))
        .push(", ")
        .push(&Dialect::sum("r.redeemed"))
        .push(", ")
        .push(&Dialect::sum("r.accrued"))
        .push(", COUNT(DISTINCT r.customer_id), COUNT(DISTINCT CASE WHEN c.registered_at >= ")
        .bind(filter.from)
        .push(" AND c.registered_at < ")
        .bind(filter.until)
        .push(" THEN c.id END)");
    sold(&mut sums)?;
    push_receipt(&mut sums, dialect, &filter);
    type Sums = (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt);
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = statement::load(sums.returning::<Sums>(), connection)?;
    let (receipts, total, redeemed, accrued, guests, new_guests) =
        rows.into_iter().next().unwrap_or_default();

    let mut back = Statement::new(dialect);
    back.push("SELECT COUNT(*), ")
        .push(&Dialect::sum("t.amount"))
        .push(", ")
        .push(&Dialect::sum("t.amount - t.redemption_undone"))
        .push(
            " FROM returns t JOIN receipts r ON r.network_id = t.network_id AND r.id = t.receipt_id WHERE t.network_id = ",
        )
        .bind(tenant.id())
        .push(" AND t.venue_id = ")
        .bind(filter.venue.0);
    push_time(&mut back, &filter, ("t.posted_at", "t.id"))?;
    push_receipt(&mut back, dialect, &filter);
    let rows: Vec<(i64, i64, i64)> =
        statement::load(back.returning::<(BigInt, BigInt, BigInt)>(), connection)?;
    let (returns, returned, refunded) = rows.into_iter().next().unwrap_or_default();

    let mut who = Statement::new(dialect);
    who.push("SELECT COALESCE(r.waiter, ''), COUNT(*), ")
        .push(&Dialect::sum("r.total"));
    sold(&mut who)?;
    push_receipt(&mut who, dialect, &filter);
    who.push(" GROUP BY COALESCE(r.waiter, '') ORDER BY 1");
    let rows: Vec<(String, i64, i64)> =
        statement::load(who.returning::<(Text, BigInt, BigInt)>(), connection)?;
    let money = Money::from_kopecks;
    Ok(Totals {
        receipts,
        total: money(total),
        redeemed: money(redeemed),
        accrued: money(accrued),
        returns,
        returned: money(returned),
        refunded: money(refunded),
        guests,
        new_guests,
        by_cashier: rows
            .into_iter()
            .map(|(name, receipts, total)| CashierTotal {
                name,
                receipts,
                total: money(total),
            })
            .collect(),
    })
}
