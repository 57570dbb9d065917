//! Proxies in front of the service: which of them are believed, and who the client behind them is.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use super::authentication::ClientAddress;
use crate::addresses::Addresses;
use crate::app::App;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The proxies whose word on their clients is taken. None unless the settings name them: anybody can write headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Addresses);

impl FromStr for TrustedProxies {
    type Err = String;

    /// Reads addresses and networks (`10.0.0.0/8`) with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(TrustedProxies)
    }
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.contain(address)
    }

    /// The client of a request that came from `peer`: the last address of `X-Forwarded-For` that is not a trusted
    /// proxy's. What stands before it the client may have written himself.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
        let named = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for address in named.map(|text| address(text.trim())) {
            match address {
                Some(address) if self.trusts(client) => client = address,
                // Nobody to believe any more, or nothing that can be read: the one who told it is the client.
                _ => break,
            }
        }
        client
    }
}

/// An address as proxies write it: some add a port, and brackets around IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    address.map(|a| a.to_canonical())
}

/// Replaces the address of a trusted proxy by its client's, and drops what anybody else says of forwarding: what
/// comes after this may believe the headers that are left.
pub async fn resolve(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(ClientAddress(peer)) = request.extensions().get::<ClientAddress>().copied() {
        let client = app.proxies.client(peer, request.headers());
        request.extensions_mut().insert(ClientAddress(client));
        if app.proxies.trusts(peer.to_canonical()) {
            return next.run(request).await;
        }
    }
    request.headers_mut().remove(FORWARDED_FOR);
    request.headers_mut().remove(FORWARDED_PROTO);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8,fd00::/8".parse().unwrap();
        for (peer, lines, client) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1,10.2.3.4"], "198.51.100.1"),
            (
                "127.0.0.1",
                &["1.1.1.1", "198.51.100.1", "10.2.3.4"],
                "198.51.100.1",
            ),
            ("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("127.0.0.1", &["10.1.1.1, 10.2.3.4"], "10.1.1.1"),
            ("127.0.0.1", &["198.51.100.1, nobody"], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1, nobody, 10.2.3.4"], "10.2.3.4"),
            ("127.0.0.1", &[""], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), client, "{peer} {lines:?}");
        }
    }
}
