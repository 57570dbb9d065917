//! Terms of venues: read whole, made ready for deciding, and kept in memory until the network's version grows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{categories, category_groups, networks, products, rules, venues};
use super::{AnyConnection, StorageError};
use crate::domain::ids::{NetworkId, RuleId, VenueId};
use crate::domain::rate::{Coefficient, Percent};
use crate::domain::settings::{NetworkSettings, VenueSettings};
use crate::domain::terms::{GroupTerms, ItemTerms, Rule, VenueTerms};

/// Everything about a network that its ledger needs.
#[derive(Debug)]
pub struct NetworkTerms {
    /// The version of the network that this was read at.
    pub version: i64,
    /// Its settings.
    pub settings: NetworkSettings,
    /// Its zone.
    pub time_zone: chrono_tz::Tz,
    /// How far its clock stands ahead, for a sandbox.
    pub clock_offset: chrono::Duration,
    /// Terms of its venues.
    pub venues: HashMap<VenueId, Arc<VenueTerms>>,
    /// Venues by their external id.
    pub venue_external_ids: HashMap<String, VenueId>,
}

/// Terms by network. Shared by all writers and readers.
#[derive(Debug, Default)]
pub struct TermsCache(Mutex<HashMap<NetworkId, Arc<NetworkTerms>>>);

impl TermsCache {
    /// The terms as they are known, however old.
    pub fn known(&self, network: NetworkId) -> Option<Arc<NetworkTerms>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&network)
            .cloned()
    }

    /// The terms at a version of the network: those in memory, or read anew. `None`: there is no such network.
    ///
    /// # Errors
    /// Those of the database.
    pub fn at_version(
        &self,
        connection: &mut AnyConnection,
        network: NetworkId,
        version: i64,
    ) -> Result<Option<Arc<NetworkTerms>>, StorageError> {
        if let Some(terms) = self.known(network).filter(|t| t.version >= version) {
            return Ok(Some(terms));
        }
        self.refresh(connection, network)
    }

    /// The terms as the database has them now. One small query where nothing has changed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn current(
        &self,
        connection: &mut AnyConnection,
        network: NetworkId,
    ) -> Result<Option<Arc<NetworkTerms>>, StorageError> {
        let version: Option<i64> = networks::table
            .find(network.0)
            .select(networks::version)
            .first(connection)
            .optional()?;
        match version {
            Some(version) => self.at_version(connection, network, version),
            None => Ok(None),
        }
    }

    fn refresh(
        &self,
        connection: &mut AnyConnection,
        network: NetworkId,
    ) -> Result<Option<Arc<NetworkTerms>>, StorageError> {
        let Some(terms) = read(connection, network)?.map(Arc::new) else {
            return Ok(None);
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(network, Arc::clone(&terms));
        Ok(Some(terms))
    }
}

fn time_zone(name: &str) -> Result<chrono_tz::Tz, StorageError> {
    name.parse()
        .map_err(|_| StorageError::Corrupt(format!("time zone {name}")))
}

/// Reads the terms of a whole network. The version is read first: a change that comes in between makes the terms
/// newer than their version says, and then they are merely read once more.
fn read(connection: &mut AnyConnection, network: NetworkId) -> Result<Option<NetworkTerms>, StorageError> {
    let row: Option<(i64, String, String, i64)> = networks::table
        .find(network.0)
        .select((
            networks::version,
            networks::settings,
            networks::time_zone,
            networks::clock_offset_us,
        ))
        .first(connection)
        .optional()?;
    let Some((version, settings, zone, offset_us)) = row else {
        return Ok(None);
    };
    let settings: NetworkSettings = serde_json::from_str(&settings)?;
    let mut venue_terms = HashMap::new();
    let mut venue_external_ids = HashMap::new();
    type VenueRow = (
        i64,
        Option<String>,
        String,
        String,
        i64,
        String,
        String,
        String,
        Option<NaiveDateTime>,
    );
    let rows: Vec<VenueRow> = venues::table
        .filter(venues::network_id.eq(network.0))
        .select((
            venues::id,
            venues::external_id,
            venues::name,
            venues::time_zone,
            venues::base_percent,
            venues::types,
            venues::default_type,
            venues::settings,
            venues::archived_at,
        ))
        .load(connection)?;
    for (id, external_id, name, zone, base_percent, types, default_type, own, archived_at) in rows {
        let own: VenueSettings = serde_json::from_str(&own)?;
        if let Some(external_id) = external_id {
            venue_external_ids.insert(external_id, VenueId(id));
        }
        let terms = VenueTerms {
            network,
            venue: VenueId(id),
            name,
            time_zone: time_zone(&zone)?,
            day_starts_at: own.day_starts_at.unwrap_or(settings.day_starts_at),
            base_percent: Percent::from_scaled(base_percent),
            rules: Vec::new(),
            products: HashMap::new(),
            categories: HashMap::new(),
            groups: Vec::new(),
            accrue_on_redeemed: own.accrue_on_redeemed.unwrap_or(settings.accrue_on_redeemed),
            excluded_payment_kinds: own
                .excluded_payment_kinds
                .unwrap_or_else(|| settings.excluded_payment_kinds.clone()),
            rounding: own.rounding.unwrap_or(settings.rounding),
            redeem_max_percent: own.redeem_max_percent.unwrap_or(settings.redeem_max_percent),
            min_money_payment: own.min_money_payment.unwrap_or(settings.min_money_payment),
            hold_minutes: own.hold_minutes.unwrap_or(settings.hold_minutes),
            default_type,
            types: serde_json::from_str(&types)?,
            archived_at: archived_at.map(|at| at.and_utc()),
            bonus_lifetime_days: settings.bonus_lifetime_days,
            accrual_delay_days: settings.accrual_delay_days,
            refund_grace_days: settings.refund_grace_days,
        };
        venue_terms.insert(VenueId(id), terms);
    }
    read_rules(connection, network, &mut venue_terms)?;
    read_items(connection, network, &mut venue_terms)?;
    Ok(Some(NetworkTerms {
        version,
        settings,
        time_zone: time_zone(&zone)?,
        clock_offset: chrono::Duration::microseconds(offset_us),
        venues: venue_terms
            .into_iter()
            .map(|(id, terms)| (id, Arc::new(terms)))
            .collect(),
        venue_external_ids,
    }))
}

