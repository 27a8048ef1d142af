//! Ports: what the core needs of the world, and the only way it reaches it.
//!
//! Flash is the fourth port, `embedded_storage_async::nor_flash::NorFlash` as it is.

// The driver is used by one executor at a time; no port needs to be sendable.
#![allow(async_fn_in_trait)]

use crate::digest::Digest;
use crate::id::{DeviceId, FirmwareId, FleetId, KeyId, SchemaId};
use crate::keyring::Keyring;
use crate::manifest::Flags;
use crate::outcome::Detail;
use crate::position::Position;

/// What a message is for; the path under which the server takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/poll`
    Poll,
    /// `POST /v1/report`
    Report,
}

impl Endpoint {
    /// Whether a server that answers with this HTTP status never takes the message, however often it is sent.
    #[must_use]
    pub const fn is_refused_for_good(self, status: u16) -> bool {
        matches!((self, status), (Self::Report, 400 | 403 | 404 | 413))
    }
}

/// The server could not be asked, did not answer in time, too slowly, too long, or not with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFailed;

/// The way to the server.
pub trait Link {
    /// Sends `request` and receives the answer's body into `response`; returns its length. What is refused for good
    /// ([`Endpoint::is_refused_for_good`]) is answered, with nothing: nobody has to send it again.
    ///
    /// # Errors
    /// [`LinkFailed`], also for a body longer than `response`. Must end by itself: a link has time-outs.
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], response: &mut [u8]) -> Result<usize, LinkFailed>;

    /// Reads an object's bytes from `offset` on into `buffer`; returns how many, at least one.
    ///
    /// # Errors
    /// [`LinkFailed`], as for [`Link::exchange`].
    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed>;
}

/// Who the device is, as it was flashed, and what only it can do.
pub trait Identity {
    /// Its id.
    fn device(&self) -> DeviceId;

    /// Its fleet.
    fn fleet(&self) -> FleetId;

    /// The keyring it was flashed with, used when no boot record is readable.
    fn first_keyring(&self) -> Keyring;

    /// The floor it was flashed with.
    fn first_floor(&self) -> Position;

    /// The id of its own public key.
    fn key(&self) -> KeyId;

    /// Signs with its own Ed25519 key.
    fn sign(&self, message: &[u8]) -> [u8; 64];

    /// Random bytes from a declared entropy source.
    fn random(&mut self) -> [u8; 8];
}

/// What one health check says since the running configuration was activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing yet.
    Waiting,
    /// All is well.
    Passed,
    /// It is not, and why.
    Failed(Detail),
}

/// The application's word on its own health.
pub trait Health {
    /// What the check of that name says. Asked after every wait; an implementation wakes the driver's loop early when
    /// something changes.
    fn check(&mut self, name: &str) -> Check;
}

/// What the running firmware is. Constants, most of them from its `Config` derive.
#[derive(Clone, Copy, Debug)]
pub struct Firmware {
    /// Its build.
    pub id: FirmwareId,
    /// The schema of its configuration.
    pub schema: SchemaId,
    /// Its sections and their flags, ascending by name. Empty for a gateway that takes any sections of its schema.
    pub sections: &'static [(&'static str, Flags)],
    /// Why it started.
    pub reset: ResetCause,
}

/// Why the firmware started. What is not known counts as a crash. Where every other end leaves a mark, as a note in memory, the
/// absence of a mark is knowledge: power came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    /// The watchdog, a panic, or unknown.
    Crash,
    /// Power came, or somebody asked for it.
    Ordinary,
    /// A crash, after several of what is confirmed in a row, with no answer between them. It is not started, so that the
    /// server can be asked for something better.
    CrashLoop,
}
