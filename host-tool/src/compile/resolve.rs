//! The values that a device's layers give, one layer at a time.
//!
//! Devices come in the order of their chains, so that what two neighbours have in common is merged once: [`Stack`] keeps
//! the results of the current chain's beginnings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostics::{Code, Finding, Place};
use crate::fleet::{Device, Layer, Layers, Model};
use crate::value::{FieldPath, Merger, Mode, Node, Table, remove};

/// What some layers give together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    /// Values by section, of the sections that the model has.
    pub(crate) table: Arc<Table>,
    finals: Arc<Vec<Final>>,
    /// What went wrong on the way.
    pub(crate) faults: Arc<Vec<Finding>>,
}

/// A field that must keep its value.
#[derive(Clone, Debug)]
struct Final {
    path: FieldPath,
    place: Place,
    /// The level of the patch that says so. Patches of one level are compared elsewhere, whatever their order.
    level: Option<usize>,
}

impl Merged {
    /// These values with one more layer on top.
    pub(crate) fn with(&self, layer: &Layer, model: &Model) -> Self {
        let ours = |table: &Table| {
            let mut table = table.clone();
            table.retain(|entry| model.shape(&entry.name).is_some());
            table
        };
        let ty = |name: &str| model.shape(name);
        let mut set = Merger::new(Mode::Set);
        let mut append = Merger::new(Mode::Append);
        let mut table = (*self.table).clone();
        for (path, _) in &layer.unset {
            table = remove(&table, path, ty);
        }
        table = set.tables(&table, &ours(&layer.values), ty);
        table = append.tables(&table, &ours(&layer.append), ty);
        let mut faults: Vec<Finding> = self.faults.iter().cloned().chain(append.faults).collect();
        faults.extend(self.finals.iter().filter_map(|held| held.broken((&self.table, &table), (layer, model))));
        let held =
            layer.finals.iter().map(|(path, place)| Final { path: path.clone(), place: *place, level: level(layer) });
        let finals = match layer.finals.len() {
            0 => self.finals.clone(),
            _ => Arc::new(self.finals.iter().cloned().chain(held).collect()),
        };
        Self { table: Arc::new(table), finals, faults: Arc::new(faults) }
    }
}

impl Final {
    /// The fault, when the value is no longer what it was.
    fn broken(&self, (before, after): (&Table, &Table), (layer, model): (&Layer, &Model)) -> Option<Finding> {
        let find = |table| FieldPath::find(&self.path, table, |name| model.shape(name));
        let (old, new) = (find(before), find(after));
        let same = match (old, new) {
            (Some(old), Some(new)) => old.value.same(&new.value),
            (old, new) => old.is_none() && new.is_none(),
        };
        if same || self.level.is_some() && self.level == level(layer) {
            return None;
        }
        let unset = || layer.unset.iter().find(|(path, _)| self.path.steps().starts_with(path.steps()));
        let place =
            new.and_then(|new| change(old, new)).or_else(|| unset().map(|(_, place)| *place)).unwrap_or(self.place);
        let message = format!("`{}` is final and cannot change here", self.path);
        let finding = Finding::new(Code::FinalValue, message).at(place).note(self.place, "made final here");
        Some(finding.help("remove it here, or take the field out of `final` in the earlier layer"))
    }
}

/// The level of a patch.
fn level(layer: &Layer) -> Option<usize> {
    layer.matching.as_ref().map(|matching| matching.level)
}

/// Where a value was written that is not what it was; `None` when the change is that something is gone.
fn change(old: Option<&Node>, new: &Node) -> Option<Place> {
    if old.is_some_and(|old| old.value.same(&new.value)) {
        return None;
    }
    match (old.and_then(Node::table), new.table()) {
        (Some(old), Some(new)) => new.entries().iter().find_map(|entry| change(old.node(&entry.name), &entry.node)),
        _ => Some(new.place),
    }
}

/// For each path that a layer unsets (layer, position) whether it took anything away so far.
#[derive(Debug, Default)]
pub(crate) struct Idle(BTreeMap<(u32, usize), bool>);

impl Idle {
    /// Takes over what was seen elsewhere.
    pub(crate) fn extend(&mut self, other: Self) {
        for (key, took) in other.0 {
            *self.0.entry(key).or_default() |= took;
        }
    }

    /// Every `unset` that takes nothing from any device that was merged: its layer and the fault.
    pub(crate) fn findings(&self, layers: &Layers) -> impl Iterator<Item = (u32, Finding)> {
        let idle = self.0.iter().filter(|(_, took)| !**took).map(|(key, _)| *key);
        idle.map(|(index, position)| {
            let (path, place) = &layers.all()[index as usize].unset[position];
            let message = format!("`{path}` is not set by any earlier layer, so nothing can be unset");
            let help = "remove it here, or correct the path; a value of a later layer is unset in a layer after that";
            (index, Finding::new(Code::UnsetOfNothing, message).at(*place).help(help))
        })
    }
}

/// The merged beginnings of one chain.
pub(crate) struct Stack<'a> {
    layers: &'a Layers,
    model: Option<&'a Model>,
    levels: Vec<(u32, Merged)>,
    idle: Idle,
    /// How many merges were done, for tests that count work instead of time.
    pub(crate) merges: usize,
}

impl<'a> Stack<'a> {
    pub(crate) fn new(layers: &'a Layers) -> Self {
        Self { layers, model: None, levels: Vec::new(), idle: Idle::default(), merges: 0 }
    }

    /// What all layers of a device give, its own values included.
    pub(crate) fn of_device(&mut self, model: &'a Model, device: &Device) -> Merged {
        let merged = self.merged(model, device.chain.unwrap_or_default());
        match &device.own {
            Some(own) => merged.with(&Layer { values: (**own).clone(), ..Layer::default() }, model),
            None => merged,
        }
    }

    /// What a chain gives to a model.
    pub(crate) fn merged(&mut self, model: &'a Model, chain: u32) -> Merged {
        if !self.model.is_some_and(|known| std::ptr::eq(known, model)) {
            self.model = Some(model);
            self.levels.clear();
        }
        let wanted = self.layers.indexes(chain);
        let common = self.levels.iter().zip(wanted).take_while(|((known, _), wanted)| known == *wanted).count();
        self.levels.truncate(common);
        for index in &wanted[common..] {
            let below = self.levels.last().map(|(_, merged)| merged.clone()).unwrap_or_default();
            let layer = &self.layers.all()[*index as usize];
            for ((path, _), position) in layer.unset.iter().zip(0..) {
                // A path that leads nowhere is reported for what it is.
                if model.shape(path.section()).is_some() && model.check_path(path).is_ok() {
                    let took = path.find(&below.table, |name| model.shape(name)).is_some();
                    *self.idle.0.entry((*index, position)).or_default() |= took;
                }
            }
            self.levels.push((*index, below.with(layer, model)));
            self.merges += 1;
        }
        self.levels.last().map(|(_, merged)| merged.clone()).unwrap_or_default()
    }

    /// What was seen of `unset`s.
    pub(crate) fn into_idle(self) -> Idle {
        self.idle
    }
}
