//! Proving the books: every invariant and every chain, on a live database, for anybody to run.

use std::collections::HashMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::Timestamp;
use crate::domain::books::{HashedContent, chain_hash};
use crate::domain::ids::{CustomerId, LotId, ReceiptId, TransactionId};
use crate::storage::books::{self, AccountRow, CheckpointRow, Page, PostingRow, TransactionRow};
use crate::storage::{AnyConnection, StorageError, Store, Tenant};

/// Customers read at a time.
const PAGE: i64 = 1000;
/// Heads read at a time.
const HEADS: i64 = 10_000;

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Networks.
    pub networks: u64,
    /// Accounts of customers.
    pub accounts: u64,
    /// Transactions, each with its place in its chain.
    pub transactions: u64,
    /// Postings.
    pub postings: u64,
    /// Lots.
    pub lots: u64,
    /// Receipts.
    pub receipts: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// How many rows are broken.
    pub broken: u64,
    /// The first of them.
    pub first: Option<String>,
}

impl Report {
    /// Whether everything is as it must be.
    pub fn is_clean(&self) -> bool {
        self.broken == 0
    }

    fn fault(&mut self, what: impl FnOnce() -> String) {
        self.broken += 1;
        if self.first.is_none() {
            self.first = Some(what());
        }
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fault(what);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "networks      {:>12}", self.networks)?;
        writeln!(f, "accounts      {:>12}", self.accounts)?;
        writeln!(f, "transactions  {:>12}", self.transactions)?;
        writeln!(f, "postings      {:>12}", self.postings)?;
        writeln!(f, "lots          {:>12}", self.lots)?;
        writeln!(f, "receipts      {:>12}", self.receipts)?;
        writeln!(f, "checkpoints   {:>12}", self.checkpoints)?;
        match &self.first {
            None => write!(f, "The books are right."),
            Some(first) => write!(f, "BROKEN: {} rows. The first: {first}", self.broken),
        }
    }
}

/// Checks all invariants and all chains of all networks.
///
/// # Errors
/// Those of the database; what is wrong in the books is in the report.
pub fn verify(store: &Store) -> Result<Report, StorageError> {
    let mut report = Report::default();
    let mut connection = store.connection()?;
    for tenant in books::all_networks(&mut connection)? {
        report.networks += 1;
        verify_network(&mut connection, tenant, &mut report)?;
    }
    Ok(report)
}

fn verify_network(
    connection: &mut AnyConnection,
    tenant: Tenant,
    report: &mut Report,
) -> Result<(), StorageError> {
    // Counted first: what is booked while we read is more, never less.
    let totals = books::totals(connection, tenant)?;
    let before = (report.transactions, report.postings);
    let mut after = i64::MIN;
    loop {
        let page = books::page(connection, tenant, after, PAGE)?;
        let Some(last) = page.accounts.last() else { break };
        after = last.customer_id;
        verify_page(tenant, &page, report);
    }
    let seen = (report.transactions - before.0, report.postings - before.1);
    let network = tenant.network();
    let at_least = |seen: u64, counted: i64| i64::try_from(seen).is_ok_and(|seen| seen >= counted);
    report.check(at_least(seen.0, totals.transactions), || {
        format!("{network}: transactions of customers without an account")
    });
    report.check(at_least(seen.1, totals.postings), || {
        format!("{network}: postings without a transaction")
    });
    report.check(totals.orphan_lots == 0, || {
        format!(
            "{network}: {} lots of customers without an account",
            totals.orphan_lots
        )
    });
    report.check(totals.impossible_lots == 0, || {
        format!(
            "{network}: {} lots with more or less left than there can be",
            totals.impossible_lots
        )
    });
    report.lots += totals.lots.unsigned_abs();
    report.receipts += totals.receipts.unsigned_abs();
    for (receipt, booked, said) in books::receipts_out_of_balance(connection, tenant)? {
        report.fault(|| {
            format!(
                "{}: its transactions add up to {booked}, it says {said}",
                ReceiptId(receipt)
            )
        });
    }
    verify_checkpoints(connection, tenant, report)
}

