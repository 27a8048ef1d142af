//! Patches of one level that disagree: what they do to a device must not depend on how their files are called.
//!
//! Two patches agree on a field when at most one of them touches it, when both give it the same value, or when both append to
//! it, make it final or unset it. A later level may change what an earlier one does, as everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Device, Layer, Layers, Model};
use crate::diagnostics::{Code, Finding, Findings, Place};
use crate::schema::Type;
use crate::value::{FieldPath, Node, Table, Value, check_value, child, item_key, strip_option};

/// What a layer does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Set,
    Append,
    Unset,
    Final,
}

/// One field that a layer touches.
struct Touch<'a> {
    path: Vec<Arc<str>>,
    act: Act,
    place: Place,
    value: Option<(&'a Node, Option<&'a Type>)>,
}

/// Reports each pair of patches that disagree, with the devices that have both.
pub(super) fn patches(models: &[Model], (devices, layers): (&[Device], &Layers), findings: &mut Findings) {
    let pairs: Vec<Vec<(u32, u32)>> = (0..).take(layers.chains()).map(|chain| pairs(layers, chain)).collect();
    if pairs.iter().all(Vec::is_empty) {
        return;
    }
    let chain_of = |device: &Device| device.chain.map(|chain| (device.model, chain));
    let used: BTreeSet<(u32, u32)> = devices.iter().filter_map(chain_of).collect();
    let mut chains: BTreeMap<(u32, u32, u32), BTreeSet<u32>> = BTreeMap::new();
    for (model, chain) in used {
        for (first, second) in &pairs[chain as usize] {
            chains.entry((model, *first, *second)).or_default().insert(chain);
        }
    }
    for ((model, first, second), chains) in chains {
        let (first, second) = (&layers.all()[first as usize], &layers.all()[second as usize]);
        for finding in disagreements((first, second), &models[model as usize]) {
            let both = |(device, index): (&Device, u32)| {
                let has = device.model == model && device.chain.is_some_and(|chain| chains.contains(&chain));
                has.then_some(index)
            };
            findings.hit(finding, devices.iter().zip(0..).filter_map(both));
        }
    }
}

/// The patches of one level that stand together in a chain.
fn pairs(layers: &Layers, chain: u32) -> Vec<(u32, u32)> {
    let level = |index: u32| layers.all()[index as usize].matching.as_ref().map(|matching| matching.level);
    let chain: Vec<u32> = layers.indexes(chain).iter().copied().filter(|index| level(*index).is_some()).collect();
    let after = |at: usize| chain[at + 1..].iter().map(move |second| (at, *second));
    let all = (0..chain.len()).flat_map(after).map(|(first, second)| (chain[first], second));
    all.filter(|(first, second)| level(*first) == level(*second)).collect()
}

/// What two layers disagree about, each field once.
fn disagreements((first, second): (&Layer, &Layer), model: &Model) -> Vec<Finding> {
    let (ours, theirs) = (touches(first, model), touches(second, model));
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for a in &ours {
        for b in &theirs {
            let field = if a.path.len() < b.path.len() { &a.path } else { &b.path };
            if overlap(a, b) && !agree((a, &ours), (b, &theirs)) && told.insert(field.clone()) {
                found.push(finding((first, a), (second, b), field));
            }
        }
    }
    found
}

fn overlap(a: &Touch<'_>, b: &Touch<'_>) -> bool {
    a.path.starts_with(&b.path) || b.path.starts_with(&a.path)
}

fn agree((a, ours): (&Touch<'_>, &[Touch<'_>]), (b, theirs): (&Touch<'_>, &[Touch<'_>])) -> bool {
    match (a.act, b.act) {
        (Act::Set, Act::Set) => a.same(b),
        (Act::Final, Act::Set) => ours.iter().any(|own| own.same(b)),
        (Act::Set, Act::Final) => theirs.iter().any(|own| own.same(a)),
        (one, other) => one == other,
    }
}

impl Touch<'_> {
    /// Whether both give one field the same value, however it is written.
    fn same(&self, other: &Self) -> bool {
        let (Some((ours, ty)), Some((theirs, _))) = (self.value, other.value) else { return false };
        let typed = |node| ty.and_then(|ty| check_value("", ty, node).ok());
        let alike = || typed(ours).is_some_and(|ours| Some(ours) == typed(theirs));
        self.path == other.path && self.act == other.act && (ours.value.same(&theirs.value) || alike())
    }
}

fn finding((first, a): (&Layer, &Touch<'_>), (second, b): (&Layer, &Touch<'_>), field: &[Arc<str>]) -> Finding {
    let field = FieldPath::of(field);
    let message = format!("{} and {} disagree about `{field}`", first.path, second.path);
    let help = "two patches for one device must not depend on their order: narrow one `match`, make both say the \
                same, or move one to a later level";
    let finding = Finding::new(Code::PatchConflict, message).at(b.place).label(b.act.word());
    finding.note(a.place, a.act.word()).help(help)
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Set => "set here",
            Self::Append => "appended to here",
            Self::Unset => "unset here",
            Self::Final => "made final here",
        }
    }
}

/// Every field that a layer touches, for the sections that the model has.
fn touches<'a>(layer: &'a Layer, model: &'a Model) -> Vec<Touch<'a>> {
    let mut all = Vec::new();
    for (table, act) in [(&layer.values, Act::Set), (&layer.append, Act::Append)] {
        for entry in table.entries() {
            if let Some(ty) = model.shape(&entry.name) {
                follow((vec![entry.name.clone()], act), (&entry.node, Some(ty)), &mut all);
            }
        }
    }
    for (paths, act) in [(&layer.unset, Act::Unset), (&layer.finals, Act::Final)] {
        let ours = paths.iter().filter(|(path, _)| model.shape(path.section()).is_some());
        all.extend(ours.map(|(path, place)| Touch { path: path.steps().to_vec(), act, place: *place, value: None }));
    }
    all
}

/// Goes down to where values no longer merge: an enum is a value, an item of a list with a key a place for fields.
fn follow<'a>((path, act): (Vec<Arc<str>>, Act), (node, ty): (&'a Node, Option<&'a Type>), all: &mut Vec<Touch<'a>>) {
    let ty = ty.map(strip_option);
    let below = |step: &Arc<str>| [path.clone(), vec![step.clone()]].concat();
    match (&node.value, ty) {
        (Value::Table(table), ty) if !matches!(ty, Some(Type::Enum { .. })) => fields(table, |name, inner| {
            follow((below(name), act), (inner, ty.and_then(|ty| child(ty, name))), all);
        }),
        (Value::List(items), Some(Type::List { item, key: Some(key), .. })) => {
            for one in items.iter() {
                if let Some(name) = item_key(one, key) {
                    follow((below(&name.into()), Act::Set), (one, Some(item)), all);
                }
            }
        }
        _ => all.push(Touch { path, act, place: node.place, value: Some((node, ty)) }),
    }
}

fn fields<'a>(table: &'a Table, mut each: impl FnMut(&Arc<str>, &'a Node)) {
    table.entries().iter().for_each(|entry| each(&entry.name, &entry.node));
}
