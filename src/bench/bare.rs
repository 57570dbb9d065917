//! Sales decided and written without the service: nothing is sent or parsed, and nobody waits for company.

use std::sync::Arc;

use chrono::Utc;

use super::Failure;
use super::report::per_second;
use super::shop::{SOURCE, Sale, Shop};
use crate::domain::decide::{self, Context};
use crate::domain::ids::{IdSource, MessageId};
use crate::domain::world::{SourceKey, World};
use crate::id_source::TimeOrderedIds;
use crate::storage::ledger::message::{Outcome, RawMessage, StoredMessage};
use crate::storage::ledger::rows::{Tables, tables};
use crate::storage::ledger::{self, LoadKeys};
use crate::storage::terms::{NetworkTerms, TermsCache};
use crate::storage::{AnyConnection, StorageError, Store, measure};

/// Writes so many sales, so many of them in each transaction. Returns how many per second: the rows are ready before
/// the clock starts.
pub(super) fn write(store: &Store, shop: &Shop, count: usize, together: usize) -> Result<f64, Failure> {
    let mut connection = store.own_connection()?;
    let ids = TimeOrderedIds::new(u8::MAX);
    let terms = TermsCache::default()
        .current(&mut connection, shop.tenant.network())?
        .ok_or("a network without a row")?;
    let decided: Vec<(World, StoredMessage)> = shop
        .distinct_sales(count)
        .iter()
        .map(|sale| decided(&mut connection, shop, &terms, sale, &ids))
        .collect::<Result<_, _>>()?;
    let rows: Vec<Tables<'_>> = decided
        .iter()
        .map(|(world, message)| tables(world, std::slice::from_ref(message), &[]))
        .collect::<Result<_, StorageError>>()?;
    let count = rows.len();
    let took = measure::write_bare(&mut connection, rows, together)?;
    Ok(per_second(count, took))
}

/// What a sale does, decided but not written.
fn decided(
    connection: &mut AnyConnection,
    shop: &Shop,
    terms: &NetworkTerms,
    sale: &Sale,
    ids: &TimeOrderedIds,
) -> Result<(World, StoredMessage), Failure> {
    let network = shop.tenant.network();
    let close = sale.close();
    let mut keys = LoadKeys::default();
    keys.customers
        .extend(close.receipt.customer.iter().map(|who| (network, who.clone())));
    keys.receipts.insert(SourceKey {
        network,
        venue: shop.venue,
        source: SOURCE.to_owned(),
        external_id: sale.external_id(),
    });
    let mut world = ledger::load(connection, &keys)?.world;
    let venue = terms.venues.get(&shop.venue).ok_or("a venue without terms")?;
    world.terms.insert(shop.venue, Arc::clone(venue));
    let now = Utc::now();
    let cx = Context {
        terms: venue,
        source: SOURCE,
        actor: "bench",
        now,
        told_at: now,
        ids,
    };
    let closed = decide::close(&mut world, cx, &close).map_err(|refusal| refusal.words().en)?;
    let raw = RawMessage {
        venue: Some(shop.venue),
        connection: None,
        kind: "rest".to_owned(),
        method: "POST".to_owned(),
        path: "/api/v1/receipts".to_owned(),
        query: String::new(),
        content_type: Some("application/json".to_owned()),
        body: sale.json().into_bytes(),
        received_at: now,
    };
    let message = StoredMessage {
        took_ms: None,
        id: MessageId(ids.next_id()),
        network,
        raw: Arc::new(raw),
        outcome: Outcome::Posted,
        code: None,
        detail: None,
        subject: Some(closed.id),
    };
    Ok((world, message))
}
