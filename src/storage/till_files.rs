//! Files that tills' systems send in parts.

use diesel::dsl::max;
use diesel::prelude::*;

use super::schema::till_files;
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::ConnectionId;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// Whose it is.
    pub connection: ConnectionId,
    /// What the exchange is about.
    pub folder: String,
    /// Name of the file.
    pub name: String,
}

/// So many parts of a message's size a connection may have; more than any base of a shop or a restaurant exports.
pub const MOST_PARTS: i64 = 64;

/// A part that there was no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

macro_rules! parts_of {
    ($tenant:expr, $place:expr) => {
        till_files::table
            .filter(till_files::network_id.eq($tenant.id()))
            .filter(till_files::connection_id.eq($place.connection.0))
            .filter(till_files::folder.eq(&$place.folder))
            .filter(till_files::name.eq(&$place.name))
    };
}

/// Drops the files of a folder: a new exchange begins.
///
/// # Errors
/// Those of the database.
pub fn empty(
    connection: &mut AnyConnection,
    tenant: Tenant,
    owner: ConnectionId,
    folder: &str,
) -> Result<(), StorageError> {
    let files = till_files::table
        .filter(till_files::network_id.eq(tenant.id()))
        .filter(till_files::connection_id.eq(owner.0))
        .filter(till_files::folder.eq(folder));
    diesel::delete(files).execute(connection)?;
    Ok(())
}

/// Adds a part at the end of a file; a file that was read begins anew. The last part once more is that part repeated, for its
/// sender may not have heard our answer.
///
/// # Errors
/// Those of the database.
pub fn append(
    connection: &mut AnyConnection,
    tenant: Tenant,
    place: &FilePlace,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<(), NoRoom>, StorageError> {
    diesel::delete(parts_of!(tenant, place).filter(till_files::was_read.eq(true))).execute(connection)?;
    let last: Option<i32> = parts_of!(tenant, place)
        .select(max(till_files::part))
        .first(connection)?;
    if let Some(last) = last {
        let known: Vec<u8> = parts_of!(tenant, place)
            .filter(till_files::part.eq(last))
            .select(till_files::body)
            .first(connection)?;
        if known == body {
            return Ok(Ok(()));
        }
    }
    let parts: i64 = till_files::table
        .filter(till_files::network_id.eq(tenant.id()))
        .filter(till_files::connection_id.eq(place.connection.0))
        .count()
        .get_result(connection)?;
    if parts >= MOST_PARTS {
        return Ok(Err(NoRoom));
    }
    diesel::insert_into(till_files::table)
        .values((
            till_files::network_id.eq(tenant.id()),
            till_files::connection_id.eq(place.connection.0),
            till_files::folder.eq(&place.folder),
            till_files::name.eq(&place.name),
            till_files::part.eq(last.map_or(0, |last| last + 1)),
            till_files::body.eq(body),
            till_files::was_read.eq(false),
            till_files::received_at.eq(now.naive_utc()),
        ))
        .execute(connection)?;
    Ok(Ok(()))
}

/// The whole file, or where there is none the newest of its folder whose name ends so, and marks it as read; empty where there
/// is neither.
///
/// # Errors
/// Those of the database.
pub fn read(
    connection: &mut AnyConnection,
    tenant: Tenant,
    place: &FilePlace,
    or_in: Option<&str>,
) -> Result<Vec<u8>, StorageError> {
    let whole = read_whole(connection, tenant, place)?;
    let Some(ending) = or_in.filter(|_| whole.is_empty()) else {
        return Ok(whole);
    };
    let names: Vec<String> = till_files::table
        .filter(till_files::network_id.eq(tenant.id()))
        .filter(till_files::connection_id.eq(place.connection.0))
        .filter(till_files::folder.eq(&place.folder))
        .order(till_files::received_at.desc())
        .select(till_files::name)
        .load(connection)?;
    let archive = names
        .into_iter()
        .find(|name| name.to_ascii_lowercase().ends_with(ending));
    match archive {
        Some(name) => read_whole(
            connection,
            tenant,
            &FilePlace {
                name,
                ..place.clone()
            },
        ),
        None => Ok(whole),
    }
}

/// The file as far as it has come; that does not make it a file that was read.
///
/// # Errors
/// Those of the database.
pub fn whole(
    connection: &mut AnyConnection,
    tenant: Tenant,
    place: &FilePlace,
) -> Result<Vec<u8>, StorageError> {
    let parts: Vec<Vec<u8>> = parts_of!(tenant, place)
        .order(till_files::part)
        .select(till_files::body)
        .load(connection)?;
    Ok(parts.concat())
}

/// Drops what has come of a file.
///
/// # Errors
/// Those of the database.
pub fn forget(connection: &mut AnyConnection, tenant: Tenant, place: &FilePlace) -> Result<(), StorageError> {
    diesel::delete(parts_of!(tenant, place)).execute(connection)?;
    Ok(())
}

fn read_whole(
    connection: &mut AnyConnection,
    tenant: Tenant,
    place: &FilePlace,
) -> Result<Vec<u8>, StorageError> {
    let file = whole(connection, tenant, place)?;
    diesel::update(parts_of!(tenant, place))
        .set(till_files::was_read.eq(true))
        .execute(connection)?;
    Ok(file)
}

/// Drops parts that came before `before`.
///
/// # Errors
/// Those of the database.
pub fn drop_old(
    connection: &mut AnyConnection,
    tenant: Tenant,
    before: Timestamp,
) -> Result<usize, StorageError> {
    let old = till_files::table
        .filter(till_files::network_id.eq(tenant.id()))
        .filter(till_files::received_at.lt(before.naive_utc()));
    Ok(diesel::delete(old).execute(connection)?)
}
