//! All devices of a fleet, one after the other: layers to values, values to objects, objects to manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use steadfast_core::digest::Digest;
use steadfast_core::envelope::ENVELOPE_MAX_BYTES;
use steadfast_core::keyring::ROLE_KEYS_MAX;
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Manifest, OBJECTS_MAX};
use steadfast_core::release::{LEAVES_MAX, RELEASE_MAX_BYTES};
use steadfast_core::statement::SIGNATURE_BYTES;
use steadfast_core::tree::PATH_MAX;

use super::policy::{Terms, terms};
use super::project::unsupported;
use super::resolve::{Merged, Stack};
use super::section::{Sections, Which};
use super::{Compiled, CompiledLeaf, Held, RosterEntry};
use crate::diagnostics::{Code, Diagnostics, FileId, Finding, Findings};
use crate::fleet::{Device, Fleet, Layer, Model, reserved_sections};
use crate::schema::{Schema, Section};

/// What an envelope holds besides the manifest, at worst: the release, signatures of every publisher, a path through the largest tree, a
/// private object, and the lengths of its parts.
const ENVELOPE_OVERHEAD_BYTES: usize = RELEASE_MAX_BYTES + ROLE_KEYS_MAX * SIGNATURE_BYTES + PATH_MAX * 32 + 38 + 16;

/// The largest manifest that a device is sure to receive.
const MANIFEST_MAX_BYTES: usize = ENVELOPE_MAX_BYTES - ENVELOPE_OVERHEAD_BYTES;

/// What a slot has before its manifest, in bytes (`steadfast_core::flash`).
const SLOT_HEADER_BYTES: u64 = 128;
/// Each part of a slot starts at a multiple of so many bytes (`steadfast_core::flash`).
const SLOT_GRAIN_BYTES: u64 = 32;

/// A compilation under way.
pub(super) struct Compiler<'f> {
    fleet: &'f Fleet,
    findings: Findings,
    reserved: [Section; 2],
    sections: Sections,
    objects: BTreeMap<Digest, Vec<u8>>,
    manifests: Vec<Vec<u8>>,
    by_digest: HashMap<Digest, u32>,
    leaves: Vec<CompiledLeaf>,
    held: Vec<Held>,
    /// The layers that hold devices whose older firmware cannot express what they say.
    holding: BTreeSet<FileId>,
    /// How many layers were merged, for tests that count work instead of time.
    merges: usize,
}

impl<'f> Compiler<'f> {
    pub(super) fn new(fleet: &'f Fleet) -> Self {
        Self {
            fleet,
            findings: fleet.findings().clone(),
            reserved: reserved_sections(),
            sections: Sections::default(),
            objects: BTreeMap::new(),
            manifests: Vec::new(),
            by_digest: HashMap::new(),
            leaves: Vec::new(),
            held: Vec::new(),
            holding: fleet.layers.all().iter().filter_map(|layer| Some(layer.holds?.file)).collect(),
            merges: 0,
        }
    }

    pub(super) fn run(mut self) -> Result<Compiled, Diagnostics> {
        self.all_devices();
        self.leaves.sort_by_cached_key(|leaf| (u128::from_be_bytes(leaf.device.0), leaf.schema));
        // One leaf of the tree is the roster's.
        if self.leaves.len() >= LEAVES_MAX as usize {
            let message =
                format!("a release has at most {LEAVES_MAX} leaves, this one would have {}", self.leaves.len());
            let help = "split the fleet in two, each with its own steadfast.toml, or retire old schemas";
            self.findings.add(Finding::new(Code::TooManyLeaves, message).help(help));
        }
        let failed = self.findings.has_errors();
        let warnings = self.fleet.diagnose(std::mem::take(&mut self.findings));
        if failed {
            return Err(warnings);
        }
        self.number_manifests();
        self.forget_unnamed();
        let Self { fleet, objects, manifests, leaves, mut held, .. } = self;
        held.sort_unstable();
        let roster = fleet.devices.iter().map(|device| roster_entry(fleet, device)).collect();
        Ok(Compiled { source: fleet.source, leaves, held, manifests, objects, roster, warnings })
    }

