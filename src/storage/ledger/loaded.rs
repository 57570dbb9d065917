//! The world that loaded rows tell of.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use kopilka_contract::{
    AsTold, Closed, CustomerRef, CustomerStatus, Money, Phone, Quantity, ReceiptStatus, Returned,
};
use serde::{Deserialize, Deserializer};

use super::load::Loaded;
use super::rows::GIVEN_BACK;
use crate::domain::Timestamp;
use crate::domain::account::{Account, Hold, Lot, LotPart};
use crate::domain::books::{ChainHead, Hash};
use crate::domain::ids::{CustomerId, HoldId, LotId, NetworkId, ReceiptId, ReturnId, TransactionId, VenueId};
use crate::domain::rate::Coefficient;
use crate::domain::world::{
    CardStanding, Change, CustomerFacts, Found, HoldStanding, IdempotencyKey, RedemptionPart,
    RememberedAnswer, ReturnedBy, SettledWriteOff, SourceKey, StoredHold, StoredLine, StoredReceipt,
    StoredReturn, World, WriteOff,
};
use crate::storage::StorageError;

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

/// A digest that may be missing. SQLite writes none as an empty text.
fn as_told(text: Option<String>) -> Result<Option<AsTold>, StorageError> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| hash(&text).map(AsTold::from_bytes)).transpose()
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
    order_name: Option<String>,
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
    awaits: Option<i64>,
    revision: i64,
    #[serde(deserialize_with = "time")]
    told_at: Timestamp,
    as_told: Option<String>,
}

#[derive(Deserialize)]
struct LineRow {
    receipt_id: i64,
    sequence: i32,
    line_id: String,
    name: String,
    product_id: Option<String>,
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
    payer_id: Option<i64>,
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
            payer: self.payer_id.map(CustomerId),
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
    #[serde(deserialize_with = "time")]
    told_at: Timestamp,
    undone_by: Option<i64>,
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
    #[serde(deserialize_with = "optional_time")]
    settled_at: Option<Timestamp>,
    settlement: Option<String>,
    settled_by: Option<String>,
    note: Option<String>,
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

/// Makes a world of the rows of a load; `references` are those that it was asked for, in order.
///
/// # Errors
/// [`StorageError::Corrupt`] for values that the program does not understand.
pub(super) fn assemble(
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
            order: row.order_name,
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
    // A receipt that is asked for may be one that waits for a write-off, too.
    for row in rows.read::<ReceiptRow>("receipt")? {
        let key = source_key(row.network_id, row.venue_id, row.source, row.external_id);
        if world.receipts.contains_key(&key) {
            continue;
        }
        let mut lines = lines.remove(&row.id).unwrap_or_default();
        lines.sort_by_key(|line| line.sequence);
        lines.dedup_by_key(|line| line.sequence);
        let mut parts = parts.remove(&row.id).unwrap_or_default();
        parts.sort_by_key(|part| (part.transaction, part.sequence));
        parts.dedup_by_key(|part| (part.transaction, part.sequence));
        let receipt = StoredReceipt {
            id: ReceiptId(row.id),
            key: key.clone(),
            status: row.status,
            version: row.version,
            fingerprint: hash(&row.fingerprint)?,
            as_told: as_told(row.as_told)?,
            customer: row.customer_id.map(CustomerId),
            kind: row.kind,
            total: Money::from_kopecks(row.total),
            redeemed: Money::from_kopecks(row.redeemed),
            accrued: Money::from_kopecks(row.accrued),
            closed_at: row.closed_at,
            posted_at: row.posted_at,
            told_at: row.told_at,
            lines: lines.into_iter().map(stored_line).collect::<Result<_, _>>()?,
            parts,
            answer: serde_json::from_str::<Closed>(&row.answer)?,
            awaits: row.awaits.map(Money::from_kopecks),
            content: None,
            revision: row.revision,
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
            told_at: row.told_at,
            undone_by: row.undone_by,
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
        product_id: row.product_id,
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
            settled: row.settled_at.map(|at| SettledWriteOff {
                given_back: row.settlement.as_deref() == Some(GIVEN_BACK),
                at,
                by: row.settled_by.unwrap_or_default(),
                note: row.note.unwrap_or_default(),
            }),
            parts,
            change: Change::None,
        });
    }
    world.write_offs.sort_by_key(|w| w.transaction);
    Ok(())
}
