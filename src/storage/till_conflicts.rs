//! Sales made without a network that the books refused, and what became of them.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kopilka_contract::Words;

use super::schema::till_conflicts;
use super::{AnyConnection, StorageError, Tenant, networks};
use crate::domain::Timestamp;
use crate::domain::ids::{ConflictId, UserId, VenueId};

/// Standing of a conflict that waits for a person.
pub const OPEN: &str = "open";
/// Standing of a conflict whose receipt was accepted after all, when the till sent it again.
pub const POSTED: &str = "posted";

/// A refused sale.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConflict {
    /// Its id.
    pub id: ConflictId,
    /// Where it was made.
    pub venue: VenueId,
    /// Source of the receipt.
    pub source: String,
    /// Id of the receipt at its source.
    pub external_id: String,
    /// The till.
    pub till: Option<String>,
    /// Who made it.
    pub cashier: Option<UserId>,
    /// His name.
    pub cashier_name: Option<String>,
    /// Why the books refused it: the code.
    pub code: String,
    /// The same in words.
    pub words: Words,
    /// The receipt as it was sent.
    pub receipt: serde_json::Value,
    /// When it reached us last.
    pub received_at: Timestamp,
    /// [`OPEN`], [`POSTED`], or how a person settled it.
    pub status: String,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// When.
    pub settled_at: Option<Timestamp>,
    /// What he noted.
    pub note: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = till_conflicts, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    network_id: i64,
    id: i64,
    venue_id: i64,
    source: String,
    external_id: String,
    till: Option<String>,
    cashier_id: Option<i64>,
    cashier_name: Option<String>,
    code: String,
    words_ru: String,
    words_en: String,
    receipt: String,
    received_at: NaiveDateTime,
    status: String,
    settled_by: Option<String>,
    settled_at: Option<NaiveDateTime>,
    note: Option<String>,
}

impl Row {
    fn of(tenant: Tenant, conflict: &StoredConflict) -> Self {
        Row {
            network_id: tenant.id(),
            id: conflict.id.0,
            venue_id: conflict.venue.0,
            source: conflict.source.clone(),
            external_id: conflict.external_id.clone(),
            till: conflict.till.clone(),
            cashier_id: conflict.cashier.map(|c| c.0),
            cashier_name: conflict.cashier_name.clone(),
            code: conflict.code.clone(),
            words_ru: conflict.words.ru.clone(),
            words_en: conflict.words.en.clone(),
            receipt: conflict.receipt.to_string(),
            received_at: conflict.received_at.naive_utc(),
            status: conflict.status.clone(),
            settled_by: conflict.settled_by.clone(),
            settled_at: conflict.settled_at.map(|t| t.naive_utc()),
            note: conflict.note.clone(),
        }
    }

    fn conflict(self) -> Result<StoredConflict, StorageError> {
        Ok(StoredConflict {
            id: ConflictId(self.id),
            venue: VenueId(self.venue_id),
            source: self.source,
            external_id: self.external_id,
            till: self.till,
            cashier: self.cashier_id.map(UserId),
            cashier_name: self.cashier_name,
            code: self.code,
            words: Words::new(self.words_ru, self.words_en),
            receipt: serde_json::from_str(&self.receipt)?,
            received_at: self.received_at.and_utc(),
            status: self.status,
            settled_by: self.settled_by,
            settled_at: self.settled_at.map(|t| t.and_utc()),
            note: self.note,
        })
    }
}

fn by_key(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    external_id: &str,
) -> Result<Option<StoredConflict>, StorageError> {
    till_conflicts::table
        .filter(till_conflicts::network_id.eq(tenant.id()))
        .filter(till_conflicts::venue_id.eq(venue.0))
        .filter(till_conflicts::source.eq(source))
        .filter(till_conflicts::external_id.eq(external_id))
        .select(Row::as_select())
        .first(connection)
        .optional()?
        .map(Row::conflict)
        .transpose()
}

/// Keeps a refused sale. The same receipt refused again is the same conflict with the newer reason; one that a person
/// has settled stays settled. Gives its id.
///
/// # Errors
/// Those of the database.
pub fn keep(
    connection: &mut AnyConnection,
    tenant: Tenant,
    conflict: &StoredConflict,
) -> Result<ConflictId, StorageError> {
    // A till that sends twice at once must not make two.
    networks::hold(connection, tenant)?;
    let known = by_key(
        connection,
        tenant,
        conflict.venue,
        &conflict.source,
        &conflict.external_id,
    )?;
    match known {
        Some(known) if known.status == OPEN => {
            let id = known.id;
            let newer = StoredConflict {
                id,
                ..conflict.clone()
            };
            update(connection, tenant, &newer)?;
            Ok(id)
        }
        Some(known) => Ok(known.id),
        None => {
            diesel::insert_into(till_conflicts::table)
                .values(Row::of(tenant, conflict))
                .execute(connection)?;
            Ok(conflict.id)
        }
    }
}

/// A receipt was accepted after all: its conflict waits for nobody any more.
///
/// # Errors
/// Those of the database.
pub fn accepted(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    external_id: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let known = by_key(connection, tenant, venue, source, external_id)?;
    let Some(mut known) = known.filter(|c| c.status == OPEN) else {
        return Ok(());
    };
    POSTED.clone_into(&mut known.status);
    known.settled_at = Some(now);
    update(connection, tenant, &known)
}

/// Writes a conflict over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    conflict: &StoredConflict,
) -> Result<(), StorageError> {
    diesel::update(till_conflicts::table.find((tenant.id(), conflict.id.0)))
        .set(Row::of(tenant, conflict))
        .execute(connection)?;
    Ok(())
}

/// One conflict.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConflictId,
) -> Result<Option<StoredConflict>, StorageError> {
    till_conflicts::table
        .find((tenant.id(), id.0))
        .select(Row::as_select())
        .first(connection)
        .optional()?
        .map(Row::conflict)
        .transpose()
}

/// Conflicts that wait for a person, the oldest first, at some venues or (`None`) at all.
///
/// # Errors
/// Those of the database.
pub fn open(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venues: Option<&[VenueId]>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredConflict>, StorageError> {
    let mut query = till_conflicts::table
        .filter(till_conflicts::network_id.eq(tenant.id()))
        .filter(till_conflicts::status.eq(OPEN))
        .filter(till_conflicts::id.gt(after.unwrap_or(0)))
        .order(till_conflicts::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(venues) = venues {
        query = query.filter(till_conflicts::venue_id.eq_any(venues.iter().map(|v| v.0).collect::<Vec<_>>()));
    }
    query.load(connection)?.into_iter().map(Row::conflict).collect()
}
