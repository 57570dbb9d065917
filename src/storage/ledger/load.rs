//! Loading the facts of a batch: one statement, one round trip, one consistent snapshot on both databases.
//!
//! Every branch of the statement gives rows of (tag, JSON object). Its text depends on nothing but the dialect and the
//! kinds of things that are asked for, never on how many, so each is planned once per connection. `loaded.rs` makes a
//! world of the rows.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::Duration;
use diesel::sql_types::Text;
use kopilka_contract::CustomerRef;

use super::keys::{LoadKeys, ways};
use super::loaded::assemble;
use crate::domain::ids::NetworkId;
use crate::domain::world::World;
use crate::storage::dialect::{Dialect, Kind};
use crate::storage::statement::{Rows, Statement, Value, load_rows};
use crate::storage::{AnyConnection, StorageError};

const REFS: &[(&str, Kind)] = &[
    ("ordinal", Kind::BigInt),
    ("way", Kind::BigInt),
    ("network_id", Kind::BigInt),
    ("kind", Kind::Text),
    ("value", Kind::Text),
    ("number", Kind::BigInt),
];
const KEYS: &[(&str, Kind)] = &[
    ("what", Kind::Text),
    ("network_id", Kind::BigInt),
    ("venue_id", Kind::BigInt),
    ("source", Kind::Text),
    ("external_id", Kind::Text),
];
const IDS: &[(&str, Kind)] = &[("network_id", Kind::BigInt), ("id", Kind::BigInt)];
/// From when on write-offs and receipts that wait for some are looked at.
const SINCE: &[(&str, Kind)] = &[("written_off", Kind::Timestamp), ("told", Kind::Timestamp)];
const REMEMBERED: &[(&str, Kind)] = &[
    ("network_id", Kind::BigInt),
    ("actor", Kind::Text),
    ("idempotency_key", Kind::Text),
];

/// What was loaded: the world, and the versions of the networks that it belongs to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The facts; terms are not in it yet.
    pub world: World,
    /// Version of each network.
    pub versions: HashMap<NetworkId, i64>,
}

/// Loads the facts of a batch.
///
/// # Errors
/// Those of the database; [`StorageError::Corrupt`] for values that the program does not understand.
pub fn load(connection: &mut AnyConnection, keys: &LoadKeys) -> Result<Loaded, StorageError> {
    let references: Vec<&(NetworkId, CustomerRef)> = keys.customers.iter().collect();
    let mut rows: Vec<(String, String)> = query(
        connection,
        main_statement(Dialect::of(connection), keys, &references),
    )?;
    // Of nobody there are none.
    if keys.write_offs && Shape::of(keys, &references).customers() {
        rows.extend(query(
            connection,
            write_off_statement(Dialect::of(connection), keys, &references),
        )?);
    }
    if !keys.remembered.is_empty() {
        rows.extend(query(
            connection,
            remembered_statement(Dialect::of(connection), keys),
        )?);
    }
    assemble(&rows, &references)
}

/// How the database would find the facts of a batch: its own words, a line for each step. A plan that reads a table
/// whole, or by the wrong index, makes every till wait; tests look at it.
///
/// # Errors
/// Those of the database.
pub fn plan(connection: &mut AnyConnection, keys: &LoadKeys) -> Result<Vec<String>, StorageError> {
    let references: Vec<&(NetworkId, CustomerRef)> = keys.customers.iter().collect();
    let dialect = Dialect::of(connection);
    let mut plan = main_statement(dialect, keys, &references).plan(connection)?;
    if keys.write_offs {
        plan.extend(write_off_statement(dialect, keys, &references).plan(connection)?);
    }
    Ok(plan)
}

