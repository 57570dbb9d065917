//! What a decided world means in rows.

use chrono::Datelike;

use super::columns::{
    ACCOUNTS, ACCOUNTS_CHANGED, CUSTOMERS, EVENTS, HOLD_PARTS, HOLD_PARTS_OLD, HOLDS, HOLDS_CHANGED, LINES,
    LINES_OLD, LINES_RETURNED, LOTS, LOTS_CHANGED, MESSAGES, POSTINGS, RECEIPT_STATUS, RECEIPTS,
    RECEIPTS_REPLACED, REDEMPTION_PARTS, REDEMPTION_PARTS_CHANGED, REMEMBERED, RETURNS, RETURNS_CHANGED,
    TRANSACTIONS, WRITE_OFFS, WRITE_OFFS_CHANGED,
};
use super::message::{Remember, StoredMessage};
use crate::domain::Timestamp;
use crate::domain::account::{Hold, Lot};
use crate::domain::business_time::BusinessTime;
use crate::domain::ids::{NetworkId, VenueId};
use crate::domain::world::{
    Change, CustomerFacts, HoldStanding, RedemptionPart, ReturnedBy, StoredLine, StoredReceipt, World,
};
use crate::storage::StorageError;
use crate::storage::statement::{Rows, Value};
use kopilka_contract::{CustomerStatus, ReceiptStatus};

/// Rows that change others: the first `set` columns are set, the rest find the row. None set: the rows are deleted.
pub struct Update<'a> {
    /// Table and rows.
    pub rows: Rows<'a>,
    /// How many columns are set.
    pub set: usize,
}

/// Everything that a batch writes.
pub struct Tables<'a> {
    /// Inserts of what every receipt touches; always all of them, so that their one statement has one text.
    pub hot_inserts: Vec<Rows<'a>>,
    /// Lots whose remainder changed.
    pub lots_changed: Update<'a>,
    /// Accounts, guarded by their version.
    pub accounts_changed: Update<'a>,
    /// Deletions that make room for rare inserts.
    pub before_inserts: Vec<Update<'a>>,
    /// Changes that few batches have.
    pub rare_updates: Vec<Update<'a>>,
    /// Inserts that few batches have.
    pub rare_inserts: Vec<Rows<'a>>,
}

impl Tables<'_> {
    /// Whether there is nothing in them but what every receipt touches.
    pub fn are_ordinary(&self) -> bool {
        let updates = self.before_inserts.iter().chain(&self.rare_updates);
        updates
            .map(|update| &update.rows)
            .chain(&self.rare_inserts)
            .all(|rows| rows.rows.is_empty())
    }
}

fn id(value: Option<VenueId>) -> Value<'static> {
    Value::BigInt(value.map(|v| v.0))
}

fn receipt_status(status: ReceiptStatus) -> &'static str {
    match status {
        ReceiptStatus::Quoted => "quoted",
        ReceiptStatus::Closed => "closed",
        ReceiptStatus::PartlyReturned => "partly_returned",
        ReceiptStatus::Returned => "returned",
        ReceiptStatus::Cancelled => "cancelled",
        ReceiptStatus::Waiting => "waiting",
        ReceiptStatus::Refused => "refused",
    }
}

/// Standing of a customer, as stored.
pub fn customer_status(status: CustomerStatus) -> &'static str {
    match status {
        CustomerStatus::Registered => "registered",
        CustomerStatus::Potential => "potential",
        CustomerStatus::Blocked => "blocked",
    }
}

fn hold_status(standing: HoldStanding) -> &'static str {
    match standing {
        HoldStanding::Active => "active",
        HoldStanding::Captured => "captured",
        HoldStanding::Voided => "voided",
        HoldStanding::Ended => "ended",
    }
}

fn number(value: usize) -> Value<'static> {
    Value::Integer(i32::try_from(value).ok())
}

