//! Loading the facts of a batch: one statement, one round trip, one consistent snapshot on both databases.
//!
//! Every branch of the statement gives rows of (tag, JSON object). Its text depends on nothing but the dialect, so it
//! is planned once per connection.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::OnceLock;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::sql_types::Text;
use kopilka_contract::{
    Closed, CustomerRef, CustomerStatus, Money, Phone, Quantity, ReceiptStatus, Returned,
};
use serde::{Deserialize, Deserializer};

use super::keys::{LoadKeys, ways};
use crate::domain::Timestamp;
use crate::domain::account::{Account, Hold, Lot, LotPart};
use crate::domain::books::{ChainHead, Hash};
use crate::domain::ids::{CustomerId, HoldId, LotId, NetworkId, ReceiptId, ReturnId, TransactionId, VenueId};
use crate::domain::rate::Coefficient;
use crate::domain::world::{
    CardStanding, Change, CustomerFacts, Found, HoldStanding, IdempotencyKey, RedemptionPart,
    RememberedAnswer, ReturnedBy, SourceKey, StoredHold, StoredLine, StoredReceipt, StoredReturn, World,
    WriteOff,
};
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
    if keys.write_offs {
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

fn query(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<Vec<(String, String)>, StorageError> {
    Ok(load_rows(connection, statement.returning::<(Text, Text)>())?)
}

/// The relations that a statement joins with, as the beginning of its WITH.
fn given<'a>(statement: &mut Statement<'a>, keys: &'a LoadKeys, references: &[&'a (NetworkId, CustomerRef)]) {
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
    let mut sources = Rows::new("keys", KEYS);
    for (what, set) in [
        ("receipt", &keys.receipts),
        ("return", &keys.returns),
        ("hold", &keys.hold_keys),
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
    let mut holds = Rows::new("hold_ids", IDS);
    for (network, id) in &keys.holds {
        holds.push(vec![network.0.into(), id.0.into()]);
    }
    let mut networks = Rows::new("wanted", IDS);
    for network in &keys.networks {
        networks.push(vec![network.0.into(), 0.into()]);
    }
    statement
        .push("WITH refs AS (")
        .relation(&refs)
        .push("), keys AS (")
        .relation(&sources);
    statement
        .push("), hold_ids AS (")
        .relation(&holds)
        .push("), wanted AS (")
        .relation(&networks)
        .push(")");
}

fn main_statement<'a>(
    dialect: Dialect,
    keys: &'a LoadKeys,
    references: &[&'a (NetworkId, CustomerRef)],
) -> Statement<'a> {
    static POSTGRES: OnceLock<String> = OnceLock::new();
    static SQLITE: OnceLock<String> = OnceLock::new();
    let text = match dialect {
        Dialect::Postgres => POSTGRES.get_or_init(|| main_text(dialect)),
        Dialect::Sqlite => SQLITE.get_or_init(|| main_text(dialect)),
    };
    let mut statement = Statement::new(dialect);
    given(&mut statement, keys, references);
    statement.push(text);
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

/// Who is meant, by every way there is to name a customer, and everybody whom receipts and holds concern.
const WHO: &str = "
, r AS (
    SELECT receipts.* FROM keys JOIN receipts ON receipts.network_id = keys.network_id
        AND receipts.venue_id = keys.venue_id AND receipts.source = keys.source
        AND receipts.external_id = keys.external_id
    WHERE keys.what = 'receipt'
), h AS (
    SELECT holds.network_id, holds.id, holds.customer_id FROM keys JOIN holds ON holds.network_id = keys.network_id
        AND holds.venue_id = keys.venue_id AND holds.source = keys.source AND holds.external_id = keys.external_id
    WHERE keys.what = 'hold'
    UNION
    SELECT holds.network_id, holds.id, holds.customer_id FROM hold_ids JOIN holds
        ON holds.network_id = hold_ids.network_id AND holds.id = hold_ids.id
), f AS (
    SELECT refs.ordinal, refs.way, refs.network_id, cards.customer_id, cards.number AS card, cards.status AS card_status
    FROM refs JOIN cards ON cards.network_id = refs.network_id AND cards.number = refs.value WHERE refs.kind = 'card'
    UNION ALL
    SELECT refs.ordinal, refs.way, refs.network_id, customers.id, NULL, NULL FROM refs JOIN customers
        ON customers.network_id = refs.network_id AND customers.phone = refs.value WHERE refs.kind = 'phone'
    UNION ALL
    SELECT refs.ordinal, refs.way, refs.network_id, customers.id, NULL, NULL FROM refs JOIN customers
        ON customers.network_id = refs.network_id AND customers.id = refs.number WHERE refs.kind = 'id'
    UNION ALL
    SELECT refs.ordinal, refs.way, refs.network_id, customers.id, NULL, NULL FROM refs JOIN customers
        ON customers.network_id = refs.network_id AND customers.external_id = refs.value WHERE refs.kind = 'external'
    UNION ALL
    SELECT refs.ordinal, refs.way, refs.network_id, customers.id, NULL, NULL FROM refs JOIN customers
        ON customers.network_id = refs.network_id AND customers.email = refs.value WHERE refs.kind = 'email'
), who AS (
    SELECT network_id, customer_id FROM f
    UNION SELECT network_id, customer_id FROM r WHERE customer_id IS NOT NULL
    UNION SELECT network_id, customer_id FROM h
) ";

const LOT_COLUMNS: &str =
    "customer_id id amount remaining starts_at expires_at scope_venue_id issuer_venue_id receipt_id";
const HOLD_COLUMNS: &str =
    "network_id id venue_id source external_id customer_id amount ends_at status released created_at";
const LINE_COLUMNS: &str = "receipt_id sequence line_id name quantity amount redeemed accrued returned_quantity \
     returned_amount returned_by redemption_undone accrual_undone";
const REDEMPTION_COLUMNS: &str = "transaction_id sequence receipt_id lot_id amount refunded starts_at expires_at \
     scope_venue_id issuer_venue_id";

fn main_text(dialect: Dialect) -> String {
    let mut text = WHO.to_owned();
    let mut add = |tag: &str, columns: Vec<(String, String)>, from: &str| {
        branch(&mut text, dialect, tag, &columns, from)
    };
    let expression = |name: &str, expression: &str| vec![(name.to_owned(), expression.to_owned())];
    add(
        "network",
        columns("networks", "id version"),
        "wanted JOIN networks ON networks.id = wanted.network_id",
    );
    add(
        "found",
        columns("f", "ordinal way customer_id card card_status"),
        "f",
    );
    let customer = [
        columns(
            "c",
            "network_id id status name phone email birthday cashier_note network_coefficient",
        ),
        columns("a", "version debt sequence last_purchase_at"),
        expression("head", &dialect.hex("a.head")),
        expression(
            "card",
            "(SELECT MAX(number) FROM cards WHERE cards.network_id = c.network_id AND cards.customer_id = c.id \
             AND cards.status = 'active')",
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
    add(
        "hold",
        columns("holds", HOLD_COLUMNS),
        "h JOIN holds ON holds.network_id = h.network_id AND holds.id = h.id AND holds.status <> 'active'",
    );
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
    let receipt = [
        columns(
            "r",
            "network_id id venue_id source external_id version status customer_id kind total redeemed accrued",
        ),
        columns("r", "closed_at posted_at answer"),
        expression("fingerprint", &dialect.hex("r.fingerprint")),
    ];
    add("receipt", receipt.concat(), "r");
    add(
        "line",
        columns("l", LINE_COLUMNS),
        "r JOIN receipt_lines l ON l.network_id = r.network_id AND l.receipt_id = r.id",
    );
    add(
        "redemption",
        columns("p", REDEMPTION_COLUMNS),
        "r JOIN redemption_parts p ON p.network_id = r.network_id AND p.receipt_id = r.id",
    );
    let given_back = [
        columns(
            "t",
            "network_id id venue_id source external_id sale_venue_id sale_source sale_external_id",
        ),
        columns("t", "request answer posted_at actor"),
        expression("fingerprint", &dialect.hex("t.fingerprint")),
    ]
    .concat();
    add("return", given_back.clone(), RETURNS_BY_SALE);
    add("return", given_back, RETURNS_BY_KEY);
    text
}

const RETURNS_BY_SALE: &str = "keys JOIN returns t ON t.network_id = keys.network_id \
     AND t.sale_venue_id = keys.venue_id AND t.sale_source = keys.source \
     AND t.sale_external_id = keys.external_id AND keys.what = 'receipt' AND t.status = 'waiting'";
const RETURNS_BY_KEY: &str = "keys JOIN returns t ON t.network_id = keys.network_id \
     AND t.venue_id = keys.venue_id AND t.source = keys.source AND t.external_id = keys.external_id \
     AND keys.what = 'return'";

/// Write-offs that no receipt took over yet, or that a till may repeat. A month back: a receipt that comes later than
/// that is looked at by a person.
fn write_off_statement<'a>(
    dialect: Dialect,
    keys: &'a LoadKeys,
    references: &[&'a (NetworkId, CustomerRef)],
) -> Statement<'a> {
    let mut statement = Statement::new(dialect);
    given(&mut statement, keys, references);
    let mut text = WHO.to_owned();
    let of_customers =
        "who JOIN write_offs w ON w.network_id = who.network_id AND w.customer_id = who.customer_id";
    let names = "network_id transaction_id venue_id source session hold_id customer_id amount debt posted_at receipt_id";
    branch(
        &mut text,
        dialect,
        "write_off",
        &columns("w", names),
        of_customers,
    );
    let parts = format!(
        "{of_customers} JOIN redemption_parts p ON p.network_id = w.network_id \
         AND p.transaction_id = w.transaction_id"
    );
    branch(
        &mut text,
        dialect,
        "write_off_part",
        &columns("p", REDEMPTION_COLUMNS),
        &parts,
    );
    statement.push(&text);
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

/// A time as either database writes it into JSON.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_time(&text).ok_or_else(|| serde::de::Error::custom(format!("time {text}")))
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) => parse_time(&text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom(format!("time {text}"))),
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let format = if text.contains('T') {
        "%Y-%m-%dT%H:%M:%S%.f"
    } else {
        "%Y-%m-%d %H:%M:%S%.f"
    };
    NaiveDateTime::parse_from_str(text, format)
        .ok()
        .map(|t| t.and_utc())
}

fn hash(text: &str) -> Result<Hash, StorageError> {
    let corrupt = || StorageError::Corrupt(format!("hash {text}"));
    if text.len() != 64 || !text.is_ascii() {
        return Err(corrupt());
    }
    let mut hash = [0; 32];
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| corrupt())?;
    }
    Ok(hash)
}

