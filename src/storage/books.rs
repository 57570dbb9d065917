//! Reading the books to prove them, and their checkpoints.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};

use super::connection::write_tx;
use super::dialect::Dialect;
use super::schema::{accounts, checkpoints, hold_parts, holds, lots, networks, postings, transactions};
use super::statement::{Statement, load_rows};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::NetworkId;

/// All networks, for workers and for verifying.
///
/// # Errors
/// Those of the database.
pub fn all_networks(connection: &mut AnyConnection) -> Result<Vec<Tenant>, StorageError> {
    let ids: Vec<i64> = networks::table
        .select(networks::id)
        .order(networks::id)
        .load(connection)?;
    Ok(ids.into_iter().map(|id| Tenant::proven(NetworkId(id))).collect())
}

/// An account as stored.
#[derive(Debug, Clone, Queryable)]
pub struct AccountRow {
    /// The customer.
    pub customer_id: i64,
    /// What he owes.
    pub debt: i64,
    /// How many transactions he has.
    pub sequence: i64,
    /// Hash of the last.
    pub head: Vec<u8>,
}

/// A transaction as stored.
#[derive(Debug, Clone, Queryable)]
pub struct TransactionRow {
    /// Its id.
    pub id: i64,
    /// The customer.
    pub customer_id: i64,
    /// Its place in the customer's chain.
    pub sequence: i64,
    /// Type.
    pub kind: String,
    /// `accrual` or `redemption`.
    pub direction: String,
    /// Kopecks.
    pub amount: i64,
    /// The venue.
    pub venue_id: Option<i64>,
    /// The receipt.
    pub receipt_id: Option<i64>,
    /// The return.
    pub return_id: Option<i64>,
    /// When it happened.
    pub happened_at: NaiveDateTime,
    /// When it was booked.
    pub posted_at: NaiveDateTime,
    /// Who caused it.
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// A posting as stored.
#[derive(Debug, Clone, Queryable)]
pub struct PostingRow {
    /// Its transaction.
    pub transaction_id: i64,
    /// Its place in the transaction.
    pub sequence: i32,
    /// The account.
    pub account: String,
    /// The customer.
    pub customer_id: i64,
    /// The venue.
    pub venue_id: Option<i64>,
    /// Who had issued the bonuses.
    pub issuer_venue_id: Option<i64>,
    /// Kopecks.
    pub amount: i64,
}

/// A lot as stored.
#[derive(Debug, Clone, Queryable)]
pub struct LotRow {
    /// Its id.
    pub id: i64,
    /// The customer.
    pub customer_id: i64,
    /// What was credited.
    pub amount: i64,
    /// What is left.
    pub remaining: i64,
}

/// Some customers' books, all read at one moment.
#[derive(Debug, Default)]
pub struct Page {
    /// Accounts, by customer.
    pub accounts: Vec<AccountRow>,
    /// Their transactions, by customer and sequence.
    pub transactions: Vec<TransactionRow>,
    /// Their postings, by transaction and sequence.
    pub postings: Vec<PostingRow>,
    /// Their lots that have something left or on hold.
    pub lots: Vec<LotRow>,
    /// What active holds hold: (customer, lot, kopecks).
    pub held: Vec<(i64, i64, i64)>,
}

/// The books of at most `limit` customers after `after`, in one consistent read.
///
/// # Errors
/// Those of the database.
pub fn page(
    connection: &mut AnyConnection,
    tenant: Tenant,
    after: i64,
    limit: i64,
) -> Result<Page, StorageError> {
    in_one_snapshot(connection, |connection| {
        let accounts: Vec<AccountRow> = accounts::table
            .filter(
                accounts::network_id
                    .eq(tenant.id())
                    .and(accounts::customer_id.gt(after)),
            )
            .order(accounts::customer_id)
            .limit(limit)
            .select((
                accounts::customer_id,
                accounts::debt,
                accounts::sequence,
                accounts::head,
            ))
            .load(connection)?;
        let Some(last) = accounts.last().map(|a| a.customer_id) else {
            return Ok(Page::default());
        };
        let transactions = transactions::table
            .filter(transactions::network_id.eq(tenant.id()))
            .filter(
                transactions::customer_id
                    .gt(after)
                    .and(transactions::customer_id.le(last)),
            )
            .order((transactions::customer_id, transactions::sequence))
            .select((
                transactions::id,
                transactions::customer_id,
                transactions::sequence,
                transactions::kind,
                transactions::direction,
                transactions::amount,
                transactions::venue_id,
                transactions::receipt_id,
                transactions::return_id,
                transactions::happened_at,
                transactions::posted_at,
                transactions::actor,
                transactions::comment,
                transactions::hash,
            ))
            .load(connection)?;
        let postings = postings::table
            .inner_join(
                transactions::table.on(transactions::network_id
                    .eq(postings::network_id)
                    .and(transactions::id.eq(postings::transaction_id))),
            )
            .filter(transactions::network_id.eq(tenant.id()))
            .filter(
                transactions::customer_id
                    .gt(after)
                    .and(transactions::customer_id.le(last)),
            )
            .order((postings::transaction_id, postings::sequence))
            .select((
                postings::transaction_id,
                postings::sequence,
                postings::account,
                postings::customer_id,
                postings::venue_id,
                postings::issuer_venue_id,
                postings::amount,
            ))
            .load(connection)?;
        let mut lots: Vec<LotRow> = lots::table
            .filter(lots::network_id.eq(tenant.id()))
            .filter(lots::customer_id.gt(after).and(lots::customer_id.le(last)))
            // As it stands in the partial index, which finds these without reading everybody's lots.
            .filter(sql::<Bool>("lots.remaining > 0"))
            .select((lots::id, lots::customer_id, lots::amount, lots::remaining))
            .load(connection)?;
        let held_whole = hold_parts::table
            .inner_join(
                holds::table.on(holds::network_id
                    .eq(hold_parts::network_id)
                    .and(holds::id.eq(hold_parts::hold_id))),
            )
            .inner_join(
                lots::table.on(lots::network_id
                    .eq(hold_parts::network_id)
                    .and(lots::id.eq(hold_parts::lot_id))),
            )
            .filter(holds::network_id.eq(tenant.id()).and(holds::status.eq("active")))
            .filter(holds::customer_id.gt(after).and(holds::customer_id.le(last)))
            .filter(lots::remaining.le(0))
            .select((lots::id, lots::customer_id, lots::amount, lots::remaining))
            .distinct()
            .load::<LotRow>(connection)?;
        let held = hold_parts::table
            .inner_join(
                holds::table.on(holds::network_id
                    .eq(hold_parts::network_id)
                    .and(holds::id.eq(hold_parts::hold_id))),
            )
            .filter(holds::network_id.eq(tenant.id()).and(holds::status.eq("active")))
            .filter(holds::customer_id.gt(after).and(holds::customer_id.le(last)))
            .select((holds::customer_id, hold_parts::lot_id, hold_parts::amount))
            .load(connection)?;
        lots.extend(held_whole);
        Ok(Page {
            accounts,
            transactions,
            postings,
            lots,
            held,
        })
    })
}

/// Several reads of one moment, while others write.
fn in_one_snapshot<T>(
    connection: &mut AnyConnection,
    read: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    use diesel::connection::SimpleConnection;
    let (begin, end) = match connection {
        AnyConnection::Postgres(_) => (
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "COMMIT",
        ),
        AnyConnection::Sqlite(_) => ("BEGIN DEFERRED", "COMMIT"),
    };
    connection.batch_execute(begin)?;
    let result = read(connection);
    connection.batch_execute(if result.is_ok() { end } else { "ROLLBACK" })?;
    result
}

/// What a network has in all. Transactions and postings that belong to no account show as a difference from what
/// [`page`] gives.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Totals {
    /// Transactions.
    pub transactions: i64,
    /// Postings.
    pub postings: i64,
    /// Receipts.
    pub receipts: i64,
    /// Lots, used up or not.
    pub lots: i64,
    /// Lots of customers without an account.
    pub orphan_lots: i64,
    /// Lots with less than nothing left, or with more than was credited.
    pub impossible_lots: i64,
}