    /// In the order of models and chains, so that neighbours share as much as they can.
    fn all_devices(&mut self) {
        let fleet = self.fleet;
        let ranks = fleet.layers.ranks();
        let mut order: Vec<(u32, u32, u32)> = Vec::with_capacity(fleet.devices.len());
        for (device, index) in fleet.devices.iter().zip(0..) {
            order.extend(device.chain.map(|chain| (device.model, ranks[chain as usize], index)));
        }
        order.sort_unstable();
        self.leaves.reserve(order.len());
        let mut stack = Stack::new(&fleet.layers);
        let mut shared: Option<(u32, u32, Vec<Rendered>)> = None;
        let mut model_index = None;
        for (model, _, index) in order {
            let device = &fleet.devices[index as usize];
            let chain = device.chain.unwrap_or_default();
            if model_index.replace(model) != Some(model) {
                self.sections.clear();
            }
            let model_ref = &fleet.models[model as usize];
            let merged = stack.merged(model_ref, chain);
            if let Some(own) = &device.own {
                let own = Layer { values: (**own).clone(), ..Layer::default() };
                let manifests = self.manifests(model_ref, &merged.with(&own, model_ref), index);
                self.leaves((device, index), model_ref, &manifests);
                continue;
            }
            let reusable = |(a, b, manifests): &(u32, u32, Vec<Rendered>)| {
                (*a, *b) == (model, chain) && !manifests.contains(&Rendered::Wrong) && merged.faults.is_empty()
            };
            let known = shared.take().filter(reusable);
            let manifests = match known {
                Some((_, _, manifests)) => manifests,
                None => self.manifests(model_ref, &merged, index),
            };
            self.leaves((device, index), model_ref, &manifests);
            shared = Some((model, chain, manifests));
        }
        self.merges = stack.merges;
        for (layer, finding) in stack.idle_unsets() {
            let uses = |device: &Device| device.chain.is_some_and(|chain| fleet.layers.indexes(chain).contains(&layer));
            let users = fleet.devices.iter().zip(0..).filter(|(device, _)| uses(device));
            self.findings.hit(finding, users.map(|(_, index)| index));
        }
    }