fn read_rules(
    connection: &mut AnyConnection,
    network: NetworkId,
    terms: &mut HashMap<VenueId, VenueTerms>,
) -> Result<(), StorageError> {
    let rows: Vec<(i64, i64, Option<String>, String, i64)> = rules::table
        .filter(rules::network_id.eq(network.0))
        .order(rules::id)
        .select((
            rules::id,
            rules::venue_id,
            rules::name,
            rules::condition,
            rules::coefficient,
        ))
        .load(connection)?;
    for (id, venue, name, condition, coefficient) in rows {
        if let Some(terms) = terms.get_mut(&VenueId(venue)) {
            terms.rules.push(Rule {
                id: RuleId(id).to_string(),
                name,
                condition: serde_json::from_str(&condition)?,
                coefficient: Coefficient::from_scaled(coefficient),
            });
        }
    }
    Ok(())
}

/// Categories, groups, and those products that have terms of their own: a menu of thousands need not be in memory.
fn read_items(
    connection: &mut AnyConnection,
    network: NetworkId,
    terms: &mut HashMap<VenueId, VenueTerms>,
) -> Result<(), StorageError> {
    type ItemRow = (i64, String, String, Option<i64>, bool);
    let item = |name: String, coefficient: Option<i64>, redeemable: bool| ItemTerms {
        name,
        coefficient: coefficient.map(Coefficient::from_scaled),
        redeemable,
    };
    let rows: Vec<ItemRow> = categories::table
        .filter(categories::network_id.eq(network.0))
        .select((
            categories::venue_id,
            categories::external_id,
            categories::name,
            categories::coefficient,
            categories::redeemable,
        ))
        .load(connection)?;
    for (venue, external_id, name, coefficient, redeemable) in rows {
        if let Some(terms) = terms.get_mut(&VenueId(venue)) {
            terms
                .categories
                .insert(external_id, item(name, coefficient, redeemable));
        }
    }
    let rows: Vec<(i64, String, Option<i64>, bool)> = products::table
        .filter(products::network_id.eq(network.0))
        .filter(
            products::coefficient
                .is_not_null()
                .or(products::redeemable.eq(false)),
        )
        .select((
            products::venue_id,
            products::name,
            products::coefficient,
            products::redeemable,
        ))
        .load(connection)?;
    for (venue, name, coefficient, redeemable) in rows {
        if let Some(terms) = terms.get_mut(&VenueId(venue)) {
            terms
                .products
                .insert(name.clone(), item(name, coefficient, redeemable));
        }
    }
    let rows: Vec<(i64, String, String, i64)> = category_groups::table
        .filter(category_groups::network_id.eq(network.0))
        .order(category_groups::id)
        .select((
            category_groups::venue_id,
            category_groups::name,
            category_groups::category_ids,
            category_groups::coefficient,
        ))
        .load(connection)?;
    for (venue, name, category_ids, coefficient) in rows {
        if let Some(terms) = terms.get_mut(&VenueId(venue)) {
            terms.groups.push(GroupTerms {
                name,
                category_ids: serde_json::from_str(&category_ids)?,
                coefficient: Coefficient::from_scaled(coefficient),
            });
        }
    }
    Ok(())
}
