//! `kopilka inbox`: the raw messages of the tills, and what became of them.

use super::{Failure, not_built};
use crate::config::Settings;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The newest messages and their outcomes
    List {
        /// Only those with this outcome
        #[arg(long)]
        outcome: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One message as it came
    Show {
        /// Id of the message
        id: String,
    },
    /// Hand a message to its adapter again, after its cause was mended
    Replay {
        /// Id of the message
        id: String,
    },
}

pub(super) fn run(_settings: &Settings, _command: &Command) -> Result<(), Failure> {
    Err(not_built("kopilka inbox"))
}
