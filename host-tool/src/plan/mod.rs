//! What a change does to a fleet, before it is merged: which devices change, from what to what, and at what price.
//!
//! Two compiled fleets are compared. Devices with the same pair of configurations are explained once, by the resolved values of
//! one of them, so the work grows with what differs and not with devices; pairs whose explanations are equal are one group.
//! A manifest and its schema say every value, so what holds for one device of a pair holds for all of them.
//!
//! [`Plan`] is what reviewers see, what `--format json` prints (`docs/plan.schema.json`), and what rules can judge.

mod base;
mod change;
mod effect;
mod fold;
mod json;
mod markdown;
mod names;
mod pairs;
mod text;
mod told;
mod warn;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;
use steadfast_core::id::DeviceId;

use crate::compile::Compiled;
use crate::fleet::Fleet;
use crate::policy::Verdicts;

pub use base::{Whole, compile_both, read_base};
pub use effect::{Effect, SchemaChange, SectionChange, Standing};
pub use json::{FORMAT, document};
pub use markdown::{MARKDOWN_BYTES, markdown};
pub use text::{Length, text};
pub use told::{Base, BaseState, Ends, Head};

use effect::Explainer;
use names::Naming;
use pairs::{Pair, Pairing};

/// A fleet at one commit, read and compiled.
#[derive(Clone, Copy)]
pub struct Side<'f> {
    /// What was read.
    pub fleet: &'f Fleet,
    /// What came of it.
    pub compiled: &'f Compiled,
}

/// Everything that a change does.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// Numbers first.
    pub counts: Counts,
    /// What deserves a second look.
    pub warnings: Vec<Warning>,
    /// Devices by what happens to them. Each device that changes, comes or goes is in exactly one group. The riskiest and largest
    /// groups come first.
    pub groups: Vec<Group>,
    /// Devices whose labels differ, by equal difference. They may be in a group as well.
    pub relabelled: Vec<Relabelled>,
    /// Devices that the inventory calls by another name.
    pub renamed: Vec<Renamed>,
    /// Devices whose reports are to be believed under another key, or under one for the first time.
    pub rekeyed: Option<Named>,
    /// What the fleet's rules say of it; `None` where there are none, or nobody asked.
    pub policy: Option<Verdicts>,
}

/// How many devices, and how much they download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// In the fleet afterwards.
    pub devices: usize,
    /// Are to run something else under a live schema.
    pub changed: usize,
    /// Run on as they are.
    pub unchanged: usize,
    /// Were not in the fleet before.
    pub new: usize,
    /// Are not in it any more.
    pub gone: usize,
    /// Get another model; those whose configuration changes with it count as changed, too.
    pub moved: usize,
    /// Have other labels, whether or not their configuration changes.
    pub relabelled: usize,
    /// Have another name.
    pub renamed: usize,
    /// Have another public key.
    pub rekeyed: usize,
    /// What all devices that change download together, at most. New devices are not in it: what they hold is not known.
    pub bytes: u64,
}

/// Devices to which the same happens.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Whether they change, come or go.
    pub kind: Kind,
    /// Which devices.
    pub devices: Named,
    /// What happens to each.
    #[serde(flatten)]
    pub effect: Effect,
    /// What each downloads: manifest and objects that its old configuration lacks.
    pub bytes: Bytes,
}

/// What becomes of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is to run something else.
    Changed,
    /// It was not in the fleet.
    New,
    /// It is not in the fleet any more.
    Gone,
}

/// Downloads of the devices of a group, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Of the device with the smallest.
    pub least: u64,
    /// Of the device with the largest.
    pub most: u64,
    /// Of all devices.
    pub total: u64,
}

/// Some devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// How many.
    pub count: usize,
    /// The labels (and `model`) that these devices have and no other device has; `None` when no labels tell them from others.
    /// Empty for the whole fleet.
    pub labels: Option<BTreeMap<Arc<str>, Arc<str>>>,
    /// All of them, ascending by id.
    pub list: Vec<Member>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its id.
    #[serde(serialize_with = "json::id")]
    pub device: DeviceId,
    /// Its name.
    pub name: Arc<str>,
}

/// Something with a value before and after. Equal changes of many devices are one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The path to the field, as layers and `explain` spell it. It ends with `[]` for an item of a list without a key, and is a section
    /// alone for one with secrets.
    pub path: String,
    /// Before.
    pub old: Worth,
    /// After.
    pub new: Worth,
    /// What the number counts.
    pub unit: Option<String>,
}

