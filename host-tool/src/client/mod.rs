//! The management interface of a server, seen from the command line.
//!
//! Blocking, because a command does one thing after the other. Everything read has a bound; every request has a time-out.

use std::io::Read;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use ureq::{Agent, Body, SendBody};

use crate::keys::KeyringFile;
use crate::pack::Pack;
use crate::serve::api::{
    DeviceInfo, DevicePage, FORMAT, FleetInfo, Problem, ProblemCode, Published, SIGNATURES_HEADER, Why,
};

/// Longest answer that is read: a full page of devices.
const ANSWER_MAX_BYTES: u64 = 64 << 20;

/// How long a server may take to begin its answer; checking a release of a million devices takes seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// How long an upload may take: as long as the server waits for it.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3600);

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request did not succeed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// An address of another kind.
    #[error("`{0}` is no server address of the form http://HOST:PORT")]
    Address(String),
    /// TLS.
    #[error(
        "`{0}`: only http is spoken here; reach a server that is behind TLS through a proxy or tunnel on this machine"
    )]
    Tls(String),
    /// No answer.
    #[error("the server {server} was not reached: {cause}; is `steadfast serve` running there?")]
    Unreachable {
        /// The address.
        server: String,
        /// What happened.
        cause: String,
    },
    /// A later interface, or no server of ours.
    #[error(
        "the server {0} answers in a form that this program does not know; is it `steadfast serve`, of the same version, with \
         nothing between that answers for it?"
    )]
    Strange(String),
    /// The server says no.
    #[error("{}", .0.error)]
    Problem(Problem),
}

impl ClientError {
    /// What kind of problem the server sees, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<ProblemCode> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }
}

/// A server's management interface.
#[derive(Clone, Debug)]
pub struct Client {
    server: String,
    agent: Agent,
}

impl Client {
    /// The server at an address like `http://127.0.0.1:8440`.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::Tls`].
    pub fn new(server: &str) -> Result<Self, ClientError> {
        if server.starts_with("https://") {
            return Err(ClientError::Tls(server.to_owned()));
        }
        let host = server.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let host = host.filter(|host| !host.is_empty() && !host.contains('/'));
        let host = host.ok_or_else(|| ClientError::Address(server.to_owned()))?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_send_body(Some(UPLOAD_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(Some(ANSWER_TIMEOUT))
            .build();
        Ok(Self { server: format!("http://{host}"), agent: config.into() })
    }

    /// Fleet, keyring version and newest release.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn fleet(&self) -> Result<FleetInfo, ClientError> {
        let fleet: FleetInfo = self.read("/v1/fleet")?;
        if fleet.format == FORMAT { Ok(fleet) } else { Err(ClientError::Strange(self.server.clone())) }
    }

    /// Uploads a release. `sent` hears how many bytes went out, again and again.
    ///
    /// # Errors
    /// [`ClientError`]; [`ProblemCode::Superseded`] when a newer release is there.
    pub fn publish(&self, pack: &Pack, signatures: &[u8], sent: impl FnMut(u64)) -> Result<Published, ClientError> {
        let mut body = Counted { bytes: pack.bytes(), sent };
        let request = self
            .agent
            .post(format!("{}/v1/releases", self.server))
            .header(SIGNATURES_HEADER, crate::hex::encode(signatures))
            .header("content-length", pack.bytes().len().to_string());
        self.finish(request.send(SendBody::from_reader(&mut body)))
    }

    /// Sends the keyring that follows the server's newest.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn send_keyring(&self, keyring: &KeyringFile) -> Result<(), ClientError> {
        let sent = self.agent.post(format!("{}/v1/keyrings", self.server)).send(&keyring.encode()[..]);
        self.checked(sent).map(drop)
    }

    /// Every device, page by page, and the server's time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn devices(&self) -> Result<(Vec<DeviceInfo>, u64), ClientError> {
        let mut page: DevicePage = self.read("/v1/devices")?;
        let mut all = std::mem::take(&mut page.devices);
        while let Some(from) = page.next {
            page = self.read(&format!("/v1/devices?from={from}"))?;
            if page.devices.is_empty() {
                break;
            }
            all.append(&mut page.devices);
        }
        Ok((all, page.now_seconds))
    }

    /// Everything about one device, by name or id.
    ///
    /// # Errors
    /// [`ClientError`]; [`ProblemCode::NotFound`] for one that nobody knows.
    pub fn why(&self, device: &str) -> Result<Why, ClientError> {
        self.read(&format!("/v1/devices/{}", escaped(device)))
    }

    fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.finish(self.agent.get(format!("{}{path}", self.server)).call())
    }

    fn finish<T: DeserializeOwned>(&self, answered: Answered) -> Result<T, ClientError> {
        let bytes = self.checked(answered)?;
        serde_json::from_slice(&bytes).map_err(|_| ClientError::Strange(self.server.clone()))
    }

    /// The body of a successful answer.
    fn checked(&self, answered: Answered) -> Result<Vec<u8>, ClientError> {
        let unreachable =
            |error: ureq::Error| ClientError::Unreachable { server: self.server.clone(), cause: error.to_string() };
        let mut answer = answered.map_err(unreachable)?;
        let bytes = answer.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_vec().map_err(unreachable)?;
        if answer.status().is_success() {
            return Ok(bytes);
        }
        let problem = serde_json::from_slice(&bytes);
        Err(problem.map_or_else(|_| ClientError::Strange(self.server.clone()), ClientError::Problem))
    }
}

type Answered = Result<ureq::http::Response<Body>, ureq::Error>;

/// A reader that tells how far it is.
struct Counted<'a, F> {
    bytes: &'a [u8],
    sent: F,
}

impl<F: FnMut(u64)> Read for Counted<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        (self.sent)(count as u64);
        Ok(count)
    }
}

/// A name inside a path (RFC 3986, section 2.1).
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_servers_are_taken() {
        assert!(Client::new("http://127.0.0.1:8440/").is_ok());
        for wrong in ["", "127.0.0.1:8440", "http://", "http://host/path"] {
            assert!(matches!(Client::new(wrong), Err(ClientError::Address(_))), "{wrong}");
        }
        assert!(Client::new("https://example.com").unwrap_err().to_string().contains("only http"));
    }

    #[test]
    fn a_server_that_is_not_there_is_said_by_name() {
        let error = Client::new("http://127.0.0.1:1").unwrap().fleet().unwrap_err().to_string();
        assert!(error.contains("http://127.0.0.1:1") && error.contains("steadfast serve"), "{error}");
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escaped("roof 1/ä"), "roof%201%2F%C3%A4");
    }
}
