//! The figures, as a table for people and as JSON for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::baseline::RawLoop;
use super::load::Measured;
use super::service::Memory;
use super::tills::{LongReceipt, TillCall};
use crate::ledger::verify;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(super) databases: Vec<DatabaseReport>,
    /// Where messages of tills were measured.
    pub(super) long_receipts: Vec<LongReceipt>,
}

/// What was measured on one database.
#[derive(Debug, Default)]
pub(super) struct DatabaseReport {
    pub(super) name: &'static str,
    /// Commits of one row.
    pub(super) single_commit: Measured,
    pub(super) raw_loop: Option<RawLoop>,
    pub(super) receipts: Vec<Receipts>,
    pub(super) identify: Vec<Measured>,
    pub(super) quote: Vec<Measured>,
    /// What tills said.
    pub(super) tills: Vec<(TillCall, Measured)>,
    pub(super) round_trips: Option<f64>,
    pub(super) memory: Option<Memory>,
    /// How long the service took to start on the full database.
    pub(super) ready: Duration,
    pub(super) verified: verify::Report,
}

/// Receipts with so many in flight.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    pub(super) measured: Measured,
    /// How long the service was on a processor, its warming up included.
    pub(super) busy: Duration,
    /// Transactions per second of pgbench before and after it, their mean.
    pub(super) pgbench: Option<f64>,
}

impl DatabaseReport {
    /// What receipts with so many in flight are compared with.
    fn baseline(&self, receipts: &Receipts) -> Option<f64> {
        let raw = self.raw_loop.map(|raw| match receipts.measured.in_flight {
            1 => raw.alone,
            _ => raw.together,
        });
        receipts.pgbench.or(raw)
    }

    fn ratio(&self, receipts: &Receipts) -> Option<f64> {
        let baseline = self.baseline(receipts).filter(|b| *b > 0.0)?;
        Some(receipts.measured.per_second / baseline)
    }

    fn json(&self) -> Value {
        let mut all = Map::new();
        for receipts in &self.receipts {
            let mut figures = figures(&receipts.measured);
            figures.insert(
                "receipts_per_s".to_owned(),
                rounded(receipts.measured.per_second, 1),
            );
            figures.remove("per_s");
            figures.insert(
                "ratio".to_owned(),
                json!(self.ratio(receipts).map(|r| rounded(r, 2))),
            );
            all.insert(receipts.measured.in_flight.to_string(), Value::Object(figures));
        }
        all.insert(
            "single_commit_p50_ms".to_owned(),
            rounded(self.single_commit.p50_ms, 3),
        );
        if let Some(count) = self.round_trips {
            all.insert("round_trips_per_receipt".to_owned(), rounded(count, 2));
        }
        if let Some(raw) = self.raw_loop {
            all.insert("raw_loop_per_s".to_owned(), rounded(raw.together, 1));
            all.insert("raw_loop_single_per_s".to_owned(), rounded(raw.alone, 1));
        }
        let pgbench: Vec<Value> = self
            .receipts
            .iter()
            .filter_map(|r| r.pgbench.map(|tps| rounded(tps, 1)))
            .collect();
        if !pgbench.is_empty() {
            all.insert("pgbench_tps".to_owned(), Value::Array(pgbench));
        }
        for (call, measured) in &self.tills {
            let name = format!("{}_{}", call.dialect.name(), call.call.name());
            all.insert(name, Value::Object(figures(measured)));
        }
        all.insert("ready_s".to_owned(), rounded(self.ready.as_secs_f64(), 3));
        all.insert(
            "memory_mb".to_owned(),
            json!(self.memory.map(|m| rounded(megabytes(m.most_kb), 1))),
        );
        Value::Object(all)
    }
}

impl Report {
    /// Whether the books are right on every database.
    pub(crate) fn is_clean(&self) -> bool {
        self.databases.iter().all(|d| d.verified.is_clean())
    }

    /// One line.
    pub(crate) fn json(&self) -> Value {
        let mut all: Map<String, Value> = self
            .databases
            .iter()
            .map(|d| (d.name.to_owned(), d.json()))
            .collect();
        let reads = |of: fn(&DatabaseReport) -> &Vec<Measured>| -> Value {
            let by_database = self.databases.iter().map(|d| {
                let by_number: Map<String, Value> = of(d)
                    .iter()
                    .map(|m| (m.in_flight.to_string(), Value::Object(figures(m))))
                    .collect();
                (d.name.to_owned(), Value::Object(by_number))
            });
            Value::Object(by_database.collect())
        };
        all.insert("identify".to_owned(), reads(|d| &d.identify));
        all.insert("quote".to_owned(), reads(|d| &d.quote));
        for long in &self.long_receipts {
            let read = json!({"bytes": long.bytes, "ms": rounded(long.took.as_secs_f64() * 1000.0, 3)});
            all.insert(format!("{}_long_receipt", long.dialect), read);
        }
        let most = self
            .databases
            .iter()
            .filter_map(|d| d.memory)
            .map(|m| m.most_kb)
            .max();
        all.insert(
            "memory_mb".to_owned(),
            json!(most.map(|kb| rounded(megabytes(kb), 1))),
        );
        let verdict = if self.is_clean() { "clean" } else { "broken" };
        all.insert("verify".to_owned(), json!(verdict));
        Value::Object(all)
    }
}

