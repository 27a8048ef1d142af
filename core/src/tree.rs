//! The release's Merkle tree: leaves that bind (device, schema) to what may run, shaped as in RFC 6962.
//!
//! ```text
//! leaf hash = SHA-256(00 || postcard(leaf))        node = SHA-256(01 || left || right)
//! ```
//!
//! Leaves ascend strictly by (device, schema). The leaf of [`DeviceId::NONE`] and the all-zero schema, always the
//! first when there is one, binds the roster: its `manifest` is the roster's digest. No device can have that id.

use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::content::{Content, ObjectRef};
use crate::digest::{Digest, Hasher};
use crate::id::{DeviceId, SchemaId};
use crate::refusal::Refusal;

/// Longest encoded leaf.
pub const LEAF_MAX_BYTES: usize = 128;

/// Most hashes in an inclusion path, for 2^24 leaves.
pub const PATH_MAX: usize = 24;

/// What one device of one schema may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leaf {
    /// For whom.
    pub device: DeviceId,
    /// For which firmware's configuration.
    pub schema: SchemaId,
    /// SHA-256 of the manifest.
    pub manifest: Digest,
    /// The device's sealed secrets.
    pub private: Option<ObjectRef>,
}

wire! {
    struct Leaf { device, schema, manifest, private }
}

impl Leaf {
    /// The leaf of a device with that schema and content.
    #[must_use]
    pub fn new(device: DeviceId, schema: SchemaId, content: Content) -> Self {
        Self { device, schema, manifest: content.manifest, private: content.private }
    }

    /// Its hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let mut buffer = [0; LEAF_MAX_BYTES];
        let mut hasher = Hasher::new();
        hasher.update(&[0]);
        // LEAF_MAX_BYTES holds the largest leaf, as a test shows; a leaf that did not fit would match no path.
        hasher.update(codec::encode(self, &mut buffer).unwrap_or_default());
        hasher.finish()
    }
}

/// The hash of an inner node.
#[must_use]
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(&left.0);
    hasher.update(&right.0);
    hasher.finish()
}

/// The root that `leaf` at `index` of `leaves` has with `path` (RFC 9162, section 2.1.3.2), the path given as hashes
/// end to end from the leaf upwards.
///
/// # Errors
/// [`Refusal::NOT_IN_RELEASE`] when the index is outside, or the path has not exactly the hashes it must have.
pub fn root(leaf: Digest, index: u32, leaves: u32, path: &[u8]) -> Result<Digest, Refusal> {
    let (hashes, rest) = path.as_chunks::<32>();
    if index >= leaves || !rest.is_empty() || hashes.len() > PATH_MAX {
        return Err(Refusal::NOT_IN_RELEASE);
    }
    let (mut position, mut last, mut hash) = (index, leaves.saturating_sub(1), leaf);
    for sibling in hashes {
        if last == 0 {
            return Err(Refusal::NOT_IN_RELEASE);
        }
        let sibling = Digest(*sibling);
        if position & 1 == 1 || position == last {
            hash = node(&sibling, &hash);
            // A right edge without a sibling on this level is carried up until it is a right child.
            while position & 1 == 0 && position != 0 {
                (position, last) = (position >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, &sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    if last == 0 { Ok(hash) } else { Err(Refusal::NOT_IN_RELEASE) }
}