#[derive(Deserialize)]
struct NetworkRow {
    id: i64,
    version: i64,
}

#[derive(Deserialize)]
struct FoundRow {
    ordinal: usize,
    way: i64,
    customer_id: i64,
    card: Option<String>,
    card_status: Option<String>,
}

#[derive(Deserialize)]
struct CustomerRow {
    network_id: i64,
    id: i64,
    status: String,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    birthday: Option<NaiveDate>,
    cashier_note: Option<String>,
    card: Option<String>,
    network_coefficient: Option<i64>,
    version: Option<i64>,
    debt: Option<i64>,
    sequence: Option<i64>,
    head: Option<String>,
    #[serde(deserialize_with = "optional_time")]
    last_purchase_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct CoefficientRow {
    customer_id: i64,
    venue_id: i64,
    coefficient: i64,
}

#[derive(Deserialize)]
struct LotRow {
    customer_id: i64,
    id: i64,
    amount: i64,
    remaining: i64,
    #[serde(deserialize_with = "time")]
    starts_at: Timestamp,
    #[serde(deserialize_with = "optional_time")]
    expires_at: Option<Timestamp>,
    scope_venue_id: Option<i64>,
    issuer_venue_id: Option<i64>,
    receipt_id: Option<i64>,
}

impl LotRow {
    fn lot(&self) -> Lot {
        Lot {
            id: LotId(self.id),
            amount: Money::from_kopecks(self.amount),
            left: Money::from_kopecks(self.remaining),
            starts_at: self.starts_at,
            expires_at: self.expires_at,
            scope: self.scope_venue_id.map(VenueId),
            issuer: self.issuer_venue_id.map(VenueId),
            receipt: self.receipt_id.map(ReceiptId),
        }
    }
}

#[derive(Deserialize)]
struct HoldRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    source: String,
    external_id: String,
    customer_id: i64,
    amount: i64,
    #[serde(deserialize_with = "time")]
    ends_at: Timestamp,
    status: String,
    released: i64,
    #[serde(deserialize_with = "time")]
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct PartRow {
    hold_id: i64,
    sequence: i32,
    held: i64,
    #[serde(flatten)]
    lot: LotRow,
}

#[derive(Deserialize)]
struct ReceiptRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    source: String,
    external_id: String,
    version: Option<i64>,
    status: ReceiptStatus,
    fingerprint: String,
    customer_id: Option<i64>,
    kind: String,
    total: i64,
    redeemed: i64,
    accrued: i64,
    #[serde(deserialize_with = "time")]
    closed_at: Timestamp,
    #[serde(deserialize_with = "time")]
    posted_at: Timestamp,
    answer: String,
}

