//! The envelope: everything a device needs to know that one configuration is meant for it.
//!
//! ```text
//! Envelope --verify--> Verified          nothing is written to a slot before this
//! ```

use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::answer::Fresh;
use crate::codec::{self, wire};
use crate::content::{Content, ObjectRef};
use crate::digest::Digest;
use crate::id::{DeviceId, FleetId, SchemaId};
use crate::keyring::Keyring;
use crate::manifest::Manifest;
use crate::position::Position;
use crate::refusal::Refusal;
use crate::release::Release;
use crate::statement::{Kind, Message};
use crate::tree::{self, Leaf};

/// Longest envelope.
pub const ENVELOPE_MAX_BYTES: usize = 3072;

/// A signed release and the place of one leaf in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof<'a> {
    /// The release statement, as it was signed.
    pub release: &'a [u8],
    /// The publishers' signature entries.
    pub signatures: &'a [u8],
    /// The leaf's index.
    pub index: u32,
    /// The hashes of its inclusion path, end to end, from the leaf upwards.
    pub path: &'a [u8],
}

wire! {
    struct Proof<'a> { release, signatures, index, path }
}

/// What a device receives about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<'a> {
    /// The release and the path.
    #[serde(borrow)]
    pub proof: Proof<'a>,
    /// The device's private object.
    pub private: Option<ObjectRef>,
    /// The manifest's bytes.
    pub manifest: &'a [u8],
}

wire! {
    struct Envelope<'a> { proof, private, manifest }
}

/// Whom and what a device believes.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Its fleet.
    pub fleet: FleetId,
    /// Itself.
    pub device: DeviceId,
    /// The schema it asked for.
    pub schema: SchemaId,
    /// Its keyring.
    pub keyring: &'a Keyring,
    /// The release it accepted last.
    pub accepted: Position,
    /// The lowest position it takes.
    pub floor: Position,
}

/// Proof that a release binds a content to this device, and that the device may be moved there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    content: Content,
    schema: SchemaId,
    position: Position,
    floor: Position,
    manifest: Range<usize>,
}

impl Verified {
    /// What may run.
    #[must_use]
    pub fn content(&self) -> Content {
        self.content
    }

    /// The schema it is for.
    #[must_use]
    pub fn schema(&self) -> SchemaId {
        self.schema
    }

    /// Where its release stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The release's floor, to be raised when this is confirmed or adopted.
    #[must_use]
    pub fn floor(&self) -> Position {
        self.floor
    }

    /// Where the manifest lies in the bytes that were verified; empty for an adoption.
    #[must_use]
    pub fn manifest(&self) -> Range<usize> {
        self.manifest.clone()
    }
}

#[cfg(test)]
impl Verified {
    /// A proof out of thin air.
    pub(crate) fn forge(content: Content, schema: SchemaId, position: Position, floor: Position) -> Self {
        Self { content, schema, position, floor, manifest: 0..0 }
    }
}

impl Trust<'_> {
    /// Verifies an envelope. `fresh` is the order that came with it; without one (a stick, static hosting) a device only moves
    /// forward.
    ///
    /// # Errors
    /// A [`Refusal`] that names the first thing that is wrong.
    pub fn verify(&self, bytes: &[u8], fresh: Option<&Fresh>) -> Result<Verified, Refusal> {
        if bytes.len() > ENVELOPE_MAX_BYTES {
            return Err(Refusal::TOO_LARGE);
        }
        let envelope: Envelope<'_> = codec::decode(bytes)?;
        let content = Content { manifest: Digest::of(envelope.manifest), private: envelope.private };
        let mut verified = self.verify_proof(&envelope.proof, content, fresh)?;
        Manifest::parse(envelope.manifest)?;
        // The manifest is the envelope's last field.
        verified.manifest = bytes.len().saturating_sub(envelope.manifest.len())..bytes.len();
        Ok(verified)
    }

    /// Verifies that a release binds `content` to this device: the content that an envelope brings, or the one that
    /// runs already.
    ///
    /// # Errors
    /// As [`Trust::verify`].
    pub fn verify_proof(
        &self,
        proof: &Proof<'_>,
        content: Content,
        fresh: Option<&Fresh>,
    ) -> Result<Verified, Refusal> {
        let release = Release::decode(proof.release)?;
        self.permits(&release, proof.release, fresh)?;
        let publisher = &self.keyring.publisher;
        match &Message::new(Kind::Release, &self.fleet, &[], proof.release) {
            Ok(message) => message.verify(&publisher.keys, publisher.threshold, proof.signatures)?,
            Err(refusal) => return Err(*refusal),
        }
        let leaf = Leaf::new(self.device, self.schema, content);
        if tree::root(leaf.hash(), proof.index, release.leaves, proof.path)? != release.root {
            return Err(Refusal::NOT_IN_RELEASE);
        }
        Ok(Verified {
            content,
            schema: self.schema,
            position: release.position(),
            floor: release.floor(),
            manifest: 0..0,
        })
    }

    /// Epoch, floor, order and direction.
    fn permits(&self, release: &Release, statement: &[u8], fresh: Option<&Fresh>) -> Result<(), Refusal> {
        if release.publisher_epoch != self.keyring.publisher_epoch {
            return Err(Refusal::WRONG_EPOCH);
        }
        if release.position() < self.floor {
            return Err(Refusal::BELOW_FLOOR);
        }
        match fresh.map(Fresh::release) {
            Some(assigned) if assigned != Some(Digest::of(statement)) => Err(Refusal::NOT_ASSIGNED),
            None if release.position() < self.accepted => Err(Refusal::DOWNGRADE),
            _ => Ok(()),
        }
    }
}
