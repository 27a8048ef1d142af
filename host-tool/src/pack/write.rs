//! Writes a pack. What goes in is a draft; what comes out is read back by the same code that reads a stranger's pack.

use std::collections::BTreeMap;

use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;

use super::MAGIC;

/// The parts of a pack, encoded where they have an encoding of their own.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// For which fleet.
    pub fleet: FleetId,
    /// The release statement.
    pub statement: &'a [u8],
    /// The roster.
    pub roster: &'a [u8],
    /// The leaf table.
    pub leaves: &'a [u8],
    /// The manifests in the order in which the leaves first name them.
    pub manifests: &'a [Vec<u8>],
    /// The objects that manifests and leaves name, and no others.
    pub objects: &'a BTreeMap<Digest, Vec<u8>>,
}

/// The pack's bytes. A draft that breaks a rule gives a pack that [`Pack::parse`](super::Pack::parse) refuses.
#[must_use]
pub fn encode(draft: &Draft<'_>) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &draft.fleet.0].concat();
    for part in [draft.statement, draft.roster, draft.leaves] {
        section(&mut bytes, |bytes| bytes.extend_from_slice(part));
    }
    section(&mut bytes, |bytes| list(bytes, draft.manifests.iter()));
    section(&mut bytes, |bytes| list(bytes, draft.objects.values()));
    let digest = Digest::of(&bytes);
    bytes.extend_from_slice(&digest.0);
    bytes
}

/// Writes a section and then its length in front of it.
fn section(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    write(bytes);
    let length = (bytes.len() - at - 8) as u64;
    bytes[at..at + 8].copy_from_slice(&length.to_le_bytes());
}

/// How many, then each with its length; numbers as varints.
fn list<'a>(bytes: &mut Vec<u8>, items: impl ExactSizeIterator<Item = &'a Vec<u8>>) {
    varint(bytes, items.len());
    for item in items {
        varint(bytes, item.len());
        bytes.extend_from_slice(item);
    }
}

/// Seven bits a byte, the lowest first, the top bit on all but the last.
fn varint(bytes: &mut Vec<u8>, mut value: usize) {
    while value > 0x7F {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