#[derive(Deserialize)]
struct LineRow {
    receipt_id: i64,
    sequence: i32,
    line_id: String,
    name: String,
    quantity: i64,
    amount: i64,
    redeemed: i64,
    accrued: i64,
    returned_quantity: i64,
    returned_amount: i64,
    returned_by: Option<String>,
    redemption_undone: i64,
    accrual_undone: i64,
}

#[derive(Deserialize)]
struct RedemptionRow {
    transaction_id: i64,
    sequence: i32,
    receipt_id: Option<i64>,
    lot_id: Option<i64>,
    amount: i64,
    refunded: i64,
    #[serde(deserialize_with = "optional_time")]
    starts_at: Option<Timestamp>,
    #[serde(deserialize_with = "optional_time")]
    expires_at: Option<Timestamp>,
    scope_venue_id: Option<i64>,
    issuer_venue_id: Option<i64>,
}

impl RedemptionRow {
    fn part(&self) -> RedemptionPart {
        let lot = self.lot_id.zip(self.starts_at).map(|(id, starts_at)| Lot {
            id: LotId(id),
            amount: Money::from_kopecks(self.amount),
            left: Money::ZERO,
            starts_at,
            expires_at: self.expires_at,
            scope: self.scope_venue_id.map(VenueId),
            issuer: self.issuer_venue_id.map(VenueId),
            receipt: None,
        });
        RedemptionPart {
            transaction: TransactionId(self.transaction_id),
            sequence: self.sequence,
            lot,
            amount: Money::from_kopecks(self.amount),
            refunded: Money::from_kopecks(self.refunded),
            change: Change::None,
        }
    }
}

