//! Which addresses the service connects to for a vendor's system. People of a network set them; where several networks
//! share a service, none of them may use it to look into the machine's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;

use crate::app::App;
use crate::storage::{StorageError, networks};

/// Whether vendors' systems may stand inside the service's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateAddresses {
    /// As long as there is one network on the service: whoever sets its connections has the machine as well.
    #[default]
    OneNetwork,
    /// Yes: everybody who may set up a connection is trusted.
    Always,
    /// No.
    Never,
}

/// How far calls may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To addresses of the Internet.
    Outside,
    /// Also to this machine and to private addresses.
    Inside,
}

/// What a person reads who set an address that is not asked.
const CLOSED: &str = "the address lies inside the service's own network, which is not asked here \
                      (polling.private_addresses in the service's settings)";

impl Reach {
    /// How far calls for the connections of this service may go now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(app: &App) -> Result<Self, StorageError> {
        let inside = match app.private_addresses {
            PrivateAddresses::Always => true,
            PrivateAddresses::Never => false,
            PrivateAddresses::OneNetwork => !app.read(networks::are_several).await?,
        };
        Ok(if inside { Reach::Inside } else { Reach::Outside })
    }

    /// Refuses an address that is written as numbers and may not be asked. Names are looked at when they are looked up.
    ///
    /// # Errors
    /// A sentence for the person who set it.
    pub fn check(self, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err(CLOSED.to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => !never_v4(address) && (self == Reach::Inside || !private_v4(address)),
            IpAddr::V6(address) => {
                // Addresses of IPv4 in the clothes of IPv6, which a gateway would undress.
                let within = embedded(address).is_none_or(|address| self.allows(IpAddr::V4(address)));
                within && !never_v6(address) && (self == Reach::Inside || !private_v6(address))
            }
        }
    }
}

/// Of no vendor: link-local, where clouds tell a machine its own secrets, and what is nobody's address.
fn never_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.octets().first() == Some(&0)
}

fn private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        // Shared by the customers of a provider (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        // For the protocols themselves, for examples, for measurements, and not given out (RFC 6890).
        || (a == 192 && b == 0 && c == 0)
        || address.is_documentation()
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240
}

/// Where one cloud keeps a machine's own secrets, among private addresses.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn never_v6(address: Ipv6Addr) -> bool {
    address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address == METADATA
}

fn private_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    address.is_loopback()
        || address.is_unique_local()
        // Site-local, of old (RFC 3879), and for examples.
        || (first & 0xffc0) == 0xfec0
        || (first == 0x2001 && second == 0x0db8)
}

/// The address of IPv4 that one of IPv6 stands for: compatible ones, those of NAT64 (RFC 6052) and of 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b) {
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) && !address.is_loopback() && !address.is_unspecified() => {
            Some(of(g, h))
        }
        (0x64, 0xff9b) => Some(of(g, h)),
        (0x2002, _) => Some(of(b, c)),
        _ => None,
    }
}

/// Whether a name may stand for an address: the one that means this machine, to which passwords go in the open, means no other.
fn may_be(name: &str, address: IpAddr) -> bool {
    !name.eq_ignore_ascii_case("localhost") || address.to_canonical().is_loopback()
}

/// Looks names up, and leaves out addresses that may not be asked: what is connected to is what was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookUp(pub(super) Reach);

impl Resolve for LookUp {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|found| reach.allows(found.ip()) && may_be(name.as_str(), found.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(CLOSED.into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_is_asked_only_where_that_is_open_and_link_local_never() {
        for (address, inside, outside) in [
            ("93.184.215.14", true, true),
            ("100.63.255.255", true, true),
            ("172.15.0.1", true, true),
            ("2a00:1450:4010:c05::64", true, true),
            ("127.0.0.1", true, false),
            ("127.8.8.8", true, false),
            ("10.1.2.3", true, false),
            ("172.31.255.255", true, false),
            ("192.168.1.10", true, false),
            ("100.100.100.200", true, false),
            ("198.19.0.1", true, false),
            ("::1", true, false),
            ("fd12:3456::1", true, false),
            ("fec0::1", true, false),
            ("::ffff:192.168.1.10", true, false),
            ("::ffff:93.184.215.14", true, true),
            ("::192.168.1.10", true, false),
            ("64:ff9b::a01:203", true, false),
            ("64:ff9b::5db8:d70e", true, true),
            ("2002:c0a8:10a::1", true, false),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
        ] {
            let of: IpAddr = address.parse().unwrap();
            assert_eq!(Reach::Inside.allows(of), inside, "{address} from inside");
            assert_eq!(Reach::Outside.allows(of), outside, "{address} from outside");
        }
    }

    #[test]
    fn an_address_in_numbers_is_refused_however_it_is_written() {
        for url in [
            "https://127.0.0.1:8443/x",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            // Browsers and this reader of addresses take these for 127.0.0.1 as well.
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
        ] {
            let read = Url::parse(url).unwrap();
            assert!(Reach::Outside.check(&read).is_err(), "{url}");
            assert!(Reach::Inside.check(&read).is_ok(), "{url}");
        }
        assert!(
            Reach::Outside
                .check(&Url::parse("https://v.example/").unwrap())
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let look_up = |reach| LookUp(reach).resolve("localhost".parse().unwrap());
        let refused = look_up(Reach::Outside).await.err().unwrap();
        assert!(
            refused.to_string().contains("polling.private_addresses"),
            "{refused}"
        );
        assert!(
            look_up(Reach::Inside)
                .await
                .unwrap()
                .all(|found| found.ip().is_loopback())
        );
    }
}
