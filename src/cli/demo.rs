//! `kopilka demo`

use std::net::SocketAddr;

use super::{Failure, not_built};
use crate::config::Settings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen: this machine only, for the demo's keys are known to everybody
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = loopback)]
    listen: SocketAddr,
    /// An empty PostgreSQL database to use instead of a throw-away SQLite file
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

pub(super) fn run(_settings: Settings, _args: &Args) -> Result<(), Failure> {
    Err(not_built("kopilka demo"))
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:8080".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the demo's keys are known to everybody: it listens on this machine only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_stays_on_this_machine() {
        assert!(loopback("127.0.0.1:80").is_ok() && loopback("[::1]:80").is_ok());
        assert!(loopback("0.0.0.0:80").is_err() && loopback("localhost").is_err());
    }
}
