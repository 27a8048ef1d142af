//! All devices of a fleet: the work is shared out, and what comes back is put together in the order of devices.
//!
//! The shares are stretches of one order, so that what comes out does not depend on how many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::thread;

use steadfast_core::digest::Digest;
use steadfast_core::manifest::Manifest;
use steadfast_core::release::LEAVES_MAX;

use super::fits::prove;
use super::manifest::{Config, Rendered, Share, Turn, Worker};
use super::resolve::Idle;
use super::{Compiled, CompiledLeaf, Held, RosterEntry};
use crate::diagnostics::{Code, Diagnostics, Finding, Findings};
use crate::fleet::{Device, Fleet, Model};

/// More threads than this are not worth their memory.
const THREADS_MAX: usize = 8;

/// A share of fewer devices is not worth a thread.
const SHARE_MIN: usize = 1024;

/// Stands for a device without a configuration: one of its layers is missing.
const NONE: u32 = u32::MAX;

/// Compiles every device.
///
/// # Errors
/// Every fault.
pub(super) fn run(fleet: &Fleet) -> Result<Compiled, Diagnostics> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    Compiler::of(fleet, threads.min(THREADS_MAX)).finish()
}

/// What all shares come to.
struct Compiler<'f> {
    fleet: &'f Fleet,
    findings: Findings,
    objects: BTreeMap<Digest, Vec<u8>>,
    manifests: Vec<Vec<u8>>,
    by_digest: HashMap<Digest, u32>,
    configs: Vec<Config>,
    /// Which configuration each device has.
    of_device: Vec<u32>,
    /// Work that was done, for tests.
    merges: usize,
    encoded: usize,
}

impl<'f> Compiler<'f> {
    fn of(fleet: &'f Fleet, threads: usize) -> Self {
        let mut whole = Self {
            fleet,
            findings: fleet.findings().clone(),
            objects: BTreeMap::new(),
            manifests: Vec::new(),
            by_digest: HashMap::new(),
            configs: Vec::new(),
            of_device: vec![NONE; fleet.devices.len()],
            merges: 0,
            encoded: 0,
        };
        prove(fleet, &mut whole.findings);
        let turns = turns(fleet);
        let shares = shares(&turns, threads);
        let mut idle = Idle::default();
        for (turns, share) in shares.iter().zip(work(fleet, &shares)) {
            whole.take(turns, share, &mut idle);
        }
        for (layer, finding) in idle.findings(&fleet.layers) {
            let uses = |device: &Device| device.chain.is_some_and(|chain| fleet.layers.indexes(chain).contains(&layer));
            let users = fleet.devices.iter().zip(0..).filter(|(device, _)| uses(device));
            whole.findings.hit(finding, users.map(|(_, index)| index));
        }
        whole
    }

    fn take(&mut self, turns: &[Turn], share: Share, idle: &mut Idle) {
        self.findings.extend(share.findings);
        self.objects.extend(share.objects);
        let intern = |(digest, bytes): (Digest, Vec<u8>)| {
            let next = self.manifests.len() as u32;
            let index = *self.by_digest.entry(digest).or_insert(next);
            if index == next {
                self.manifests.push(bytes);
            }
            index
        };
        let numbers: Vec<u32> = share.manifests.into_iter().map(intern).collect();
        let first = self.configs.len() as u32;
        let renumbered = |rendered| match rendered {
            Rendered::Manifest(manifest) => Rendered::Manifest(numbers[manifest as usize]),
            rendered => rendered,
        };
        let configs = share.configs.into_iter().map(|config| config.into_iter().map(renumbered).collect());
        self.configs.extend(configs);
        for (turn, place) in turns.iter().zip(share.placed) {
            self.of_device[turn.device as usize] = first + place;
        }
        idle.extend(share.idle);
        self.merges += share.merges;
        self.encoded += share.encoded;
    }

    /// The leaves in the order of devices and schemas, manifests by numbers of the shares; and what is held, which is told of each
    /// device.
    fn leaves(&mut self) -> (Vec<CompiledLeaf>, Vec<Held>) {
        let orders: Vec<Vec<usize>> = self.fleet.models.iter().map(by_id).collect();
        let configs =
            self.of_device.iter().map(|place| self.configs.get(*place as usize).map_or(&[][..], Vec::as_slice));
        let mut leaves = Vec::with_capacity(configs.clone().map(<[_]>::len).sum());
        let mut waiting = Vec::new();
        for ((device, index), config) in self.fleet.devices.iter().zip(0..).zip(configs) {
            let schemas = &self.fleet.model(device).schemas;
            let order = &orders[device.model as usize];
            for place in order.iter().filter(|place| **place < config.len()) {
                let (device, schema) = (device.id, schemas[*place].id);
                match &config[*place] {
                    Rendered::Manifest(manifest) => leaves.push(CompiledLeaf { device, schema, manifest: *manifest }),
                    Rendered::Held(why) => {
                        waiting.push(Held { device, schema });
                        why.iter().for_each(|finding| self.findings.hit(finding.clone(), [index]));
                    }
                    Rendered::Wrong => {}
                }
            }
        }
        (leaves, waiting)
    }

