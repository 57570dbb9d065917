//! The client that speaks to vendors' systems: HTTPS, no redirects, limits of time and size, and no way into the
//! service's own network where that is closed.

use std::time::Duration;

use kopilka_contract::{HttpAnswer, HttpCall};
use reqwest::{Client, ClientBuilder, Method, NoProxy, Proxy, Url, redirect};

use super::reach::{LookUp, Reach};

/// Longest answer that is read. Lists of a day's orders are far shorter.
const LONGEST_ANSWER: usize = 32 << 20;

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct VendorClient {
    /// For addresses that anybody may have.
    outside: Client,
    /// For those of the service's own network as well.
    inside: Client,
}

impl VendorClient {
    /// With the machine's own roots of trust.
    ///
    /// # Errors
    /// A sentence where TLS can't be had.
    pub fn new() -> Result<Self, String> {
        // A second installation is refused, and the first one stands: that is all right.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = |client: ClientBuilder| {
            client
                .build()
                .map_err(|error| format!("no client for the vendors' systems: {error}"))
        };
        Ok(VendorClient {
            // A proxy would look names up where we can't see to which addresses they lead.
            outside: built(client(Reach::Outside).no_proxy())?,
            inside: built(through_proxy(client(Reach::Inside))?)?,
        })
    }

    /// Asks once.
    ///
    /// # Errors
    /// A sentence, without the address's query, where there was no answer.
    pub async fn send(&self, call: &HttpCall, reach: Reach) -> Result<HttpAnswer, String> {
        let url = allowed(call)?;
        reach.check(&url)?;
        let client = match reach {
            Reach::Outside => &self.outside,
            Reach::Inside => &self.inside,
        };
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| "no such method".to_owned())?;
        let timeout = Duration::from_secs(call.timeout_s.clamp(1, HttpCall::LONGEST_S).into());
        let mut request = client
            .request(method, url)
            .timeout(timeout)
            .body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let host = call.url.split('/').nth(2).unwrap_or_default();
        let failed = |error: reqwest::Error| format!("{host}: {}", root_of(&error.without_url()));
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(format!(
                    "{host}: the answer is longer than {} MiB",
                    LONGEST_ANSWER >> 20
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        Ok(HttpAnswer {
            status: response.status().as_u16(),
            headers: response.headers().iter().filter_map(header).collect(),
            body,
        })
    }
}

fn client(reach: Reach) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Kopilka/", env!("CARGO_PKG_VERSION")))
        // What is asked carries a password: it goes to the address that was set, and nowhere else.
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .dns_resolver(LookUp(reach))
}

/// With the proxy of the environment for `https` only, which it can't read: an account that goes to this machine in the open must not
/// leave it.
fn through_proxy(client: ClientBuilder) -> Result<ClientBuilder, String> {
    let client = client.no_proxy();
    let named = ["HTTPS_PROXY", "https_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    match named.filter(|address| !address.trim().is_empty()) {
        Some(address) => {
            let proxy = Proxy::https(address.trim())
                .map_err(|error| format!("HTTPS_PROXY is no address of a proxy: {error}"))?;
            Ok(client.proxy(proxy.no_proxy(NoProxy::from_env())))
        }
        None => Ok(client),
    }
}

/// The address, where it may be asked: `https`, or `http` of this machine or where a setting allows it.
fn allowed(call: &HttpCall) -> Result<Url, String> {
    let url = Url::parse(&call.url).map_err(|error| format!("the address can't be read: {error}"))?;
    let here = url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    match url.scheme() {
        "https" => Ok(url),
        "http" if here || call.allow_plain => Ok(url),
        _ => Err("the address must begin with https://: a password would travel in the open".to_owned()),
    }
}

/// An error with what is behind it: by itself it says only that sending failed.
fn root_of(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_travels_in_the_open_by_oversight() {
        for url in [
            "https://v.example/x",
            "http://127.0.0.1:1/x",
            "http://localhost/x",
            "http://[::1]:2",
        ] {
            assert!(allowed(&HttpCall::get(url)).is_ok(), "{url}");
        }
        for url in [
            "http://v.example/x",
            "http://127.0.0.1.example/",
            "ftp://localhost/",
            "x",
        ] {
            assert!(allowed(&HttpCall::get(url)).is_err(), "{url}");
        }
        let mut inside = HttpCall::get("http://1c.local/base");
        inside.allow_plain = true;
        assert!(allowed(&inside).is_ok());
    }
}