fn verify_page(tenant: Tenant, page: &Page, report: &mut Report) {
    let mut postings: HashMap<i64, Vec<&PostingRow>> = HashMap::new();
    for posting in &page.postings {
        postings.entry(posting.transaction_id).or_default().push(posting);
    }
    let mut chains: HashMap<i64, Vec<&TransactionRow>> = HashMap::new();
    for transaction in &page.transactions {
        chains
            .entry(transaction.customer_id)
            .or_default()
            .push(transaction);
    }
    let mut held_of_lot: HashMap<i64, i64> = HashMap::new();
    let mut open: HashMap<i64, i64> = HashMap::new();
    for (customer, lot, amount) in &page.held {
        *held_of_lot.entry(*lot).or_default() += amount;
        *open.entry(*customer).or_default() += amount;
    }
    let mut left: HashMap<i64, i64> = HashMap::new();
    for lot in &page.lots {
        let held = held_of_lot.get(&lot.id).copied().unwrap_or_default();
        let within = lot.remaining >= 0 && lot.remaining + held <= lot.amount;
        report.check(within, || {
            format!(
                "{}: {} left and {held} held of {}",
                LotId(lot.id),
                lot.remaining,
                lot.amount
            )
        });
        *open.entry(lot.customer_id).or_default() += lot.remaining;
        *left.entry(lot.customer_id).or_default() += lot.remaining;
    }
    report.accounts += u64::try_from(page.accounts.len()).unwrap_or(0);
    report.postings += u64::try_from(page.postings.len()).unwrap_or(0);
    report.transactions += u64::try_from(page.transactions.len()).unwrap_or(0);
    for account in &page.accounts {
        let chain = chains.remove(&account.customer_id).unwrap_or_default();
        let booked = verify_chain(tenant, account, &chain, &postings, report);
        let customer = CustomerId(account.customer_id);
        let has = open.get(&account.customer_id).copied().unwrap_or_default() - account.debt;
        report.check(booked == has, || {
            format!("{customer}: postings add up to {booked}, lots + held − debt to {has}")
        });
        let beside = left.get(&account.customer_id).copied().unwrap_or_default();
        report.check(account.debt >= 0 && (account.debt == 0 || beside == 0), || {
            format!("{customer}: owes {} beside lots with {beside} left", account.debt)
        });
    }
    for (customer, chain) in chains {
        report.fault(|| {
            format!(
                "{}: {} transactions without an account",
                CustomerId(customer),
                chain.len()
            )
        });
    }
}

/// Checks one customer's chain; returns what his postings add up to.
fn verify_chain(
    tenant: Tenant,
    account: &AccountRow,
    chain: &[&TransactionRow],
    postings: &HashMap<i64, Vec<&PostingRow>>,
    report: &mut Report,
) -> i64 {
    let mut previous = [0; 32];
    let mut booked = 0;
    for (expected, t) in (1..).zip(chain) {
        let id = TransactionId(t.id);
        let sides = postings.get(&t.id).map(Vec::as_slice).unwrap_or_default();
        let sum: i64 = sides.iter().map(|p| p.amount).sum();
        report.check(sides.len() >= 2 && sum == 0, || {
            format!("{id}: {} postings add up to {sum}", sides.len())
        });
        let signed = if t.direction == "accrual" {
            t.amount
        } else {
            -t.amount
        };
        let own: i64 = sides
            .iter()
            .filter(|p| p.account == "customer")
            .map(|p| p.amount)
            .sum();
        report.check(own == signed, || {
            format!("{id}: the customer's posting is {own}, the amount {signed}")
        });
        report.check(sides.iter().all(|p| p.customer_id == t.customer_id), || {
            format!("{id}: a posting of another customer")
        });
        booked += own;
        report.check(t.sequence == expected, || {
            format!("{id}: number {} where {expected} comes", t.sequence)
        });
        let hash = content_hash(tenant, &previous, t, sides);
        report.check(t.hash == hash, || {
            format!("{id}: its hash does not match its content and its predecessor")
        });
        previous = hash;
    }
    let customer = CustomerId(account.customer_id);
    report.check(usize::try_from(account.sequence) == Ok(chain.len()), || {
        format!(
            "{customer}: {} transactions, the account says {}",
            chain.len(),
            account.sequence
        )
    });
    report.check(account.head == previous, || {
        format!("{customer}: the end of the chain is not the account's")
    });
    booked
}