#[derive(Deserialize)]
struct ReturnRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    source: String,
    external_id: String,
    sale_venue_id: i64,
    sale_source: String,
    sale_external_id: String,
    fingerprint: String,
    request: String,
    answer: String,
    #[serde(deserialize_with = "time")]
    posted_at: Timestamp,
    actor: String,
}

#[derive(Deserialize)]
struct WriteOffRow {
    network_id: i64,
    transaction_id: i64,
    venue_id: i64,
    source: String,
    session: String,
    hold_id: Option<i64>,
    customer_id: i64,
    amount: i64,
    debt: i64,
    #[serde(deserialize_with = "time")]
    posted_at: Timestamp,
    receipt_id: Option<i64>,
}

#[derive(Deserialize)]
struct RememberedRow {
    network_id: i64,
    actor: String,
    idempotency_key: String,
    fingerprint: String,
    status: u16,
    answer: String,
}

/// The rows by tag, each read when its turn comes: rows that others hang on come first.
struct ByTag<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> ByTag<'a> {
    fn of(rows: &'a [(String, String)]) -> Self {
        let mut by_tag: HashMap<&str, Vec<&str>> = HashMap::new();
        for (tag, row) in rows {
            by_tag.entry(tag).or_default().push(row);
        }
        ByTag(by_tag)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, tag: &str) -> Result<Vec<T>, StorageError> {
        let rows = self.0.get(tag).map(Vec::as_slice).unwrap_or_default();
        rows.iter().map(|row| Ok(serde_json::from_str(row)?)).collect()
    }
}

