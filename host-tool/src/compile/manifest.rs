//! Devices in the order of their layers, one after the other: layers to values, values to objects, objects to manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use steadfast_core::digest::Digest;
use steadfast_core::envelope::ENVELOPE_MAX_BYTES;
use steadfast_core::keyring::ROLE_KEYS_MAX;
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, OBJECTS_MAX};
use steadfast_core::release::RELEASE_MAX_BYTES;
use steadfast_core::statement::SIGNATURE_BYTES;
use steadfast_core::tree::PATH_MAX;

use super::policy::{KnownTerms, Terms};
use super::project::{skewed, unsupported};
use super::resolve::{Idle, Merged, Stack};
use super::section::{Sections, Which};
use crate::diagnostics::{Code, FileId, Finding, Findings};
use crate::fleet::{Fleet, Model};
use crate::schema::Schema;

/// What an envelope holds besides the manifest, at worst: the release, signatures of every publisher, a path through the largest tree, a
/// private object, and the lengths of its parts.
const ENVELOPE_OVERHEAD_BYTES: usize = RELEASE_MAX_BYTES + ROLE_KEYS_MAX * SIGNATURE_BYTES + PATH_MAX * 32 + 38 + 16;

/// The largest manifest that a device is sure to receive.
pub(super) const MANIFEST_MAX_BYTES: usize = ENVELOPE_MAX_BYTES - ENVELOPE_OVERHEAD_BYTES;

/// What a slot has before its manifest, in bytes (`steadfast_core::flash`).
const SLOT_HEADER_BYTES: u64 = 128;
/// Each part of a slot starts at a multiple of so many bytes (`steadfast_core::flash`).
const SLOT_GRAIN_BYTES: u64 = 32;

/// What a device is to run under each live schema of its model.
pub(super) type Config = Vec<Rendered>;

/// What the devices of one live schema get.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rendered {
    /// A manifest, by its index.
    Manifest(u32),
    /// Nothing new, and why.
    Held(Arc<[Finding]>),
    /// Something is wrong, and was reported.
    Wrong,
}

/// A device in the order of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    pub(super) model: u32,
    /// The place of its chain in the order of all, so that neighbours share as much as they can.
    pub(super) rank: u32,
    pub(super) device: u32,
}

/// What became of some devices.
#[derive(Default)]
pub(super) struct Share {
    pub(super) findings: Findings,
    pub(super) objects: BTreeMap<Digest, Vec<u8>>,
    /// Each once, with its digest.
    pub(super) manifests: Vec<(Digest, Vec<u8>)>,
    /// Each different configuration, and perhaps a few twice.
    pub(super) configs: Vec<Config>,
    /// The place of each device's configuration, in the order of work.
    pub(super) placed: Vec<u32>,
    /// Which `unset`s took nothing away.
    pub(super) idle: Idle,
    /// How many layers were merged and sections encoded, for tests that count work instead of time.
    pub(super) merges: usize,
    pub(super) encoded: usize,
}

/// Works through devices.
pub(super) struct Worker<'f> {
    fleet: &'f Fleet,
    stack: Stack<'f>,
    sections: Sections,
    terms: KnownTerms,
    by_digest: HashMap<Digest, u32>,
    /// The layers that hold devices whose older firmware cannot express what they say.
    holding: BTreeSet<FileId>,
    share: Share,
}

impl<'f> Worker<'f> {
    pub(super) fn new(fleet: &'f Fleet) -> Self {
        Self {
            fleet,
            stack: Stack::new(&fleet.layers),
            sections: Sections::default(),
            terms: KnownTerms::new(),
            by_digest: HashMap::new(),
            holding: fleet.layers.all().iter().filter_map(|layer| Some(layer.holds?.file)).collect(),
            share: Share::default(),
        }
    }

    /// Works out the configuration of each device.
    pub(super) fn run(mut self, turns: &[Turn]) -> Share {
        for turns in turns.chunk_by(|a, b| a.model == b.model) {
            self.sections.clear();
            self.terms.clear();
            for turns in turns.chunk_by(|a, b| a.rank == b.rank) {
                self.chain(turns);
            }
        }
        let Self { stack, sections, mut share, .. } = self;
        (share.merges, share.encoded, share.idle) = (stack.merges, sections.encoded, stack.into_idle());
        share
    }

    /// Devices with the same layers: those without values of their own are one configuration.
    fn chain(&mut self, turns: &[Turn]) {
        let mut shared = None;
        for turn in turns {
            let device = &self.fleet.devices[turn.device as usize];
            let model = self.fleet.model(device);
            let place = match shared {
                Some(place) if device.own.is_none() => place,
                _ => {
                    let merged = self.stack.of_device(model, device);
                    let config = self.config(model, &merged, turn.device);
                    // Faults are told of each device that has them.
                    let sound = merged.faults.is_empty() && !config.contains(&Rendered::Wrong);
                    self.share.configs.push(config);
                    let place = self.share.configs.len() as u32 - 1;
                    shared = shared.or((device.own.is_none() && sound).then_some(place));
                    place
                }
            };
            self.share.placed.push(place);
        }
    }