    fn finish(mut self) -> Result<Compiled, Diagnostics> {
        let (mut leaves, held) = self.leaves();
        // One leaf of the tree is the roster's.
        if leaves.len() >= LEAVES_MAX as usize {
            let message = format!("a release has at most {LEAVES_MAX} leaves, this one would have {}", leaves.len());
            let help = "split the fleet in two, each with its own steadfast.toml, or retire old schemas";
            self.findings.add(Finding::new(Code::TooManyLeaves, message).help(help));
        }
        let failed = self.findings.has_errors();
        let warnings = self.fleet.diagnose(self.findings);
        if failed {
            return Err(warnings);
        }
        let manifests = numbered(&mut leaves, self.manifests);
        let mut objects = self.objects;
        if !held.is_empty() {
            forget_unnamed(&manifests, &mut objects);
        }
        let roster = self.fleet.devices.iter().map(|device| roster_entry(self.fleet, device)).collect();
        Ok(Compiled { source: self.fleet.source, leaves, held, manifests, objects, roster, warnings })
    }
}

/// A model's live schemas in the order of their ids.
fn by_id(model: &Model) -> Vec<usize> {
    let mut order: Vec<usize> = (0..model.schemas.len()).collect();
    order.sort_by_key(|schema| model.schemas[*schema].id);
    order
}

/// Models after each other, and in each the chains in their order.
fn turns(fleet: &Fleet) -> Vec<Turn> {
    let ranks = fleet.layers.ranks();
    let mut turns = Vec::with_capacity(fleet.devices.len());
    for (device, index) in fleet.devices.iter().zip(0..) {
        turns.extend(device.chain.map(|chain| Turn {
            model: device.model,
            rank: ranks[chain as usize],
            device: index,
        }));
    }
    turns.sort_unstable();
    turns
}

/// Stretches of about the same length, none of which ends inside a chain.
fn shares(mut turns: &[Turn], threads: usize) -> Vec<&[Turn]> {
    let length = turns.len().div_ceil(threads.max(1)).max(SHARE_MIN);
    let mut shares = Vec::new();
    while turns.len() > length {
        let last = turns[length - 1];
        let end = length + turns[length..].partition_point(|turn| (turn.model, turn.rank) == (last.model, last.rank));
        let (share, rest) = turns.split_at(end);
        shares.push(share);
        turns = rest;
    }
    shares.push(turns);
    shares
}

fn work(fleet: &Fleet, shares: &[&[Turn]]) -> Vec<Share> {
    thread::scope(|scope| {
        let started: Vec<_> = shares.iter().map(|turns| scope.spawn(|| Worker::new(fleet).run(turns))).collect();
        let done = started.into_iter().map(|one| one.join());
        done.map(|share| share.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Numbers manifests in the order in which the leaves name them, so that the bytes of a pack do not depend on the order of work.
fn numbered(leaves: &mut [CompiledLeaf], mut manifests: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut numbers: Vec<Option<u32>> = vec![None; manifests.len()];
    let mut ordered = Vec::with_capacity(manifests.len());
    for leaf in leaves {
        let number = numbers[leaf.manifest as usize].get_or_insert_with(|| {
            ordered.push(std::mem::take(&mut manifests[leaf.manifest as usize]));
            u32::try_from(ordered.len() - 1).unwrap_or(u32::MAX)
        });
        leaf.manifest = *number;
    }
    ordered
}

/// Drops the objects of configurations that are held: no manifest names them.
///
/// # Panics
/// Never: manifests of this compiler are sound.
fn forget_unnamed(manifests: &[Vec<u8>], objects: &mut BTreeMap<Digest, Vec<u8>>) {
    let mut named: BTreeSet<Digest> = BTreeSet::new();
    for bytes in manifests {
        let manifest = Manifest::parse(bytes).expect("the compiler makes sound manifests");
        named.extend(manifest.objects().filter_map(|entry| entry.object()).map(|object| object.digest));
    }
    objects.retain(|digest, _| named.contains(digest));
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
        let [alone, together] = [1, 4].map(|threads| Compiler::of(&fleet, threads));
        let work = (alone.merges, alone.encoded);
        let [alone, together] = [alone, together].map(|whole| whole.finish().unwrap());
        assert_eq!(alone.leaves.len(), devices as usize);
        assert_eq!((alone.leaves, alone.manifests), (together.leaves, together.manifests), "whoever does the work");
        assert_eq!((alone.objects, alone.roster), (together.objects, together.roster));
        work
    }

    #[test]
    fn work_grows_with_what_differs_and_not_with_devices() {
        // The common layer once and ten sites; `b` for each site, `a` once and once for each device with its own.
        assert_eq!(work(200), (11, 10 + 1 + 20));
        assert_eq!(work(5000), (11, 10 + 1 + 500));
    }
}
