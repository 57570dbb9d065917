//! `kopilka simulate`

use std::process::Command;

use clap::builder::PossibleValuesParser;

use super::{Failure, print};
use crate::clock::{Clock, SystemClock};
use crate::simulate::{self, Fault, Faults, Plan, UnknownFault};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Till system
    #[arg(value_parser = PossibleValuesParser::new(simulate::kinds()))]
    kind: String,
    /// Address of the service, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    address: String,
    /// API key with the scopes till, customers, reports and admin; without it the demo network's
    #[arg(long)]
    key: Option<String>,
    /// Token of a till connection of this kind; without it the demo network's, or, with a key, that of a connection which is
    /// made at the network's first venue for this day
    #[arg(long, requires = "key")]
    token: Option<String>,
    /// What goes wrong on the wire: all, none, or names with commas between: duplicates, reordering, lost-answers,
    /// delays, cuts, half-returns, losses, restarts
    #[arg(long, default_value = "none", value_parser = faults)]
    faults: Faults,
    /// How many sales
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    receipts: u32,
    /// What decides everything that happens
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// A command of the shell that starts the service anew, for the fault restarts
    #[arg(long, value_name = "COMMAND")]
    restart_command: Option<String>,
}

fn faults(text: &str) -> Result<Faults, UnknownFault> {
    text.parse()
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let plan = Plan {
        kind: args.kind.clone(),
        address: args.address.clone(),
        key: args.key.clone(),
        token: args.token.clone(),
        faults: args.faults.clone(),
        receipts: args.receipts,
        seed: args.seed,
        now: SystemClock.now(),
    };
    let mut restart = args.restart_command.as_ref().map(|command| {
        move || -> Result<(), Failure> {
            let status = Command::new("sh").arg("-c").arg(command).status()?;
            if status.success() {
                Ok(())
            } else {
                Err(format!("`{command}` ended with {status}").into())
            }
        }
    });
    if restart.is_none() && plan.faults.has(Fault::Restarts) {
        print("Restarts are left out: there is no --restart-command.");
    }
    let report = simulate::run(&plan, restart.as_mut().map(|restart| restart as _))?;
    print(&report);
    if report.is_clean() {
        Ok(())
    } else {
        Err("the books did not come out".into())
    }
}
