//! What the management interface says, as JSON: shared by the server that writes it and the client that reads it.
//!
//! Ids, digests and keys are lower-case hexadecimal; times are Unix seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of everything below; grows when a field changes its meaning or goes away.
pub const FORMAT: u32 = 1;

/// The header of an upload that carries the publishers' signature entries, in hexadecimal.
pub const SIGNATURES_HEADER: &str = "steadfast-signatures";

/// `GET /v1/fleet`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetInfo {
    /// [`FORMAT`].
    pub format: u32,
    /// The fleet's id.
    pub fleet: String,
    /// The newest keyring that the server has.
    pub keyring_version: u32,
    /// The newest release.
    pub newest: Option<ReleaseInfo>,
    /// Whether devices get it; not so when the server's copy of its pack is missing or damaged. Publishing it again helps.
    pub served: bool,
}

/// A release, as in `GET /v1/releases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseInfo {
    /// Publisher epoch.
    pub epoch: u32,
    /// Its number.
    pub sequence: u32,
    /// The lowest number that devices may be moved back to.
    pub floor: u32,
    /// SHA-256 of its statement.
    pub digest: String,
    /// The commit it was compiled from.
    pub commit: String,
    /// How many leaves it has.
    pub leaves: u32,
    /// How large its pack is.
    pub pack_bytes: u64,
    /// The ids of the keys that signed it.
    pub signers: Vec<String>,
    /// When the server took it in.
    #[serde(rename = "published_unix_seconds")]
    pub published_seconds: u64,
}

/// What became of an upload: the answer to `POST /v1/releases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The release as it is now known.
    pub release: ReleaseInfo,
    /// Whether it was there before.
    pub known: bool,
    /// How many devices it is for.
    pub devices: u32,
    /// How many of them are to run something else than by the release before; `None` where that one is not at hand.
    pub changed: Option<u32>,
}

/// Where a device stands between what git asks for and what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It runs what is desired, confirmed.
    Current,
    /// One of its checks fails, on what is desired or on what it still runs.
    Failing,
    /// It tries something.
    Trial,
    /// It has not taken what is desired yet.
    Behind,
    /// It refused what is desired, or rolled it back.
    Refused,
    /// What is desired failed on its way or in flash, or waits for a slot. The device tries again by itself.
    Retrying,
    /// It polled and has not signed a report yet.
    Unreported,
    /// It never polled.
    Never,
    /// The inventory has no key for it, so nobody would believe its reports.
    NotEnrolled,
    /// It runs a firmware whose schema the newest release does not have.
    UnknownSchema,
    /// It is not in the newest release.
    Retired,
    /// The server's copy of the newest release cannot be read, so nobody knows what it should run.
    Unserved,
}

/// A numbered reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Its number; never changes its meaning.
    pub number: u16,
    /// What it means.
    pub words: String,
    /// What the device adds: the failing check and its words.
    pub detail: String,
    /// The sequence of the newest kept release with the configuration that this is about.
    pub release: Option<u32>,
}

/// One device, as in `GET /v1/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Its id.
    pub device: String,
    /// Its name; the id again for one that no release knows.
    pub name: String,
    /// Its model.
    pub model: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where it stands.
    pub standing: Standing,
    /// The same in words.
    pub health: String,
    /// What it should run: a content id.
    pub desired: Option<String>,
    /// What it runs, by its last signed report.
    pub running: Option<String>,
    /// The sequence of the release that it accepted last.
    pub accepted: Option<u32>,
    /// Why it last refused something or went back.
    pub refusal: Option<Reason>,
    /// When it last polled; polls are not signed.
    #[serde(rename = "seen_unix_seconds")]
    pub seen_seconds: Option<u64>,
    /// When its last signed report was taken: everything above but `desired` is as old.
    #[serde(rename = "reported_unix_seconds")]
    pub reported_seconds: Option<u64>,
}

/// A page of devices, ascending by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePage {
    /// [`FORMAT`].
    pub format: u32,
    /// The server's time, for ages.
    #[serde(rename = "now_unix_seconds")]
    pub now_seconds: u64,
    /// The devices.
    pub devices: Vec<DeviceInfo>,
    /// The id to go on from, unless this was the last page.
    pub next: Option<String>,
}

/// A signed report in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportInfo {
    /// When it was taken.
    #[serde(rename = "taken_unix_seconds")]
    pub taken_seconds: u64,
    /// What ran.
    pub running: String,
    /// What was confirmed.
    pub confirmed: String,
    /// The release accepted.
    pub accepted: u32,
    /// The floor.
    pub floor: u32,
    /// The firmware's build.
    pub firmware: String,
    /// The keyring's version.
    pub keyring_version: u32,
    /// Trial, outcome and checks in one sentence.
    pub words: String,
}

/// `GET /v1/devices/{name or id}`: one screen about one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// [`FORMAT`].
    pub format: u32,
    /// The server's time, for ages.
    #[serde(rename = "now_unix_seconds")]
    pub now_seconds: u64,
    /// The device.
    pub device: DeviceInfo,
    /// The release it should run.
    pub desired: Option<ReleaseInfo>,
    /// The release it accepted last.
    pub running: Option<ReleaseInfo>,
    /// What it is waiting for, in words.
    pub waiting_for: String,
    /// The reports that changed something, the newest first.
    pub reports: Vec<ReportInfo>,
}

/// What the server says when it cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For programs.
    pub code: ProblemCode,
    /// For people.
    pub error: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// A newer release is published.
    Superseded,
    /// Something signed or digested is not what it claims to be.
    Unverified,
    /// A rule about order or floors.
    Refused,
    /// The request itself.
    Malformed,
    /// No such thing.
    NotFound,
    /// The server's disk is full.
    Full,
    /// The server failed.
    Failed,
}