fn figures(measured: &Measured) -> Map<String, Value> {
    [
        ("per_s", rounded(measured.per_second, 1)),
        ("p50_ms", rounded(measured.p50_ms, 2)),
        ("p99_ms", rounded(measured.p99_ms, 2)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    json!((value * scale).round() / scale)
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 kilobytes")]
fn megabytes(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// So many in a time, per second.
#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52")]
pub(super) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::EPSILON)
}

/// How many of one thing there are for each of another.
#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52")]
pub(super) fn per(count: u64, each: u64) -> f64 {
    count as f64 / each as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for database in &self.databases {
            writeln!(f, "{database}")?;
        }
        for long in &self.long_receipts {
            let micros = long.took.as_secs_f64() * 1e6;
            writeln!(
                f,
                "{:<16} a receipt of 92 lines, {} bytes: read in {micros:.0} µs",
                long.dialect, long.bytes
            )?;
        }
        write!(
            f,
            "Receipts have 5 lines, half of them redeem; customers are random. Ratio: to pgbench before and after \
             (PostgreSQL), to a loop that only\ninserts the same rows (SQLite: 1 per transaction for 1 in flight, else \
             64). The load is made on the same machine."
        )
    }
}

impl fmt::Display for DatabaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>9} {:>10} {:>9} {:>9} {:>10} {:>7} {:>11}",
            self.name, "in flight", "per second", "p50 ms", "p99 ms", "baseline", "ratio", "CPU µs each"
        )?;
        for receipts in &self.receipts {
            line(f, "receipts", &receipts.measured)?;
            match self.baseline(receipts).zip(self.ratio(receipts)) {
                Some((baseline, ratio)) => write!(f, " {baseline:>10.0} {ratio:>7.2}")?,
                None => write!(f, " {:>10} {:>7}", "", "")?,
            }
            writeln!(f, " {:>11.0}", receipts.processor_micros())?;
        }
        for (name, all) in [("identify", &self.identify), ("quote", &self.quote)] {
            for measured in all {
                line(f, name, measured)?;
                writeln!(f)?;
            }
        }
        for (call, measured) in &self.tills {
            line(
                f,
                &format!("{} {}", call.dialect.name(), call.call.name()),
                measured,
            )?;
            writeln!(f)?;
        }
        let single = &self.single_commit;
        if single.p50_ms > 0.0 {
            writeln!(
                f,
                "its own commit of one row: p50 {:.3} ms, p99 {:.3} ms",
                single.p50_ms, single.p99_ms
            )?;
        }
        if let Some(first) = self.receipts.first().filter(|_| single.p50_ms > 0.0) {
            let times = first.measured.p50_ms / single.p50_ms;
            writeln!(f, "a receipt alone takes {times:.2} times as long (p50)")?;
        }
        if let Some(raw) = self.raw_loop {
            writeln!(
                f,
                "bare loop of prepared inserts: {:.0} receipts/s, 64 per transaction; {:.0} with one",
                raw.together, raw.alone
            )?;
        }
        if let Some(count) = self.round_trips {
            writeln!(
                f,
                "round trips to the database per receipt, 1 in flight: {count:.2} (turns on the wire, counted by a proxy)"
            )?;
        }
        if let Some(memory) = self.memory {
            writeln!(
                f,
                "resident memory of the service: {:.1} MB, at most {:.1} MB",
                megabytes(memory.now_kb),
                megabytes(memory.most_kb)
            )?;
        }
        writeln!(
            f,
            "ready after {:.3} s on the full database",
            self.ready.as_secs_f64()
        )?;
        writeln!(f, "verify:\n{}", self.verified)
    }
}

impl Receipts {
    /// Time on a processor for each receipt.
    fn processor_micros(&self) -> f64 {
        self.busy.as_secs_f64() * 1e6 / per(self.measured.asked, 1).max(1.0)
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, measured: &Measured) -> fmt::Result {
    write!(
        f,
        "{name:<22} {:>9} {:>10.0} {:>9.2} {:>9.2}",
        measured.in_flight, measured.per_second, measured.p50_ms, measured.p99_ms
    )
}
