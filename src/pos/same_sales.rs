//! Which sales connections tell of: where two of them tell of the same a receipt would count more than once.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use kopilka_contract::{Roads, Settings, Words};

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

/// What a person should mend in a connection's settings.
pub fn shortcomings(of: &StoredConnection) -> Vec<Words> {
    adapter(&of.kind)
        .map(|adapter| adapter.shortcomings(&settings(of)))
        .unwrap_or_default()
}

/// Whether the terms of the venue say what a connection's receipts accrue: it has receipts, and they do not say it themselves.
pub fn accrues_by_terms(of: &StoredConnection) -> bool {
    let (settings, roads) = (settings(of), roads(of));
    let counts_itself = adapter(&of.kind).is_some_and(|adapter| adapter.counts_accruals(&settings));
    (roads.hall || roads.delivery) && !counts_itself
}

/// The connections of a network, each with the sales that it tells of.
#[derive(Debug)]
pub struct Tellers(Vec<(StoredConnection, Roads)>);

impl Tellers {
    /// These connections.
    pub fn of(connections: Vec<StoredConnection>) -> Self {
        let with_roads = connections.into_iter().map(|of| {
            let roads = roads(&of);
            (of, roads)
        });
        Tellers(with_roads.collect())
    }

    /// Those that work, but for `of`, at its venue or at others.
    fn beside<'t>(
        &'t self,
        of: &'t StoredConnection,
        at_its_venue: bool,
    ) -> impl Iterator<Item = &'t (StoredConnection, Roads)> {
        let active = self.0.iter().filter(|(other, _)| of.active && other.active);
        active.filter(move |(other, _)| other.id != of.id && (other.venue == of.venue) == at_its_venue)
    }

    /// The connections of its venue that count sales which `of` counts as well.
    pub fn counting_twice(&self, of: &StoredConnection) -> Vec<StoredConnection> {
        let mine = roads(of);
        let are_one = |other: &StoredConnection| other.source() == of.source() && may_share_orders(of, other);
        self.beside(of, true)
            .filter(|(other, theirs)| !are_one(other) && mine.meet(theirs, other.kind == of.kind))
            .map(|(other, _)| other.clone())
            .collect()
    }

    /// The connections of other venues that count sales which `of` counts as well.
    pub fn counting_elsewhere(&self, of: &StoredConnection) -> Vec<StoredConnection> {
        let mine = roads(of);
        self.beside(of, false)
            .filter(|(other, theirs)| other.kind == of.kind && mine.meet_elsewhere(theirs))
            .map(|(other, _)| other.clone())
            .collect()
    }

    /// The connections of its venue that leave delivery orders to another, as `of` does, while none of them tells of any.
    pub fn counting_never(&self, of: &StoredConnection) -> Vec<StoredConnection> {
        let somebody_tells = self.beside(of, true).any(|(_, theirs)| theirs.delivery);
        if somebody_tells || !leaves_deliveries(of) {
            return Vec::new();
        }
        self.beside(of, true)
            .filter(|(other, _)| leaves_deliveries(other))
            .map(|(other, _)| other.clone())
            .collect()
    }
}