/// Counts what a network has.
///
/// # Errors
/// Those of the database.
pub fn totals(connection: &mut AnyConnection, tenant: Tenant) -> Result<Totals, StorageError> {
    let mut statement = Statement::new(Dialect::of(connection));
    statement
        .push("SELECT (SELECT COUNT(*) FROM transactions WHERE network_id = ")
        .bind(tenant.id());
    statement
        .push("), (SELECT COUNT(*) FROM postings WHERE network_id = ")
        .bind(tenant.id());
    statement
        .push("), (SELECT COUNT(*) FROM receipts WHERE network_id = ")
        .bind(tenant.id());
    statement
        .push("), (SELECT COUNT(*) FROM lots WHERE network_id = ")
        .bind(tenant.id());
    statement
        .push("), (SELECT COUNT(*) FROM lots WHERE network_id = ")
        .bind(tenant.id());
    statement.push(
        " AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.network_id = lots.network_id \
         AND a.customer_id = lots.customer_id))",
    );
    statement
        .push(", (SELECT COUNT(*) FROM lots WHERE network_id = ")
        .bind(tenant.id())
        .push(" AND (remaining < 0 OR remaining > amount))");
    let rows: Vec<Totals> = load_rows(
        connection,
        statement.returning::<(BigInt, BigInt, BigInt, BigInt, BigInt, BigInt)>(),
    )?;
    rows.into_iter()
        .next()
        .ok_or_else(|| StorageError::Corrupt("a count without a row".to_owned()))
}

