//! Everything that an answer depends on besides the poll itself: an immutable value, replaced as a whole when a release
//! or a keyring arrives, so that polls take no lock for long.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use steadfast_core::digest::Digest;
use steadfast_core::id::{ContentId, FleetId};
use steadfast_core::manifest::{Manifest, Settings};
use steadfast_core::position::Position;

use super::challenge::Challenger;
use crate::keys::{Chain, KeyFile, KeyringFile};
use crate::pack::{Pack, named};
use crate::release::leaves::Place;

/// Where an object's bytes lie: in the pack of a kept release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// Which release.
    pub release: Position,
    /// From which byte of its pack on.
    pub offset: u64,
    /// How many bytes.
    pub size: u32,
}

/// What is remembered of every kept release, the newest or not.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    objects: HashMap<Digest, Located>,
    contents: HashMap<ContentId, (Position, Arc<[Digest]>)>,
}

impl Shelf {
    /// Adds a release's objects and contents.
    pub fn add(&mut self, pack: &Pack) {
        let release = pack.release().position();
        for (digest, range) in pack.objects() {
            let (offset, size) = (range.start as u64, range.len() as u32);
            self.objects.insert(*digest, Located { release, offset, size });
        }
        for (content, (_, manifest)) in pack.contents().into_iter().zip(pack.manifests()) {
            let objects = named(manifest).map(|object| object.digest).collect();
            self.contents.insert(content, (release, objects));
        }
    }

    /// Drops what only this release had. Releases are added in ascending order, so what a newer one has, too, is the newer one's.
    pub fn forget(&mut self, release: Position) {
        self.objects.retain(|_, located| located.release != release);
        self.contents.retain(|_, (of, _)| *of != release);
    }

    /// Where an object is.
    #[must_use]
    pub fn object(&self, digest: &Digest) -> Option<Located> {
        self.objects.get(digest).copied()
    }

    /// The newest kept release that has a content.
    #[must_use]
    pub fn release_of(&self, content: &ContentId) -> Option<Position> {
        self.contents.get(content).map(|(release, _)| *release)
    }

    /// The objects of what runs on a device; none when it runs nothing known.
    #[must_use]
    pub fn running(&self, content: &ContentId) -> &[Digest] {
        self.contents.get(content).map_or(&[], |(_, objects)| objects)
    }
}

/// The newest release, which every device gets.
#[derive(Debug)]
pub struct Newest {
    /// The release itself.
    pub pack: Pack,
    /// Its publishers' signature entries.
    pub signatures: Vec<u8>,
    /// What is looked up for every poll, by the manifest's place.
    manifests: Vec<Known>,
}

/// What is known of a manifest without looking at it again.
#[derive(Clone, Copy, Debug)]
struct Known {
    content: ContentId,
    freshness_seconds: u32,
    /// A bit for each check.
    checks: u16,
    trial_seconds: u32,
}

impl Newest {
    /// The newest release.
    #[must_use]
    pub fn new(pack: Pack, signatures: Vec<u8>) -> Self {
        let known = |(content, (_, manifest)): (ContentId, (Digest, &[u8]))| {
            let parsed = Manifest::parse(manifest).ok();
            let settings = parsed.as_ref().map_or(Settings::DEFAULT, |manifest| manifest.settings);
            Known {
                content,
                freshness_seconds: settings.clamped().freshness_seconds,
                checks: parsed.as_ref().map_or(0, |manifest| manifest.checks().fold(0, |bits, _| bits << 1 | 1)),
                trial_seconds: parsed.map_or(0, |manifest| manifest.policy.clamped().trial_seconds),
            }
        };
        let manifests = pack.contents().into_iter().zip(pack.manifests()).map(known).collect();
        Self { pack, signatures, manifests }
    }

    /// What the device of a place should run.
    #[must_use]
    pub fn content(&self, place: &Place<'_>) -> ContentId {
        match place.row.private {
            None => self.manifests[place.row.manifest as usize].content,
            Some(_) => self.pack.content(place).id(),
        }
    }

    /// How old a report of that device may be.
    #[must_use]
    pub fn freshness_seconds(&self, place: &Place<'_>) -> u64 {
        self.manifests[place.row.manifest as usize].freshness_seconds.into()
    }

    /// The checks of what that device should run, a bit for each, and the seconds in which they pass on trial.
    #[must_use]
    pub fn checks(&self, place: &Place<'_>) -> (u16, u64) {
        let known = &self.manifests[place.row.manifest as usize];
        (known.checks, known.trial_seconds.into())
    }
}

/// See the module.
#[derive(Clone)]
pub struct World {
    /// Signs answers.
    pub director: KeyFile,
    /// Issues challenges.
    pub challenger: Challenger,
    /// The keyrings.
    pub chain: Arc<Chain>,
    /// The newest release; none before the first, and while the newest one's pack is missing.
    pub newest: Option<Arc<Newest>>,
    /// The floor of each release ever published.
    pub floors: Arc<BTreeMap<Position, Position>>,
    /// Objects and contents of kept releases.
    pub shelf: Arc<Shelf>,
}

impl World {
    /// The fleet it serves.
    #[must_use]
    pub fn fleet(&self) -> FleetId {
        self.chain.fleet()
    }

    /// The keyring that a device with that version must take first. One that raises the publisher epoch is held back until a
    /// release of that epoch is there: no device could use it.
    #[must_use]
    pub fn next_keyring(&self, version: u32) -> Option<&KeyringFile> {
        let next = self.chain.version(version.checked_add(1)?).filter(|_| version > 0)?;
        let epoch = steadfast_core::keyring::Keyring::decode(&next.statement).ok()?.publisher_epoch;
        let served = self.newest.as_ref().map_or(epoch, |newest| newest.pack.release().publisher_epoch);
        (epoch <= served).then_some(next)
    }

    /// The floor that a device has which accepted the release at that position.
    #[must_use]
    pub fn floor_at(&self, accepted: Position) -> Position {
        self.floors.range(..=accepted).next_back().map_or(Position::ZERO, |(_, floor)| *floor)
    }
}