/// Turns a decided world into rows.
///
/// # Errors
/// [`StorageError::Corrupt`] where an answer can't be written as JSON.
pub fn tables<'a>(
    world: &'a World,
    messages: &'a [StoredMessage],
    answers: &'a [Remember],
) -> Result<Tables<'a>, StorageError> {
    let mut receipts = ReceiptRows::new();
    for receipt in world.receipts.values() {
        receipts.add(world, receipt)?;
    }
    for write_off in &world.write_offs {
        if write_off.receipt.is_none() || write_off.change == Change::Inserted {
            receipts.add_parts(
                write_off.session.network,
                write_off.receipt.map(|r| r.0),
                &write_off.parts,
            );
        }
    }
    let mut accounts = AccountRows::new();
    for facts in world.customers.values().filter(|c| c.touched) {
        accounts.add(facts);
    }
    let (transactions, postings) = book_rows(world);
    let (returns, returns_changed) = return_rows(world)?;
    let (holds, holds_changed) = hold_rows(world);
    let (write_offs, write_offs_changed) = write_off_rows(world);
    Ok(Tables {
        hot_inserts: vec![
            message_rows(messages),
            receipts.inserted,
            receipts.lines,
            transactions,
            postings,
            accounts.lots,
            accounts.inserted,
            event_rows(world),
            receipts.parts,
        ],
        lots_changed: Update {
            rows: accounts.lots_changed,
            set: 1,
        },
        accounts_changed: Update {
            rows: accounts.changed,
            set: 6,
        },
        before_inserts: vec![
            Update {
                rows: receipts.lines_old,
                set: 0,
            },
            Update {
                rows: accounts.hold_parts_old,
                set: 0,
            },
        ],
        rare_updates: vec![
            Update {
                rows: receipts.replaced,
                set: RECEIPTS_REPLACED.len() - 3,
            },
            Update {
                rows: receipts.status,
                set: RECEIPT_STATUS.len() - 3,
            },
            Update {
                rows: receipts.lines_returned,
                set: LINES_RETURNED.len() - 3,
            },
            Update {
                rows: receipts.parts_changed,
                set: 2,
            },
            Update {
                rows: holds_changed,
                set: 2,
            },
            Update {
                rows: write_offs_changed,
                set: WRITE_OFFS_CHANGED.len() - 2,
            },
            Update {
                rows: returns_changed,
                set: RETURNS_CHANGED.len() - 2,
            },
        ],
        rare_inserts: vec![
            accounts.customers,
            holds,
            accounts.hold_parts,
            receipts.lines_new,
            write_offs,
            returns,
            remembered_rows(answers),
        ],
    })
}

/// Receipts with their lines and the lots that paid them.
struct ReceiptRows<'a> {
    inserted: Rows<'a>,
    replaced: Rows<'a>,
    status: Rows<'a>,
    lines: Rows<'a>,
    lines_old: Rows<'a>,
    lines_new: Rows<'a>,
    lines_returned: Rows<'a>,
    parts: Rows<'a>,
    parts_changed: Rows<'a>,
}

impl<'a> ReceiptRows<'a> {
    fn new() -> Self {
        ReceiptRows {
            inserted: Rows::new("receipts", RECEIPTS),
            replaced: Rows::new("receipts", RECEIPTS_REPLACED),
            status: Rows::new("receipts", RECEIPT_STATUS),
            lines: Rows::new("receipt_lines", LINES),
            lines_old: Rows::new("receipt_lines", LINES_OLD),
            lines_new: Rows::new("receipt_lines", LINES),
            lines_returned: Rows::new("receipt_lines", LINES_RETURNED),
            parts: Rows::new("redemption_parts", REDEMPTION_PARTS),
            parts_changed: Rows::new("redemption_parts", REDEMPTION_PARTS_CHANGED),
        }
    }