fn query(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<Vec<(String, String)>, StorageError> {
    Ok(load_rows(connection, statement.returning::<(Text, Text)>())?)
}

/// Kinds of references that [`ways`] gives, and where they are found: the customer's column, or the card's number.
const WAYS: [(&str, &str); 5] = [
    ("card", "cards.number"),
    ("phone", "customers.phone"),
    ("id", "customers.id"),
    ("external", "customers.external_id"),
    ("email", "customers.email"),
];

/// What a batch asks for at all. A statement has no branch for what nobody asks: a branch costs time even where it
/// finds nothing, and most batches ask for little. There are few shapes in practice, and each is planned once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Shape {
    /// Kinds of references, in the order of [`WAYS`].
    ways: [bool; WAYS.len()],
    receipts: bool,
    returns: bool,
    hold_keys: bool,
    holds: bool,
    orders: bool,
}

impl Shape {
    fn of(keys: &LoadKeys, references: &[&(NetworkId, CustomerRef)]) -> Self {
        let mut shape = Shape {
            ways: [false; WAYS.len()],
            receipts: !keys.receipts.is_empty(),
            returns: !keys.returns.is_empty(),
            hold_keys: !keys.hold_keys.is_empty(),
            holds: !keys.holds.is_empty(),
            orders: !keys.orders.is_empty(),
        };
        for (_, reference) in references {
            for (kind, _, _) in ways(reference) {
                for (asked, (way, _)) in shape.ways.iter_mut().zip(WAYS) {
                    *asked |= way == kind;
                }
            }
        }
        shape
    }

    fn references(self) -> bool {
        self.ways.contains(&true)
    }

    fn keys(self) -> bool {
        self.receipts || self.returns || self.hold_keys || self.orders
    }

    /// Whether the batch concerns holds that it names.
    fn named_holds(self) -> bool {
        self.hold_keys || self.holds
    }

    /// Whether it can concern any customer.
    fn customers(self) -> bool {
        self.references() || self.receipts || self.named_holds() || self.orders
    }
}

/// The relations that a statement joins with, as the beginning of its WITH.
fn given<'a>(
    statement: &mut Statement<'a>,
    shape: Shape,
    keys: &'a LoadKeys,
    references: &[&'a (NetworkId, CustomerRef)],
) {
    let mut networks = Rows::new("wanted", IDS);
    for network in &keys.networks {
        networks.push(vec![network.0.into(), 0.into()]);
    }
    statement.push("WITH wanted AS (").relation(&networks).push(")");
    if shape.references() {
        let mut refs = Rows::new("refs", REFS);
        for (ordinal, (network, reference)) in references.iter().enumerate() {
            let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
            for (way, (kind, value, number)) in ways(reference).into_iter().enumerate() {
                let way = i64::try_from(way).unwrap_or(i64::MAX);
                refs.push(vec![
                    ordinal.into(),
                    way.into(),
                    network.0.into(),
                    kind.into(),
                    value.into(),
                    number.into(),
                ]);
            }
        }
        statement.push(", refs AS (").relation(&refs).push(")");
    }
    if shape.keys() {
        let mut sources = Rows::new("keys", KEYS);
        for (what, set) in [
            ("receipt", &keys.receipts),
            ("return", &keys.returns),
            ("hold", &keys.hold_keys),
            ("order", &keys.orders),
        ] {
            for key in set {
                sources.push(vec![
                    what.into(),
                    key.network.0.into(),
                    key.venue.0.into(),
                    key.source.as_str().into(),
                    key.external_id.as_str().into(),
                ]);
            }
        }
        statement.push(", keys AS (").relation(&sources).push(")");
    }
    if shape.holds {
        let mut holds = Rows::new("hold_ids", IDS);
        for (network, id) in &keys.holds {
            holds.push(vec![network.0.into(), id.0.into()]);
        }
        statement.push(", hold_ids AS (").relation(&holds).push(")");
    }
}

/// Texts of statements by what they ask for.
type Texts = HashMap<(Dialect, Shape), Arc<str>>;

/// Texts made so far: making one costs more than running it for one receipt should.
static TEXTS: OnceLock<Mutex<Texts>> = OnceLock::new();

