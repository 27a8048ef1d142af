//! What can be said of a layer without merging it: sections that no model has, values that are wrong by themselves, paths in its
//! head that lead nowhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Device, Layer, Layers, Model};
use crate::diagnostics::{Code, Finding, Findings, Place, closest};
use crate::value::check_part;

/// Reports faulty names in every layer, and in the values that devices have of their own.
pub(super) fn sections(models: &[Model], (devices, layers): (&[Device], &Layers), findings: &mut Findings) {
    let used_by = models_of(devices, layers);
    let known: BTreeSet<&str> = models.iter().flat_map(Model::sections).collect();
    for ((layer, used_by), index) in layers.all().iter().zip(&used_by).zip(0..) {
        for (name, place) in named_sections(layer) {
            if !known.contains(&*name) {
                let users = used_by.iter().flat_map(|model| users(devices, layers, (index, *model)));
                findings.hit(unknown_section(&name, &known).at(place), users);
            }
        }
        for model in used_by {
            let faults = wrong_values(layer, &models[*model as usize]);
            let paths = layer.unset.iter().chain(&layer.finals);
            let lost = paths.filter_map(|(path, place)| Some((models[*model as usize].check_path(path).err()?, place)));
            for fault in faults.into_iter().chain(lost.map(|(finding, place)| finding.at(*place))) {
                findings.hit(fault, users(devices, layers, (index, *model)));
            }
        }
    }
    own_values(models, devices, findings);
}

/// What is wrong with a layer's values by themselves. Later layers may hide it from every device; it is a trap all the same.
fn wrong_values(layer: &Layer, model: &Model) -> Vec<Finding> {
    let entries = layer.values.entries().iter().chain(layer.append.entries());
    let typed = entries.filter_map(|entry| Some((entry, model.shape(&entry.name)?)));
    let faults = typed.filter_map(|(entry, ty)| check_part(&entry.name, ty, &entry.node).err());
    faults.flatten().collect()
}

/// A device's own value for a section that its model lacks is a mistake, whatever other models have.
fn own_values(models: &[Model], devices: &[Device], findings: &mut Findings) {
    for (device, index) in devices.iter().zip(0..) {
        let model = &models[device.model as usize];
        for entry in device.own.iter().flat_map(|own| own.entries()) {
            if model.shape(&entry.name).is_none() {
                let known = model.sections().collect();
                findings.hit(unknown_section(&entry.name, &known).at(entry.key), [index]);
            }
        }
    }
}

/// For each layer the models whose devices have it.
fn models_of(devices: &[Device], layers: &Layers) -> Vec<BTreeSet<u32>> {
    let mut by_chain = vec![BTreeSet::new(); layers.chains()];
    for device in devices {
        let models = device.chain.and_then(|chain| by_chain.get_mut(chain as usize));
        models.map(|models| models.insert(device.model));
    }
    let mut models = vec![BTreeSet::new(); layers.all().len()];
    for (used, chain) in by_chain.iter().zip(0..) {
        for layer in layers.indexes(chain) {
            models[*layer as usize].extend(used);
        }
    }
    models
}

/// The devices of a model that have a layer; looked for only when there is something to tell of them.
fn users<'a>(
    devices: &'a [Device],
    layers: &'a Layers,
    (layer, model): (u32, u32),
) -> impl Iterator<Item = u32> + use<'a> {
    let has = move |chain: u32| layers.indexes(chain).contains(&layer);
    let indexed = devices.iter().zip(0..);
    indexed.filter(move |(device, _)| device.model == model && device.chain.is_some_and(has)).map(|(_, index)| index)
}

/// Every section that a layer mentions, and where.
fn named_sections(layer: &Layer) -> Vec<(Arc<str>, Place)> {
    let values = layer.values.entries().iter().chain(layer.append.entries());
    let heads = layer.unset.iter().chain(&layer.finals);
    let mut named: Vec<_> = values.map(|entry| (entry.name.clone(), entry.key)).collect();
    named.extend(heads.map(|(path, place)| (path.section().into(), *place)));
    named
}

fn unknown_section(name: &str, known: &BTreeSet<&str>) -> Finding {
    let finding = Finding::new(Code::UnknownSection, format!("no schema has a section `{name}`")).label("unknown");
    match closest(name, known.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<&str> = known.iter().copied().collect();
            finding.help(format!("the sections are {}", known.join(", ")))
        }
    }
}
