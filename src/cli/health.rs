//! `kopilka health`: the image of a container needs no curl.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::time::Duration;

use super::{Failure, print};
use crate::config::Settings;
use crate::http_client::{authority, resolve};

/// A service that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address of the service, such as http://127.0.0.1:8080; without it: where the settings say it listens
    #[arg(long)]
    url: Option<String>,
}

pub(super) fn run(settings: &Settings, args: &Args) -> Result<(), Failure> {
    let authority = match &args.url {
        Some(url) => authority(url)
            .ok_or("--url must begin with http://: the check runs beside the service, behind its proxy")?,
        None => {
            let mut address = settings.listen;
            // "Everywhere" is where one listens, not where one calls.
            if address.ip().is_unspecified() {
                address.set_ip(match address.ip() {
                    IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
                });
            }
            address.to_string()
        }
    };
    let status = ask(&authority).map_err(|error| format!("no answer from {authority}: {error}"))?;
    if status.split(' ').nth(1) == Some("200") {
        print("well");
        Ok(())
    } else {
        Err(format!("{authority} answered: {status}").into())
    }
}

/// The first line of the answer to GET /healthz.
fn ask(authority: &str) -> std::io::Result<String> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in resolve(authority)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return first_line(stream, authority),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn first_line(mut stream: TcpStream, authority: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // In one piece: a server may answer and hang up as soon as it has seen a line.
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(4096)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