    fn add(&mut self, world: &'a World, receipt: &'a StoredReceipt) -> Result<(), StorageError> {
        let (network, id) = (receipt.key.network.0, receipt.id.0);
        match (receipt.change, &receipt.content) {
            (Change::None, _) => return Ok(()),
            (Change::Updated, None) => {
                let status = receipt_status(receipt.status);
                self.status.push(vec![
                    status.into(),
                    receipt.version.into(),
                    receipt.redeemed.into(),
                    serde_json::to_string(&receipt.answer)?.into(),
                    awaits(receipt),
                    (receipt.revision + 1).into(),
                    receipt.told_at.into(),
                    as_told(receipt),
                    network.into(),
                    id.into(),
                    receipt.revision.into(),
                ]);
                for (i, line) in receipt.lines.iter().enumerate().filter(|(_, line)| line.changed) {
                    let mut row = vec![line.redeemed.into()];
                    row.extend(returned_columns(line));
                    row.extend([network.into(), id.into(), number(i)]);
                    self.lines_returned.push(row);
                }
            }
            (change, Some(content)) => {
                let mut row = content_columns(world, receipt, content)?;
                if change == Change::Inserted {
                    let identity: Vec<Value<'a>> = vec![
                        network.into(),
                        id.into(),
                        receipt.key.venue.0.into(),
                        receipt.key.source.as_str().into(),
                        receipt.key.external_id.as_str().into(),
                    ];
                    row.splice(0..0, identity);
                    self.inserted.push(row);
                } else {
                    row.extend([network.into(), id.into(), receipt.revision.into()]);
                    self.replaced.push(row);
                    self.lines_old.push(vec![network.into(), id.into()]);
                }
                let lines = if change == Change::Inserted {
                    &mut self.lines
                } else {
                    &mut self.lines_new
                };
                for (i, (line, sent)) in receipt.lines.iter().zip(&content.lines).enumerate() {
                    let mut row: Vec<Value<'a>> = vec![
                        network.into(),
                        id.into(),
                        number(i),
                        line.line_id.as_str().into(),
                        line.name.as_str().into(),
                        sent.product_id.as_deref().into(),
                        sent.category_id.as_deref().into(),
                        sent.category_name.as_deref().into(),
                        line.quantity.thousandths().into(),
                        Value::BigInt(sent.price.map(|p| p.kopecks())),
                        line.amount.into(),
                        line.redeemed.into(),
                        line.accrued.into(),
                    ];
                    row.extend(returned_columns(line));
                    lines.push(row);
                }
            }
            (Change::Inserted, None) => {
                return Err(StorageError::Corrupt(format!(
                    "receipt {} without its content",
                    receipt.id
                )));
            }
        }
        self.add_parts(receipt.key.network, Some(id), &receipt.parts);
        Ok(())
    }

    fn add_parts(&mut self, network: NetworkId, receipt: Option<i64>, parts: &'a [RedemptionPart]) {
        for part in parts {
            match part.change {
                Change::None => {}
                Change::Inserted => {
                    let lot: Option<&Lot> = part.lot.as_ref();
                    self.parts.push(vec![
                        network.0.into(),
                        part.transaction.0.into(),
                        Value::Integer(Some(part.sequence)),
                        receipt.into(),
                        Value::BigInt(part.payer.map(|p| p.0)),
                        Value::BigInt(lot.map(|l| l.id.0)),
                        part.amount.into(),
                        part.refunded.into(),
                        lot.map(|l| l.starts_at).into(),
                        lot.and_then(|l| l.expires_at).into(),
                        id(lot.and_then(|l| l.scope)),
                        id(lot.and_then(|l| l.issuer)),
                    ]);
                }
                Change::Updated => self.parts_changed.push(vec![
                    part.refunded.into(),
                    receipt.into(),
                    network.0.into(),
                    part.transaction.0.into(),
                    Value::Integer(Some(part.sequence)),
                ]),
            }
        }
    }
}

fn returned_columns(line: &StoredLine) -> Vec<Value<'static>> {
    let returned_by = line.returned_by.map(|by| match by {
        ReturnedBy::Quantity => "quantity",
        ReturnedBy::Amount => "amount",
    });
    vec![
        line.returned_quantity.thousandths().into(),
        line.returned_amount.into(),
        Value::Text(returned_by),
        line.redemption_undone.into(),
        line.accrual_undone.into(),
    ]
}

fn as_told(receipt: &StoredReceipt) -> Value<'_> {
    Value::Binary(receipt.as_told.as_ref().map(|told| &told.as_bytes()[..]))
}

fn awaits(receipt: &StoredReceipt) -> Value<'static> {
    Value::BigInt(receipt.awaits.map(|amount| amount.kopecks()))
}