fn source_key(network: i64, venue: i64, source: String, external_id: String) -> SourceKey {
    SourceKey {
        network: NetworkId(network),
        venue: VenueId(venue),
        source,
        external_id,
    }
}

fn assemble(
    rows: &[(String, String)],
    references: &[&(NetworkId, CustomerRef)],
) -> Result<Loaded, StorageError> {
    let rows = ByTag::of(rows);
    let mut loaded = Loaded::default();
    for row in rows.read::<NetworkRow>("network")? {
        loaded.versions.insert(NetworkId(row.id), row.version);
    }
    let world = &mut loaded.world;
    find_customers(world, &rows, references)?;
    read_accounts(world, &rows)?;
    read_receipts(world, &rows)?;
    read_write_offs(world, &rows)?;
    for row in rows.read::<RememberedRow>("remembered")? {
        let key = IdempotencyKey {
            network: NetworkId(row.network_id),
            actor: row.actor,
            key: row.idempotency_key,
        };
        let answer = RememberedAnswer {
            fingerprint: hash(&row.fingerprint)?,
            status: row.status,
            answer: row.answer,
        };
        world.remembered.insert(key, answer);
    }
    Ok(loaded)
}

fn find_customers(
    world: &mut World,
    rows: &ByTag<'_>,
    references: &[&(NetworkId, CustomerRef)],
) -> Result<(), StorageError> {
    let mut found: Vec<FoundRow> = rows.read("found")?;
    found.sort_by_key(|row| (row.ordinal, row.way));
    for row in found {
        let Some((network, reference)) = references.get(row.ordinal) else {
            continue;
        };
        let standing = match row.card_status.as_deref() {
            Some("active") => CardStanding::Active,
            _ => CardStanding::Blocked,
        };
        let card = row.card.map(|number| (number, standing));
        let entry = world.found.entry((*network, reference.clone()));
        entry.or_insert(Found {
            customer: CustomerId(row.customer_id),
            card,
        });
    }
    for row in rows.read::<CustomerRow>("customer")? {
        let status = match row.status.as_str() {
            "registered" => CustomerStatus::Registered,
            "potential" => CustomerStatus::Potential,
            "blocked" => CustomerStatus::Blocked,
            other => return Err(StorageError::Corrupt(format!("customer status {other}"))),
        };
        let head = match (&row.head, row.sequence) {
            (Some(head), Some(sequence)) => ChainHead {
                sequence,
                hash: hash(head)?,
            },
            _ => ChainHead::default(),
        };
        let account = Account {
            debt: Money::from_kopecks(row.debt.unwrap_or(0)),
            ..Account::default()
        };
        let facts = CustomerFacts {
            id: CustomerId(row.id),
            network: NetworkId(row.network_id),
            status,
            name: row.name,
            phone: row
                .phone
                .as_deref()
                .and_then(|digits| Phone::parse(&format!("+{digits}"))),
            email: row.email,
            birthday: row.birthday,
            cashier_note: row.cashier_note,
            card: row.card,
            network_coefficient: row.network_coefficient.map(Coefficient::from_scaled),
            venue_coefficients: Vec::new(),
            account,
            loaded: Account::default(),
            head,
            version: row.version.unwrap_or(0),
            last_purchase_at: row.last_purchase_at,
            touched: false,
            is_new: false,
        };
        world.customers.insert(facts.id, facts);
    }
    for row in rows.read::<CoefficientRow>("coefficient")? {
        if let Some(facts) = world.customers.get_mut(&CustomerId(row.customer_id)) {
            facts
                .venue_coefficients
                .push((VenueId(row.venue_id), Coefficient::from_scaled(row.coefficient)));
        }
    }
    Ok(())
}

