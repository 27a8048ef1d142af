//! From one commit of a fleet repository to everything that a release binds.
//!
//! Compiling is a pure function of the files it reads: no clock, no environment, no order of directory listings. Two
//! clones at two paths give the same bytes. Signing, packing and serving start from [`Compiled`].

mod devices;
mod explain;
mod fits;
mod manifest;
mod policy;
mod project;
mod resolve;
mod section;

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::release::CommitId;

use crate::diagnostics::Diagnostics;
use crate::fleet::{Fleet, PlainLabels};

pub(crate) use manifest::slot_bytes;
pub(crate) use resolve::{Merged, Stack};
pub(crate) use section::{Which, values};

pub use explain::{Action, Behind, Explained, Explanation, Touch, explain};

/// Where the values came from, and what their place in history says about a release made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The commit that was read; of a worktree, the one that is checked out. All zeros where there is none yet.
    pub commit: CommitId,
    /// First-parent commits up to and including `commit`, plus the fleet's `sequence_offset`.
    pub sequence: u32,
    /// The sequence of the commit that `floor` names, or 0, which leaves every device's floor as it is.
    pub floor: u32,
    /// Whether files were read as they lie in the folder. What comes of it may be looked at, never published.
    pub worktree: bool,
}

/// A fleet at one commit, compiled: what sign, pack, flash and serve need, and nothing else.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Commit, sequence and floor.
    pub source: Source,
    /// One leaf for each device and live schema of its model, save what is held, strictly ascending by (device, schema).
    pub leaves: Vec<CompiledLeaf>,
    /// Devices that get nothing new under a live schema, because it cannot express one of their values and `on_unsupported` holds them;
    /// strictly ascending by (device, schema). None of them is of the newest schema.
    pub held: Vec<Held>,
    /// Encoded manifests, each once, in the order in which the leaves first name them.
    pub manifests: Vec<Vec<u8>>,
    /// Every object that a manifest names, by its digest.
    pub objects: BTreeMap<Digest, Vec<u8>>,
    /// The devices by name, ascending by device id.
    pub roster: Vec<RosterEntry>,
    /// What deserves a look and does not stop a build.
    pub warnings: Diagnostics,
}

/// Binds one device under one schema to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompiledLeaf {
    /// The device.
    pub device: DeviceId,
    /// The schema under which its manifest's sections are to be read.
    pub schema: SchemaId,
    /// Index into [`Compiled::manifests`].
    pub manifest: u32,
}

/// A device that keeps what it has as long as it runs a firmware of this schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The device.
    pub device: DeviceId,
    /// A live schema.
    pub schema: SchemaId,
}

/// What the server knows about a device besides its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// The device.
    pub device: DeviceId,
    /// Its name in the inventory, unique in the fleet.
    pub name: Arc<str>,
    /// Its model.
    pub model: Arc<str>,
    /// Its labels, implied ones included.
    pub labels: Arc<PlainLabels>,
    /// The Ed25519 key with which it signs reports, once enrolled.
    pub public_key: Option<[u8; 32]>,
}

/// Compiles every device of the fleet.
///
/// # Errors
/// All errors at once, equal ones of many devices as one with their number.
pub fn compile(fleet: &Fleet) -> Result<Compiled, Diagnostics> {
    devices::run(fleet)
}
