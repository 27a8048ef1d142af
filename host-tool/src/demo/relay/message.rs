//! HTTP/1.1 messages (RFC 9112) as devices and server exchange them: a head, and a body whose length the head says.

use std::io::{self, Read};
use std::net::TcpStream;

/// Longest head.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// Longest body: the largest object that a slot of any board here holds.
const BODY_MAX_BYTES: usize = 4 << 20;

/// A whole message.
pub(super) struct Message {
    /// As it travelled.
    pub(super) bytes: Vec<u8>,
    /// How many of them are its head, the empty line included.
    pub(super) head_bytes: usize,
}

/// Reads a request; none when the connection ended before it.
pub(super) fn read_request(stream: &mut TcpStream) -> io::Result<Option<Message>> {
    read(stream)
}

/// Reads a response.
pub(super) fn read_response(stream: &mut TcpStream) -> io::Result<Message> {
    read(stream)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn read(stream: &mut TcpStream) -> io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    let head_bytes = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_MAX_BYTES {
            return Err(malformed("a head without an end"));
        }
        if !more(stream, &mut bytes)? {
            return if bytes.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    let mut message = Message { bytes, head_bytes };
    let length = message.length()?;
    while message.body().len() < length {
        if !more(stream, &mut message.bytes)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if message.body().len() > length { Err(malformed("more than the head announced")) } else { Ok(Some(message)) }
}

/// Adds what arrives next; false at the end.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer)?;
    bytes.extend_from_slice(&buffer[..count]);
    Ok(count > 0)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Message {
    /// Its body, as far as it is there.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(self.head_bytes..).unwrap_or_default()
    }

    /// What a request asks for; empty for a response.
    pub(super) fn path(&self) -> &str {
        self.first_line().split(' ').nth(1).unwrap_or_default()
    }

    /// The status of a response; 0 when there is none.
    pub(super) fn status(&self) -> u16 {
        self.first_line().split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Whether the connection ends behind it.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Turns one bit of the body round, counted modulo its length.
    pub(super) fn flip(&mut self, bit: usize) {
        let body = self.bytes.get_mut(self.head_bytes..).unwrap_or_default();
        if !body.is_empty() {
            let bit = bit % (body.len() * 8);
            body[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// Leaves so many bytes of the body; the head still announces all of them.
    pub(super) fn cut(&mut self, body_bytes: usize) {
        self.bytes.truncate(self.head_bytes + body_bytes);
    }

    /// Puts another body in place, and its length into the head.
    pub(super) fn replace(&mut self, body: &[u8]) {
        let is_length = |line: &&str| line.to_ascii_lowercase().starts_with("content-length:");
        let head: Vec<&str> = self.head().lines().filter(|line| !line.is_empty() && !is_length(line)).collect();
        let head = format!("{}\r\ncontent-length: {}\r\n\r\n", head.join("\r\n"), body.len());
        self.head_bytes = head.len();
        self.bytes = [head.as_bytes(), body].concat();
    }

    fn length(&self) -> io::Result<usize> {
        if self.header("transfer-encoding").is_some() {
            return Err(malformed("a body without a stated length"));
        }
        let length = self.header("content-length").map_or(Ok(0), str::parse);
        let length = length.map_err(|_| malformed("a length that is no number"))?;
        if length > BODY_MAX_BYTES { Err(malformed("a body beyond any bound")) } else { Ok(length) }
    }

    fn head(&self) -> &str {
        self.bytes.get(..self.head_bytes).and_then(|head| str::from_utf8(head).ok()).unwrap_or_default()
    }

    fn first_line(&self) -> &str {
        self.head().lines().next().unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head().lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}
