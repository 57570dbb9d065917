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
