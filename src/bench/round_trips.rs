//! Somebody who stands between the service and PostgreSQL, passes everything on, and counts the round trips: how often
//! the service speaks after it has been answered.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Failure;

/// See the module.
#[derive(Debug)]
pub(super) struct Counter {
    url: String,
    count: Arc<AtomicU64>,
}

impl Counter {
    /// Stands before the database of a URL; `None` where that is not reached over TCP.
    pub(super) fn before(url: &str) -> Result<Option<Self>, Failure> {
        let Some((start, authority, rest)) = split(url) else {
            return Ok(None);
        };
        let host = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:5432")
        };
        let Some(database) = host.to_socket_addrs()?.next() else {
            return Ok(None);
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("{start}{}{rest}", listener.local_addr()?);
        let count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&count);
        // Both end with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || pass_on(stream, database, &counter));
            }
        });
        Ok(Some(Counter { url, count }))
    }

    /// How to reach the database past the counter.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Round trips so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// What stands before the host and port, these, and what stands after them.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |i| begin + i);
    let begin = url[begin..end].rfind('@').map_or(begin, |i| begin + i + 1);
    let authority = &url[begin..end];
    (!authority.is_empty() && !authority.starts_with('%')).then(|| (&url[..begin], authority, &url[end..]))
}

fn pass_on(service: TcpStream, database: SocketAddr, count: &AtomicU64) {
    let answered = AtomicBool::new(true);
    let go = || -> std::io::Result<()> {
        let database = TcpStream::connect(database)?;
        service.set_nodelay(true)?;
        database.set_nodelay(true)?;
        std::thread::scope(|scope| {
            scope.spawn(|| copy(&database, &service, || answered.store(true, Ordering::SeqCst)));
            copy(&service, &database, || {
                if answered.swap(false, Ordering::SeqCst) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        });
        Ok(())
    };
    if let Err(error) = go() {
        tracing::debug!(%error, "a connection to the database broke");
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, on_bytes: impl Fn()) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        on_bytes();
        if to.write_all(buffer.get(..length).unwrap_or_default()).is_err() {
            break;
        }
    }
    // The other direction ends with this one.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_url() {
        assert_eq!(
            split("postgres://u:p@db:5433/d?sslmode=disable"),
            Some(("postgres://u:p@", "db:5433", "/d?sslmode=disable"))
        );
        assert_eq!(
            split("postgres://localhost"),
            Some(("postgres://", "localhost", ""))
        );
        assert_eq!(split("postgres:///d?host=/tmp"), None);
    }
}
