//! Reads a pack and believes nothing: bounds, order, digests, and that every byte is bound by the release statement.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;

use steadfast_core::codec;
use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;
use steadfast_core::manifest::Manifest;
use steadfast_core::refusal::Refusal;
use steadfast_core::release::Release;
use thiserror::Error;

use super::{MAGIC, MANIFEST_MAX_BYTES, PACK_MAX_BYTES, Pack, named};
use crate::release::leaves::{Leaves, LeavesError};
use crate::release::roster::{Roster, RosterError};
use crate::release::tree;

/// Why a file is no pack.
#[derive(Debug, Error)]
pub enum PackError {
    /// The file system said no.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, std::io::Error),
    /// Another kind of file.
    #[error("this is no pack: it does not start as one")]
    NotAPack,
    /// A later format.
    #[error("this pack has version {0}, and this program reads version 1; take a newer program")]
    Version(u8),
    /// Above the bound.
    #[error("this pack is larger than {PACK_MAX_BYTES} bytes")]
    TooLarge,
    /// Cut off or changed on its way.
    #[error("this pack is damaged or cut off: its digest is not the one at its end; fetch or build it again")]
    Damaged,
    /// The statement.
    #[error("the pack's release statement is not valid: {0}")]
    Statement(Refusal),
    /// The roster.
    #[error("the pack is not valid: {0}")]
    Roster(#[from] RosterError),
    /// The leaf table.
    #[error("the pack is not valid: {0}")]
    Leaves(#[from] LeavesError),
    /// A manifest.
    #[error("the pack's manifest {index} is not valid: {reason}")]
    Manifest {
        /// Its place.
        index: usize,
        /// What a device would say.
        reason: Refusal,
    },
    /// A manifest that no device could be told.
    #[error(
        "the pack's manifest {index} has {bytes} bytes, and an envelope has room for {MANIFEST_MAX_BYTES}; \
         use fewer sections or shorter names"
    )]
    ManifestSize {
        /// Its place.
        index: usize,
        /// Its size.
        bytes: usize,
    },
    /// The parts do not make one release.
    #[error("the pack is not valid: {0}")]
    Unsound(&'static str),
}

impl Pack {
    /// Checks the bytes of a pack. See the module.
    ///
    /// # Errors
    /// [`PackError`] with the first thing that is wrong.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, PackError> {
        let (fleet, [statement, roster, leaves, manifests, objects]) = sections(&bytes)?;
        let release = Release::decode(&bytes[statement.clone()]).map_err(PackError::Statement)?;
        let roster_digest = Digest::of(&bytes[roster.clone()]);
        let roster = Roster::decode(&bytes[roster])?;
        let leaves = Leaves::decode(&bytes[leaves])?;
        let manifests = list(&bytes, manifests, checked_manifest)?;
        let mut last = None;
        let objects = list(&bytes, objects, |_, object| ascending(&mut last, object))?.into_iter().collect();

        check_devices(&leaves, &roster)?;
        check_manifests(&manifests, &leaves)?;
        check_objects(&bytes, &objects, &manifests, &leaves)?;
        let tree = tree::over(&leaves, roster_digest, &manifests);
        if (tree.root(), leaves.count()) != (release.root, release.leaves) {
            return Err(PackError::Unsound("its leaves do not make the release's tree"));
        }
        let digest = Digest::of(&bytes[statement.clone()]);
        Ok(Self { fleet, statement, release, digest, roster, leaves, manifests, objects, tree, bytes })
    }
}

/// Magic, fleet, sections and end, and nothing else.
fn sections(bytes: &[u8]) -> Result<(FleetId, [Range<usize>; 5]), PackError> {
    if bytes.len() as u64 > PACK_MAX_BYTES {
        return Err(PackError::TooLarge);
    }
    let magic = bytes.first_chunk::<8>().ok_or(PackError::NotAPack)?;
    if magic[..7] != MAGIC[..7] {
        return Err(PackError::NotAPack);
    }
    if magic[7] != MAGIC[7] {
        return Err(PackError::Version(magic[7]));
    }
    let (body, end) = bytes.split_last_chunk::<32>().ok_or(PackError::Damaged)?;
    let fleet = body.get(8..).and_then(|rest| rest.first_chunk::<16>()).ok_or(PackError::Damaged)?;
    if Digest::of(body).0 != *end {
        return Err(PackError::Damaged);
    }
    let mut at = 24;
    let mut sections: [Range<usize>; 5] = Default::default();
    for section in &mut sections {
        *section = sized(body, at).ok_or(PackError::Unsound("a section is cut off"))?;
        at = section.end;
    }
    if at == body.len() {
        Ok((FleetId(*fleet), sections))
    } else {
        Err(PackError::Unsound("bytes follow its sections"))
    }
}