/// Columns from `version` to `as_told`, in the order of both [`RECEIPTS`] and [`RECEIPTS_REPLACED`].
fn content_columns<'a>(
    world: &'a World,
    receipt: &'a StoredReceipt,
    content: &'a kopilka_contract::Receipt,
) -> Result<Vec<Value<'a>>, StorageError> {
    let business = world.terms.get(&receipt.key.venue).map_or_else(
        || BusinessTime::new(receipt.closed_at, chrono_tz::UTC, chrono::NaiveTime::MIN),
        |terms| BusinessTime::new(receipt.closed_at, terms.time_zone, terms.day_starts_at),
    );
    let guests = content.guests.map(|g| i32::try_from(g).unwrap_or(i32::MAX));
    Ok(vec![
        receipt.version.into(),
        receipt_status(receipt.status).into(),
        Value::Binary(Some(&receipt.fingerprint)),
        Value::BigInt(receipt.customer.map(|c| c.0)),
        receipt.kind.as_str().into(),
        content.number.as_deref().into(),
        content.till.as_deref().into(),
        content.shift.as_deref().into(),
        content.waiter.as_deref().into(),
        Value::Integer(guests),
        content.comment.as_deref().into(),
        content.advertising_source.as_deref().into(),
        receipt.total.into(),
        receipt.redeemed.into(),
        receipt.accrued.into(),
        receipt.closed_at.into(),
        receipt.posted_at.into(),
        Value::Date(Some(business.date)),
        Value::Integer(i32::try_from(business.date.weekday().number_from_monday()).ok()),
        Value::Integer(i32::try_from(business.hour).ok()),
        serde_json::to_string(&content.payments)?.into(),
        serde_json::to_string(&receipt.answer)?.into(),
        awaits(receipt),
        (receipt.revision + 1).into(),
        receipt.told_at.into(),
        as_told(receipt),
    ])
}

/// Accounts with their lots and what their holds hold.
struct AccountRows<'a> {
    customers: Rows<'a>,
    inserted: Rows<'a>,
    changed: Rows<'a>,
    lots: Rows<'a>,
    lots_changed: Rows<'a>,
    hold_parts: Rows<'a>,
    hold_parts_old: Rows<'a>,
}

impl<'a> AccountRows<'a> {
    fn new() -> Self {
        AccountRows {
            customers: Rows::new("customers", CUSTOMERS),
            inserted: Rows::new("accounts", ACCOUNTS),
            changed: Rows::new("accounts", ACCOUNTS_CHANGED),
            lots: Rows::new("lots", LOTS),
            lots_changed: Rows::new("lots", LOTS_CHANGED),
            hold_parts: Rows::new("hold_parts", HOLD_PARTS),
            hold_parts_old: Rows::new("hold_parts", HOLD_PARTS_OLD),
        }
    }

    fn add(&mut self, facts: &'a CustomerFacts) {
        let (network, customer) = (facts.network.0, facts.id.0);
        if facts.is_new {
            // Made by a receipt, so known since that purchase.
            let at: Timestamp = facts.last_purchase_at.unwrap_or_default();
            self.customers.push(vec![
                network.into(),
                customer.into(),
                customer_status(facts.status).into(),
                facts.name.as_deref().into(),
                facts.phone.as_ref().map(|p| p.digits()).into(),
                at.into(),
                at.into(),
            ]);
        }
        let state: Vec<Value<'a>> = vec![
            (facts.version + 1).into(),
            facts.account.debt.into(),
            facts.head.sequence.into(),
            Value::Binary(Some(&facts.head.hash)),
            facts.last_purchase_at.into(),
            facts.account.next_due().into(),
        ];
        let mut row = state;
        if facts.version == 0 {
            row.splice(0..0, [network.into(), customer.into()]);
            self.inserted.push(row);
        } else {
            row.extend([network.into(), customer.into(), facts.version.into()]);
            self.changed.push(row);
        }
        for lot in &facts.account.lots {
            match facts.loaded.lots.iter().find(|old| old.id == lot.id) {
                None => self.lots.push(lot_row(network, customer, lot)),
                Some(old) if old.left != lot.left => {
                    self.lots_changed
                        .push(vec![lot.left.into(), network.into(), lot.id.0.into()]);
                }
                Some(_) => {}
            }
        }
        for hold in &facts.account.holds {
            self.add_hold_parts(
                network,
                hold,
                facts.loaded.holds.iter().find(|old| old.id == hold.id),
            );
        }
    }

    fn add_hold_parts(&mut self, network: i64, hold: &Hold, old: Option<&Hold>) {
        if old.is_some_and(|old| old.parts == hold.parts) {
            return;
        }
        if old.is_some() {
            self.hold_parts_old.push(vec![network.into(), hold.id.0.into()]);
        }
        for (i, part) in hold.parts.iter().enumerate() {
            let row = vec![
                network.into(),
                hold.id.0.into(),
                number(i),
                part.lot.id.0.into(),
                part.amount.into(),
            ];
            self.hold_parts.push(row);
        }
    }
}

