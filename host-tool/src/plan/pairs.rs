//! Which devices have which pair of configurations: one walk over both fleets, and the only work that is done for each device.

use std::collections::HashMap;

use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId};

use super::Side;
use crate::compile::CompiledLeaf;
use crate::fleet::Device;

/// What a device is to run under each live schema: manifests by numbers that both fleets share.
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
        let mut numbers = HashMap::new();
        let mut configs = [Configs::new(base, &mut numbers), Configs::new(head, &mut numbers)];
        let mut known = HashMap::new();
        let (old, new) = (&base.fleet.devices, &head.fleet.devices);
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
                    self.row(pair, (here, there));
                    let [before, after] = &mut configs;
                    let (before, after) = (before.of(pair.0.id), after.of(pair.1.id));
                    if !moved && before.numbered == after.numbered {
                        continue;
                    }
                    let key = (before.numbered, after.numbered, pair.0.model, pair.1.model);
                    let place = *known.entry(key).or_insert(self.pairs.len());
                    if place == self.pairs.len() {
                        let (before, after) = (before.own, after.own);
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

/// A device's configuration in the numbers of its own fleet and in those that both share.
#[derive(Default)]
struct Found {
    own: Config,
    numbered: Config,
}

/// The leaves of one fleet, read in the order of devices.
struct Configs<'f> {
    leaves: &'f [CompiledLeaf],
    /// The shared number of each manifest.
    numbers: Vec<u32>,
}

impl<'f> Configs<'f> {
    fn new(side: Side<'f>, known: &mut HashMap<Digest, u32>) -> Self {
        let mut number = |manifest: &Vec<u8>| {
            let next = known.len() as u32;
            *known.entry(Digest::of(manifest)).or_insert(next)
        };
        let numbers = side.compiled.manifests.iter().map(&mut number).collect();
        Self { leaves: &side.compiled.leaves, numbers }
    }

    /// The configuration of a device that comes after all that were asked for.
    fn of(&mut self, device: DeviceId) -> Found {
        let start = self.leaves.iter().take_while(|leaf| leaf.device < device).count();
        self.leaves = &self.leaves[start..];
        let own: Config = self
            .leaves
            .iter()
            .take_while(|leaf| leaf.device == device)
            .map(|leaf| (leaf.schema, leaf.manifest))
            .collect();
        let numbered = own.iter().map(|(schema, manifest)| (*schema, self.numbers[*manifest as usize])).collect();
        Found { own, numbered }
    }
}
