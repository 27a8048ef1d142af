//! Leaves, and inclusion paths in trees of many sizes.

use serde_json::json;
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::refusal::Refusal;
use steadfast_core::tree::{Leaf, node};

use super::cast::{DEVICE, SCHEMA, encode, flipped, longer, overlong, replaced, shorter};
use super::{Vector, hex};

/// Sizes with every shape of a right edge.
const SIZES: [u32; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 13, 64, 1000];

/// Vectors of leaves and paths.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = leaves();
    vectors.extend(paths());
    vectors.extend(wrong_paths());
    vectors
}

fn leaves() -> Vec<Vector> {
    let private = Some(ObjectRef { digest: Digest::of(b"sealed"), size: 300 });
    let content = Content { manifest: Digest::of(b"manifest"), private: None };
    let plain = Leaf::new(DEVICE, SCHEMA, content);
    let secret = Leaf::new(DEVICE, SCHEMA, Content { private, ..content });
    let roster = Leaf::new(DeviceId::NONE, SchemaId([0; 32]), Content { manifest: Digest::of(b"roster"), ..content });
    let good = |name, leaf: &Leaf| {
        let vector = Vector::good("leaf", name, &encode(leaf)).gives("hash", hex(&leaf.hash().0));
        vector.gives("device", hex(&leaf.device.0)).gives("schema", hex(&leaf.schema.0))
    };
    let bad = |name, bytes: &[u8]| Vector::bad("leaf", name, bytes, Refusal::MALFORMED);
    let (whole, sized) = (encode(&plain), encode(&secret));
    vec![
        good("a device without secrets", &plain),
        good("a device with a private object", &secret),
        good("the leaf that binds a roster", &roster),
        bad("an option that is neither absent nor present", &replaced(&whole, whole.len() - 1, 2)),
        bad("a byte behind it", &longer(&whole)),
        bad("cut off", &shorter(&whole)),
        bad("an over-long size", &overlong(&sized, sized.len() - 1)),
    ]
}

/// The leaf hash at an index, the same in every tree: those of leaves whose content nobody knows.
fn leaf(index: u32) -> Digest {
    Digest::of(&[&[0][..], &index.to_be_bytes()].concat())
}

/// The root over the leaves from `start` on, `count` of them: halves at the largest power of two below `count`, as RFC 6962 says.
fn root(start: u32, count: u32) -> Digest {
    if count == 1 {
        return leaf(start);
    }
    let left = half(count);
    node(&root(start, left), &root(start + left, count - left))
}

/// The hashes beside the way from a leaf up to the root.
fn path(index: u32, start: u32, count: u32) -> Vec<u8> {
    if count == 1 {
        return Vec::new();
    }
    let left = half(count);
    let (mut below, beside) = if index < left {
        (path(index, start, left), root(start + left, count - left))
    } else {
        (path(index - left, start + left, count - left), root(start, left))
    };
    below.extend_from_slice(&beside.0);
    below
}

fn half(count: u32) -> u32 {
    count.next_power_of_two() / 2
}

fn placed(vector: Vector, index: u32, leaves: u32) -> Vector {
    vector
        .with("leaf_hash", hex(&leaf(index.min(leaves - 1)).0))
        .with("index", index)
        .with("leaves", leaves)
        .with("root", hex(&root(0, leaves).0))
}

fn paths() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for leaves in SIZES {
        let mut indexes = vec![0, leaves / 2, leaves - 2.min(leaves), leaves - 1];
        indexes.sort_unstable();
        indexes.dedup();
        for index in indexes {
            let name = format!("leaf {index} of {leaves}");
            let bytes = path(index, 0, leaves);
            let vector = placed(Vector::good("path", &name, &bytes), index, leaves);
            vectors.push(vector.gives("hashes", json!(bytes.len() / 32)));
        }
    }
    vectors
}

fn wrong_paths() -> Vec<Vector> {
    let bad = |name: &str, bytes: &[u8], index, leaves| {
        placed(Vector::bad("path", name, bytes, Refusal::NOT_IN_RELEASE), index, leaves)
    };
    let right = path(3, 0, 7);
    let swapped = [&right[32..64], &right[..32], &right[64..]].concat();
    vec![
        bad("the index of a neighbour", &right, 2, 7),
        bad("the index of the leaf count", &right, 7, 7),
        bad("a hash missing at the top", &right[..64], 3, 7),
        bad("a hash missing at the bottom", &right[32..], 3, 7),
        bad("a hash too many", &[&right[..], &[0; 32]].concat(), 3, 7),
        bad("a hash where one leaf needs none", &[0; 32], 0, 1),
        bad("nothing where two leaves need a hash", &[], 0, 2),
        bad("half a hash behind it", &[&right[..], &[0; 16]].concat(), 3, 7),
        bad("a flipped bit", &flipped(&right, 40), 3, 7),
        bad("hashes in another order", &swapped, 3, 7),
        bad("the path of the last leaf, a level of zeros filled in", &filled(), 4, 5),
        bad("twenty-five hashes", &[0; 25 * 32], 3, 7),
        bad("the path of another leaf", &path(4, 0, 7), 3, 7),
        bad("the path in a tree of another size", &path(3, 0, 8), 3, 7),
    ]
}

/// The last of five leaves needs one hash; naive readers want one for each level.
fn filled() -> Vec<u8> {
    [&[0; 64][..], &path(4, 0, 5)].concat()
}