fn main_statement<'a>(
    dialect: Dialect,
    keys: &'a LoadKeys,
    references: &[&'a (NetworkId, CustomerRef)],
) -> Statement<'a> {
    let shape = Shape::of(keys, references);
    let texts = TEXTS.get_or_init(Mutex::default);
    let text = {
        let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.entry((dialect, shape));
        Arc::clone(text.or_insert_with(|| dialect.joined_as_written(&main_text(dialect, shape)).into()))
    };
    let mut statement = Statement::new(dialect);
    given(&mut statement, shape, keys, references);
    statement.push(&text);
    statement
}

/// Columns of a table as (name in JSON, expression).
fn columns(table: &str, names: &str) -> Vec<(String, String)> {
    names
        .split_whitespace()
        .map(|name| (name.to_owned(), format!("{table}.{name}")))
        .collect()
}

/// `SELECT 'tag', {columns as a JSON object} FROM …`, joined to what is there with UNION ALL.
fn branch(text: &mut String, dialect: Dialect, tag: &str, columns: &[(String, String)], from: &str) {
    if text.contains("SELECT '") {
        text.push_str(" UNION ALL ");
    }
    let object: Vec<String> = columns
        .iter()
        .map(|(name, expression)| format!("'{name}', {expression}"))
        .collect();
    let function = dialect.json_object();
    let _ = write!(
        text,
        "SELECT '{tag}', CAST({function}({}) AS TEXT) FROM {from}",
        object.join(", ")
    );
}

/// Who is meant, by every way in which he is named, and everybody whom receipts and holds concern.
fn who(shape: Shape) -> String {
    let mut text = String::new();
    let mut concerned: Vec<&str> = Vec::new();
    if shape.references() {
        let found: Vec<String> = WAYS
            .iter()
            .zip(shape.ways)
            .filter(|(_, asked)| *asked)
            .map(|((kind, column), _)| found_by(kind, column))
            .collect();
        let _ = write!(text, ", f AS MATERIALIZED ({})", found.join(" UNION ALL "));
        concerned.push("SELECT network_id, customer_id FROM f");
    }
    if shape.receipts {
        text.push_str(RECEIPTS);
        concerned.push("SELECT network_id, customer_id FROM r WHERE customer_id IS NOT NULL");
        concerned.push(PAYERS);
    }
    if shape.named_holds() {
        let mut named: Vec<&str> = Vec::new();
        if shape.hold_keys {
            text.push_str(NEWEST_HOLDS);
            named.push(HOLDS_BY_KEY);
        }
        if shape.holds {
            named.push(HOLDS_BY_ID);
        }
        let _ = write!(text, ", h AS ({})", named.join(" UNION "));
        concerned.push("SELECT network_id, customer_id FROM h");
    }
    if shape.orders {
        concerned.push(HOLDERS_OF_ORDERS);
    }
    if shape.customers() {
        // UNION even of one: two references may mean one customer.
        if let [alone] = concerned[..] {
            let _ = write!(text, ", who AS (SELECT DISTINCT * FROM ({alone}) AS alone) ");
        } else {
            let _ = write!(text, ", who AS ({}) ", concerned.join(" UNION "));
        }
    } else {
        text.push(' ');
    }
    text
}

/// Customers who are named in one way, as rows of `f`.
fn found_by(kind: &str, column: &str) -> String {
    if kind == "card" {
        return format!(
            "SELECT refs.ordinal, refs.way, refs.network_id, cards.customer_id, cards.number AS card, \
             cards.status AS card_status FROM refs JOIN cards ON cards.network_id = refs.network_id \
             AND {column} = refs.value WHERE refs.kind = '{kind}'"
        );
    }
    let value = if kind == "id" { "refs.number" } else { "refs.value" };
    format!(
        "SELECT refs.ordinal, refs.way, refs.network_id, customers.id AS customer_id, CAST(NULL AS TEXT) AS card, \
         CAST(NULL AS TEXT) AS card_status FROM refs JOIN customers ON customers.network_id = refs.network_id \
         AND {column} = {value} WHERE refs.kind = '{kind}'"
    )
}

