//! Pairs of configurations that mean the same for a device: one stands for all.
//!
//! A line changed in a layer of the whole fleet makes as many pairs as there are configurations, and few differences. Whatever a plan says of a
//! pair is told by its models, by the schemas that are live before and after, and by what differs in their manifests, with the bytes
//! that come for it: these make the key here. Invariant: the plan of folded pairs is the plan of the pairs.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use serde::Serialize;
use steadfast_core::manifest::{Entry, Manifest};

use super::Side;
use super::effect::{download, manifest};
use super::pairs::Pair;

/// Folds pairs that come in the order of their first devices.
pub(super) fn fold(pairs: Vec<Pair>, sides: (Side<'_>, Side<'_>)) -> Vec<Pair> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut folded: Vec<Pair> = Vec::new();
    for pair in pairs {
        match places.entry(Difference::of(&pair, sides).0) {
            Place::Occupied(place) => folded[*place.get()].head.extend(pair.head),
            Place::Vacant(place) => {
                place.insert(folded.len());
                folded.push(pair);
            }
        }
    }
    folded.iter_mut().for_each(|pair| pair.head.sort_unstable());
    folded
}

/// What tells a pair from others, as bytes.
struct Difference(Vec<u8>);

impl Difference {
    fn of(pair: &Pair, (base, head): (Side<'_>, Side<'_>)) -> Self {
        let models = (base.fleet.devices[pair.old as usize].model, head.fleet.devices[pair.head[0] as usize].model);
        let mut difference = Self(Vec::new());
        difference.add(&models);
        // What is not compared field by field, or told by more than manifests say, stands for itself.
        let mut alike = true;
        let mut differs = false;
        for (schema, _) in &pair.before {
            let lives = pair.after.iter().any(|(other, _)| other == schema);
            difference.add(&(schema, lives));
            if !lives {
                continue;
            }
            let (old, new) = (manifest(&pair.before, base, *schema), manifest(&pair.after, head, *schema));
            if old.bytes() != new.bytes() {
                differs = true;
                alike &= old.checks().eq(new.checks());
                difference.manifests(&old, &new);
            }
        }
        let added = pair.after.iter().filter(|(schema, _)| !pair.before.iter().any(|(other, _)| other == schema));
        added.for_each(|(schema, _)| difference.add(schema));
        if !alike || !differs {
            difference.add(&(&pair.before, &pair.after));
        }
        difference
    }

    fn manifests(&mut self, old: &Manifest<'_>, new: &Manifest<'_>) {
        self.add(&(old.settings, old.policy, new.settings, new.policy, download(old, new)));
        self.add(&new.checks().collect::<Vec<_>>());
        let [before, after] = [old, new].map(|manifest| manifest.objects().collect::<Vec<Entry<'_>>>());
        let only = |entries: &[Entry<'_>], others: &[Entry<'_>]| -> Vec<Vec<u8>> {
            entries.iter().filter(|entry| !others.contains(entry)).map(encoded).collect()
        };
        self.add(&(only(&before, &after), only(&after, &before)));
    }

    fn add(&mut self, part: &impl Serialize) {
        self.0.extend(encoded(part));
    }
}

fn encoded(part: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(part, Vec::new()).expect("a vector takes every byte")
}
