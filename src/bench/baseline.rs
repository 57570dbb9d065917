//! What the service is compared with, on the same database in the same minute.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::shop::Shop;
use super::{Failure, bare};
use crate::storage::{Store, measure};

/// Receipts in one transaction of the loop.
pub(super) const TOGETHER: usize = 64;

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
/// them.
pub(super) fn raw_loop(store: &Store, shop: &Shop, time: Duration) -> Result<RawLoop, Failure> {
    let seconds = usize::try_from(time.as_secs()).unwrap_or(1).max(1);
    Ok(RawLoop {
        alone: bare::write(store, shop, 100 * seconds, 1)?,
        together: bare::write(store, shop, 8 * TOGETHER * seconds, TOGETHER)?,
    })
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
