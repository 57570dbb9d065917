//! `kopilka bench`

use std::time::Duration;

use super::{Failure, print};
use crate::bench::{self, Plan};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An empty PostgreSQL database to measure; without it only SQLite is measured
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Shorter runs, coarser figures
    #[arg(long)]
    quick: bool,
    /// A command that runs pgbench, to compare with: before and after each measurement of receipts on PostgreSQL
    #[arg(long, value_name = "COMMAND", requires = "postgres")]
    pgbench: Option<String>,
    /// How many customers there are
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000, value_parser = customers)]
    customers: usize,
    /// How many requests are in flight while receipts are measured
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_values_t = bench::RECEIPTS_IN_FLIGHT)]
    in_flight: Vec<usize>,
    /// Only the database given with --postgres
    #[arg(long, requires = "postgres")]
    without_sqlite: bool,
    /// What tills send to their doors, each kind in its own dialect, instead of REST
    #[arg(long)]
    tills: bool,
}

fn customers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000_000) => Ok(number),
        _ => Err("expected 1 to 10000000".to_owned()),
    }
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let (time, warm_up) = if args.quick { (4, 1) } else { (12, 3) };
    let plan = Plan {
        postgres: args.postgres,
        pgbench: args.pgbench,
        customers: args.customers,
        in_flight: args.in_flight,
        sqlite: !args.without_sqlite,
        tills: args.tills,
        time: Duration::from_secs(time),
        warm_up: Duration::from_secs(warm_up),
    };
    let report = bench::run(&plan, &|what| tracing::info!("{what}"))?;
    print(&report);
    print(report.json());
    if report.is_clean() {
        Ok(())
    } else {
        Err("the books are not right".into())
    }
}
