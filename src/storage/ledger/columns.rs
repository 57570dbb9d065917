//! The columns that the ledger writes, table by table. Of a change the columns that are set come first, then those that
//! find the row; `was_version` finds by `version`.
#![allow(
    missing_docs,
    reason = "each is the list of columns of the table whose name it has"
)]

use crate::storage::dialect::Kind::{self, BigInt, Binary, Date, Integer, Text, Timestamp as Time};

/// A column and what it holds.
type Column = (&'static str, Kind);
/// Columns of a row.
pub type Columns = &'static [Column];

/// Two lists as one.
const fn joined<const A: usize, const B: usize, const BOTH: usize>(
    a: [Column; A],
    b: [Column; B],
) -> [Column; BOTH] {
    let mut both = [("", BigInt); BOTH];
    let mut i = 0;
    while i < A {
        both[i] = a[i];
        i += 1;
    }
    while i < A + B {
        both[i] = b[i - A];
        i += 1;
    }
    both
}

pub const MESSAGES: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("venue_id", BigInt),
    ("connection_id", BigInt),
    ("kind", Text),
    ("method", Text),
    ("path", Text),
    ("query", Text),
    ("content_type", Text),
    ("body", Binary),
    ("received_at", Time),
    ("outcome", Text),
    ("code", Text),
    ("detail", Text),
    ("subject", Text),
    ("took_ms", BigInt),
    ("needs_nobody", Text),
];
/// What names a receipt for ever.
const RECEIPT_IDENTITY: [Column; 5] = [
    ("network_id", BigInt),
    ("id", BigInt),
    ("venue_id", BigInt),
    ("source", Text),
    ("external_id", Text),
];
/// What a newer version of a receipt replaces.
const RECEIPT_CONTENT: [Column; 26] = [
    ("version", BigInt),
    ("status", Text),
    ("fingerprint", Binary),
    ("customer_id", BigInt),
    ("kind", Text),
    ("number", Text),
    ("till", Text),
    ("shift", Text),
    ("waiter", Text),
    ("guests", Integer),
    ("comment", Text),
    ("advertising_source", Text),
    ("total", BigInt),
    ("redeemed", BigInt),
    ("accrued", BigInt),
    ("closed_at", Time),
    ("posted_at", Time),
    ("business_date", Date),
    ("weekday", Integer),
    ("hour", Integer),
    ("payments", Text),
    ("answer", Text),
    ("awaits", BigInt),
    ("revision", BigInt),
    ("told_at", Time),
    ("as_told", Binary),
];
pub const RECEIPTS: Columns = &joined::<5, 26, 31>(RECEIPT_IDENTITY, RECEIPT_CONTENT);
/// A newer version of a receipt: all but its identity is set.
pub const RECEIPTS_REPLACED: Columns = &joined::<26, 3, 29>(RECEIPT_CONTENT, RECEIPT_FOUND);
/// A receipt as it was read: written since by another, it is not found.
const RECEIPT_FOUND: [Column; 3] = [("network_id", BigInt), ("id", BigInt), ("was_revision", BigInt)];
pub const RECEIPT_STATUS: Columns = &[
    ("status", Text),
    ("version", BigInt),
    ("redeemed", BigInt),
    ("answer", Text),
    ("awaits", BigInt),
    ("revision", BigInt),
    ("told_at", Time),
    ("as_told", Binary),
    ("network_id", BigInt),
    ("id", BigInt),
    ("was_revision", BigInt),
];
pub const LINES: Columns = &[
    ("network_id", BigInt),
    ("receipt_id", BigInt),
    ("sequence", Integer),
    ("line_id", Text),
    ("name", Text),
    ("product_id", Text),
    ("category_id", Text),
    ("category_name", Text),
    ("quantity", BigInt),
    ("price", BigInt),
    ("amount", BigInt),
    ("redeemed", BigInt),
    ("accrued", BigInt),
    ("returned_quantity", BigInt),
    ("returned_amount", BigInt),
    ("returned_by", Text),
    ("redemption_undone", BigInt),
    ("accrual_undone", BigInt),
];
pub const LINES_RETURNED: Columns = &[
    ("redeemed", BigInt),
    ("returned_quantity", BigInt),
    ("returned_amount", BigInt),
    ("returned_by", Text),
    ("redemption_undone", BigInt),
    ("accrual_undone", BigInt),
    ("network_id", BigInt),
    ("receipt_id", BigInt),
    ("sequence", Integer),
];
pub const TRANSACTIONS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("customer_id", BigInt),
    ("sequence", BigInt),
    ("kind", Text),
    ("direction", Text),
    ("amount", BigInt),
    ("venue_id", BigInt),
    ("receipt_id", BigInt),
    ("return_id", BigInt),
    ("happened_at", Time),
    ("posted_at", Time),
    ("actor", Text),
    ("comment", Text),
    ("hash", Binary),
];
pub const POSTINGS: Columns = &[
    ("network_id", BigInt),
    ("transaction_id", BigInt),
    ("sequence", Integer),
    ("account", Text),
    ("customer_id", BigInt),
    ("venue_id", BigInt),
    ("issuer_venue_id", BigInt),
    ("amount", BigInt),
];
pub const LOTS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("customer_id", BigInt),
    ("amount", BigInt),
    ("remaining", BigInt),
    ("starts_at", Time),
    ("expires_at", Time),
    ("scope_venue_id", BigInt),
    ("issuer_venue_id", BigInt),
    ("receipt_id", BigInt),
];
pub const LOTS_CHANGED: Columns = &[("remaining", BigInt), ("network_id", BigInt), ("id", BigInt)];
pub const ACCOUNTS: Columns = &[
    ("network_id", BigInt),
    ("customer_id", BigInt),
    ("version", BigInt),
    ("debt", BigInt),
    ("sequence", BigInt),
    ("head", Binary),
    ("last_purchase_at", Time),
    ("due_at", Time),
];
pub const ACCOUNTS_CHANGED: Columns = &[
    ("version", BigInt),
    ("debt", BigInt),
    ("sequence", BigInt),
    ("head", Binary),
    ("last_purchase_at", Time),
    ("due_at", Time),
    ("network_id", BigInt),
    ("customer_id", BigInt),
    ("was_version", BigInt),
];
pub const EVENTS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("kind", Text),
    ("customer_id", BigInt),
    ("subject", Text),
    ("at", Time),
];
pub const REDEMPTION_PARTS: Columns = &[
    ("network_id", BigInt),
    ("transaction_id", BigInt),
    ("sequence", Integer),
    ("receipt_id", BigInt),
    ("payer_id", BigInt),
    ("lot_id", BigInt),
    ("amount", BigInt),
    ("refunded", BigInt),
    ("starts_at", Time),
    ("expires_at", Time),
    ("scope_venue_id", BigInt),
    ("issuer_venue_id", BigInt),
];
pub const REDEMPTION_PARTS_CHANGED: Columns = &[
    ("refunded", BigInt),
    ("receipt_id", BigInt),
    ("network_id", BigInt),
    ("transaction_id", BigInt),
    ("sequence", Integer),
];
pub const CUSTOMERS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("status", Text),
    ("name", Text),
    ("phone", Text),
    ("created_at", Time),
    ("updated_at", Time),
];
pub const HOLDS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("venue_id", BigInt),
    ("source", Text),
    ("external_id", Text),
    ("customer_id", BigInt),
    ("amount", BigInt),
    ("ends_at", Time),
    ("status", Text),
    ("released", BigInt),
    ("created_at", Time),
    ("order_name", Text),
];
pub const HOLDS_CHANGED: Columns = &[
    ("status", Text),
    ("released", BigInt),
    ("network_id", BigInt),
    ("id", BigInt),
];
pub const HOLD_PARTS: Columns = &[
    ("network_id", BigInt),
    ("hold_id", BigInt),
    ("sequence", Integer),
    ("lot_id", BigInt),
    ("amount", BigInt),
];
pub const HOLD_PARTS_OLD: Columns = &[("network_id", BigInt), ("hold_id", BigInt)];
pub const LINES_OLD: Columns = &[("network_id", BigInt), ("receipt_id", BigInt)];
pub const WRITE_OFFS: Columns = &[
    ("network_id", BigInt),
    ("transaction_id", BigInt),
    ("venue_id", BigInt),
    ("source", Text),
    ("session", Text),
    ("hold_id", BigInt),
    ("customer_id", BigInt),
    ("amount", BigInt),
    ("debt", BigInt),
    ("posted_at", Time),
    ("receipt_id", BigInt),
];
pub const WRITE_OFFS_CHANGED: Columns = &[
    ("receipt_id", BigInt),
    ("settled_at", Time),
    ("settlement", Text),
    ("settled_by", Text),
    ("note", Text),
    ("network_id", BigInt),
    ("transaction_id", BigInt),
];
pub const RETURNS: Columns = &[
    ("network_id", BigInt),
    ("id", BigInt),
    ("venue_id", BigInt),
    ("source", Text),
    ("external_id", Text),
    ("sale_venue_id", BigInt),
    ("sale_source", Text),
    ("sale_external_id", Text),
    ("receipt_id", BigInt),
    ("fingerprint", Binary),
    ("status", Text),
    ("amount", BigInt),
    ("accrual_undone", BigInt),
    ("redemption_undone", BigInt),
    ("request", Text),
    ("answer", Text),
    ("posted_at", Time),
    ("told_at", Time),
    ("undone_by", BigInt),
    ("actor", Text),
];
pub const RETURNS_CHANGED: Columns = &[
    ("receipt_id", BigInt),
    ("fingerprint", Binary),
    ("status", Text),
    ("amount", BigInt),
    ("accrual_undone", BigInt),
    ("redemption_undone", BigInt),
    ("request", Text),
    ("posted_at", Time),
    ("told_at", Time),
    ("undone_by", BigInt),
    ("answer", Text),
    ("network_id", BigInt),
    ("id", BigInt),
];
pub const REMEMBERED: Columns = &[
    ("network_id", BigInt),
    ("actor", Text),
    ("idempotency_key", Text),
    ("fingerprint", Binary),
    ("status", Integer),
    ("answer", Text),
    ("created_at", Time),
];
