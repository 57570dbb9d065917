//! Venues of a network, and their rules on time and amount.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use diesel::prelude::*;

use super::schema::{rules, venues};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{RuleId, VenueId};
use crate::domain::rate::{Coefficient, Percent};
use crate::domain::settings::VenueSettings;
use crate::domain::terms::RuleCondition;

/// A venue as a network sets it up.
#[derive(Debug, Clone, PartialEq)]
pub struct Venue {
    /// Its id.
    pub id: VenueId,
    /// The caller's own id of it.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its zone: rules look at its wall clock.
    pub time_zone: Tz,
    /// Base bonus.
    pub base_percent: Percent,
    /// Transaction types that its receipts may have.
    pub types: Vec<String>,
    /// The type of a receipt that names none.
    pub default_type: String,
    /// What it overrides of the network's settings.
    pub settings: VenueSettings,
    /// When it was set up.
    pub created_at: Timestamp,
    /// Since when it is out of use; kept because the books name it.
    pub archived_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = venues, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct VenueRow {
    network_id: i64,
    id: i64,
    external_id: Option<String>,
    name: String,
    time_zone: String,
    base_percent: i64,
    types: String,
    default_type: String,
    settings: String,
    created_at: NaiveDateTime,
    archived_at: Option<NaiveDateTime>,
}

impl VenueRow {
    fn of(tenant: Tenant, venue: &Venue) -> Result<Self, StorageError> {
        Ok(VenueRow {
            network_id: tenant.id(),
            id: venue.id.0,
            external_id: venue.external_id.clone(),
            name: venue.name.clone(),
            time_zone: venue.time_zone.name().to_owned(),
            base_percent: venue.base_percent.scaled(),
            types: serde_json::to_string(&venue.types)?,
            default_type: venue.default_type.clone(),
            settings: serde_json::to_string(&venue.settings)?,
            created_at: venue.created_at.naive_utc(),
            archived_at: venue.archived_at.map(|at| at.naive_utc()),
        })
    }

    fn venue(self) -> Result<Venue, StorageError> {
        Ok(Venue {
            id: VenueId(self.id),
            external_id: self.external_id,
            name: self.name,
            time_zone: self
                .time_zone
                .parse()
                .map_err(|_| StorageError::Corrupt(format!("time zone {}", self.time_zone)))?,
            base_percent: Percent::from_scaled(self.base_percent),
            types: serde_json::from_str(&self.types)?,
            default_type: self.default_type,
            settings: serde_json::from_str(&self.settings)?,
            created_at: self.created_at.and_utc(),
            archived_at: self.archived_at.map(|at| at.and_utc()),
        })
    }
}

/// Venues in the order of their ids, those after `after`. `among`: only these.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    among: Option<&[VenueId]>,
    archived: Option<bool>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Venue>, StorageError> {
    let mut query = venues::table
        .filter(venues::network_id.eq(tenant.id()))
        .order(venues::id)
        .limit(limit)
        .select(VenueRow::as_select())
        .into_boxed();
    if let Some(among) = among {
        query = query.filter(venues::id.eq_any(among.iter().map(|v| v.0).collect::<Vec<_>>()));
    }
    match archived {
        Some(true) => query = query.filter(venues::archived_at.is_not_null()),
        Some(false) => query = query.filter(venues::archived_at.is_null()),
        None => {}
    }
    if let Some(after) = after {
        query = query.filter(venues::id.gt(after));
    }
    query.load(connection)?.into_iter().map(VenueRow::venue).collect()
}

/// A venue by its id.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: VenueId,
) -> Result<Option<Venue>, StorageError> {
    venues::table
        .find((tenant.id(), id.0))
        .select(VenueRow::as_select())
        .first(connection)
        .optional()?
        .map(VenueRow::venue)
        .transpose()
}

/// Id of the venue that a text means: its id, or the caller's own id of it.
///
/// # Errors
/// Those of the database.
pub fn resolve(
    connection: &mut AnyConnection,
    tenant: Tenant,
    reference: &str,
) -> Result<Option<VenueId>, StorageError> {
    let mut query = venues::table
        .filter(venues::network_id.eq(tenant.id()))
        .select(venues::id)
        .into_boxed();
    query = match reference.parse::<VenueId>() {
        Ok(id) => query.filter(venues::id.eq(id.0)),
        Err(_) => query.filter(venues::external_id.eq(reference.to_owned())),
    };
    Ok(query.first(connection).optional()?.map(VenueId))
}