    /// What each live schema's devices get. Faults are reported for the device.
    fn manifests(&mut self, model: &Model, merged: &Merged, device: u32) -> Vec<Rendered> {
        for fault in merged.faults.iter() {
            self.findings.hit(fault.clone(), [device]);
        }
        (0..model.schemas.len())
            .map(|schema| match self.manifest((model, schema), merged) {
                Ok(index) => Rendered::Manifest(index),
                Err(faults) if faults.iter().all(|fault| self.holds(model, fault)) => {
                    Rendered::Held(faults.into_iter().map(held).collect())
                }
                Err(faults) => {
                    faults.into_iter().for_each(|fault| self.findings.hit(fault, [device]));
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
        let terms = terms((&merged.table, model.place), &self.reserved, schema);
        let mut entries = Vec::with_capacity(schema.sections.len());
        for (section, place) in schema.sections.iter().zip(0..) {
            let which = Which { schema: index, section: place };
            let objects = &mut self.objects;
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
        let terms = match terms {
            Ok(terms) if faults.is_empty() => terms,
            terms => {
                faults.extend(terms.err().into_iter().flatten());
                return Err(faults);
            }
        };
        entries.sort_unstable_by_key(|entry| entry.section);
        let bytes = encode(&terms, &entries, (model, schema)).map_err(|fault| vec![fault])?;
        Ok(self.intern(bytes))
    }

    fn intern(&mut self, bytes: Vec<u8>) -> u32 {
        let next = u32::try_from(self.manifests.len()).unwrap_or(u32::MAX);
        let index = *self.by_digest.entry(Digest::of(&bytes)).or_insert(next);
        if index == next {
            self.manifests.push(bytes);
        }
        index
    }

    fn leaves(&mut self, (device, index): (&Device, u32), model: &Model, manifests: &[Rendered]) {
        for (schema, rendered) in model.schemas.iter().zip(manifests) {
            let (device, schema) = (device.id, schema.id);
            match rendered {
                Rendered::Manifest(manifest) => self.leaves.push(CompiledLeaf { device, schema, manifest: *manifest }),
                Rendered::Held(why) => {
                    self.held.push(Held { device, schema });
                    why.iter().for_each(|finding| self.findings.hit(finding.clone(), [index]));
                }
                Rendered::Wrong => {}
            }
        }
    }

    /// Puts the manifests into the order in which the leaves name them, so that the bytes of a pack do not depend on the order of work.
    fn number_manifests(&mut self) {
        let mut numbers: Vec<Option<u32>> = vec![None; self.manifests.len()];
        let mut ordered = Vec::with_capacity(self.manifests.len());
        for leaf in &mut self.leaves {
            let number = numbers[leaf.manifest as usize].get_or_insert_with(|| {
                ordered.push(std::mem::take(&mut self.manifests[leaf.manifest as usize]));
                u32::try_from(ordered.len() - 1).unwrap_or(u32::MAX)
            });
            leaf.manifest = *number;
        }
        self.manifests = ordered;
    }

    /// Drops the objects of configurations that are held: no manifest names them.
    ///
    /// # Panics
    /// Never: manifests of this compiler are sound.
    fn forget_unnamed(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut named: BTreeSet<Digest> = BTreeSet::new();
        for bytes in &self.manifests {
            let manifest = Manifest::parse(bytes).expect("the compiler makes sound manifests");
            named.extend(manifest.objects().filter_map(|entry| entry.object()).map(|object| object.digest));
        }
        self.objects.retain(|digest, _| named.contains(digest));
    }
}

/// What the devices of one live schema get.
#[derive(Clone, PartialEq)]
enum Rendered {
    /// A manifest, by its index.
    Manifest(u32),
    /// Nothing new, and why.
    Held(Rc<[Finding]>),
    /// Something is wrong, and was reported.
    Wrong,
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
    if used > u64::from(model.slot_bytes) {
        let message =
            format!("this configuration takes {used} bytes of a slot, `{}` has {}", model.name, model.slot_bytes);
        return Err(too_large(message, "shorten lists and texts, or give the board larger slots"));
    }
    Ok(bytes.to_vec())
}

/// How many bytes of a slot a configuration takes.
fn slot_bytes(manifest: usize, entries: &[Entry<'_>]) -> u64 {
    let objects = entries.iter().filter_map(Entry::object).map(|object| u64::from(object.size));
    let parts = objects.chain([manifest as u64]);
    parts.fold(SLOT_HEADER_BYTES, |sum, part| sum + part.next_multiple_of(SLOT_GRAIN_BYTES))
}

fn roster_entry(fleet: &Fleet, device: &Device) -> RosterEntry {
    RosterEntry {
        device: device.id,
        name: device.name.clone(),
        model: fleet.model(device).name.clone(),
        labels: device.labels.clone(),
        public_key: device.public_key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::At;

    /// Compiles so many devices at ten sites, every tenth with a value of its own, and counts merges and encodings.
    fn work(devices: u32) -> (usize, usize) {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let fleet = "layers = [\"common\", \"site/{site}\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n\
            [models.m]\nslot_bytes = 4096\n";
        write("steadfast.toml", fleet);
        write("schemas/m/m.toml", "[section.a.fields]\nx = \"u32\"\n[section.b.fields]\ny = \"u32\"\n");
        write("layers/common.toml", "[a]\nx = 1\n");
        let mut rows = "device,name,model,site,set.a.x\n".to_owned();
        for site in 0..10 {
            write(&format!("layers/site/s{site}.toml"), &format!("[b]\ny = {site}\n"));
        }
        for device in 1..=devices {
            let own = if device % 10 == 3 { device.to_string() } else { String::new() };
            rows += &format!("{device:032x},d{device},m,s{},{own}\n", device / 10 % 10);
        }
        write("inventory/all.csv", &rows);
        let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
        let mut compiler = Compiler::new(&fleet);
        compiler.all_devices();
        assert!(!compiler.findings.has_errors());
        assert_eq!(compiler.leaves.len(), devices as usize);
        (compiler.merges, compiler.sections.encoded)
    }

    #[test]
    fn work_grows_with_what_differs_and_not_with_devices() {
        // The common layer once and ten sites; `b` for each site, `a` once and once for each device with its own.
        assert_eq!(work(200), (11, 10 + 1 + 20));
        assert_eq!(work(2000), (11, 10 + 1 + 200));
    }
}