/// Receipts whose transactions do not add up to what the receipt and its returns say: (receipt, in the books, on the
/// receipt), at most a hundred.
///
/// # Errors
/// Those of the database.
pub fn receipts_out_of_balance(
    connection: &mut AnyConnection,
    tenant: Tenant,
) -> Result<Vec<(i64, i64, i64)>, StorageError> {
    let mut statement = Statement::new(Dialect::of(connection));
    let sum = Dialect::sum;
    statement.push(
        "SELECT x.id, x.booked, x.said FROM (SELECT r.id, COALESCE(t.s, 0) - COALESCE(w.s, 0) AS booked, ",
    );
    statement
        .push("(r.accrued - COALESCE(l.a, 0)) - (r.redeemed - COALESCE(l.r, 0)) AS said FROM receipts r ");
    statement
        .push("LEFT JOIN (SELECT receipt_id, ")
        .push(&sum("CASE direction WHEN 'accrual' THEN amount ELSE -amount END"))
        .push(" AS s FROM transactions WHERE network_id = ")
        .bind(tenant.id())
        .push(" AND receipt_id IS NOT NULL GROUP BY receipt_id) t ON t.receipt_id = r.id ");
    statement
        .push("LEFT JOIN (SELECT receipt_id, ")
        .push(&sum("amount"))
        .push(" AS s FROM write_offs WHERE network_id = ")
        .bind(tenant.id())
        .push(" AND receipt_id IS NOT NULL GROUP BY receipt_id) w ON w.receipt_id = r.id ");
    statement
        .push("LEFT JOIN (SELECT receipt_id, ")
        .push(&sum("accrual_undone"))
        .push(" AS a, ")
        .push(&sum("redemption_undone"))
        .push(" AS r FROM receipt_lines WHERE network_id = ")
        .bind(tenant.id())
        .push(" GROUP BY receipt_id) l ON l.receipt_id = r.id WHERE r.network_id = ")
        .bind(tenant.id())
        .push(") x WHERE x.booked <> x.said LIMIT 100");
    Ok(load_rows(
        connection,
        statement.returning::<(BigInt, BigInt, BigInt)>(),
    )?)
}

