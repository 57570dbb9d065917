//! Venues' links to till systems.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kopilka_contract::Language;
use serde_json::Value;

use super::schema::connections;
use super::{AnyConnection, StorageError, Tenant};
use crate::addresses::Addresses;
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, NetworkId, VenueId};
use crate::domain::watch::Watch;

/// A venue's link to a till system, without its token.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConnection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose tills speak.
    pub venue: VenueId,
    /// Which dialect: `rkeeper`, `iiko`, `onec`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// The adapter's own settings.
    pub settings: Value,
    /// Language of the words for the cashier, `ru` or `en`.
    pub language: String,
    /// Whether its messages are taken.
    pub active: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// How it is looked after.
    pub watch: Watch,
    /// When its till last spoke, to the minute; `None`: never.
    pub heard_at: Option<Timestamp>,
    /// The connection whose orders this one's are, under the same ids: one sale by two roads is one receipt.
    pub shares_orders_with: Option<ConnectionId>,
    /// Under which connections its orders were told before they became another's, or its own again; the latest first.
    pub orders_before: Vec<ConnectionId>,
    /// From where its messages may come; none: from anywhere.
    pub only_from: Addresses,
}

impl StoredConnection {
    /// Whose receipts its receipts are: a part of their identity.
    pub fn source(&self) -> ConnectionId {
        self.shares_orders_with.unwrap_or(self.id)
    }

    /// The language of the words for people.
    pub fn spoken(&self) -> Language {
        match self.language.as_str() {
            "en" => Language::En,
            _ => Language::Ru,
        }
    }

    /// The same, with orders that are those of `other` from now on; `None`: its own. What was told until now stays where it is.
    #[must_use]
    pub fn sharing(self, other: Option<ConnectionId>) -> Self {
        let before = self.source();
        let mut shared = StoredConnection {
            shares_orders_with: other,
            ..self
        };
        if shared.source() != before {
            shared.orders_before.insert(0, before);
            let now = shared.source();
            shared.orders_before.retain(|id| *id != now);
        }
        shared
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = connections)]
struct Row {
    id: i64,
    venue_id: i64,
    kind: String,
    name: String,
    settings: String,
    language: String,
    active: bool,
    created_at: NaiveDateTime,
    watch: Option<String>,
    heard_at: Option<NaiveDateTime>,
    shares_orders_with: Option<i64>,
    only_from: String,
    orders_before: String,
}

/// Ids with commas between.
fn joined(ids: &[ConnectionId]) -> String {
    let ids: Vec<String> = ids.iter().map(ConnectionId::to_string).collect();
    ids.join(",")
}

fn parted(ids: &str) -> Result<Vec<ConnectionId>, StorageError> {
    let ids = ids.split(',').filter(|id| !id.is_empty());
    ids.map(|id| {
        id.parse()
            .map_err(|_| StorageError::Corrupt(format!("{id} is no id of a connection")))
    })
    .collect()
}

impl Row {
    fn connection(self) -> Result<StoredConnection, StorageError> {
        Ok(StoredConnection {
            id: ConnectionId(self.id),
            venue: VenueId(self.venue_id),
            kind: self.kind,
            name: self.name,
            settings: serde_json::from_str(&self.settings)?,
            language: self.language,
            active: self.active,
            created_at: self.created_at.and_utc(),
            watch: match self.watch {
                Some(watch) => serde_json::from_str(&watch)?,
                None => Watch::default(),
            },
            heard_at: self.heard_at.map(|at| at.and_utc()),
            shares_orders_with: self.shares_orders_with.map(ConnectionId),
            orders_before: parted(&self.orders_before)?,
            only_from: self.only_from.parse().map_err(StorageError::Corrupt)?,
        })
    }
}

/// The working connection of a token, and the network that it proves. This makes a [`Tenant`].
///
/// # Errors
/// Those of the database.
pub fn by_token(
    connection: &mut AnyConnection,
    token_hash: &[u8],
) -> Result<Option<(Tenant, StoredConnection)>, StorageError> {
    let found: Option<(i64, Row)> = connections::table
        .filter(connections::token_hash.eq(token_hash))
        .filter(connections::active.eq(true))
        .select((connections::network_id, Row::as_select()))
        .first(connection)
        .optional()?;
    match found {
        Some((network, row)) => Ok(Some((Tenant::proven(NetworkId(network)), row.connection()?))),
        None => Ok(None),
    }
}

