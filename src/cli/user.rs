//! `kopilka user`: members of staff, for the first start and for forgotten passwords. Passwords are read from standard
//! input: what is written on a command line stays in its history.

use super::{Failure, not_built};
use crate::api::caller::Role;
use crate::config::Settings;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add one; his password is read from standard input
    Add {
        /// What he logs in with
        login: String,
        /// owner, manager, marketer, cashier or auditor
        #[arg(long, value_parser = role)]
        role: Role,
        /// His name; without it the login
        #[arg(long)]
        name: Option<String>,
        /// Id of his network; needed where there are several
        #[arg(long)]
        network: Option<String>,
    },
    /// Give one a new password, read from standard input
    Password {
        /// What he logs in with
        login: String,
    },
    /// List them
    List,
}

pub(super) fn run(_settings: &Settings, _command: &Command) -> Result<(), Failure> {
    Err(not_built("kopilka user"))
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "expected owner, manager, marketer, cashier or auditor".to_owned())
}
