//! The least that speaks HTTP/1.1 to the service over one connection that stays: the bench shares the machine with
//! what it measures, so its own work must be small.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    chunk: Box<[u8]>,
    answer: Vec<u8>,
}

/// The status of an answer, and its body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Client {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client {
            stream,
            chunk: vec![0; 8 * 1024].into(),
            answer: Vec::with_capacity(8 * 1024),
        })
    }

    /// Sends a request and reads its answer whole.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut rest = request;
        while !rest.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
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
    }
}
