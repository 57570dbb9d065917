//! `kopilka simulate`

use std::process::Command;

use super::{Failure, print, till_kind};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::simulate::{self, Fault, Faults, Plan, UnknownFault};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Till system
    #[arg(value_parser = till_kind::one_of(simulate::kinds()))]
    kind: String,
    /// Address of the service, such as http://127.0.0.1:8080; the whole address of a connection's door says its token as well.
    /// Without it, this machine and the port of the setting `listen`
    #[arg(long, value_name = "URL")]
    address: Option<String>,
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

/// The address of the service, and the token where it is that of a connection's door: `…/pos/<kind>/<token>`.
fn service_and_token(address: &str) -> (&str, Option<&str>) {
    let Some((service, door)) = address.split_once("/pos/") else {
        return (address, None);
    };
    let token = door.split('/').nth(1).filter(|token| !token.is_empty());
    (service, token)
}

pub(super) fn run(settings: &Settings, args: &Args) -> Result<(), Failure> {
    let here = format!("http://127.0.0.1:{}", settings.listen.port());
    let (address, door) = service_and_token(args.address.as_deref().unwrap_or(&here));
    if let (Some(token), None) = (door, &args.key) {
        return Err(format!(
            "this is the address of a connection: to play its till give an API key of its network too (--address {address} --token {token} --key KEY, \
             with the scopes till, customers, reports and admin); the demo network needs --address {address} alone"
        )
        .into());
    }
    let plan = Plan {
        kind: args.kind.clone(),
        address: address.to_owned(),
        key: args.key.clone(),
        token: args.token.clone().or_else(|| door.map(str::to_owned)),
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
    let played = simulate::run(&plan, restart.as_mut().map(|restart| restart as _));
    let report = played.map_err(|failure| format!("{address}: {failure}"))?;
    print(&report);
    if report.is_clean() {
        Ok(())
    } else {
        Err("the books did not come out".into())
    }
}
