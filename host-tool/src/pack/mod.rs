//! The pack: one release in one file, the same bytes on every machine.
//!
//! ```text
//! magic "SFPACK" 00  version 01      8
//! fleet id                          16
//! release, roster, leaves, manifests, objects: each a length (8, little-endian) and its bytes
//! SHA-256 of everything before      32
//! ```
//!
//! The release statement binds the roster and, by way of leaves and manifests, every object; a pack has exactly one
//! encoding, so nothing in it is unbound. Signatures are files beside it. `docs/spec/pack.md` is the full description.
//!
//! Invariant: a [`Pack`] has passed every check but that of signatures, which takes a keyring (see `sign`).

mod head;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use head::{HEAD_MAX_BYTES, head};
pub use read::PackError;
pub use write::{Draft, encode};

use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::id::{ContentId, DeviceId, FleetId};
use steadfast_core::manifest::Manifest;
use steadfast_core::release::Release;

use crate::release::leaves::{Leaves, Place};
use crate::release::roster::Roster;
use crate::release::tree::Tree;

/// What a pack starts with: the magic and the version of what follows.
pub const MAGIC: [u8; 8] = *b"SFPACK\0\x01";

/// Largest pack that is read, 2 GiB: well above a million devices, well below a machine's memory.
pub const PACK_MAX_BYTES: u64 = 2 << 30;

/// Largest manifest: with the longest path and five publishers' signatures it still fits an envelope.
pub const MANIFEST_MAX_BYTES: usize = 1792;

/// A pack in memory, checked. See the module.
#[derive(Debug)]
pub struct Pack {
    bytes: Vec<u8>,
    fleet: FleetId,
    statement: Range<usize>,
    release: Release,
    digest: Digest,
    roster: Roster,
    leaves: Leaves,
    manifests: Vec<(Digest, Range<usize>)>,
    objects: BTreeMap<Digest, Range<usize>>,
    tree: Tree,
}

impl Pack {
    /// Reads and checks a pack file.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let unreadable = |error| PackError::Unreadable(PathBuf::from(path), error);
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(PACK_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::parse(bytes)
    }

    /// The pack's own bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The fleet it says it is for; the signatures prove it.
    #[must_use]
    pub fn fleet(&self) -> FleetId {
        self.fleet
    }

    /// The release statement: what publishers sign.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        &self.bytes[self.statement.clone()]
    }

    /// The release statement, decoded.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The SHA-256 of the release statement: the release's name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The devices by name.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who may run what.
    #[must_use]
    pub fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    /// Every manifest: digest and bytes.
    pub fn manifests(&self) -> impl ExactSizeIterator<Item = (Digest, &[u8])> {
        self.manifests.iter().map(|(digest, range)| (*digest, &self.bytes[range.clone()]))
    }

    /// The manifest of a place.
    #[must_use]
    pub fn manifest(&self, place: &Place<'_>) -> &[u8] {
        let (_, range) = &self.manifests[place.row.manifest as usize];
        &self.bytes[range.clone()]
    }

    /// What a place's leaf binds.
    #[must_use]
    pub fn content(&self, place: &Place<'_>) -> Content {
        let (manifest, _) = self.manifests[place.row.manifest as usize];
        Content { manifest, private: place.private() }
    }

    /// Every object's digest and where its bytes lie in the pack, ascending.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = (&Digest, &Range<usize>)> {
        self.objects.iter()
    }

    /// An object's bytes.
    #[must_use]
    pub fn object(&self, digest: &Digest) -> Option<&[u8]> {
        Some(&self.bytes[self.objects.get(digest)?.clone()])
    }

    /// The inclusion path of a place's leaf.
    #[must_use]
    pub fn path(&self, place: &Place<'_>) -> Vec<u8> {
        self.path_at(place.index)
    }

    /// The inclusion path of the leaf at an index of the tree; empty outside.
    #[must_use]
    pub fn path_at(&self, index: u32) -> Vec<u8> {
        self.tree.path(index).unwrap_or_default()
    }

    /// What a device receives about itself, encoded; `signatures` are the publishers' entries.
    ///
    /// # Panics
    /// Never: growing a vector cannot fail.
    #[must_use]
    pub fn envelope(&self, place: &Place<'_>, signatures: &[u8]) -> Vec<u8> {
        let path = self.path(place);
        let proof = Proof { release: self.statement(), signatures, index: place.index, path: &path };
        let envelope = Envelope { proof, private: place.private(), manifest: self.manifest(place) };
        postcard::to_extend(&envelope, Vec::new()).expect("a vector takes every byte")
    }

    /// How many devices are to run something else than by the release before, or did not stand in it.
    #[must_use]
    pub fn changed_from(&self, before: &Self) -> u32 {
        let changes = |place: &Place<'_>| {
            let then = before.leaves.find(&place.device, place.schema.prefix());
            then.is_none_or(|then| before.content(&then) != self.content(place))
        };
        let mut changed: Vec<DeviceId> = self.leaves.places().filter(changes).map(|place| place.device).collect();
        changed.dedup();
        changed.len() as u32
    }

    /// What each manifest is called when it runs without a private object, by its place.
    #[must_use]
    pub fn contents(&self) -> Vec<ContentId> {
        self.manifests.iter().map(|(manifest, _)| Content { manifest: *manifest, private: None }.id()).collect()
    }
}

/// The objects that a manifest names; private ones are named by leaves. The manifest was parsed before.
pub fn named(manifest: &[u8]) -> impl Iterator<Item = ObjectRef> {
    Manifest::parse(manifest).into_iter().flat_map(|manifest| manifest.objects()).filter_map(|entry| entry.object())
}
