//! Addresses and networks of machines, as people name them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Addresses and networks such as `10.0.0.0/8`. In JSON a list of texts; in settings and in the database with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Addresses(Vec<IpNet>);

impl Addresses {
    /// Whether none are named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an address is one of them. An IPv4 address that is written as IPv6 is what it is.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(|a| IpNet::from(a.to_canonical()));
    address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
}

/// As people write it: a network of one machine is its address.
fn name(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split(',').map(str::trim).filter(|t| !t.is_empty());
        named.map(network).collect::<Result<_, _>>().map(Addresses)
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Vec::from(self.clone()).join(", "))
    }
}

impl TryFrom<Vec<String>> for Addresses {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        names
            .iter()
            .map(|text| network(text.trim()))
            .collect::<Result<_, _>>()
            .map(Addresses)
    }
}

impl From<Addresses> for Vec<String> {
    fn from(addresses: Addresses) -> Self {
        addresses.0.iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_refused() {
        assert_eq!(" ".parse(), Ok(Addresses::default()));
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0.1/", "*"] {
            let refused = [
                wrong.parse::<Addresses>(),
                Addresses::try_from(vec![wrong.to_owned()]),
            ];
            for refused in refused {
                assert!(refused.unwrap_err().contains(wrong), "{wrong}");
            }
        }
        assert!(Addresses::try_from(vec![String::new()]).is_err());
    }

    #[test]
    fn they_are_written_as_they_were_read() {
        let named = "127.0.0.1, 10.0.0.0/8, fd00::/8";
        let addresses: Addresses = named.parse().unwrap();
        assert_eq!(addresses.to_string(), named);
        let json = serde_json::to_string(&addresses).unwrap();
        assert_eq!(json, r#"["127.0.0.1","10.0.0.0/8","fd00::/8"]"#);
        assert_eq!(serde_json::from_str::<Addresses>(&json).unwrap(), addresses);
        let within = |text: &str| addresses.contain(text.parse().unwrap());
        assert!(within("10.2.3.4") && within("::ffff:10.2.3.4") && within("fd00::1"));
        assert!(!within("127.0.0.2") && !within("::1"));
    }
}