/// What a field has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", content = "value", rename_all = "lowercase")]
pub enum Worth {
    /// A value that is not the schema's default.
    Set(Json),
    /// The schema's default.
    Default(Json),
    /// Nothing: an option that is absent.
    Unset,
    /// No such field, entry or item.
    Missing,
    /// Something that is shown nowhere.
    Secret,
}

/// Devices with an equal difference in their labels.
#[derive(Clone, Debug, Serialize)]
pub struct Relabelled {
    /// Each label that differs: before and after, `None` where there is none.
    pub labels: BTreeMap<Arc<str>, Relabel>,
    /// Which devices.
    pub devices: Named,
}

/// A label's value before and after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Relabel {
    /// Before.
    pub old: Option<Arc<str>>,
    /// After.
    pub new: Option<Arc<str>>,
}

/// A device with another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its id.
    #[serde(serialize_with = "json::id")]
    pub device: DeviceId,
    /// Before.
    pub old: Arc<str>,
    /// After.
    pub new: Arc<str>,
}

/// Something that deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What kind of thing.
    pub kind: Alarm,
    /// What and why, in a sentence.
    pub message: String,
    /// Whom it concerns; `None` for the whole fleet.
    pub devices: Option<Named>,
}

/// Kinds of warnings. Their names never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// The fleet's id differs: no device takes a release of another fleet.
    FleetId,
    /// The fleet is called something else.
    FleetName,
    /// What could cut the device off changes, and a trial need not reach the server.
    NoWayBack,
    /// What could cut the device off changes, and it would try its other configuration only after more than a day.
    LateWayBack,
    /// A section that could cut off or harm changes, and none of the checks that vouch for it has to pass.
    Unwatched,
    /// The device gets a configuration only once it has another firmware.
    SchemaReplaced,
    /// Devices that still run a schema get nothing new from now on.
    SchemaRetired,
    /// The change does not reach devices that still run a certain schema.
    SchemaBehind,
    /// Devices that still run a schema keep what they have, because it cannot express what they are to have.
    SchemaHeld,
}

/// Compares two fleets; without a base, everything is new.
#[must_use]
pub fn plan(base: Option<Side<'_>>, head: Side<'_>) -> Plan {
    plan_of(base, head, fold::fold)
}

/// Pairs that mean the same, folded into one.
type Fold = fn(Vec<Pair>, (Side<'_>, Side<'_>)) -> Vec<Pair>;

fn plan_of(base: Option<Side<'_>>, head: Side<'_>, fold: Fold) -> Plan {
    let mut pairing = Pairing::default();
    if let Some(base) = base {
        pairing.walk(base, head);
        pairing.pairs = fold(pairing.pairs, (base, head));
    } else {
        pairing.all_new(head);
    }
    let mut naming = Naming::new(head);
    let mut warnings = warn::fleet((base, head));
    warnings.extend(warn::held(head, &mut naming));
    let mut groups = Vec::new();
    if let Some(base) = base {
        let explained = explain((base, head), &pairing.pairs);
        warnings.extend(warn::pairs((base, head), &explained, &mut naming));
        groups = merged(explained, &mut naming);
        groups.extend(coming_and_going(Kind::Gone, (base, &pairing.gone), &mut Naming::new(base)));
    }
    groups.extend(coming_and_going(Kind::New, (head, &pairing.new), &mut naming));
    groups.sort_by(|a, b| {
        let key = |group: &Group| (group.kind, std::cmp::Reverse((group.effect.risk, group.devices.count)));
        key(a).cmp(&key(b)).then_with(|| a.devices.list[0].device.0.cmp(&b.devices.list[0].device.0))
    });
    let count = |kind: Kind| groups.iter().filter(|group| group.kind == kind).map(|group| group.devices.count).sum();
    let (devices, changed, new) = (head.fleet.devices.len(), count(Kind::Changed), count(Kind::New));
    let relabelled = relabelled((base, head), &pairing, &mut naming);
    let renamed = renamed((base, head), &pairing);
    let rekeyed = (!pairing.rekeyed.is_empty()).then(|| naming.name(&pairing.rekeyed));
    let counts = Counts {
        devices,
        changed,
        unchanged: devices - changed - new,
        new,
        gone: count(Kind::Gone),
        moved: pairing.moved,
        relabelled: pairing.relabelled.len(),
        renamed: renamed.len(),
        rekeyed: pairing.rekeyed.len(),
        bytes: groups.iter().map(|group| group.bytes.total).sum(),
    };
    Plan { counts, warnings, groups, relabelled, renamed, rekeyed, policy: None }
}

