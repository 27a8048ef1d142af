//! Many devices in few words: by the labels that they have and nobody else, where there are such.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Member, Named, Relabel, Side};
use crate::fleet::PlainLabels;

/// What stands for the model among labels, as it does in a level of layers.
const MODEL: &str = "model";

/// Devices with equal labels and model.
struct Class {
    labels: BTreeMap<Arc<str>, Arc<str>>,
    devices: usize,
}

/// Names devices of one fleet. Each different set of labels is looked at once, not each device.
pub(super) struct Naming<'f> {
    side: Side<'f>,
    classes: Vec<Class>,
    /// The class of each device.
    class_of: Vec<u32>,
    /// Classes by label and value, ascending.
    with: HashMap<(Arc<str>, Arc<str>), Vec<u32>>,
}

impl<'f> Naming<'f> {
    pub(super) fn new(side: Side<'f>) -> Self {
        let mut naming = Self { side, classes: Vec::new(), class_of: Vec::new(), with: HashMap::new() };
        let mut known: HashMap<(u32, usize), u32> = HashMap::new();
        for device in side.fleet.devices.iter() {
            let key = (device.model, Arc::as_ptr(&device.labels).addr());
            let class = *known
                .entry(key)
                .or_insert_with(|| naming.add_class(&device.labels, &side.fleet.models[device.model as usize].name));
            naming.classes[class as usize].devices += 1;
            naming.class_of.push(class);
        }
        naming
    }

    fn add_class(&mut self, labels: &PlainLabels, model: &Arc<str>) -> u32 {
        let place = self.classes.len() as u32;
        let mut labels = labels.clone();
        labels.insert(MODEL.into(), model.clone());
        for (label, value) in &labels {
            self.with.entry((label.clone(), value.clone())).or_default().push(place);
        }
        self.classes.push(Class { labels, devices: 0 });
        place
    }

    /// Names devices, given as ascending indexes; at least one.
    pub(super) fn name(&mut self, devices: &[u32]) -> Named {
        let member = |index: &u32| {
            let device = &self.side.fleet.devices[*index as usize];
            Member { device: device.id, name: device.name.clone() }
        };
        Named { count: devices.len(), labels: self.labels(devices), list: devices.iter().map(member).collect() }
    }

    fn labels(&self, devices: &[u32]) -> Option<BTreeMap<Arc<str>, Arc<str>>> {
        if devices.len() == self.side.fleet.devices.len() {
            return Some(BTreeMap::new());
        }
        let mut classes: Vec<u32> = devices.iter().map(|index| self.class_of[*index as usize]).collect();
        classes.sort_unstable();
        classes.dedup();
        let (first, rest) = classes.split_first()?;
        let mut shared: Vec<(&Arc<str>, &Arc<str>)> = self.classes[*first as usize].labels.iter().collect();
        for class in rest {
            shared.retain(|(label, value)| self.classes[*class as usize].labels.get(*label) == Some(value));
        }
        let exact = |labels: &[(&Arc<str>, &Arc<str>)]| self.with_all(labels) == devices.len();
        let mut needed = shared.iter().find(|one| exact(&[**one])).map_or(shared.clone(), |one| vec![*one]);
        if !exact(&needed) {
            return None;
        }
        // The model tells least, so it is the first that may go.
        for label in shared.iter().filter(|(label, _)| &***label == MODEL).chain(&shared) {
            let fewer: Vec<_> = needed.iter().filter(|one| *one != label).copied().collect();
            if !fewer.is_empty() && exact(&fewer) {
                needed = fewer;
            }
        }
        Some(needed.into_iter().map(|(label, value)| (label.clone(), value.clone())).collect())
    }

    /// How many devices have all of these labels; none where there are none.
    fn with_all(&self, labels: &[(&Arc<str>, &Arc<str>)]) -> usize {
        let classes = |(label, value): &(&Arc<str>, &Arc<str>)| {
            self.with.get(&((*label).clone(), (*value).clone())).map(Vec::as_slice).unwrap_or_default()
        };
        let rarest = labels.iter().map(classes).min_by_key(|classes| classes.len()).unwrap_or_default();
        let fits = |class: &&u32| {
            let class = &self.classes[**class as usize];
            labels.iter().all(|(label, value)| class.labels.get(*label) == Some(value))
        };
        rarest.iter().filter(fits).map(|class| self.classes[*class as usize].devices).sum()
    }
}

/// The labels that differ.
pub(super) fn differences(old: &PlainLabels, new: &PlainLabels) -> BTreeMap<Arc<str>, Relabel> {
    let mut differing = BTreeMap::new();
    for label in old.keys().chain(new.keys()) {
        let change = Relabel { old: old.get(label).cloned(), new: new.get(label).cloned() };
        if change.old != change.new {
            differing.insert(label.clone(), change);
        }
    }
    differing
}
