//! What runs: objects by digest, and the pair (manifest, private) that makes one configuration.
//!
//! What runs is a content; a release only proves that it may. So records, rejections and reports name contents.

use serde::{Deserialize, Serialize};

use crate::codec::wire;
use crate::digest::{Digest, Hasher};
use crate::id::{ContentId, first};

/// Immutable bytes: their SHA-256 and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u32,
}

wire! {
    struct ObjectRef { digest, size }
}

/// What runs, or could run, on a device: a manifest and, where the device has secrets, its private object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Content {
    /// SHA-256 of the manifest's bytes.
    pub manifest: Digest,
    /// The sealed secrets of this one device, as its leaf binds them.
    pub private: Option<ObjectRef>,
}

wire! {
    struct Content { manifest, private }
}

impl Content {
    /// The short name of this content: SHA-256 over a tag, the manifest digest and, if there is one, the private
    /// object's digest; its first 16 bytes.
    #[must_use]
    pub fn id(&self) -> ContentId {
        let mut hasher = Hasher::new();
        hasher.update(b"steadfast.content.v1\0");
        hasher.update(&self.manifest.0);
        if let Some(private) = &self.private {
            hasher.update(&private.digest.0);
        }
        ContentId(first(&hasher.finish().0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_object_changes_the_content_id() {
        let manifest = Digest::of(b"manifest");
        let private = Some(ObjectRef { digest: Digest::of(b"sealed"), size: 6 });
        assert_ne!(Content { manifest, private }.id(), Content { manifest, private: None }.id());
    }
}