/// Adds a venue.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &mut AnyConnection, tenant: Tenant, venue: &Venue) -> Result<(), StorageError> {
    diesel::insert_into(venues::table)
        .values(VenueRow::of(tenant, venue)?)
        .execute(connection)?;
    Ok(())
}

/// Writes a venue over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &mut AnyConnection, tenant: Tenant, venue: &Venue) -> Result<(), StorageError> {
    diesel::update(venues::table.find((tenant.id(), venue.id.0)))
        .set(VenueRow::of(tenant, venue)?)
        .execute(connection)?;
    Ok(())
}

/// A rule of a venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its id.
    pub id: RuleId,
    /// Its venue.
    pub venue: VenueId,
    /// Its name for people.
    pub name: Option<String>,
    /// When it matches.
    pub condition: RuleCondition,
    /// What it multiplies by.
    pub coefficient: Coefficient,
    /// When it was added.
    pub created_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rules, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct RuleRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    name: Option<String>,
    condition: String,
    coefficient: i64,
    created_at: NaiveDateTime,
}

impl RuleRow {
    fn of(tenant: Tenant, rule: &StoredRule) -> Result<Self, StorageError> {
        Ok(RuleRow {
            network_id: tenant.id(),
            id: rule.id.0,
            venue_id: rule.venue.0,
            name: rule.name.clone(),
            condition: serde_json::to_string(&rule.condition)?,
            coefficient: rule.coefficient.scaled(),
            created_at: rule.created_at.naive_utc(),
        })
    }

    fn rule(self) -> Result<StoredRule, StorageError> {
        Ok(StoredRule {
            id: RuleId(self.id),
            venue: VenueId(self.venue_id),
            name: self.name,
            condition: serde_json::from_str(&self.condition)?,
            coefficient: Coefficient::from_scaled(self.coefficient),
            created_at: self.created_at.and_utc(),
        })
    }
}

/// Rules of a venue in the order of their ids, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn rules_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredRule>, StorageError> {
    rules::table
        .filter(rules::network_id.eq(tenant.id()))
        .filter(rules::venue_id.eq(venue.0))
        .filter(rules::id.gt(after.unwrap_or(0)))
        .order(rules::id)
        .limit(limit)
        .select(RuleRow::as_select())
        .load(connection)?
        .into_iter()
        .map(RuleRow::rule)
        .collect()
}

/// A rule of a venue.
///
/// # Errors
/// Those of the database.
pub fn find_rule(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    id: RuleId,
) -> Result<Option<StoredRule>, StorageError> {
    rules::table
        .find((tenant.id(), id.0))
        .filter(rules::venue_id.eq(venue.0))
        .select(RuleRow::as_select())
        .first(connection)
        .optional()?
        .map(RuleRow::rule)
        .transpose()
}

/// Adds a rule.
///
/// # Errors
/// Those of the database.
pub fn insert_rule(
    connection: &mut AnyConnection,
    tenant: Tenant,
    rule: &StoredRule,
) -> Result<(), StorageError> {
    diesel::insert_into(rules::table)
        .values(RuleRow::of(tenant, rule)?)
        .execute(connection)?;
    Ok(())
}

/// Writes a rule over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update_rule(
    connection: &mut AnyConnection,
    tenant: Tenant,
    rule: &StoredRule,
) -> Result<(), StorageError> {
    diesel::update(rules::table.find((tenant.id(), rule.id.0)))
        .set(RuleRow::of(tenant, rule)?)
        .execute(connection)?;
    Ok(())
}

/// Removes a rule.
///
/// # Errors
/// Those of the database.
pub fn delete_rule(connection: &mut AnyConnection, tenant: Tenant, id: RuleId) -> Result<(), StorageError> {
    diesel::delete(rules::table.find((tenant.id(), id.0))).execute(connection)?;
    Ok(())
}
