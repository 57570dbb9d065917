//! Somebody with the database's own keys changes posted rows: the proof of the books finds it and says where.

use chrono::Duration;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use kopilka::clock::Clock;
use kopilka::domain::ids::{CustomerId, LotId, ReceiptId, TransactionId};
use kopilka::ledger::verify::{Report, checkpoint, verify};
use kopilka::storage::{AnyConnection, Store};

use super::shop::{Sale, Shop, card, on_each};

const TABLES: [&str; 7] = [
    "transactions",
    "postings",
    "lots",
    "hold_parts",
    "accounts",
    "receipts",
    "checkpoints",
];

/// A database whose guards are down, with a copy of the books as they were.
struct Tampered<'a> {
    store: &'a Store,
    /// Ids of the victim: his transactions in order, his lots, his receipt.
    customer: i64,
    transactions: Vec<i64>,
    lots: Vec<i64>,
    receipt: i64,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

fn run(store: &Store, sql: &str) {
    let mut connection = store.own_connection().unwrap();
    match &mut connection {
        AnyConnection::Sqlite(c) => c.batch_execute(sql),
        AnyConnection::Postgres(c) => c.batch_execute(sql),
    }
    .unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn ids(store: &Store, sql: &str) -> Vec<i64> {
    let query = diesel::sql_query(sql);
    let rows: Vec<Id> = match &mut *store.connection().unwrap() {
        AnyConnection::Sqlite(c) => query.load(c).unwrap(),
        AnyConnection::Postgres(c) => query.load(c).unwrap(),
    };
    rows.into_iter().map(|row| row.id).collect()
}

impl<'a> Tampered<'a> {
    fn new(store: &'a Store, customer: i64) -> Self {
        for table in ["transactions", "postings", "checkpoints"] {
            if store.is_sqlite() {
                run(
                    store,
                    &format!("DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete;"),
                );
            } else {
                run(store, &format!("ALTER TABLE {table} DISABLE TRIGGER USER"));
            }
        }
        for table in TABLES {
            run(
                store,
                &format!("CREATE TABLE {table}_before AS SELECT * FROM {table}"),
            );
        }
        let of = |table: &str| {
            let sql = format!("SELECT id FROM {table} WHERE customer_id = {customer} ORDER BY id");
            ids(store, &sql)
        };
        Tampered {
            store,
            customer,
            transactions: of("transactions"),
            lots: of("lots"),
            receipt: of("receipts")[0],
        }
    }

    /// Changes rows, looks what the proof says, and puts everything back.
    fn found(&self, sql: &str) -> Report {
        run(self.store, sql);
        let report = verify(self.store).unwrap();
        for table in TABLES.iter().rev() {
            run(self.store, &format!("DELETE FROM {table}"));
        }
        for table in TABLES {
            run(
                self.store,
                &format!("INSERT INTO {table} SELECT * FROM {table}_before"),
            );
        }
        let clean = verify(self.store).unwrap();
        assert!(clean.is_clean(), "{clean}");
        report
    }

    /// The change must be found, and the first row named must be this one.
    #[track_caller]
    fn names(&self, sql: &str, row: &str, why: &str) {
        let report = self.found(sql);
        assert!(!report.is_clean(), "{sql}: not found");
        let first = report.first.unwrap();
        assert!(first.starts_with(row) && first.contains(why), "{sql}: {first}");
    }
}

/// Three customers with a few transactions each; the second is the victim.
async fn prepare(shop: &Shop, customer: &(dyn Fn(&str) -> CustomerId + Send + Sync)) -> CustomerId {
    let victim = ["1", "2", "3"].map(customer)[1];
    for number in ["1", "2", "3"] {
        let who = card(number);
        shop.credit(&who, "50.00").await;
        let sale = Sale::new(&format!("r{number}"), "100.00")
            .of(&who)
            .redeem("20.00");
        shop.close(sale).await.unwrap();
        shop.credit(&who, "7.00").await;
    }
    shop.hold("h", &card("2"), Some("5.00")).await.unwrap();
    victim
}

#[test]
fn a_changed_row_is_found_and_named() {
    on_each(|shop, customer| async move {
        let victim = prepare(&shop, &*customer).await;
        let t = Tampered::new(&shop.store, victim.0);
        // Gift, redemption, accrual, gift.
        let [_, second, third, last] = t.transactions[..] else {
            panic!()
        };
        let (txn, lot) = (TransactionId(second).to_string(), LotId(t.lots[0]).to_string());
        let whose = victim.to_string();

        t.names(
            &format!("UPDATE transactions SET amount = amount + 1 WHERE id = {second}"),
            &txn,
            "the customer's posting is",
        );
        t.names(
            &format!(
                "UPDATE transactions SET amount = amount + 1 WHERE id = {second};
                 UPDATE postings SET amount = amount + 1 WHERE transaction_id = {second} AND amount > 0;
                 UPDATE postings SET amount = amount - 1 WHERE transaction_id = {second} AND amount < 0;"
            ),
            &txn,
            "hash",
        );
        t.names(
            &format!("UPDATE postings SET amount = amount + 1 WHERE transaction_id = {second} AND account = 'redeemed'"),
            &txn,
            "add up to 1",
        );
        for change in [
            "kind = 'delivery'",
            "actor = 'somebody else'",
            "comment = 'as agreed'",
            "venue_id = venue_id + 1",
            "receipt_id = receipt_id + 1",
            "return_id = 1",
            "happened_at = '2020-01-01 00:00:00'",
            "posted_at = '2020-01-01 00:00:00'",
        ] {
            t.names(
                &format!("UPDATE transactions SET {change} WHERE id = {second}"),
                &txn,
                "hash",
            );
        }
        for change in [
            "account = 'issued'",
            "venue_id = venue_id + 1",
            "issuer_venue_id = 1",
        ] {
            t.names(
                &format!(
                    "UPDATE postings SET {change} WHERE transaction_id = {second} AND account = 'redeemed'"
                ),
                &txn,
                "hash",
            );
        }
        let other_hash = if shop.store.is_sqlite() {
            "zeroblob(32)"
        } else {
            "decode(repeat('00', 32), 'hex')"
        };
        t.names(
            &format!("UPDATE transactions SET hash = {other_hash} WHERE id = {second}"),
            &txn,
            "hash",
        );
        t.names(
            &format!(
                "UPDATE accounts SET head = {other_hash} WHERE customer_id = {}",
                t.customer
            ),
            &whose,
            "end of the chain",
        );
        t.names(
            &format!(
                "UPDATE lots SET remaining = remaining - 1 WHERE id = {}",
                t.lots[0]
            ),
            &whose,
            "lots + held − debt",
        );
        t.names(
            &format!(
                "UPDATE hold_parts SET amount = amount + 5000 WHERE lot_id = {}",
                t.lots[0]
            ),
            &lot,
            "2500 left and 5500 held of 5000",
        );
        t.names(
            &format!(
                "UPDATE accounts SET debt = 100 WHERE customer_id = {}",
                t.customer
            ),
            &whose,
            "lots + held − debt",
        );
        t.names(
            &format!(
                "UPDATE receipts SET accrued = accrued + 1 WHERE id = {}",
                t.receipt
            ),
            &ReceiptId(t.receipt).to_string(),
            "it says",
        );
        t.names(
            &format!("UPDATE transactions SET sequence = sequence + 10 WHERE id = {last}"),
            &TransactionId(last).to_string(),
            "number 14 where 4 comes",
        );
        let _ = third;
    });
}

#[test]
fn a_missing_or_added_row_is_found_and_named() {
    on_each(|shop, customer| async move {
        let victim = prepare(&shop, &*customer).await;
        let t = Tampered::new(&shop.store, victim.0);
        let [_, second, third, last] = t.transactions[..] else {
            panic!()
        };
        let txn = TransactionId(second).to_string();
        let whose = victim.to_string();
        let delete = |id: i64| {
            format!(
                "DELETE FROM postings WHERE transaction_id = {id}; DELETE FROM transactions WHERE id = {id};"
            )
        };
        t.names(
            &delete(second),
            &TransactionId(third).to_string(),
            "number 3 where 2 comes",
        );
        t.names(&delete(last), &whose, "3 transactions, the account says 4");
        t.names(
            &format!("DELETE FROM postings WHERE transaction_id = {second} AND account = 'redeemed'"),
            &txn,
            "1 postings",
        );
        let posting = |sequence: u8, amount: i64| {
            format!(
                "INSERT INTO postings (network_id, transaction_id, sequence, account, customer_id, amount)
                 VALUES ({}, {second}, {sequence}, 'adjusted', {}, {amount});",
                shop.tenant.id(),
                t.customer
            )
        };
        t.names(&posting(10, 1), &txn, "3 postings add up to 1");
        t.names(&(posting(10, 1) + &posting(11, -1)), &txn, "hash");
        let orphan = posting(10, 1).replace(&second.to_string(), "1")
            + &posting(11, -1).replace(&second.to_string(), "1");
        t.names(
            &orphan,
            &shop.tenant.network().to_string(),
            "postings without a transaction",
        );
        t.names(
            &format!("DELETE FROM accounts WHERE customer_id = {}", t.customer),
            &whose,
            "4 transactions without an account",
        );
        t.names(
            &format!("DELETE FROM lots WHERE id = {}", t.lots[0]),
            &whose,
            "lots + held − debt",
        );
    });
}

#[test]
fn what_vanished_without_a_trace_is_found_by_the_checkpoint() {
    on_each(|shop, customer| async move {
        let victim = prepare(&shop, &*customer).await;
        let everything = |id: i64| {
            // The hold's parts hang on its lots.
            let held = format!(
                "DELETE FROM hold_parts WHERE lot_id IN (SELECT id FROM lots WHERE customer_id = {id});"
            );
            ["postings", "transactions", "lots", "receipts", "accounts"]
                .map(|table| format!("DELETE FROM {table} WHERE customer_id = {id};"))
                .iter()
                .fold(held, |all, one| all + one)
        };
        // His last gift, with its lot, the account set back by one: all by the rules.
        let tail = |t: &Tampered<'_>| {
            let (last, before) = (t.transactions[3], t.transactions[2]);
            format!(
                "UPDATE accounts SET sequence = 3, head = (SELECT hash FROM transactions WHERE id = {before})
                    WHERE customer_id = {};
                 DELETE FROM postings WHERE transaction_id = {last};
                 DELETE FROM transactions WHERE id = {last};
                 DELETE FROM lots WHERE id = {};",
                t.customer,
                t.lots.last().unwrap()
            )
        };
        {
            let store = &shop.store;
            shop.wait(Duration::minutes(20));
            checkpoint(store, shop.tenant, shop.clock.now()).unwrap();
            // What comes later is no matter of this checkpoint, and none of the next one's harm.
            shop.credit(&card("1"), "1.00").await;
            shop.wait(Duration::minutes(20));
            checkpoint(store, shop.tenant, shop.clock.now()).unwrap();
            shop.assert_books();
        }
        let t = Tampered::new(&shop.store, victim.0);
        let network = shop.tenant.network();
        t.names(
            &everything(t.customer),
            &format!("checkpoint 1 of {network}"),
            "covered 3 customers and 12 transactions, now 2 and 8",
        );
        t.names(
            &tail(&t),
            &format!("checkpoint 1 of {network}"),
            "covered 3 customers and 12 transactions, now 3 and 11",
        );
        // Without it nobody would know: that is what it is for.
        let report = t.found(&(tail(&t) + "DELETE FROM checkpoints;"));
        assert!(report.is_clean(), "{report}");
        t.names(
            "DELETE FROM checkpoints WHERE sequence = 1",
            &format!("checkpoint 2 of {network}"),
            "number 1 is missing",
        );
        t.names(
            "UPDATE checkpoints SET covers_until = '2020-01-01 00:00:00' WHERE sequence = 1",
            &format!("checkpoint 1 of {network}"),
            "now 0 and 0",
        );
    });
}
