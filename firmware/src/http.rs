//! The smallest HTTP/1.1 client (RFC 9112) that is correct: one request, one answer with a Content-Length.
//!
//! It knows neither time nor network, only a stream, so that it is tried on the host. Everything is bounded: the head by
//! [`HEAD_MAX_BYTES`], the body by the caller's buffer. What it does not understand (chunked bodies, folded headers, interim
//! answers, lengths that contradict each other) it refuses, and never guesses where an answer ends.

use core::fmt::Write as _;
use core::str;

use embedded_io_async::{Read, Write};
use heapless::String;
use steadfast_core::digest::Digest;
use steadfast_core::identity::SERVER_MAX_BYTES;
use steadfast_core::ports::Endpoint;

/// Longest head of an answer. Servers behind proxies say much that no device needs; a kibibyte holds it.
pub const HEAD_MAX_BYTES: usize = 1024;

/// Longest head of a request: an object's path, the server's name, two numbers.
const REQUEST_MAX_BYTES: usize = 192 + SERVER_MAX_BYTES;

/// What is asked of the server.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// Hand over a message, receive its answer.
    Post {
        /// What for.
        endpoint: Endpoint,
        /// The message.
        body: &'a [u8],
    },
    /// Read an object, or the part of it that the response's buffer holds.
    Object {
        /// Its name.
        digest: &'a Digest,
        /// First byte wanted.
        offset: u32,
    },
}

/// Why an answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum HttpError {
    /// The stream broke or ended early.
    Broken,
    /// Not an answer that this client understands.
    Malformed,
    /// Head or body are longer than their bounds.
    TooLong,
    /// Not a success, with the status.
    Status(u16),
}

/// A body that was received whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its length in bytes, at the start of the response's buffer.
    pub length: usize,
    /// Whether the stream takes another request.
    pub reusable: bool,
}

/// Sends a request to `server` (`host:port`) and receives the body of the answer into `response`.
///
/// # Errors
/// [`HttpError`]; the stream must be closed then, since nobody knows where the next answer would begin.
pub async fn exchange<S: Read + Write>(
    stream: &mut S,
    server: &str,
    request: Request<'_>,
    response: &mut [u8],
) -> Result<Received, HttpError> {
    send(stream, server, request, response.len()).await.map_err(|()| HttpError::Broken)?;

    let mut buffer = [0; HEAD_MAX_BYTES];
    let mut filled = 0;
    let head_bytes = loop {
        if let Some(end) = find_end(buffer.get(..filled).unwrap_or_default()) {
            break end;
        }
        let space = buffer.get_mut(filled..).filter(|space| !space.is_empty()).ok_or(HttpError::TooLong)?;
        filled += read(stream, space).await?;
    };

    let (head, early) = buffer.get(..filled).and_then(|all| all.split_at_checked(head_bytes)).unwrap_or_default();
    let head = Head::parse(head)?;
    if let Request::Post { endpoint, .. } = request
        && endpoint.is_refused_for_good(head.status)
    {
        return Ok(Received { length: 0, reusable: false });
    }
    head.check(request)?;
    let body = response.get_mut(..head.length).ok_or(HttpError::TooLong)?;
    let (start, mut rest) = body.split_at_mut_checked(early.len()).ok_or(HttpError::Malformed)?;
    start.copy_from_slice(early);
    while !rest.is_empty() {
        let count = read(stream, rest).await?;
        rest = rest.get_mut(count..).unwrap_or_default();
    }
    Ok(Received { length: head.length, reusable: head.keeps_open && request.keeps_open() })
}

impl Request<'_> {
    /// Objects are fetched in a row over one connection; after a poll or report there may be nothing to say for hours.
    fn keeps_open(self) -> bool {
        matches!(self, Self::Object { .. })
    }
}

