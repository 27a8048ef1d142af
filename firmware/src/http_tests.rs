//! What the client says, what it takes, and everything it refuses.

use core::convert::Infallible;
use std::format;
use std::string::String;
use std::vec::Vec;

use embassy_futures::block_on;
use embedded_io_async::ErrorType;

use super::*;

/// A server that has already said everything, and says it in pieces of so many bytes.
struct Script {
    sent: Vec<u8>,
    answer: Vec<u8>,
    piece: usize,
}

impl ErrorType for Script {
    type Error = Infallible;
}

impl Read for Script {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let count = self.piece.min(buffer.len()).min(self.answer.len());
        buffer[..count].copy_from_slice(&self.answer[..count]);
        self.answer.drain(..count);
        Ok(count)
    }
}

impl Write for Script {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

const POLL: Request<'static> = Request::Post { endpoint: Endpoint::Poll, body: b"hello" };
const OBJECT: Digest = Digest([0xAB; 32]);

fn object(offset: u32) -> Request<'static> {
    Request::Object { digest: &OBJECT, offset }
}

fn ask(request: Request<'_>, answer: &str, piece: usize) -> (String, Result<(Vec<u8>, bool), HttpError>) {
    let mut script = Script { sent: Vec::new(), answer: answer.into(), piece };
    let mut response = [0; 16];
    let outcome = block_on(exchange(&mut script, "host:80", request, &mut response));
    let outcome = outcome.map(|received| (response[..received.length].to_vec(), received.reusable));
    (String::from_utf8(script.sent).unwrap(), outcome)
}

fn outcome(request: Request<'_>, answer: &str) -> Result<(Vec<u8>, bool), HttpError> {
    ask(request, answer, usize::MAX).1
}

#[test]
fn a_poll_is_one_post_with_its_length() {
    let (sent, outcome) = ask(POLL, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", usize::MAX);
    assert_eq!(sent, "POST /v1/poll HTTP/1.1\r\nHost: host:80\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(outcome, Ok((b"abc".to_vec(), false)));
}

#[test]
fn an_object_is_asked_for_by_the_range_that_fits_the_buffer() {
    let answer = "HTTP/1.1 206 Partial\r\ncontent-range: bytes 7-9/10\r\nContent-Length: 3\r\n\r\nabc";
    let (sent, outcome) = ask(object(7), answer, usize::MAX);
    let name = "ab".repeat(32);
    assert_eq!(sent, format!("GET /v1/objects/{name} HTTP/1.1\r\nHost: host:80\r\nRange: bytes=7-22\r\n\r\n"));
    assert_eq!(outcome, Ok((b"abc".to_vec(), true)));
}

#[test]
fn answers_in_pieces_of_any_size_read_the_same() {
    let answer = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length:  16 \r\n\r\n0123456789abcdef";
    for piece in 1..answer.len() {
        assert_eq!(ask(POLL, answer, piece).1, Ok((b"0123456789abcdef".to_vec(), false)), "pieces of {piece}");
    }
}

#[test]
fn every_truncated_answer_is_broken() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    for length in 0..answer.len() {
        assert_eq!(outcome(POLL, &answer[..length]), Err(HttpError::Broken), "{length} bytes");
    }
}

#[test]
fn an_answer_without_body_needs_no_length_only_as_204() {
    assert_eq!(outcome(POLL, "HTTP/1.1 204 No Content\r\n\r\n"), Ok((Vec::new(), false)));
    assert_eq!(outcome(POLL, "HTTP/1.1 200 OK\r\n\r\n"), Err(HttpError::Malformed));
}

#[test]
fn too_long_heads_and_bodies_are_refused() {
    assert_eq!(outcome(POLL, "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n"), Err(HttpError::TooLong));
    let filler = "x".repeat(HEAD_MAX_BYTES);
    let answer = format!("HTTP/1.1 200 OK\r\nX: {filler}\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(outcome(POLL, &answer), Err(HttpError::TooLong));
    assert_eq!(outcome(POLL, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"), Err(HttpError::Malformed));
}

#[test]
fn heads_that_another_reader_could_read_otherwise_are_refused() {
    for field in [
        "Transfer-Encoding: chunked",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: +0",
        "Content-Length: 0x0",
        "Content-Length: -1",
        "Content-Length:",
        "Content-Length: 4294967296",
        "Content-Length : 0",
        "X: y\r\n folded: z\r\nContent-Length: 0",
        "no colon",
        ": empty",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n");
        assert_eq!(outcome(POLL, &answer), Err(HttpError::Malformed), "{field}");
    }
    for start in ["HTTP/2 200 OK", "ICY 200", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1", "HTTP/1.1 +20 OK", ""] {
        let answer = format!("{start}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(outcome(POLL, &answer), Err(HttpError::Malformed), "{start}");
    }
}

#[test]
fn a_report_that_is_refused_for_good_is_answered_and_one_that_may_be_taken_later_is_not() {
    let report = Request::Post { endpoint: Endpoint::Report, body: b"hello" };
    let says = |request, status: u16| {
        outcome(request, &format!("HTTP/1.1 {status} x\r\nContent-Length: 30\r\n\r\nwords that nobody reads"))
    };
    for status in [400, 403, 404, 413] {
        assert_eq!(says(report, status), Ok((Vec::new(), false)));
        assert_eq!(says(POLL, status), Err(HttpError::Status(status)));
        assert_eq!(says(object(0), status), Err(HttpError::Status(status)));
    }
    for status in [302, 408, 409, 429, 500, 502, 503, 507] {
        assert_eq!(says(report, status), Err(HttpError::Status(status)));
    }
}

#[test]
fn only_success_counts_and_the_status_is_kept() {
    for status in [100, 202, 301, 304, 404, 500] {
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(outcome(POLL, &answer), Err(HttpError::Status(status)));
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_refused() {
    let part =
        |start: u32| format!("HTTP/1.1 206 P\r\nContent-Range: bytes {start}-9/10\r\nContent-Length: 1\r\n\r\nx");
    assert!(outcome(object(9), &part(9)).is_ok());
    assert_eq!(outcome(object(9), &part(8)), Err(HttpError::Malformed));
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    assert!(outcome(object(0), whole).is_ok());
    assert_eq!(outcome(object(9), whole), Err(HttpError::Malformed));
    assert_eq!(outcome(object(0), "HTTP/1.1 206 P\r\nContent-Length: 1\r\n\r\nx"), Err(HttpError::Malformed));
}

#[test]
fn a_server_that_closes_is_not_reused() {
    let answer = |extra: &str| format!("HTTP/1.1 200 OK\r\n{extra}Content-Length: 0\r\n\r\n");
    assert_eq!(outcome(object(0), &answer("")), Ok((Vec::new(), true)));
    assert_eq!(outcome(object(0), &answer("Connection: x, Close\r\n")), Ok((Vec::new(), false)));
    assert_eq!(outcome(object(0), "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), Ok((Vec::new(), false)));
}