/// Keeps a new connection.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    new: &StoredConnection,
    token_hash: &[u8],
) -> Result<(), StorageError> {
    diesel::insert_into(connections::table)
        .values((
            connections::network_id.eq(tenant.id()),
            connections::id.eq(new.id.0),
            connections::venue_id.eq(new.venue.0),
            connections::kind.eq(&new.kind),
            connections::name.eq(&new.name),
            connections::token_hash.eq(token_hash),
            connections::settings.eq(new.settings.to_string()),
            connections::language.eq(&new.language),
            connections::active.eq(new.active),
            connections::created_at.eq(new.created_at.naive_utc()),
            connections::watch.eq(Some(serde_json::to_string(&new.watch)?)),
            connections::shares_orders_with.eq(new.shares_orders_with.map(|of| of.0)),
            connections::only_from.eq(new.only_from.to_string()),
        ))
        .execute(connection)?;
    Ok(())
}

/// One connection.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
) -> Result<Option<StoredConnection>, StorageError> {
    let row: Option<Row> = connections::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    row.map(Row::connection).transpose()
}

/// Whether other connections share the orders of this one.
///
/// # Errors
/// Those of the database.
pub fn is_shared(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
) -> Result<bool, StorageError> {
    let sharing = connections::table
        .filter(connections::network_id.eq(tenant.id()))
        .filter(connections::shares_orders_with.eq(id.0));
    Ok(diesel::select(diesel::dsl::exists(sharing)).get_result(connection)?)
}

/// Connections in the order they were made, of some venues only where `venues` says so.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredConnection>, StorageError> {
    let mut query = connections::table
        .filter(connections::network_id.eq(tenant.id()))
        .filter(connections::id.gt(after.unwrap_or(0)))
        .order(connections::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = venues {
        let ids: Vec<i64> = venues.iter().map(|v| v.0).collect();
        query = query.filter(connections::venue_id.eq_any(ids));
    }
    let rows: Vec<Row> = query.load(connection)?;
    rows.into_iter().map(Row::connection).collect()
}

/// How many connections there are.
///
/// # Errors
/// Those of the database.
pub fn count(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
) -> Result<i64, StorageError> {
    let mut query = connections::table
        .filter(connections::network_id.eq(tenant.id()))
        .into_boxed();
    if let Some(venues) = venues {
        let ids: Vec<i64> = venues.iter().map(|v| v.0).collect();
        query = query.filter(connections::venue_id.eq_any(ids));
    }
    Ok(query.count().get_result(connection)?)
}

/// Writes a connection as it now is; its venue and kind stay for good.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    changed: &StoredConnection,
) -> Result<(), StorageError> {
    diesel::update(connections::table.find((tenant.id(), changed.id.0)))
        .set((
            connections::name.eq(&changed.name),
            connections::settings.eq(changed.settings.to_string()),
            connections::language.eq(&changed.language),
            connections::active.eq(changed.active),
            connections::watch.eq(Some(serde_json::to_string(&changed.watch)?)),
            connections::shares_orders_with.eq(changed.shares_orders_with.map(|of| of.0)),
            connections::orders_before.eq(joined(&changed.orders_before)),
            connections::only_from.eq(changed.only_from.to_string()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Gives a connection another token: the one before stops working.
///
/// # Errors
/// Those of the database.
pub fn set_token(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
    token_hash: &[u8],
) -> Result<(), StorageError> {
    diesel::update(connections::table.find((tenant.id(), id.0)))
        .set(connections::token_hash.eq(token_hash))
        .execute(connection)?;
    Ok(())
}

/// Notes that a connection's till has spoken.
///
/// # Errors
/// Those of the database.
pub fn set_heard(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
    at: Timestamp,
) -> Result<(), StorageError> {
    diesel::update(connections::table.find((tenant.id(), id.0)))
        .set(connections::heard_at.eq(Some(at.naive_utc())))
        .execute(connection)?;
    Ok(())
}
