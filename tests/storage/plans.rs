//! How the databases find what a receipt needs: by the index made for it, from the first day on, when the tables are
//! empty and the planner knows nothing of what they will be.

use diesel::connection::SimpleConnection;
use kopilka::domain::ids::{HoldId, NetworkId, VenueId};
use kopilka::domain::world::SourceKey;
use kopilka::storage::ledger::{LoadKeys, plan};
use kopilka::storage::{AnyConnection, Store};
use kopilka_contract::{CustomerRef, Phone};

use crate::databases;

const NETWORK: NetworkId = NetworkId(1);

fn key() -> SourceKey {
    SourceKey {
        network: NETWORK,
        venue: VenueId(2),
        source: "till".to_owned(),
        external_id: "7".to_owned(),
    }
}

fn asked(who: Option<CustomerRef>, add: impl FnOnce(&mut LoadKeys)) -> LoadKeys {
    let mut keys = LoadKeys::default();
    keys.networks.insert(NETWORK);
    keys.customers.extend(who.map(|who| (NETWORK, who)));
    add(&mut keys);
    keys
}

fn receipt(keys: &mut LoadKeys) {
    keys.receipts.insert(key());
}

fn given_back(keys: &mut LoadKeys) {
    keys.returns.insert(key());
    receipt(keys);
}

fn by_hold(keys: &mut LoadKeys) {
    receipt(keys);
    keys.hold_keys.insert(key());
    keys.holds.insert((NETWORK, HoldId(3)));
}

/// What tills ask, and the indexes that must find it.
fn questions() -> Vec<(LoadKeys, &'static [&'static str])> {
    let card = || Some(CustomerRef::Card("9000000017".to_owned()));
    let phone = || Some(CustomerRef::Phone(Phone::parse("+79215550117").unwrap()));
    let id = || Some(CustomerRef::Id("shop-17".to_owned()));
    vec![
        (
            asked(card(), |_| {}),
            &["cards_number", "lots_open", "holds_active"],
        ),
        (
            asked(card(), receipt),
            &["cards_number", "receipts_key", "returns_sale"],
        ),
        (asked(phone(), receipt), &["customers_phone", "receipts_key"]),
        (asked(id(), receipt), &["customers_external_id", "receipts_key"]),
        (
            asked(None, receipt),
            &["receipts_key", "redemption_parts_receipt"],
        ),
        (
            asked(None, given_back),
            &["receipts_key", "returns_key", "returns_sale"],
        ),
        (asked(card(), by_hold), &["holds_key", "receipts_key"]),
    ]
}

/// Tables that grow.
const LARGE: [&str; 10] = [
    "customers",
    "accounts",
    "cards",
    "lots",
    "holds",
    "hold_parts",
    "receipts",
    "receipt_lines",
    "redemption_parts",
    "returns",
];

fn look(store: &Store, when: &str) {
    let mut connection = store.own_connection().unwrap();
    for (keys, indexes) in questions() {
        let plan = plan(&mut connection, &keys).unwrap();
        let text = plan.join("\n");
        for index in indexes {
            assert!(text.contains(index), "{when}: {index} is not used\n{text}");
        }
        for step in &plan {
            let words: Vec<&str> = step.split_whitespace().collect();
            let whole = words
                .iter()
                .zip(&words[1.min(words.len())..])
                .any(|(word, next)| {
                    // SQLite says SCAN table, PostgreSQL Seq Scan on table.
                    (*word == "SCAN" && LARGE.contains(next)) || (*word == "on" && step.contains("Seq Scan"))
                });
            assert!(!whole, "{when}: a table is read whole: {step}\n{text}");
        }
        for wrong in ["receipts_venue", "receipts_customer"] {
            assert!(!text.contains(wrong), "{when}: {wrong} is used\n{text}");
        }
    }
}

#[test]
fn every_fact_of_a_receipt_is_found_by_its_index_in_an_empty_database() {
    databases::each(|database| {
        look(&database.store, "never analysed");
        // What PostgreSQL does by itself, on tables that nobody has filled yet. SQLite does it when it is told to, and
        // nobody tells it: its statistics are those of the migration.
        if let AnyConnection::Postgres(c) = &mut *database.store.connection().unwrap() {
            c.batch_execute("VACUUM (ANALYZE)").unwrap();
        }
        look(&database.store, "analysed while empty");
    });
}