async fn send<S: Write>(stream: &mut S, server: &str, request: Request<'_>, room: usize) -> Result<(), ()> {
    let mut head: String<REQUEST_MAX_BYTES> = String::new();
    match request {
        Request::Post { endpoint, body } => {
            let path = match endpoint {
                Endpoint::Poll => "/v1/poll",
                Endpoint::Report => "/v1/report",
            };
            let length = body.len();
            write!(
                head,
                "POST {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
            )
        }
        Request::Object { digest, offset } => {
            let last = u64::from(offset) + (room as u64).saturating_sub(1);
            write!(head, "GET /v1/objects/{digest} HTTP/1.1\r\nHost: {server}\r\nRange: bytes={offset}-{last}\r\n\r\n")
        }
    }
    .map_err(|_| ())?;
    stream.write_all(head.as_bytes()).await.map_err(|_| ())?;
    if let Request::Post { body, .. } = request {
        stream.write_all(body).await.map_err(|_| ())?;
    }
    stream.flush().await.map_err(|_| ())
}

async fn read<S: Read>(stream: &mut S, into: &mut [u8]) -> Result<usize, HttpError> {
    match stream.read(into).await {
        Ok(count @ 1..) => Ok(count),
        _ => Err(HttpError::Broken),
    }
}

/// Where the head ends: behind its empty line.
fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// What an answer's head says, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    /// The first byte of a partial answer.
    range_start: Option<u32>,
    keeps_open: bool,
}

impl Head {
    /// Reads a head that ends in an empty line.
    fn parse(bytes: &[u8]) -> Result<Self, HttpError> {
        let text = str::from_utf8(bytes).map_err(|_| HttpError::Malformed)?;
        let mut lines = text.split("\r\n");
        let (keeps_open, status) = status_line(lines.next().unwrap_or_default()).ok_or(HttpError::Malformed)?;
        let mut head = Self { status, length: 0, range_start: None, keeps_open };
        let mut length = None;
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(HttpError::Malformed)?;
            head.take_field(name, value.trim_matches([' ', '\t']), &mut length).ok_or(HttpError::Malformed)?;
        }
        head.length = match (length, status) {
            (Some(length), _) => length,
            // RFC 9110, 15.3.5: never a body.
            (None, 204) => 0,
            (None, _) => return Err(HttpError::Malformed),
        };
        Ok(head)
    }

    /// One header field; `None` for one that must not be there, or not like this.
    fn take_field(&mut self, name: &str, value: &str, length: &mut Option<usize>) -> Option<()> {
        // A blank in a name is a folded line, or an attempt to smuggle one (RFC 9112, 5.1 and 5.2).
        if name.is_empty() || name.contains([' ', '\t']) {
            return None;
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
        if name.eq_ignore_ascii_case("content-length") {
            let number = digits(value)? as usize;
            return length.replace(number).is_none().then_some(());
        }
        if name.eq_ignore_ascii_case("content-range") {
            let (start, _) = value.strip_prefix("bytes ")?.split_once('-')?;
            self.range_start = Some(digits(start)?);
        }
        if name.eq_ignore_ascii_case("connection") {
            let closes = value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close"));
            self.keeps_open &= !closes;
        }
        Some(())
    }

    /// Whether this answers the request with success.
    fn check(&self, request: Request<'_>) -> Result<(), HttpError> {
        match (request, self.status) {
            (Request::Post { .. }, 200 | 204) => Ok(()),
            (Request::Object { offset, .. }, 206) if self.range_start == Some(offset) => Ok(()),
            // A server may ignore the range and send the whole; that is what was asked for if it begins at the start.
            (Request::Object { offset: 0, .. }, 200) => Ok(()),
            (Request::Object { .. }, 200 | 206) => Err(HttpError::Malformed),
            (_, status) => Err(HttpError::Status(status)),
        }
    }
}

/// Whether the version keeps connections open, and the status.
fn status_line(line: &str) -> Option<(bool, u16)> {
    let (version, rest) = line.split_once(' ')?;
    let keeps_open = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return None,
    };
    let status = rest.split(' ').next().filter(|digits| digits.len() == 3)?;
    Some((keeps_open, digits(status)? as u16))
}

/// A number of digits only: no sign, no blank, not empty.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
