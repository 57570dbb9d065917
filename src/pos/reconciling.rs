//! A till system's report of a day against the books: loads what it speaks of, compares, and writes down what differs.

use std::sync::Arc;

use kopilka_contract::{DayCompared, TillDay};

use super::connection_cache::Known;
use crate::api::problem::Problem;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::business_time::day_bounds;
use crate::domain::reconcile::{self, compare};
use crate::storage::StorageError;
use crate::storage::reconciliations::{self, DayResult};

/// Compares a day that was told at a moment. `None`: a newer report of it was compared before.
///
/// # Errors
/// Those of the database.
pub async fn reconcile(
    app: &App,
    known: &Known,
    told: TillDay,
    told_at: Timestamp,
) -> Result<Option<DayCompared>, Problem> {
    let (tenant, of) = (known.tenant, known.connection.clone());
    let terms = network_terms(app, tenant).await?;
    let day = terms
        .venues
        .get(&of.venue)
        .and_then(|venue| day_bounds(told.day, venue.time_zone, venue.day_starts_at));
    let compared = app
        .read(move |c| -> Result<DayResult, StorageError> {
            let mut names: Vec<String> = told.orders.iter().flat_map(|order| order.names.clone()).collect();
            names.sort_unstable();
            names.dedup();
            let mut books = reconcile::Known {
                day,
                ..reconcile::Known::default()
            };
            for source in [of.source()].into_iter().chain(of.orders_before.iter().copied()) {
                let source = source.to_string();
                books = books.or(reconciliations::known(c, tenant, of.venue, &source, &names, day)?);
            }
            let compared = compare(&told, &books);
            Ok(DayResult {
                connection: of.id,
                venue: of.venue,
                day: told.day,
                told_at,
                compared,
            })
        })
        .await?;
    let (told, found) = (compared.compared.orders_told, compared.compared.orders_known);
    let (ids, now) = (Arc::clone(&app.ids), app.clock.now());
    let written = app
        .write(move |c| -> Result<_, StorageError> {
            reconciliations::write(c, tenant, &*ids, &compared, now)
        })
        .await?;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(written.map(|written| DayCompared {
        told: count(told),
        known: count(found),
        open: written.open,
        found: written.found,
        gone: written.gone,
    }))
}
