//! Guests by what may mean several of them: an e-mail, or the end of a telephone number.

use diesel::sql_types::BigInt;
use kopilka_contract::{Search, SearchBy};

use super::dialect::Dialect;
use super::statement::{self, Statement};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::ids::{CustomerId, VenueId};

/// Customers whom a search may mean, the oldest first. A lock counts whether its time is over or not.
///
/// # Errors
/// Those of the database.
pub fn search(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    asked: &Search,
) -> Result<Vec<CustomerId>, StorageError> {
    let Some(query) = statement(Dialect::of(connection), tenant, venue, source, asked) else {
        return Ok(Vec::new());
    };
    let found: Vec<i64> = statement::load(query.returning::<BigInt>(), connection)?;
    Ok(found.into_iter().map(CustomerId).collect())
}

/// How the database would search, as [`super::ledger::plan`] tells it of a batch.
///
/// # Errors
/// Those of the database.
pub fn plan(
    connection: &mut AnyConnection,
    tenant: Tenant,
    asked: &Search,
) -> Result<Vec<String>, StorageError> {
    match statement(Dialect::of(connection), tenant, VenueId(0), "", asked) {
        Some(query) => Ok(query.plan(connection)?),
        None => Ok(Vec::new()),
    }
}

/// `None`: there is too little to search by.
fn statement(
    dialect: Dialect,
    tenant: Tenant,
    venue: VenueId,
    source: &str,
    asked: &Search,
) -> Option<Statement<'static>> {
    let mut query = Statement::new(dialect);
    query
        .push("SELECT c.id FROM customers c WHERE c.network_id = ")
        .bind(tenant.id());
    match &asked.by {
        SearchBy::Email(email) => {
            query
                .push(" AND c.email IN (")
                .bind(email.clone())
                .push(", ")
                .bind(email.to_lowercase())
                .push(")");
        }
        SearchBy::PhoneEnd(digits) => {
            let last = digits.len().checked_sub(Search::LEAST_DIGITS)?;
            let last = digits
                .get(last..)
                .filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
            // The last digits are a column with an index; the rest is looked at in the few rows that have them.
            query
                .push(" AND c.phone_end = ")
                .bind(last.to_owned())
                .push(" AND c.phone LIKE ")
                .bind(format!("%{digits}"));
        }
    }
    if let Some(beginning) = &asked.locked_under {
        let length = i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX);
        // A count, since a database may take EXISTS for a join, and begin it with everybody's holds.
        query
            .push(
                " AND 0 < (SELECT COUNT(*) FROM holds h WHERE h.network_id = c.network_id AND h.customer_id = c.id \
                   AND h.status = 'active' AND h.venue_id = ",
            )
            .bind(venue.0)
            .push(" AND h.source = ")
            .bind(source.to_owned())
            .push(" AND substr(h.external_id, 1, CAST(")
            .bind(length)
            .push(" AS INTEGER)) = ")
            .bind(beginning.clone())
            .push(")");
    }
    query
        .push(" ORDER BY c.id LIMIT ")
        .bind(i64::try_from(Search::MOST).unwrap_or(i64::MAX));
    Some(query)
}