impl Plan {
    /// Whether any device is to run something else, comes or goes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// A pair of configurations and what it means for a device.
struct Explained<'p> {
    pair: &'p Pair,
    effect: Effect,
    /// What each device downloads.
    bytes: u64,
}

fn explain<'p>((base, head): (Side<'_>, Side<'_>), pairs: &'p [Pair]) -> Vec<Explained<'p>> {
    // In the order of layers, so that neighbours share what is merged.
    let ranks = head.fleet.layers.ranks();
    let mut order: Vec<&Pair> = pairs.iter().collect();
    order.sort_by_key(|pair| {
        let device = &head.fleet.devices[pair.head[0] as usize];
        (device.model, device.chain.map(|chain| ranks[chain as usize]), pair.head[0])
    });
    let mut explainer = Explainer::new(base, head);
    order.into_iter().map(|pair| explainer.explain(pair)).collect()
}

/// One group for all pairs that mean the same.
fn merged(explained: Vec<Explained<'_>>, naming: &mut Naming<'_>) -> Vec<Group> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut gathered: Vec<(Effect, Bytes, Vec<u32>)> = Vec::new();
    for one in explained.into_iter().filter(|one| one.effect.changes()) {
        let bytes = Bytes { least: one.bytes, most: one.bytes, total: one.bytes * one.pair.head.len() as u64 };
        match places.entry(one.effect.key()) {
            std::collections::hash_map::Entry::Occupied(place) => {
                let (_, sum, devices) = &mut gathered[*place.get()];
                *sum = Bytes {
                    least: sum.least.min(bytes.least),
                    most: sum.most.max(bytes.most),
                    total: sum.total + bytes.total,
                };
                devices.extend(&one.pair.head);
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(gathered.len());
                gathered.push((one.effect, bytes, one.pair.head.clone()));
            }
        }
    }
    let group = |(effect, bytes, mut devices): (Effect, Bytes, Vec<u32>)| {
        devices.sort_unstable();
        Group { kind: Kind::Changed, devices: naming.name(&devices), effect, bytes }
    };
    gathered.into_iter().map(group).collect()
}

/// Devices that come or go, a group for each model.
fn coming_and_going(kind: Kind, (side, devices): (Side<'_>, &[u32]), naming: &mut Naming<'_>) -> Vec<Group> {
    let mut models: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for index in devices {
        models.entry(side.fleet.devices[*index as usize].model).or_default().push(*index);
    }
    let group = |(model, devices): (u32, Vec<u32>)| Group {
        kind,
        devices: naming.name(&devices),
        effect: Effect { model: side.fleet.models[model as usize].name.clone(), ..Effect::default() },
        bytes: Bytes::default(),
    };
    models.into_iter().map(group).collect()
}

fn relabelled(
    (base, head): (Option<Side<'_>>, Side<'_>),
    pairing: &Pairing,
    naming: &mut Naming<'_>,
) -> Vec<Relabelled> {
    let Some(base) = base else { return Vec::new() };
    let mut groups: BTreeMap<BTreeMap<Arc<str>, Relabel>, Vec<u32>> = BTreeMap::new();
    for (old, new) in &pairing.relabelled {
        let labels = |side: Side<'_>, index: u32| side.fleet.devices[index as usize].labels.clone();
        groups.entry(names::differences(&labels(base, *old), &labels(head, *new))).or_default().push(*new);
    }
    groups.into_iter().map(|(labels, devices)| Relabelled { labels, devices: naming.name(&devices) }).collect()
}

fn renamed((base, head): (Option<Side<'_>>, Side<'_>), pairing: &Pairing) -> Vec<Renamed> {
    let Some(base) = base else { return Vec::new() };
    let one = |(old, new): &(u32, u32)| {
        let (old, new) = (&base.fleet.devices[*old as usize], &head.fleet.devices[*new as usize]);
        Renamed { device: new.id, old: old.name.clone(), new: new.name.clone() }
    };
    pairing.renamed.iter().map(one).collect()
}