const RECEIPTS: &str = ", r AS MATERIALIZED (SELECT receipts.* FROM keys JOIN receipts ON receipts.network_id = keys.network_id \
     AND receipts.venue_id = keys.venue_id AND receipts.source = keys.source \
     AND receipts.external_id = keys.external_id WHERE keys.what = 'receipt')";
/// Guests who paid for another's receipt.
const PAYERS: &str = "SELECT p.network_id, p.payer_id AS customer_id FROM r JOIN redemption_parts p \
     ON p.network_id = r.network_id AND p.receipt_id = r.id WHERE p.payer_id IS NOT NULL";
/// The newest of each key: those before it are history. Found before anything is joined: as a condition of the join it would be
/// looked for again for every hold that is compared.
const NEWEST_HOLDS: &str = ", newest AS MATERIALIZED (SELECT keys.network_id, (SELECT MAX(of_key.id) FROM holds of_key \
     WHERE of_key.network_id = keys.network_id AND of_key.venue_id = keys.venue_id AND of_key.source = keys.source \
     AND of_key.external_id = keys.external_id) AS id FROM keys WHERE keys.what = 'hold')";
const HOLDS_BY_KEY: &str = "SELECT holds.network_id, holds.id, holds.customer_id FROM newest JOIN holds \
     ON holds.network_id = newest.network_id AND holds.id = newest.id";
const HOLDS_BY_ID: &str = "SELECT holds.network_id, holds.id, holds.customer_id FROM hold_ids JOIN holds \
     ON holds.network_id = hold_ids.network_id AND holds.id = hold_ids.id";
/// Everybody who has set something aside for an order.
const HOLDERS_OF_ORDERS: &str = "SELECT holds.network_id, holds.customer_id FROM keys JOIN holds \
     ON holds.network_id = keys.network_id AND holds.venue_id = keys.venue_id AND holds.source = keys.source \
     AND holds.order_name = keys.external_id AND holds.status = 'active' WHERE keys.what = 'order'";

const LOT_COLUMNS: &str =
    "customer_id id amount remaining starts_at expires_at scope_venue_id issuer_venue_id receipt_id";
const HOLD_COLUMNS: &str = "network_id id venue_id source external_id customer_id amount ends_at status released created_at order_name";
const LINE_COLUMNS: &str = "receipt_id sequence line_id name product_id quantity amount redeemed accrued returned_quantity \
     returned_amount returned_by redemption_undone accrual_undone";
const REDEMPTION_COLUMNS: &str = "transaction_id sequence receipt_id payer_id lot_id amount refunded starts_at expires_at \
     scope_venue_id issuer_venue_id";

fn main_text(dialect: Dialect, shape: Shape) -> String {
    let mut text = who(shape);
    let mut add = |tag: &str, columns: Vec<(String, String)>, from: &str| {
        branch(&mut text, dialect, tag, &columns, from)
    };
    add(
        "network",
        columns("networks", "id version"),
        "wanted JOIN networks ON networks.id = wanted.network_id",
    );
    if shape.references() {
        add(
            "found",
            columns("f", "ordinal way customer_id card card_status"),
            "f",
        );
    }
    if shape.customers() {
        add_customers(&mut add, dialect);
    }
    if shape.named_holds() {
        add(
            "hold",
            columns("holds", HOLD_COLUMNS),
            "h JOIN holds ON holds.network_id = h.network_id AND holds.id = h.id AND holds.status <> 'active'",
        );
    }
    if shape.receipts {
        add_receipts(&mut add, dialect, "r");
    }
    let returned = [
        columns(
            "t",
            "network_id id venue_id source external_id sale_venue_id sale_source sale_external_id",
        ),
        columns("t", "request answer posted_at told_at undone_by actor"),
        vec![("fingerprint".to_owned(), dialect.hex("t.fingerprint"))],
    ]
    .concat();
    if shape.receipts {
        add("return", returned.clone(), RETURNS_BY_SALE);
    }
    if shape.returns {
        add("return", returned, RETURNS_BY_KEY);
    }
    text
}

