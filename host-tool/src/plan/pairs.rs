//! Which devices have which pair of configurations: one walk over both fleets, and the only work that is done for each device.

use std::collections::HashMap;
use std::sync::Arc;

use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId};

use super::Side;
use crate::compile::CompiledLeaf;
use crate::fleet::Device;

/// What a device is to run under each live schema: its manifest, as an index of its own fleet's.
pub(super) type Config = Vec<(SchemaId, u32)>;

/// Devices that go from one configuration to one other.
pub(super) struct Pair {
    /// Any of them, in the base.
    pub(super) old: u32,
    /// What they are to run under each schema by the base, as indexes of the base's manifests.
    pub(super) before: Config,
    /// The same by the head, with its manifests.
    pub(super) after: Config,
    /// All of them, as indexes of the head's devices, ascending.
    pub(super) head: Vec<u32>,
}

/// What the walk finds.
#[derive(Default)]
pub(super) struct Pairing {
    /// Every pair of different configurations, or of different models, with at least one device each.
    pub(super) pairs: Vec<Pair>,
    /// Devices that only the head has.
    pub(super) new: Vec<u32>,
    /// Devices that only the base has, as its indexes.
    pub(super) gone: Vec<u32>,
    /// Devices of another model.
    pub(super) moved: usize,
    /// Devices with other labels, as indexes of both.
    pub(super) relabelled: Vec<(u32, u32)>,
    /// Devices with another name, as indexes of both.
    pub(super) renamed: Vec<(u32, u32)>,
    /// Devices with another key.
    pub(super) rekeyed: Vec<u32>,
}

impl Pairing {
    /// Without a base.
    pub(super) fn all_new(&mut self, head: Side<'_>) {
        self.new = (0..).take(head.fleet.devices.len()).collect();
    }

    /// Both fleets have their devices ascending by id, so one pass meets every device once.
    pub(super) fn walk(&mut self, base: Side<'_>, head: Side<'_>) {
        let mut numbers = Numbers::default();
        let mut configs = [Configs::new(base, &mut numbers), Configs::new(head, &mut numbers)];
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut key = Vec::new();
        let (old, new) = (&base.fleet.devices, &head.fleet.devices);
        let same_rows = Arc::ptr_eq(old, new);
        let (mut at, mut to) = (0, 0);
        while let Some(order) = next(old.get(at), new.get(to)) {
            let (here, there) = (at as u32, to as u32);
            at += usize::from(order.is_le());
            to += usize::from(order.is_ge());
            match order {
                std::cmp::Ordering::Less => self.gone.push(here),
                std::cmp::Ordering::Greater => self.new.push(there),
                std::cmp::Ordering::Equal => {
                    let pair = (&old[here as usize], &new[there as usize]);
                    let moved = base.fleet.model(pair.0).name != head.fleet.model(pair.1).name;
                    self.moved += usize::from(moved);
                    if !same_rows {
                        self.row(pair, (here, there));
                    }
                    let [before, after] = [configs[0].of(pair.0.id), configs[1].of(pair.1.id)];
                    if !moved && configs[0].numbered(before).eq(configs[1].numbered(after)) {
                        continue;
                    }
                    key.clear();
                    key.extend([pair.0.model, pair.1.model, before.len() as u32]);
                    key.extend(configs[0].numbered(before).chain(configs[1].numbered(after)).flatten());
                    let place = known.get(&key).copied().unwrap_or(self.pairs.len());
                    if place == self.pairs.len() {
                        known.insert(key.clone(), place);
                        let [before, after] = [before, after].map(config);
                        self.pairs.push(Pair { old: here, before, after, head: Vec::new() });
                    }
                    self.pairs[place].head.push(there);
                }
            }
        }
    }

    /// What differs in a device's row and need not show in its configuration.
    fn row(&mut self, (old, new): (&Device, &Device), (here, there): (u32, u32)) {
        if old.labels != new.labels {
            self.relabelled.push((here, there));
        }
        if old.name != new.name {
            self.renamed.push((here, there));
        }
        if old.public_key != new.public_key {
            self.rekeyed.push(there);
        }
    }
}

/// Which of two devices comes first; equal for the same one.
fn next(old: Option<&Device>, new: Option<&Device>) -> Option<std::cmp::Ordering> {
    match (old, new) {
        (Some(old), Some(new)) => Some(old.id.cmp(&new.id)),
        (Some(_), None) => Some(std::cmp::Ordering::Less),
        (None, Some(_)) => Some(std::cmp::Ordering::Greater),
        (None, None) => None,
    }
}

fn config(leaves: &[CompiledLeaf]) -> Config {
    leaves.iter().map(|leaf| (leaf.schema, leaf.manifest)).collect()
}

/// Numbers that both fleets share.
#[derive(Default)]
struct Numbers {
    manifests: HashMap<Digest, u32>,
    schemas: HashMap<SchemaId, u32>,
}

/// The leaves of one fleet, read in the order of devices.
struct Configs<'f> {
    leaves: &'f [CompiledLeaf],
    /// The shared number of each manifest, and of each schema.
    manifests: Vec<u32>,
    schemas: Vec<(SchemaId, u32)>,
}

impl<'f> Configs<'f> {
    fn new(side: Side<'f>, known: &mut Numbers) -> Self {
        let mut number = |manifest: &Vec<u8>| {
            let next = known.manifests.len() as u32;
            *known.manifests.entry(Digest::of(manifest)).or_insert(next)
        };
        let manifests = side.compiled.manifests.iter().map(&mut number).collect();
        let live = side.fleet.models.iter().flat_map(|model| &model.schemas);
        let mut number = |schema: SchemaId| {
            let next = known.schemas.len() as u32;
            (schema, *known.schemas.entry(schema).or_insert(next))
        };
        let schemas = live.map(|schema| number(schema.id)).collect();
        Self { leaves: &side.compiled.leaves, manifests, schemas }
    }

    /// The leaves of a device that comes after all that were asked for.
    fn of(&mut self, device: DeviceId) -> &'f [CompiledLeaf] {
        let start = self.leaves.iter().take_while(|leaf| leaf.device < device).count();
        let count = self.leaves[start..].iter().take_while(|leaf| leaf.device == device).count();
        let (own, rest) = self.leaves[start..].split_at(count);
        self.leaves = rest;
        own
    }

    /// The same in numbers that both fleets share: schema and manifest of each.
    fn numbered(&self, leaves: &[CompiledLeaf]) -> impl Iterator<Item = [u32; 2]> {
        leaves.iter().map(|leaf| {
            let schema = self.schemas.iter().find(|(schema, _)| *schema == leaf.schema);
            [schema.map_or(u32::MAX, |(_, number)| *number), self.manifests[leaf.manifest as usize]]
        })
    }
}
