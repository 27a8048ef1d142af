//! The release: one commit compiled for the whole fleet, signed once.

use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::digest::Digest;
use crate::position::Position;
use crate::refusal::Refusal;

/// Longest release statement.
pub const RELEASE_MAX_BYTES: usize = 112;

/// Most leaves of one release, 2^24: a path has at most 24 hashes.
pub const LEAVES_MAX: u32 = 1 << 24;

/// The git commit from which a release was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CommitId {
    /// A commit of an ordinary repository.
    Sha1([u8; 20]),
    /// A commit of a repository in git's SHA-256 format.
    Sha256([u8; 32]),
}

wire! {
    enum CommitId { 0 = Sha1(bytes), 1 = Sha256(bytes) }
}

impl CommitId {
    /// The id's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }
}

impl core::fmt::Display for CommitId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::digest::write_hex(self.as_bytes(), f)
    }
}

/// The statement that publishers sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The publisher epoch of the keyring it is signed under.
    pub publisher_epoch: u32,
    /// Its number in the fleet's history.
    pub sequence: u32,
    /// The lowest sequence a device may be moved back to from here on; at most `sequence`.
    pub floor: u32,
    /// The commit it was compiled from.
    pub commit: CommitId,
    /// How many leaves the tree has, 1 to [`LEAVES_MAX`].
    pub leaves: u32,
    /// The tree's root hash.
    pub root: Digest,
}

wire! {
    struct Release { publisher_epoch, sequence, floor, commit, leaves, root }
}

impl Release {
    /// Decodes a statement and checks what can be seen in it alone.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`], [`Refusal::MALFORMED`], [`Refusal::FLOOR_ABOVE_RELEASE`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > RELEASE_MAX_BYTES {
            return Err(Refusal::TOO_LARGE);
        }
        let release: Self = codec::decode(bytes)?;
        if release.leaves == 0 || release.leaves > LEAVES_MAX {
            return Err(Refusal::MALFORMED);
        }
        if release.floor > release.sequence {
            return Err(Refusal::FLOOR_ABOVE_RELEASE);
        }
        Ok(release)
    }

    /// Where it stands in the fleet's history.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.publisher_epoch, sequence: self.sequence }
    }

    /// Its floor, as a device keeps it.
    #[must_use]
    pub fn floor(&self) -> Position {
        Position { epoch: self.publisher_epoch, sequence: self.floor }
    }
}
