//! How the databases find what a receipt needs: by the index made for it, from the first day on, when the tables are
//! small and reading them whole would seem as good.

use diesel::connection::SimpleConnection;
use kopilka::domain::ids::{HoldId, NetworkId, VenueId};
use kopilka::domain::world::SourceKey;
use kopilka::storage::ledger::{LoadKeys, load, plan};
use kopilka::storage::{AnyConnection, Store, Tenant, customer_search, order_names};
use kopilka_contract::{CustomerRef, Phone, Search, SearchBy};

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

fn of_order(keys: &mut LoadKeys) {
    keys.orders.insert(key());
}

fn by_write_off(keys: &mut LoadKeys) {
    by_hold(keys);
    keys.write_offs = true;
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
        (asked(card(), of_order), &["holds_order", "holds_active"]),
        (
            asked(card(), by_write_off),
            &[
                "holds_key",
                "write_offs_customer",
                "write_offs_free",
                "write_offs_receipt",
                "receipts_awaiting",
            ],
        ),
    ]
}

/// Tables that grow.
const LARGE: [&str; 11] = [
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
    "write_offs",
];

fn look(store: &Store) {
    let mut connection = store.own_connection().unwrap();
    for (keys, indexes) in questions() {
        let plan = plan(&mut connection, &keys).unwrap();
        let text = plan.join("\n");
        for index in indexes {
            assert!(text.contains(index), "{index} is not used\n{text}");
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
            assert!(!whole, "a table is read whole: {step}\n{text}");
            let of_network = step.contains("Index Cond: (network_id =");
            assert!(!of_network, "all of a network is read: {step}\n{text}");
        }
        for wrong in ["receipts_venue", "receipts_customer"] {
            assert!(!text.contains(wrong), "{wrong} is used\n{text}");
        }
    }
}

/// The first rows of a new network, on PostgreSQL: what its autovacuum looks at within a minute. Before that its planner
/// takes any index that begins with the network.
const FIRST_ROWS: &str = "
INSERT INTO customers (network_id, id, status, phone, external_id, email, created_at, updated_at)
    SELECT 1, n, 'registered', n::text, 'shop-' || n, n || '@example.org', now(), now() FROM generate_series(1, 200) n;
INSERT INTO cards (network_id, id, number, customer_id, kind, status, created_at)
    SELECT 1, n, n::text, n, 'virtual', 'active', now() FROM generate_series(1, 200) n;
INSERT INTO accounts (network_id, customer_id, version, debt, sequence, head)
    SELECT 1, n, 1, 0, 0, '' FROM generate_series(1, 200) n;
INSERT INTO lots (network_id, id, customer_id, amount, remaining, starts_at)
    SELECT 1, n, n, 1, 1, now() FROM generate_series(1, 200) n;
INSERT INTO holds (network_id, id, venue_id, source, external_id, customer_id, amount, ends_at, status, released, created_at)
    SELECT 1, n, 2, 'till', n::text, n, 1, now(), CASE WHEN n < 5 THEN 'active' ELSE 'captured' END, 0, now()
    FROM generate_series(1, 200) n;
INSERT INTO hold_parts (network_id, hold_id, sequence, lot_id, amount) SELECT 1, n, 0, n, 1 FROM generate_series(1, 200) n;
INSERT INTO receipts (network_id, id, venue_id, source, external_id, status, fingerprint, customer_id, kind, total, redeemed,
    accrued, closed_at, posted_at, business_date, weekday, hour, payments, answer)
    SELECT 1, n, 2, 'till', n::text, 'closed', '', n, 'place', 1, 0, 0, now(), now(), now(), 1, 1, '', ''
    FROM generate_series(1, 200) n;
INSERT INTO receipt_lines (network_id, receipt_id, sequence, line_id, name, quantity, amount, redeemed, accrued,
    returned_quantity, returned_amount, redemption_undone, accrual_undone)
    SELECT 1, n, 0, '1', '', 1, 1, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 200) n;
INSERT INTO redemption_parts (network_id, transaction_id, sequence, receipt_id, amount, refunded)
    SELECT 1, n, 0, n, 1, 0 FROM generate_series(1, 200) n;
INSERT INTO returns (network_id, id, venue_id, source, external_id, sale_venue_id, sale_source, sale_external_id,
    fingerprint, status, amount, accrual_undone, redemption_undone, request, answer, posted_at, actor)
    SELECT 1, n, 2, 'till', n::text, 2, 'till', n::text, '', 'posted', 1, 0, 0, '', '', now(), '' FROM generate_series(1, 200) n;
INSERT INTO write_offs (network_id, transaction_id, venue_id, source, session, customer_id, amount, debt, posted_at, receipt_id)
    SELECT 1, n, 2, 'till', n::text, n, 1, 0, now(), CASE WHEN n > 5 THEN n END FROM generate_series(1, 200) n;
ANALYZE;";

#[test]
fn every_fact_of_a_receipt_is_found_by_its_index_in_a_young_network() {
    databases::each(|database| {
        // SQLite needs no rows: its statistics are those of the migration.
        if let AnyConnection::Postgres(c) = &mut *database.store.connection().unwrap() {
            c.batch_execute(FIRST_ROWS).unwrap();
        }
        look(&database.store);
        look_for_guests(&database.store);
    });
}

/// The last digits of a telephone and an e-mail, as tills search by them.
fn look_for_guests(store: &Store) {
    let mut connection = store.own_connection().unwrap();
    let tenant = Tenant::of_test(NETWORK);
    for (by, index) in [
        (SearchBy::Email("anna@example.org".to_owned()), "customers_email"),
        (SearchBy::PhoneEnd("50117".to_owned()), "customers_phone_end"),
    ] {
        let search = Search {
            by,
            locked_under: Some("till/guest:".to_owned()),
        };
        let plan = customer_search::plan(&mut connection, tenant, &search).unwrap();
        let text = plan.join("\n");
        assert!(text.contains(index), "{index} is not used\n{text}");
        assert!(!text.contains("Seq Scan") && !text.contains("SCAN c"), "{text}");
    }
}

#[test]
fn what_a_name_means_is_found_by_it_when_the_table_was_empty_as_the_planner_last_looked() {
    databases::each(|database| {
        let mut connection = database.store.own_connection().unwrap();
        if let AnyConnection::Postgres(c) = &mut connection {
            c.batch_execute("ANALYZE order_names").unwrap();
        }
        let names = ["7".to_owned(), "8".to_owned()];
        let plan = order_names::plan(&mut connection, Tenant::of_test(NETWORK), "till", &names).unwrap();
        let by_key = |step: &&String| step.contains("order_names_pkey") || step.contains("USING PRIMARY KEY");
        assert_eq!(plan.iter().filter(by_key).count(), 2, "{plan:#?}");
    });
}

#[test]
fn what_concerns_nobody_is_loaded_too() {
    databases::each(|database| {
        let mut connection = database.store.own_connection().unwrap();
        let nobody = asked(None, |keys| keys.write_offs = true);
        let loaded = load(&mut connection, &nobody).unwrap();
        assert!(loaded.world.customers.is_empty());
    });
}
