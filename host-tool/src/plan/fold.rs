//! Pairs of configurations that mean the same for a device: one stands for all.
//!
//! A line changed in a layer of the whole fleet makes as many pairs as there are configurations, and few differences. Whatever a plan says of a
//! pair is told by its models, by the schemas that are live before and after, and by what differs in their manifests, with the bytes
//! that come for it: these make the key here. Invariant: the plan of folded pairs is the plan of the pairs.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::num::NonZero;
use std::thread;

use serde::Serialize;
use steadfast_core::manifest::{Entry, Manifest};

use super::Side;
use super::effect::{download, manifest};
use super::pairs::Pair;

/// Fewer pairs than this are not worth a thread.
const STRETCH_MIN: usize = 1024;

/// Folds pairs that come in the order of their first devices.
pub(super) fn fold(pairs: Vec<Pair>, sides: (Side<'_>, Side<'_>)) -> Vec<Pair> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut folded: Vec<Pair> = Vec::new();
    for (Difference(key), pair) in differences(&pairs, sides).into_iter().zip(pairs) {
        match places.entry(key) {
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

/// What tells each pair from others; a stretch of pairs for each processor.
fn differences(pairs: &[Pair], sides: (Side<'_>, Side<'_>)) -> Vec<Difference> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let length = pairs.len().div_ceil(threads).max(STRETCH_MIN);
    let all = move |pairs: &[Pair]| pairs.iter().map(|pair| Difference::of(pair, sides)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let started: Vec<_> = pairs.chunks(length).map(|pairs| scope.spawn(move || all(pairs))).collect();
        let done = started.into_iter().map(|one| one.join());
        done.flat_map(|stretch| stretch.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
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
        for (entries, others) in [(&before, &after), (&after, &before)] {
            let only: Vec<&Entry<'_>> = entries.iter().filter(|entry| !others.contains(entry)).collect();
            self.add(&only);
        }
    }

    fn add(&mut self, part: &impl Serialize) {
        self.0 = postcard::to_extend(part, std::mem::take(&mut self.0)).expect("a vector takes every byte");
    }
}