/// The ends of the customers' chains as they stood before `until`: (customer, sequence, hash), by customer.
///
/// # Errors
/// Those of the database.
pub fn heads(
    connection: &mut AnyConnection,
    tenant: Tenant,
    until: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, i64, Vec<u8>)>, StorageError> {
    let mut statement = Statement::new(Dialect::of(connection));
    statement
        .push("SELECT t.customer_id, t.sequence, t.hash FROM transactions t WHERE t.network_id = ")
        .bind(tenant.id())
        .push(" AND t.posted_at < ")
        .bind(until)
        .push(" AND t.customer_id > ")
        .bind(after)
        .push(
            " AND NOT EXISTS (SELECT 1 FROM transactions n WHERE n.network_id = t.network_id \
             AND n.customer_id = t.customer_id AND n.sequence = t.sequence + 1 AND n.posted_at < ",
        )
        .bind(until)
        .push(") ORDER BY t.customer_id, t.sequence LIMIT ")
        .bind(limit);
    Ok(load_rows(
        connection,
        statement.returning::<(BigInt, BigInt, Binary)>(),
    )?)
}

/// A checkpoint as stored.
#[derive(Debug, Clone, Queryable)]
pub struct CheckpointRow {
    /// Its number, from 1.
    pub sequence: i64,
    /// It covers what was booked before this.
    pub covers_until: NaiveDateTime,
    /// How many customers.
    pub customers: i64,
    /// How many transactions.
    pub transactions: i64,
    /// Hash of all heads and of the checkpoint before.
    pub hash: Vec<u8>,
}

/// All checkpoints of a network, in order.
///
/// # Errors
/// Those of the database.
pub fn all_checkpoints(
    connection: &mut AnyConnection,
    tenant: Tenant,
) -> Result<Vec<CheckpointRow>, StorageError> {
    Ok(checkpoints::table
        .filter(checkpoints::network_id.eq(tenant.id()))
        .order(checkpoints::sequence)
        .select((
            checkpoints::sequence,
            checkpoints::covers_until,
            checkpoints::customers,
            checkpoints::transactions,
            checkpoints::hash,
        ))
        .load(connection)?)
}

/// Adds a checkpoint.
///
/// # Errors
/// Those of the database; a unique violation where another instance added the same one.
pub fn add_checkpoint(
    connection: &mut AnyConnection,
    tenant: Tenant,
    row: &CheckpointRow,
    now: Timestamp,
) -> Result<(), StorageError> {
    write_tx(connection, |connection| {
        diesel::insert_into(checkpoints::table)
            .values((
                checkpoints::network_id.eq(tenant.id()),
                checkpoints::sequence.eq(row.sequence),
                checkpoints::covers_until.eq(row.covers_until),
                checkpoints::customers.eq(row.customers),
                checkpoints::transactions.eq(row.transactions),
                checkpoints::hash.eq(&row.hash),
                checkpoints::created_at.eq(now.naive_utc()),
            ))
            .execute(connection)?;
        Ok(())
    })
}

/// Customers for whom time has something to do: a lot expired or a hold ended, and nobody wrote it down yet.
///
/// # Errors
/// Those of the database.
pub fn due_customers(
    connection: &mut AnyConnection,
    tenant: Tenant,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    Ok(accounts::table
        .filter(
            accounts::network_id
                .eq(tenant.id())
                .and(accounts::due_at.le(now.naive_utc())),
        )
        .order(accounts::due_at)
        .limit(limit)
        .select(accounts::customer_id)
        .load(connection)?)
}

/// Customers with a positive balance or debt whose last purchase was before `since`, after customer `after`.
///
/// # Errors
/// Those of the database.
pub fn inactive_customers(
    connection: &mut AnyConnection,
    tenant: Tenant,
    since: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    let mut statement = Statement::new(Dialect::of(connection));
    statement
        .push("SELECT a.customer_id, a.version FROM accounts a WHERE a.network_id = ")
        .bind(tenant.id())
        .push(" AND a.customer_id > ")
        .bind(after)
        .push(" AND a.last_purchase_at < ")
        .bind(since)
        .push(
            " AND (a.debt > 0 OR EXISTS (SELECT 1 FROM lots l WHERE l.network_id = a.network_id \
             AND l.customer_id = a.customer_id AND l.remaining > 0 AND l.starts_at <= ",
        )
        .bind(since)
        .push(")) ORDER BY a.customer_id LIMIT ")
        .bind(limit);
    let rows: Vec<(i64, i64)> = load_rows(connection, statement.returning::<(BigInt, BigInt)>())?;
    Ok(rows.into_iter().map(|(customer, _)| customer).collect())
}