fn read_accounts(world: &mut World, rows: &ByTag<'_>) -> Result<(), StorageError> {
    for row in rows.read::<LotRow>("lot")? {
        if let Some(facts) = world.customers.get_mut(&CustomerId(row.customer_id)) {
            facts.account.lots.push(row.lot());
        }
    }
    for row in rows.read::<HoldRow>("hold")? {
        let standing = match row.status.as_str() {
            "active" => HoldStanding::Active,
            "captured" => HoldStanding::Captured,
            "voided" => HoldStanding::Voided,
            "ended" => HoldStanding::Ended,
            other => return Err(StorageError::Corrupt(format!("hold status {other}"))),
        };
        let hold = StoredHold {
            id: HoldId(row.id),
            key: (!row.external_id.is_empty())
                .then(|| source_key(row.network_id, row.venue_id, row.source, row.external_id)),
            network: NetworkId(row.network_id),
            customer: CustomerId(row.customer_id),
            venue: VenueId(row.venue_id),
            amount: Money::from_kopecks(row.amount),
            ends_at: row.ends_at,
            standing,
            released: Money::from_kopecks(row.released),
            created_at: row.created_at,
            change: Change::None,
        };
        if let Some(facts) = world
            .customers
            .get_mut(&hold.customer)
            .filter(|_| standing == HoldStanding::Active)
        {
            let parts = Vec::new();
            facts.account.holds.push(Hold {
                id: hold.id,
                venue: hold.venue,
                ends_at: hold.ends_at,
                parts,
            });
        }
        if let Some(key) = &hold.key {
            let newest = world.hold_keys.entry(key.clone()).or_insert(hold.id);
            *newest = (*newest).max(hold.id);
        }
        world.holds.insert(hold.id, hold);
    }
    let mut parts: Vec<PartRow> = rows.read("part")?;
    parts.sort_by_key(|row| (row.hold_id, row.sequence));
    for row in parts {
        let Some(facts) = world.customers.get_mut(&CustomerId(row.lot.customer_id)) else {
            continue;
        };
        let lot = row.lot.lot();
        if !facts.account.lots.iter().any(|l| l.id == lot.id) {
            facts.account.lots.push(lot.clone());
        }
        if let Some(hold) = facts
            .account
            .holds
            .iter_mut()
            .find(|h| h.id == HoldId(row.hold_id))
        {
            hold.parts.push(LotPart {
                lot,
                amount: Money::from_kopecks(row.held),
            });
        }
    }
    for facts in world.customers.values_mut() {
        facts.account.lots.sort_by_key(|lot| lot.id);
        facts.account.holds.sort_by_key(|hold| hold.id);
        facts.loaded = facts.account.clone();
    }
    Ok(())
}

