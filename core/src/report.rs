//! The report: a device's signed statement of what it runs, how healthy, what it refused and why.
//!
//! Signed by the device's own key with its id as context. A server takes a report only when its challenge is the
//! server's own, newer than that of the last report taken, and not old.

use serde::{Deserialize, Serialize};

use crate::answer::Challenge;
use crate::codec::{self, wire};
use crate::id::{ContentId, DeviceId, FirmwareId, SchemaPrefix};
use crate::outcome::Outcome;
use crate::position::Position;
use crate::refusal::Refusal;

/// Longest report statement.
pub const REPORT_MAX_BYTES: usize = 320;

/// Longest body of `POST /v1/report`.
pub const REPORT_BODY_MAX_BYTES: usize = 420;

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TrialState {
    /// None under way.
    None,
    /// Staged and about to begin.
    Staged(ContentId),
    /// Running on trial.
    Running(ContentId),
    /// Back on the confirmed configuration, asking whether the server answers that one.
    Asking(ContentId),
    /// Waiting for the server's first answer to start again.
    Suspended(ContentId),
}

wire! {
    enum TrialState { 0 = None, 1 = Staged(content), 2 = Running(content), 3 = Asking(content), 4 = Suspended(content) }
}

/// The health checks of what runs: a bit for each check of its manifest, the first in bit 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checks {
    /// Those that have passed since activation.
    pub passed: u16,
    /// Those that have failed.
    pub failed: u16,
}

wire! {
    struct Checks { passed, failed }
}

/// What was last refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refused {
    /// The content, as far as it was known; [`ContentId::NONE`] otherwise.
    pub content: ContentId,
    /// Why.
    pub reason: Refusal,
}

wire! {
    struct Refused { content, reason }
}

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The server's, from the answer that asked for this report.
    pub challenge: Challenge,
    /// What runs now; [`ContentId::NONE`] for compiled-in defaults.
    pub running: ContentId,
    /// What is confirmed.
    pub confirmed: ContentId,
    /// The running firmware's schema.
    pub schema: SchemaPrefix,
    /// The running firmware.
    pub firmware: FirmwareId,
    /// The release accepted last.
    pub accepted: Position,
    /// The lowest position it still takes.
    pub floor: Position,
    /// Its keyring's version.
    pub keyring_version: u32,
    /// Where a trial stands.
    pub trial: TrialState,
    /// How the last one ended.
    pub outcome: Outcome,
    /// The health of what runs.
    pub checks: Checks,
    /// What it refused last, since it started.
    pub refused: Option<Refused>,
    /// No fresh answer for longer than the freshness interval, before this one.
    pub stale: bool,
}

wire! {
    struct Report {
        challenge, running, confirmed, schema, firmware, accepted, floor, keyring_version,
        trial, outcome, checks, refused, stale,
    }
}

/// The body of `POST /v1/report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportBody<'a> {
    /// Who reports; the context of the signature.
    pub device: DeviceId,
    /// An encoded [`Report`].
    pub statement: &'a [u8],
    /// One signature entry.
    pub signature: &'a [u8],
}

wire! {
    struct ReportBody<'a> { device, statement, signature }
}

impl<'a> ReportBody<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] or [`Refusal::MALFORMED`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > REPORT_BODY_MAX_BYTES { Err(Refusal::TOO_LARGE) } else { codec::decode(bytes) }
    }
}