/// Everything about the customers concerned: who they are, and what they have.
fn add_customers(add: &mut impl FnMut(&str, Vec<(String, String)>, &str), dialect: Dialect) {
    let expression = |name: &str, expression: &str| vec![(name.to_owned(), expression.to_owned())];
    let customer = [
        columns(
            "c",
            "network_id id status name phone email birthday cashier_note network_coefficient",
        ),
        columns("a", "version debt sequence last_purchase_at"),
        expression("head", &dialect.hex("a.head")),
        expression(
            "card",
            "(SELECT number FROM cards WHERE cards.network_id = c.network_id AND cards.customer_id = c.id \
             AND cards.status = 'active' ORDER BY cards.id DESC LIMIT 1)",
        ),
    ];
    add(
        "customer",
        customer.concat(),
        "who JOIN customers c ON c.network_id = who.network_id AND c.id = who.customer_id \
         LEFT JOIN accounts a ON a.network_id = who.network_id AND a.customer_id = who.customer_id",
    );
    add(
        "coefficient",
        columns("k", "customer_id venue_id coefficient"),
        "who JOIN customer_coefficients k ON k.network_id = who.network_id AND k.customer_id = who.customer_id",
    );
    add(
        "lot",
        columns("lots", LOT_COLUMNS),
        "who JOIN lots ON lots.network_id = who.network_id AND lots.customer_id = who.customer_id \
         AND lots.remaining > 0",
    );
    let active = "who JOIN holds ON holds.network_id = who.network_id AND holds.customer_id = who.customer_id \
         AND holds.status = 'active'";
    add("hold", columns("holds", HOLD_COLUMNS), active);
    let held = [
        columns("p", "hold_id sequence"),
        expression("held", "p.amount"),
        columns("lots", LOT_COLUMNS),
    ];
    add(
        "part",
        held.concat(),
        &format!(
            "{active} JOIN hold_parts p ON p.network_id = holds.network_id AND p.hold_id = holds.id \
             JOIN lots ON lots.network_id = p.network_id AND lots.id = p.lot_id"
        ),
    );
}

/// Receipts of a relation, with what a return or a newer version of them needs.
fn add_receipts(add: &mut impl FnMut(&str, Vec<(String, String)>, &str), dialect: Dialect, relation: &str) {
    let receipt = [
        columns(
            "r",
            "network_id id venue_id source external_id version status customer_id kind total redeemed accrued",
        ),
        columns("r", "closed_at posted_at answer awaits revision told_at"),
        vec![("fingerprint".to_owned(), dialect.hex("r.fingerprint"))],
        vec![("as_told".to_owned(), dialect.hex("r.as_told"))],
    ];
    add("receipt", receipt.concat(), &format!("{relation} r"));
    add(
        "line",
        columns("l", LINE_COLUMNS),
        &format!("{relation} r JOIN receipt_lines l ON l.network_id = r.network_id AND l.receipt_id = r.id"),
    );
    add(
        "redemption",
        columns("p", REDEMPTION_COLUMNS),
        &format!(
            "{relation} r JOIN redemption_parts p ON p.network_id = r.network_id AND p.receipt_id = r.id"
        ),
    );
}

const RETURNS_BY_SALE: &str = "keys JOIN returns t ON t.network_id = keys.network_id \
     AND t.sale_venue_id = keys.venue_id AND t.sale_source = keys.source \
     AND t.sale_external_id = keys.external_id AND keys.what = 'receipt'";
const RETURNS_BY_KEY: &str = "keys JOIN returns t ON t.network_id = keys.network_id \
     AND t.venue_id = keys.venue_id AND t.source = keys.source AND t.external_id = keys.external_id \
     AND keys.what = 'return'";

