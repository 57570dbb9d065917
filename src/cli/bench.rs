//! `kopilka bench`

use super::{Failure, not_built};
use crate::config::Settings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An empty PostgreSQL database to measure; without it only SQLite is measured
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Shorter runs, coarser figures
    #[arg(long)]
    quick: bool,
}

pub(super) fn run(_settings: Settings, _args: &Args) -> Result<(), Failure> {
    Err(not_built("kopilka bench"))
}