fn lot_row(network: i64, customer: i64, lot: &Lot) -> Vec<Value<'static>> {
    vec![
        network.into(),
        lot.id.0.into(),
        customer.into(),
        lot.amount.into(),
        lot.left.into(),
        lot.starts_at.into(),
        lot.expires_at.into(),
        id(lot.scope),
        id(lot.issuer),
        Value::BigInt(lot.receipt.map(|r| r.0)),
    ]
}

fn book_rows(world: &World) -> (Rows<'_>, Rows<'_>) {
    let mut transactions = Rows::new("transactions", TRANSACTIONS);
    let mut postings = Rows::new("postings", POSTINGS);
    for t in &world.transactions {
        let m = &t.movement;
        transactions.push(vec![
            t.network.0.into(),
            t.id.0.into(),
            t.customer.0.into(),
            t.sequence.into(),
            m.kind.as_str().into(),
            m.direction.as_str().into(),
            m.amount.into(),
            id(m.venue),
            Value::BigInt(m.receipt.map(|r| r.0)),
            Value::BigInt(m.return_id.map(|r| r.0)),
            m.happened_at.into(),
            t.posted_at.into(),
            t.actor.as_str().into(),
            m.comment.as_deref().into(),
            Value::Binary(Some(&t.hash)),
        ]);
        for (i, posting) in t.postings().enumerate() {
            postings.push(vec![
                t.network.0.into(),
                t.id.0.into(),
                number(i),
                posting.account.as_str().into(),
                t.customer.0.into(),
                id(posting.venue),
                id(posting.issuer),
                posting.amount.into(),
            ]);
        }
    }
    (transactions, postings)
}

fn return_rows(world: &World) -> Result<(Rows<'_>, Rows<'_>), StorageError> {
    let mut inserted = Rows::new("returns", RETURNS);
    let mut changed = Rows::new("returns", RETURNS_CHANGED);
    for r in world.returns.values().filter(|r| r.change != Change::None) {
        let receipt = r
            .answer
            .receipt_id
            .as_deref()
            .and_then(|id| id.parse::<crate::domain::ids::ReceiptId>().ok());
        let outcome: Vec<Value<'_>> = vec![
            receipt_status(r.answer.status).into(),
            r.answer.amount.into(),
            r.answer.accrual_undone.into(),
            r.answer.redemption_undone.into(),
        ];
        let receipt = Value::BigInt(receipt.map(|id| id.0));
        let answer: Value<'_> = serde_json::to_string(&r.answer)?.into();
        if r.change == Change::Updated {
            let mut row = vec![receipt, Value::Binary(Some(&r.fingerprint))];
            row.extend(outcome);
            row.extend([
                serde_json::to_string(&r.request)?.into(),
                r.posted_at.into(),
                r.told_at.into(),
                r.undone_by.into(),
                answer,
                r.key.network.0.into(),
                r.id.0.into(),
            ]);
            changed.push(row);
            continue;
        }
        let mut row: Vec<Value<'_>> = vec![
            r.key.network.0.into(),
            r.id.0.into(),
            r.key.venue.0.into(),
            r.key.source.as_str().into(),
            r.key.external_id.as_str().into(),
            r.sale.venue.0.into(),
            r.sale.source.as_str().into(),
            r.sale.external_id.as_str().into(),
            receipt,
            Value::Binary(Some(&r.fingerprint)),
        ];
        row.extend(outcome);
        row.extend([
            serde_json::to_string(&r.request)?.into(),
            answer,
            r.posted_at.into(),
            r.told_at.into(),
            r.undone_by.into(),
            r.actor.as_str().into(),
        ]);
        inserted.push(row);
    }
    Ok((inserted, changed))
}