/// The section at `at`: a length and so many bytes.
fn sized(body: &[u8], at: usize) -> Option<Range<usize>> {
    let length = u64::from_le_bytes(*body.get(at..)?.first_chunk()?);
    let start = at + 8;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= body.len()).then_some(start..end)
}

/// An item's digest, and where its bytes lie.
type Item = (Digest, Range<usize>);

/// The items of a list that fills its section. Each is checked before the next is looked at: items of no bytes, or one
/// item again and again, would take many times their own size in memory.
fn list(
    bytes: &[u8],
    section: Range<usize>,
    mut check: impl FnMut(usize, (Digest, &[u8])) -> Result<(), PackError>,
) -> Result<Vec<Item>, PackError> {
    let malformed = |_| PackError::Unsound("a list does not decode");
    let end = section.end;
    let (count, mut rest): (u32, _) = codec::take(&bytes[section]).map_err(malformed)?;
    if count as usize > rest.len() {
        return Err(PackError::Unsound("a list is cut off"));
    }
    let mut items = Vec::new();
    for index in 0..count as usize {
        let (length, after): (u32, _) = codec::take(rest).map_err(malformed)?;
        let start = end - after.len();
        rest = after.get(length as usize..).ok_or(PackError::Unsound("a list is cut off"))?;
        let range = start..start + length as usize;
        let digest = Digest::of(&bytes[range.clone()]);
        check(index, (digest, &bytes[range.clone()]))?;
        items.push((digest, range));
    }
    if rest.is_empty() { Ok(items) } else { Err(PackError::Unsound("bytes follow a list")) }
}

/// A manifest is sound and small enough.
fn checked_manifest(index: usize, (_, bytes): (Digest, &[u8])) -> Result<(), PackError> {
    if bytes.len() > MANIFEST_MAX_BYTES {
        return Err(PackError::ManifestSize { index, bytes: bytes.len() });
    }
    Manifest::parse(bytes).map(drop).map_err(|reason| PackError::Manifest { index, reason })
}

fn ascending(last: &mut Option<Digest>, (digest, _): (Digest, &[u8])) -> Result<(), PackError> {
    match last.replace(digest) {
        Some(before) if before >= digest => Err(PackError::Unsound("its objects do not ascend by digest")),
        _ => Ok(()),
    }
}

/// Whoever may run something has a name.
fn check_devices(leaves: &Leaves, roster: &Roster) -> Result<(), PackError> {
    let mut names = roster.devices();
    let all = leaves.devices().iter().all(|device| names.any(|listed| listed.device() == *device));
    if all { Ok(()) } else { Err(PackError::Unsound("a device with a leaf is not in its roster")) }
}

/// Manifests are different, and stand in the order in which leaves first name them.
fn check_manifests(manifests: &[Item], leaves: &Leaves) -> Result<(), PackError> {
    let different: HashSet<&Digest> = manifests.iter().map(|(digest, _)| digest).collect();
    if different.len() != manifests.len() {
        return Err(PackError::Unsound("it has one manifest twice"));
    }
    let mut seen = 0;
    for place in leaves.places() {
        match place.row.manifest as usize {
            manifest if manifest < seen => {}
            manifest if manifest == seen => seen += 1,
            _ => return Err(PackError::Unsound("its manifests are not in the order of its leaves")),
        }
    }
    if seen == manifests.len() { Ok(()) } else { Err(PackError::Unsound("it has a manifest that no leaf names")) }
}

/// The objects are exactly those that manifests and leaves name, with the sizes they say.
fn check_objects(
    bytes: &[u8],
    objects: &BTreeMap<Digest, Range<usize>>,
    manifests: &[Item],
    leaves: &Leaves,
) -> Result<(), PackError> {
    let shared = manifests.iter().flat_map(|(_, range)| named(&bytes[range.clone()]));
    let private = leaves.places().filter_map(|place| place.private());
    let mut wanted: Vec<ObjectRef> = shared.chain(private).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let there = objects.iter().map(|(digest, range)| (*digest, range.len()));
    if there.eq(wanted.iter().map(|object| (object.digest, object.size as usize))) {
        Ok(())
    } else {
        Err(PackError::Unsound("its objects are not exactly those that its manifests name"))
    }
}
