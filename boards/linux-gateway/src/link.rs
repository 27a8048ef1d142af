//! The way to the server: core's `Link` over HTTP/1.1.
//!
//! Core asks for an object in pieces of its small buffer, some hundred bytes. A request for each would be mostly headers, so a
//! window of the object is fetched and served from memory. Every call ends by itself, and every body is bounded.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use steadfast_core::answer::Answer;
use steadfast_core::digest::Digest;
use steadfast_core::ports::{Endpoint, Link, LinkFailed};
use ureq::{Agent, Body, http::Response};

use crate::log::{Event, Log};
use crate::notify::Notify;
use crate::server::Server;

/// Looking up and connecting take at most this.
const CONNECT: Duration = Duration::from_secs(10);

/// A whole request takes at most this, besides what its bytes may take.
const ANSWER: Duration = Duration::from_secs(15);

/// The least speed of a download in bytes a second; slower is as good as no server.
const SPEED_MIN: u64 = 4096;

/// How much of an object is fetched at once: few requests, little memory.
const WINDOW_BYTES: usize = 64 * 1024;

/// Idle connections are given up after this, before a server commonly does.
const IDLE: Duration = Duration::from_secs(3);

/// Most bytes of an answer's head.
const HEAD_MAX_BYTES: usize = 8 * 1024;

/// A link to a server that may change between two requests. Copies share all of it.
#[derive(Clone)]
pub struct HttpLink {
    agent: Agent,
    inner: Arc<Mutex<Inner>>,
    /// Set when the process is to end: no request is begun any more.
    stop: Arc<AtomicBool>,
    notify: Notify,
    log: Log,
}

struct Inner {
    server: Option<Server>,
    /// Whether the last request was answered; `None` before the first.
    answered: Option<bool>,
    /// Whether the last poll was answered, with nothing new.
    nothing_new: bool,
    window: Option<Window>,
}

/// A part of an object.
struct Window {
    object: Digest,
    offset: u32,
    bytes: Vec<u8>,
}

impl Window {
    /// What the window has of `object` from `offset` on; nothing counts as not having it.
    fn part(&self, object: &Digest, offset: u32) -> Option<&[u8]> {
        let skip = offset.checked_sub(self.offset).filter(|_| self.object == *object)?;
        self.bytes.get(skip as usize..).filter(|part| !part.is_empty())
    }
}

impl HttpLink {
    /// A link to nowhere yet. It sends the supervisor a sign of life with each request, because a download may take long.
    #[must_use]
    pub fn new(stop: Arc<AtomicBool>, notify: Notify, log: Log) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .max_idle_age(IDLE)
            .max_response_header_size(HEAD_MAX_BYTES)
            .user_agent(concat!("steadfast-gateway/", env!("CARGO_PKG_VERSION")))
            .build();
        let inner = Inner { server: None, answered: None, nothing_new: false, window: None };
        Self { agent: config.new_agent(), inner: Arc::new(Mutex::new(inner)), stop, notify, log }
    }

    /// From the next request on, this is the server.
    pub fn set_server(&self, server: Server) {
        let mut inner = self.inner();
        if inner.server.as_ref() != Some(&server) {
            (inner.answered, inner.server) = (None, Some(server));
        }
    }

    /// Whether the last poll was answered, with nothing new. Nobody has verified that: it is for the log.
    #[must_use]
    pub fn says_nothing_new(&self) -> bool {
        self.inner().nothing_new
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one request against the present server and logs when it starts or stops to answer.
    fn ask(&self, request: impl FnOnce(&Server) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, LinkFailed> {
        self.notify.alive();
        let server = self.inner().server.clone().filter(|_| !self.stop.load(Ordering::Relaxed)).ok_or(LinkFailed)?;
        let outcome = request(&server);
        if self.inner().answered.replace(outcome.is_ok()) != Some(outcome.is_ok()) {
            let server = server.to_string();
            self.log.say(&match &outcome {
                Ok(_) => Event::Reached { server },
                Err(why) => Event::Unreached { server, why: why.clone() },
            });
        }
        outcome.map_err(|_| LinkFailed)
    }

    fn post(&self, server: &Server, endpoint: Endpoint, body: &[u8], most: usize) -> Result<Vec<u8>, String> {
        let path = match endpoint {
            Endpoint::Poll => "/v1/poll",
            Endpoint::Report => "/v1/report",
        };
        let request = self.agent.post(server.url(path)).content_type("application/octet-stream");
        let request = request.config().timeout_global(Some(limit(most))).build();
        let response = request.send(body).map_err(|error| error.to_string())?;
        match response.status().as_u16() {
            200 | 204 => read(response, most),
            status if endpoint.is_refused_for_good(status) => Ok(Vec::new()),
            status => Err(format!("HTTP status {status}")),
        }
    }

    fn range(&self, url: &str, offset: u32) -> Result<Vec<u8>, String> {
        let last = u64::from(offset) + WINDOW_BYTES as u64 - 1;
        let request = self.agent.get(url).header("Range", format!("bytes={offset}-{last}"));
        let request = request.config().timeout_global(Some(limit(WINDOW_BYTES))).build();
        let response = request.call().map_err(|error| error.to_string())?;
        match response.status().as_u16() {
            206 if starts_at(&response, offset) => read(response, WINDOW_BYTES),
            // A server may ignore the range and send the whole; that is what was asked for if it begins at the start.
            200 if offset == 0 => read_start(response, WINDOW_BYTES),
            200 | 206 => Err("another range than the one asked for".into()),
            status => Err(format!("HTTP status {status}")),
        }
    }
}

/// How long a request for so many bytes may take.
const fn limit(bytes: usize) -> Duration {
    Duration::from_secs(ANSWER.as_secs() + bytes as u64 / SPEED_MIN)
}

/// A body that must not be longer than `most` bytes.
fn read(response: Response<Body>, most: usize) -> Result<Vec<u8>, String> {
    let bytes = read_start(response, most + 1)?;
    if bytes.len() > most { Err(format!("an answer of more than {most} bytes")) } else { Ok(bytes) }
}

/// The first bytes of a body, at most `most`.
fn read_start(mut response: Response<Body>, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut body = response.body_mut().as_reader().take(most as u64);
    body.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Whether a partial answer starts where it should (RFC 9110, 14.4).
fn starts_at(response: &Response<Body>, offset: u32) -> bool {
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
    start == Some(offset)
}

impl Link for HttpLink {
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], response: &mut [u8]) -> Result<usize, LinkFailed> {
        // What follows a poll is fetched anew: a window that arrived damaged must not be served again and again.
        self.inner().window = None;
        let bytes = self.ask(|server| self.post(server, endpoint, request, response.len()))?;
        if endpoint == Endpoint::Poll {
            self.inner().nothing_new = bytes.is_empty() || matches!(Answer::decode(&bytes), Ok(Answer::Unchanged(_)));
        }
        response[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed> {
        if self.inner().window.as_ref().and_then(|window| window.part(object, offset)).is_none() {
            let bytes = self.ask(|server| self.range(&server.url(&format!("/v1/objects/{object}")), offset))?;
            self.inner().window = Some(Window { object: *object, offset, bytes });
        }
        let inner = self.inner();
        let part = inner.window.as_ref().and_then(|window| window.part(object, offset)).ok_or(LinkFailed)?;
        let count = part.len().min(buffer.len());
        buffer[..count].copy_from_slice(&part[..count]);
        Ok(count)
    }
}