    /// What each live schema's devices get. Faults are reported for the device.
    fn config(&mut self, model: &Model, merged: &Merged, device: u32) -> Config {
        for fault in merged.faults.iter() {
            self.share.findings.hit(fault.clone(), [device]);
        }
        (0..model.schemas.len())
            .map(|schema| match self.manifest((model, schema), merged) {
                Ok(index) => Rendered::Manifest(index),
                Err(faults) if faults.iter().all(|fault| self.holds(model, fault)) => {
                    Rendered::Held(faults.into_iter().map(held).collect())
                }
                Err(faults) => {
                    faults.into_iter().for_each(|fault| self.share.findings.hit(fault, [device]));
                    Rendered::Wrong
                }
            })
            .collect()
    }

    /// Whether a device that cannot express something keeps what it has: the layer that says it, or the model, wants that.
    fn holds(&self, model: &Model, fault: &Finding) -> bool {
        let by_layer = || fault.place().is_some_and(|place| self.holding.contains(&place.file));
        fault.code() == Code::SchemaSkew && (model.holds || by_layer())
    }

    fn manifest(&mut self, (model, index): (&Model, usize), merged: &Merged) -> Result<u32, Vec<Finding>> {
        let schema = &model.schemas[index];
        // A section that an older firmware lacks is skipped like one that a model lacks, unless its devices shall wait for it.
        let lacking = unsupported((model, index), &merged.table).into_iter();
        let mut faults: Vec<Finding> = lacking.filter(|fault| self.holds(model, fault)).collect();
        let terms = self.terms.of((&merged.table, model), index);
        let mut entries = Vec::with_capacity(schema.sections.len());
        for (section, place) in schema.sections.iter().zip(0..) {
            let which = Which { schema: index, section: place };
            let objects = &mut self.share.objects;
            let mut keep = |digest, bytes| {
                objects.insert(digest, bytes);
            };
            match self.sections.object((model, which), &merged.table, &mut keep) {
                Ok(object) => {
                    let kind = if model.render.is_some() { Kind::File(object) } else { Kind::Config(object) };
                    let flags = Flags::new(section.restart, section.risk);
                    entries.push(Entry { section: &section.name, kind, flags });
                }
                Err(found) => faults.extend(found.iter().cloned()),
            }
        }
        let terms: Rc<Terms> = match terms {
            Ok(terms) if faults.is_empty() => terms,
            terms => {
                let found: Vec<Finding> = terms.err().iter().flat_map(|found| found.iter().cloned()).collect();
                // A check, say, that only the newest firmware can do.
                let sound = self.terms.of((&merged.table, model), model.schemas.len() - 1).is_ok();
                faults.extend(if sound { skewed((model, index), found) } else { found });
                return Err(faults);
            }
        };
        entries.sort_unstable_by_key(|entry| entry.section);
        let bytes = encode(&terms, &entries, (model, schema)).map_err(|fault| vec![fault])?;
        Ok(self.intern(bytes))
    }

    fn intern(&mut self, bytes: Vec<u8>) -> u32 {
        let manifests = &mut self.share.manifests;
        let digest = Digest::of(&bytes);
        let next = u32::try_from(manifests.len()).unwrap_or(u32::MAX);
        let index = *self.by_digest.entry(digest).or_insert(next);
        if index == next {
            manifests.push((digest, bytes));
        }
        index
    }
}

/// The warning that stands for a fault that holds devices.
fn held(fault: Finding) -> Finding {
    let message = format!("{}; who still runs it keeps what it has", fault.message());
    fault.recast(
        Code::SchemaHeld,
        message,
        "nothing to do: these devices take it, and whatever else has changed, with their next firmware",
    )
}

/// A manifest's bytes, if a device can take it.
fn encode(terms: &Terms, entries: &[Entry<'_>], (model, schema): (&Model, &Schema)) -> Result<Vec<u8>, Finding> {
    let too_large = |message: String, help: &str| Finding::new(Code::TooLarge, message).at(model.place).help(help);
    if entries.len() > OBJECTS_MAX {
        let message = format!("schema {} has more than {OBJECTS_MAX} sections", schema.short_id());
        return Err(too_large(message, "merge small sections in the firmware"));
    }
    let checks: Vec<&str> = terms.checks.iter().map(String::as_str).collect();
    let draft = Draft { settings: terms.settings, policy: terms.policy, checks: &checks, objects: entries };
    let mut buffer = [0; MANIFEST_MAX_BYTES];
    let bytes = draft.encode(&mut buffer).map_err(|refusal| {
        let message = format!("the manifest of schema {} fits no envelope: {refusal}", schema.short_id());
        too_large(message, "use fewer or shorter sections and checks")
    })?;
    let used = slot_bytes(bytes.len(), entries);
    // Otherwise it is proved of all that the schema allows.
    if model.render.is_some() && used > u64::from(model.slot_bytes) {
        let message =
            format!("this configuration takes {used} bytes of a slot, `{}` has {}", model.name, model.slot_bytes);
        return Err(too_large(message, "shorten lists and texts, or give the board larger slots"));
    }
    Ok(bytes.to_vec())
}

/// How many bytes of a slot a configuration takes.
pub(crate) fn slot_bytes(manifest: usize, entries: &[Entry<'_>]) -> u64 {
    let objects = entries.iter().filter_map(Entry::object).map(|object| u64::from(object.size));
    let parts = objects.chain([manifest as u64]);
    parts.fold(SLOT_HEADER_BYTES, |sum, part| sum + part.next_multiple_of(SLOT_GRAIN_BYTES))
}