fn read_receipts(world: &mut World, rows: &ByTag<'_>) -> Result<(), StorageError> {
    let mut lines: HashMap<i64, Vec<LineRow>> = HashMap::new();
    for row in rows.read::<LineRow>("line")? {
        lines.entry(row.receipt_id).or_default().push(row);
    }
    let mut parts: HashMap<i64, Vec<RedemptionPart>> = HashMap::new();
    for row in rows.read::<RedemptionRow>("redemption")? {
        if let Some(receipt) = row.receipt_id {
            parts.entry(receipt).or_default().push(row.part());
        }
    }
    for row in rows.read::<ReceiptRow>("receipt")? {
        let key = source_key(row.network_id, row.venue_id, row.source, row.external_id);
        let mut lines = lines.remove(&row.id).unwrap_or_default();
        lines.sort_by_key(|line| line.sequence);
        let mut parts = parts.remove(&row.id).unwrap_or_default();
        parts.sort_by_key(|part| (part.transaction, part.sequence));
        let receipt = StoredReceipt {
            id: ReceiptId(row.id),
            key: key.clone(),
            status: row.status,
            version: row.version,
            fingerprint: hash(&row.fingerprint)?,
            customer: row.customer_id.map(CustomerId),
            kind: row.kind,
            total: Money::from_kopecks(row.total),
            redeemed: Money::from_kopecks(row.redeemed),
            accrued: Money::from_kopecks(row.accrued),
            closed_at: row.closed_at,
            posted_at: row.posted_at,
            lines: lines.into_iter().map(stored_line).collect::<Result<_, _>>()?,
            parts,
            answer: serde_json::from_str::<Closed>(&row.answer)?,
            content: None,
            change: Change::None,
            lines_replaced: false,
        };
        world.receipts.insert(key, receipt);
    }
    for row in rows.read::<ReturnRow>("return")? {
        let key = source_key(row.network_id, row.venue_id, row.source, row.external_id);
        let stored = StoredReturn {
            id: ReturnId(row.id),
            key: key.clone(),
            sale: source_key(
                row.network_id,
                row.sale_venue_id,
                row.sale_source,
                row.sale_external_id,
            ),
            fingerprint: hash(&row.fingerprint)?,
            request: serde_json::from_str(&row.request)?,
            answer: serde_json::from_str::<Returned>(&row.answer)?,
            posted_at: row.posted_at,
            actor: row.actor,
            change: Change::None,
        };
        world.returns.insert(key, stored);
    }
    Ok(())
}

fn stored_line(row: LineRow) -> Result<StoredLine, StorageError> {
    let returned_by = match row.returned_by.as_deref() {
        None => None,
        Some("quantity") => Some(ReturnedBy::Quantity),
        Some("amount") => Some(ReturnedBy::Amount),
        Some(other) => return Err(StorageError::Corrupt(format!("returned by {other}"))),
    };
    Ok(StoredLine {
        line_id: row.line_id,
        name: row.name,
        quantity: Quantity::from_thousandths(row.quantity),
        amount: Money::from_kopecks(row.amount),
        redeemed: Money::from_kopecks(row.redeemed),
        accrued: Money::from_kopecks(row.accrued),
        returned_quantity: Quantity::from_thousandths(row.returned_quantity),
        returned_amount: Money::from_kopecks(row.returned_amount),
        returned_by,
        redemption_undone: Money::from_kopecks(row.redemption_undone),
        accrual_undone: Money::from_kopecks(row.accrual_undone),
        changed: false,
    })
}

fn read_write_offs(world: &mut World, rows: &ByTag<'_>) -> Result<(), StorageError> {
    let mut parts: HashMap<i64, Vec<RedemptionPart>> = HashMap::new();
    for row in rows.read::<RedemptionRow>("write_off_part")? {
        parts.entry(row.transaction_id).or_default().push(row.part());
    }
    for row in rows.read::<WriteOffRow>("write_off")? {
        let mut parts = parts.remove(&row.transaction_id).unwrap_or_default();
        parts.sort_by_key(|part| part.sequence);
        world.write_offs.push(WriteOff {
            transaction: TransactionId(row.transaction_id),
            session: source_key(row.network_id, row.venue_id, row.source, row.session),
            hold: row.hold_id.map(HoldId),
            customer: CustomerId(row.customer_id),
            amount: Money::from_kopecks(row.amount),
            debt: Money::from_kopecks(row.debt),
            posted_at: row.posted_at,
            receipt: row.receipt_id.map(ReceiptId),
            parts,
            change: Change::None,
        });
    }
    world.write_offs.sort_by_key(|w| w.transaction);
    Ok(())
}
