//! What the service is compared with, on the same database in the same minute.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

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

/// Receipts in one transaction of the loop.
const TOGETHER: usize = 64;

/// How long commits of one row take.
pub(super) fn single_commits(store: &Store, time: Duration) -> Result<Vec<Duration>, Failure> {
    Ok(measure::single_commits(&mut store.own_connection()?, time)?)
}

/// Receipts per second of a loop that only inserts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RawLoop {
    /// One receipt in each transaction.
    pub(super) alone: f64,
    /// 64 receipts in each transaction.
    pub(super) together: f64,
}

impl RawLoop {
    /// The mean of two.
    pub(super) fn mean(&self, other: &RawLoop) -> RawLoop {
        RawLoop {
            alone: (self.alone + other.alone) / 2.0,
            together: (self.together + other.together) / 2.0,
        }
    }
}

/// A loop that writes the rows of receipts: the same tables, rows and prepared statements that the service needs for
/// them. The rows are ready before the clock starts: nothing is read, decided, parsed or sent.
pub(super) fn raw_loop(store: &Store, shop: &Shop, time: Duration) -> Result<RawLoop, Failure> {
    let mut connection = store.own_connection()?;
    let seconds = usize::try_from(time.as_secs()).unwrap_or(1).max(1);
    let (alone, together) = (100 * seconds, 8 * TOGETHER * seconds);
    let ids = TimeOrderedIds::new(u8::MAX);
    let terms = TermsCache::default()
        .current(&mut connection, shop.tenant.network())?
        .ok_or("a network without a row")?;
    let decided: Vec<(World, StoredMessage)> = shop
        .distinct_sales(alone + together)
        .iter()
        .map(|sale| decided(&mut connection, shop, &terms, sale, &ids))
        .collect::<Result<_, _>>()?;
    let mut rows: Vec<Tables<'_>> = decided
        .iter()
        .map(|(world, message)| tables(world, std::slice::from_ref(message), &[]))
        .collect::<Result<_, StorageError>>()?;
    let rows_together = rows.split_off(alone.min(rows.len()));
    let (count_alone, count_together) = (rows.len(), rows_together.len());
    let took_together = measure::write_bare(&mut connection, rows_together, TOGETHER)?;
    let took_alone = measure::write_bare(&mut connection, rows, 1)?;
    Ok(RawLoop {
        alone: per_second(count_alone, took_alone),
        together: per_second(count_together, took_together),
    })
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

/// PostgreSQL's own measuring tool.
#[derive(Debug)]
pub(super) struct Pgbench<'a>(&'a str);

impl<'a> Pgbench<'a> {
    /// A command of the shell that runs it.
    pub(super) fn new(command: &'a str) -> Self {
        Pgbench(command)
    }

    /// Runs it; returns its transactions per second.
    pub(super) fn run(&self) -> Result<f64, Failure> {
        let output = Command::new("sh")
            .args(["-c", self.0])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        transactions_per_second(&text).ok_or_else(|| format!("pgbench said no figure: {text}").into())
    }
}

/// The figure of the line `tps = 1234.5 (without initial connection time)`.
fn transactions_per_second(text: &str) -> Option<f64> {
    let figure = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    figure.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_of_pgbench_is_found() {
        let text = "latency average = 4.4 ms\ntps = 1811.250000 (without initial connection time)\n";
        assert!((transactions_per_second(text).unwrap() - 1811.25).abs() < 1e-9);
        assert_eq!(transactions_per_second("nothing"), None);
    }
}