fn hold_rows(world: &World) -> (Rows<'_>, Rows<'_>) {
    let mut inserted = Rows::new("holds", HOLDS);
    let mut changed = Rows::new("holds", HOLDS_CHANGED);
    for hold in world.holds.values() {
        let (status, released) = (hold_status(hold.standing), hold.released);
        match hold.change {
            Change::None => {}
            Change::Updated => {
                changed.push(vec![
                    status.into(),
                    released.into(),
                    hold.network.0.into(),
                    hold.id.0.into(),
                ]);
            }
            Change::Inserted => inserted.push(vec![
                hold.network.0.into(),
                hold.id.0.into(),
                hold.venue.0.into(),
                hold.key.as_ref().map_or("", |k| k.source.as_str()).into(),
                hold.key.as_ref().map_or("", |k| k.external_id.as_str()).into(),
                hold.customer.0.into(),
                hold.amount.into(),
                hold.ends_at.into(),
                status.into(),
                released.into(),
                hold.created_at.into(),
                hold.order.as_deref().into(),
            ]),
        }
    }
    (inserted, changed)
}

fn write_off_rows(world: &World) -> (Rows<'_>, Rows<'_>) {
    let mut inserted = Rows::new("write_offs", WRITE_OFFS);
    let mut changed = Rows::new("write_offs", WRITE_OFFS_CHANGED);
    for w in &world.write_offs {
        let (network, receipt) = (w.session.network.0, Value::BigInt(w.receipt.map(|r| r.0)));
        match w.change {
            Change::None => {}
            Change::Updated => {
                let settled = w.settled.as_ref();
                changed.push(vec![
                    receipt,
                    Value::Timestamp(settled.map(|s| s.at.naive_utc())),
                    Value::Text(settled.map(|s| settlement(s.given_back))),
                    Value::Text(settled.map(|s| s.by.as_str())),
                    Value::Text(settled.map(|s| s.note.as_str())),
                    network.into(),
                    w.transaction.0.into(),
                ]);
            }
            Change::Inserted => inserted.push(vec![
                network.into(),
                w.transaction.0.into(),
                w.session.venue.0.into(),
                w.session.source.as_str().into(),
                w.session.external_id.as_str().into(),
                Value::BigInt(w.hold.map(|h| h.0)),
                w.customer.0.into(),
                w.amount.into(),
                w.debt.into(),
                w.posted_at.into(),
                receipt,
            ]),
        }
    }
    (inserted, changed)
}

/// How a settled write-off is written down.
pub(super) const GIVEN_BACK: &str = "given_back";

fn settlement(given_back: bool) -> &'static str {
    if given_back { GIVEN_BACK } else { "kept" }
}

fn event_rows(world: &World) -> Rows<'_> {
    let mut rows = Rows::new("events", EVENTS);
    for event in &world.events {
        rows.push(vec![
            event.network.0.into(),
            event.id.0.into(),
            event.kind.into(),
            Value::BigInt(event.customer.map(|c| c.0)),
            event.subject.as_str().into(),
            event.at.into(),
        ]);
    }
    rows
}

/// Messages as rows, also for those that are stored alone.
pub fn message_rows(messages: &[StoredMessage]) -> Rows<'_> {
    let mut rows = Rows::new("messages", MESSAGES);
    for message in messages {
        let raw = &message.raw;
        rows.push(vec![
            message.network.0.into(),
            message.id.0.into(),
            id(raw.venue),
            Value::BigInt(raw.connection.map(|c| c.0)),
            raw.kind.as_str().into(),
            raw.method.as_str().into(),
            raw.path.as_str().into(),
            raw.query.as_str().into(),
            raw.content_type.as_deref().into(),
            Value::Binary(Some(&raw.body)),
            raw.received_at.into(),
            message.outcome.as_str().into(),
            message.code.as_deref().into(),
            message.detail.as_deref().into(),
            message.subject.as_deref().into(),
            Value::BigInt(message.took_ms),
            message.outcome.needs_nobody().into(),
        ]);
    }
    rows
}

fn remembered_rows(answers: &[Remember]) -> Rows<'_> {
    let mut rows = Rows::new("remembered_answers", REMEMBERED);
    for remember in answers {
        rows.push(vec![
            remember.key.network.0.into(),
            remember.key.actor.as_str().into(),
            remember.key.key.as_str().into(),
            Value::Binary(Some(&remember.answer.fingerprint)),
            Value::Integer(Some(i32::from(remember.answer.status))),
            remember.answer.answer.as_str().into(),
            remember.at.into(),
        ]);
    }
    rows
}
