//! What can be said of a layer without merging it: sections that no model has, values that are wrong by themselves, paths in its
//! head that lead nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Device, Layer, Layers, Model};
use crate::diagnostics::{Code, Finding, Findings, Place, closest};
use crate::value::check_part;

/// Reports faulty names in every layer, and in the values that devices have of their own.
pub(super) fn sections(models: &[Model], (devices, layers): (&[Device], &Layers), findings: &mut Findings) {
    let users = users(devices, layers);
    let known: BTreeSet<&str> = models.iter().flat_map(Model::sections).collect();
    for (layer, users) in layers.all().iter().zip(&users) {
        for (name, place) in named_sections(layer) {
            if !known.contains(&*name) {
                findings.hit(unknown_section(&name, &known).at(place), users.values().flatten().copied());
            }
        }
        for (model, devices) in users {
            for fault in wrong_values(layer, &models[*model as usize]) {
                findings.hit(fault, devices.iter().copied());
            }
        }
        for (path, place) in layer.unset.iter().chain(&layer.finals) {
            for (model, devices) in users {
                if let Err(finding) = models[*model as usize].check_path(path) {
                    findings.hit(finding.at(*place), devices.iter().copied());
                }
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

/// For each layer the devices that have it, by model.
fn users(devices: &[Device], layers: &Layers) -> Vec<BTreeMap<u32, Vec<u32>>> {
    let mut users = vec![BTreeMap::<u32, Vec<u32>>::new(); layers.all().len()];
    for (device, index) in devices.iter().zip(0..) {
        for layer in device.chain.iter().flat_map(|chain| layers.indexes(*chain)) {
            users[*layer as usize].entry(device.model).or_default().push(index);
        }
    }
    users
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
