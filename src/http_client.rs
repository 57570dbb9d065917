//! The least that speaks plain HTTP/1.1 to a service over one connection that stays. The bench shares the machine with
//! what it measures, so its own work must be small; the simulator ends connections where a till would not.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use tokio::net::TcpStream;

/// `host:port` of a plain HTTP address; what follows it is left out. `None`: it is no such address.
pub(crate) fn authority(url: &str) -> Option<String> {
    url.strip_prefix("http://").map(|rest| with_port(rest, 80))
}

/// The same of an address of either kind.
pub(crate) fn web_authority(url: &str) -> Option<String> {
    let secure = url.strip_prefix("https://").map(|rest| with_port(rest, 443));
    secure.or_else(|| authority(url))
}

/// `host:port` at the beginning of what follows the scheme.
fn with_port(rest: &str, default: u16) -> String {
    let authority = rest.split('/').next().unwrap_or(rest);
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty());
    if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:{default}")
    }
}

/// The socket addresses of `host:port`.
///
/// # Errors
/// A name that nobody knows.
pub(crate) fn resolve(authority: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(authority.to_socket_addrs()?.collect())
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    chunk: Box<[u8]>,
    answer: Vec<u8>,
}

/// The status of an answer, and its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client {
            stream,
            chunk: vec![0; 8 * 1024].into(),
            answer: Vec::with_capacity(8 * 1024),
        })
    }

    /// Sends a request and reads its answer whole.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.send(request).await?;
        self.answer.clear();
        let (head, length) = loop {
            self.read().await?;
            if let Some(found) = body_of(&self.answer)? {
                break found;
            }
        };
        while self.answer.len() < head + length {
            self.read().await?;
        }
        Ok(Answer {
            status: status_of(&self.answer)?,
            body: self.answer.get(head..).unwrap_or_default(),
        })
    }

    /// Sends bytes: a request, or a part of one.
    pub(crate) async fn send(&self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until an answer begins, and does not read it.
    pub(crate) async fn wait_for_answer(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    async fn read(&mut self) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.answer
                        .extend_from_slice(self.chunk.get(..length).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an answer that is no HTTP")
}

/// Where the body begins and how long it is; `None`: the head is not all there yet.
fn body_of(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = answer
        .get(..end)
        .and_then(|head| std::str::from_utf8(head).ok())
        .ok_or_else(unreadable)?;
    // This one never has a body, and does not say so.
    if head.get(9..12) == Some("204") {
        return Ok(Some((end + 4, 0)));
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(unreadable)?;
    Ok(Some((end + 4, length)))
}

/// `HTTP/1.1 201 Created` is 201.
fn status_of(answer: &[u8]) -> io::Result<u16> {
    answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_far_as_it_is_there() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(body_of(answer).unwrap(), Some((answer.len() - 2, 2)));
        assert_eq!(status_of(answer).unwrap(), 201);
        assert_eq!(body_of(&answer[..30]).unwrap(), None);
        assert!(body_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(
            body_of(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(),
            Some((27, 0))
        );
    }

    #[test]
    fn only_plain_http_is_spoken() {
        assert_eq!(
            authority("http://localhost:8080/x").as_deref(),
            Some("localhost:8080")
        );
        assert_eq!(authority("http://[::1]").as_deref(), Some("[::1]:80"));
        assert_eq!(authority("https://bonus.example"), None);
    }
}