/// For so long a till may repeat a write-off that a receipt has taken over already.
const REPEATED_FOR: Duration = Duration::days(1);
/// So long ago at most a receipt was told that still waits for its write-off: as long as the longest hold.
const WAIT_FOR: Duration = Duration::days(31);

/// Write-offs that no receipt took over yet, that a till may repeat, or that the batch's receipts took over; and the customers'
/// receipts that wait for some.
fn write_off_statement<'a>(
    dialect: Dialect,
    keys: &'a LoadKeys,
    references: &[&'a (NetworkId, CustomerRef)],
) -> Statement<'a> {
    let shape = Shape::of(keys, references);
    let mut statement = Statement::new(dialect);
    given(&mut statement, shape, keys, references);
    let of_customer =
        "who JOIN write_offs w ON w.network_id = who.network_id AND w.customer_id = who.customer_id";
    let mut since = Rows::new("since", SINCE);
    since.push(vec![
        (keys.now - REPEATED_FOR).into(),
        (keys.now - WAIT_FOR).into(),
    ]);
    statement.push(", since AS (").relation(&since).push(")");
    let mut text = who(shape);
    let _ = write!(
        text,
        ", offs AS (SELECT w.network_id, w.transaction_id FROM {of_customer} AND w.receipt_id IS NULL \
         UNION SELECT w.network_id, w.transaction_id FROM {of_customer} \
         AND w.posted_at > (SELECT written_off FROM since)"
    );
    if shape.receipts {
        text.push_str(
            " UNION SELECT w.network_id, w.transaction_id FROM r JOIN write_offs w ON w.network_id = r.network_id \
             AND w.receipt_id = r.id",
        );
    }
    text.push_str(
        "), awaiting AS (SELECT receipts.* FROM who JOIN receipts ON receipts.network_id = who.network_id \
         AND receipts.customer_id = who.customer_id AND receipts.awaits IS NOT NULL \
         AND receipts.posted_at > (SELECT told FROM since)) ",
    );
    let names = "network_id transaction_id venue_id source session hold_id customer_id amount debt posted_at receipt_id \
                 settled_at settlement settled_by note";
    branch(
        &mut text,
        dialect,
        "write_off",
        &columns("w", names),
        "offs o JOIN write_offs w ON w.network_id = o.network_id AND w.transaction_id = o.transaction_id",
    );
    branch(
        &mut text,
        dialect,
        "write_off_part",
        &columns("p", REDEMPTION_COLUMNS),
        "offs o JOIN redemption_parts p ON p.network_id = o.network_id AND p.transaction_id = o.transaction_id",
    );
    let mut add = |tag: &str, columns: Vec<(String, String)>, from: &str| {
        branch(&mut text, dialect, tag, &columns, from)
    };
    add_receipts(&mut add, dialect, "awaiting");
    statement.push(&dialect.joined_as_written(&text));
    statement
}

fn remembered_statement(dialect: Dialect, keys: &LoadKeys) -> Statement<'_> {
    let mut rows = Rows::new("wanted_keys", REMEMBERED);
    for key in &keys.remembered {
        rows.push(vec![
            key.network.0.into(),
            Value::from(key.actor.as_str()),
            Value::from(key.key.as_str()),
        ]);
    }
    let mut statement = Statement::new(dialect);
    let mut text = String::new();
    let mut wanted = columns("m", "network_id actor idempotency_key status answer");
    wanted.push(("fingerprint".to_owned(), dialect.hex("m.fingerprint")));
    branch(
        &mut text,
        dialect,
        "remembered",
        &wanted,
        "wanted_keys k JOIN remembered_answers m ON m.network_id = k.network_id AND m.actor = k.actor \
         AND m.idempotency_key = k.idempotency_key",
    );
    statement
        .push("WITH wanted_keys AS (")
        .relation(&rows)
        .push(") ")
        .push(&text);
    statement
}