fn content_hash(tenant: Tenant, previous: &[u8; 32], t: &TransactionRow, sides: &[&PostingRow]) -> [u8; 32] {
    let content = HashedContent {
        id: t.id,
        network: tenant.id(),
        customer: t.customer_id,
        sequence: t.sequence,
        kind: &t.kind,
        direction: &t.direction,
        amount: t.amount,
        venue: t.venue_id.unwrap_or(0),
        receipt: t.receipt_id.unwrap_or(0),
        return_id: t.return_id.unwrap_or(0),
        happened_at: t.happened_at.and_utc().timestamp_micros(),
        posted_at: t.posted_at.and_utc().timestamp_micros(),
        actor: &t.actor,
        comment: t.comment.as_deref().unwrap_or_default(),
        postings: sides
            .iter()
            .map(|p| {
                (
                    p.account.as_str(),
                    p.venue_id.unwrap_or(0),
                    p.issuer_venue_id.unwrap_or(0),
                    p.amount,
                )
            })
            .collect(),
    };
    chain_hash(previous, &content)
}

/// Hashes all heads of a network as they stood before `until`, after the hash of the checkpoint before.
fn hash_heads(
    connection: &mut AnyConnection,
    tenant: Tenant,
    until: Timestamp,
    previous: &[u8],
) -> Result<(i64, i64, [u8; 32]), StorageError> {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    let (mut customers, mut transactions, mut after) = (0, 0, i64::MIN);
    loop {
        let heads = books::heads(connection, tenant, until, after, HEADS)?;
        let Some((last, ..)) = heads.last() else { break };
        after = *last;
        for (customer, sequence, hash) in &heads {
            hasher.update(customer.to_be_bytes());
            hasher.update(sequence.to_be_bytes());
            hasher.update(hash);
            customers += 1;
            transactions += sequence;
        }
    }
    Ok((customers, transactions, hasher.finalize().into()))
}

fn verify_checkpoints(
    connection: &mut AnyConnection,
    tenant: Tenant,
    report: &mut Report,
) -> Result<(), StorageError> {
    let mut previous = Vec::new();
    for (expected, row) in (1..).zip(books::all_checkpoints(connection, tenant)?) {
        report.checkpoints += 1;
        let name = format!("checkpoint {} of {}", row.sequence, tenant.network());
        report.check(row.sequence == expected, || {
            format!("{name}: number {expected} is missing")
        });
        let (customers, transactions, hash) =
            hash_heads(connection, tenant, row.covers_until.and_utc(), &previous)?;
        report.check(row.hash == hash, || {
            format!(
                "{name}: covered {} customers and {} transactions, now {customers} and {transactions}",
                row.customers, row.transactions
            )
        });
        previous = row.hash;
    }
    Ok(())
}

/// How far behind now a checkpoint stays: no commit takes so long, so what it covers is complete.
const CHECKPOINT_LAG_MINUTES: i64 = 10;

/// Makes the next checkpoint of a network: the nightly job.
///
/// # Errors
/// Those of the database.
pub fn checkpoint(store: &Store, tenant: Tenant, now: Timestamp) -> Result<(), StorageError> {
    let mut connection = store.connection()?;
    let last = books::all_checkpoints(&mut connection, tenant)?.pop();
    let covers_until = now - chrono::Duration::minutes(CHECKPOINT_LAG_MINUTES);
    let (previous, sequence) = last.map_or((Vec::new(), 0), |row| (row.hash, row.sequence));
    let (customers, transactions, hash) = hash_heads(&mut connection, tenant, covers_until, &previous)?;
    let row = CheckpointRow {
        sequence: sequence + 1,
        covers_until: covers_until.naive_utc(),
        customers,
        transactions,
        hash: hash.to_vec(),
    };
    books::add_checkpoint(&mut connection, tenant, &row, now)
}
