//! Which sales connections tell of: where two of a venue tell of the same a receipt would count more than once.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use kopilka_contract::{Roads, Settings};

use super::adapter;
use crate::storage::till_connections::StoredConnection;

/// Whether two connections may have one source: only tills of one kind name an order alike.
pub fn may_share_orders(one: &StoredConnection, other: &StoredConnection) -> bool {
    one.venue == other.venue && one.kind == other.kind
}

fn settings(of: &StoredConnection) -> Settings {
    Settings {
        time_zone: Tz::UTC,
        language: of.spoken(),
        values: of.settings.clone(),
    }
}

/// Which sales a connection tells of.
fn roads(of: &StoredConnection) -> Roads {
    adapter(&of.kind)
        .map(|adapter| adapter.roads(&settings(of)))
        .unwrap_or_default()
}

/// Whether a connection that could tell of delivery orders is set to leave them to another.
fn leaves_deliveries(of: &StoredConnection) -> bool {
    let as_it_comes = Settings {
        values: serde_json::Value::Null,
        ..settings(of)
    };
    let could = adapter(&of.kind).is_some_and(|adapter| adapter.roads(&as_it_comes).delivery);
    could && !roads(of).delivery
}

/// Transaction types that a connection's receipts name.
pub fn receipt_types(of: &StoredConnection) -> BTreeSet<String> {
    adapter(&of.kind)
        .map(|adapter| adapter.receipt_types(&settings(of)))
        .unwrap_or_default()
}

/// The connections among `others` that count sales that this one counts as well.
pub fn counting_twice(of: &StoredConnection, others: Vec<StoredConnection>) -> Vec<StoredConnection> {
    let mine = roads(of);
    let are_one = |other: &StoredConnection| other.source() == of.source() && may_share_orders(of, other);
    others
        .into_iter()
        .filter(|other| of.active && other.active && other.id != of.id)
        .filter(|other| !are_one(other) && mine.meet(&roads(other), other.kind == of.kind))
        .collect()
}

/// The connections among `others` that leave delivery orders to another, as this one does, while none of them tells of any.
pub fn counting_never(of: &StoredConnection, others: &[StoredConnection]) -> Vec<StoredConnection> {
    let mut active = others.iter().filter(|other| other.active);
    if !of.active || !leaves_deliveries(of) || active.any(|other| roads(other).delivery) {
        return Vec::new();
    }
    others
        .iter()
        .filter(|other| other.active && other.id != of.id && leaves_deliveries(other))
        .cloned()
        .collect()
}
