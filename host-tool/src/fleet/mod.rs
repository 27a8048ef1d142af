//! A fleet repository, read at a commit or as it lies in its folder: models, devices, and the layers that each device
//! has.
//!
//! Reading goes on after a fault, so that one run shows all of them; [`compile`](crate::compile::compile) gives them back
//! together with its own.

mod conflicts;
pub(crate) mod csv;
mod files;
mod import;
mod inventory;
mod labels;
mod layers;
mod level;
mod lint;
mod matching;
mod models;
mod origin;
mod patches;
mod rules;
mod settings;
mod shape;
mod sibling;
pub mod starter;
mod unique;
mod whence;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use steadfast_core::id::DeviceId;

use crate::compile::Source;
use crate::diagnostics::{Code, Diagnostics, FileId, Finding, Findings, Place, Sources, closest};
use crate::value::Table;

use files::Files;
pub use files::{SETTINGS_FILE, toml_files};
pub(crate) use import::{below_top as path_from_top, join};
use inventory::{Inventory, Row};
pub(crate) use inventory::{is_file_name, is_label};
use labels::{Complete, Implications, LabelSets};
use layers::Wanted;
pub use layers::{Layer, Layers, Matching};
pub use models::Model;
pub use origin::At;
pub(crate) use origin::below_top as folder_from_top;
pub use settings::Settings;
pub use shape::{AGENT, HEALTH, LOST_CONTACT_SECONDS_MAX, reserved_sections};
pub use whence::Whence;

/// Labels without places, shared by the devices that have the same.
pub type PlainLabels = BTreeMap<Arc<str>, Arc<str>>;

/// A fleet at one commit.
pub struct Fleet {
    /// Where it was read.
    pub source: Source,
    /// What `steadfast.toml` says.
    pub settings: Settings,
    /// The models that devices can be of.
    pub models: Vec<Model>,
    /// The devices, ascending by id; shared with its siblings.
    pub devices: Arc<Vec<Device>>,
    /// The files that set their values.
    pub layers: Layers,
    /// The files of its rules, in the order of their paths.
    pub rules: Vec<FileId>,
    /// What `rollout.toml` says, as data; `None` where there is none.
    pub rollout: Option<serde_json::Value>,
    /// The texts that were read.
    pub sources: Arc<Sources>,
    /// Where in history they are.
    pub whence: Whence,
    /// What is wrong so far.
    findings: Findings,
}

/// A device of the fleet.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub name: Arc<str>,
    /// Index of its model.
    pub model: u32,
    /// All of its labels.
    pub labels: Arc<PlainLabels>,
    /// The key with which it signs reports.
    pub public_key: Option<[u8; 32]>,
    /// The chain of its layers, for [`Layers::chain`]; `None` when one of them is missing.
    pub chain: Option<u32>,
    /// Values of its own in the inventory.
    pub own: Option<Arc<Table>>,
    /// Where the inventory names it.
    pub place: Place,
}

impl Fleet {
    /// Reads the fleet in `folder`.
    ///
    /// # Errors
    /// Only when nothing at all can be made of it: no repository, no such commit, a broken `steadfast.toml`, an
    /// import of nothing. Other faults
    /// come out of [`compile`](crate::compile::compile).
    pub fn open(folder: &Path, at: &At) -> Result<Self, Diagnostics> {
        let mut origin = origin::open(folder, at).map_err(Diagnostics::of)?;
        let clean = origin.clean.take();
        let fleet = Self::read(folder, origin);
        match clean.map_or(Ok(()), origin::Clean::wait) {
            Ok(()) => fleet,
            Err(finding) => Err(Diagnostics::of(finding)),
        }
    }

    fn read(folder: &Path, origin: origin::Origin) -> Result<Self, Diagnostics> {
        let mut files = origin.files;
        let mut findings = Findings::default();
        let settings = match files.text(SETTINGS_FILE) {
            Ok(file) => {
                let text = files.sources.file(file).text.clone();
                settings::read(file, &text, &mut findings)
            }
            Err(_) => return Err(Diagnostics::of(no_fleet(folder))),
        };
        let Some(settings) = settings else {
            return Err(findings.finish(&Arc::new(files.sources), |_| ""));
        };
        let mut source = origin.source;
        match origin::place_in_history(&origin.history, &settings) {
            Ok((sequence, floor)) => (source.sequence, source.floor) = (sequence, floor),
            Err(finding) => findings.add(finding),
        }
        if let Err(finding) =
            origin::readable_signers((folder, &source), (&files, &origin.history, &origin.below), &settings)
        {
            findings.add(finding);
        }
        let viewpoint = import::Viewpoint { commit: origin.history.first().copied(), below: &origin.below };
        let imports = import::take(&settings.imports, &viewpoint, &mut files);
        let incomplete = imports.has_errors();
        findings.extend(imports);
        if incomplete {
            return Err(findings.finish(&Arc::new(files.sources), |_| ""));
        }
        let whence = Whence::new(&origin.history, origin.below, &mut files);
        Ok(Reading { files, findings, settings }.read(source, whence))
    }

    /// Whether something was found that stops a build.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The device of this name.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| &*device.name == name)
    }

    /// The model of a device.
    #[must_use]
    pub fn model(&self, device: &Device) -> &Model {
        &self.models[device.model as usize]
    }

    /// Turns findings into what is shown, with this fleet's texts and names.
    #[must_use]
    pub fn diagnose(&self, findings: Findings) -> Diagnostics {
        findings.finish(&self.sources, |index| self.devices.get(index as usize).map_or("", |device| &device.name))
    }
}

/// The paths of what would be read of `folder`; `None` when that cannot be said.
pub(crate) fn paths(folder: &Path, at: &At) -> Option<Vec<String>> {
    Some(origin::open(folder, at).ok()?.files.under(""))
}

fn no_fleet(folder: &Path) -> Finding {
    let message = format!("there is no {SETTINGS_FILE} in {}", folder.display());
    Finding::new(Code::NoFleet, message).help("run `steadfast init` here, or name the fleet's folder with --fleet")
}

/// What is at hand while a fleet is read.
struct Reading {
    files: Files,
    findings: Findings,
    settings: Settings,
}

impl Reading {
    fn read(mut self, source: Source, whence: Whence) -> Fleet {
        let models: Vec<Model> = self
            .settings
            .models
            .iter()
            .filter_map(|model| Model::read(model, &mut self.files, &mut self.findings))
            .collect();
        let (mut rows, label_sets) = self.inventory();
        // Cached: keys are sorted, and each of the large rows moves once.
        rows.sort_by_cached_key(|row| u128::from_be_bytes(row.id.0));
        let mut implications = Implications::read(&mut self.files, &mut self.findings);
        let labels = || implications.names().chain(label_sets.names()).cloned().collect();
        let mut layers = Layers::new(&self.settings.levels, &labels, (&mut self.files, &mut self.findings));
        let devices = self.devices((rows, &label_sets), &models, (&mut implications, &mut layers));
        layers.report(&mut self.files, &mut self.findings);
        let unused = if self.findings.has_errors() { Vec::new() } else { implications.unused() };
        self.strangers();
        for path in unused {
            let finding = Finding::new(Code::UnusedFile, format!("no device has the label of {path}"));
            self.findings.add(finding.at_start(self.files.start(path)).help("remove the file, or correct its name"));
        }
        if models.len() == self.settings.models.len() {
            // Otherwise a section may belong to the model whose schema could not be read.
            lint::sections(&models, (&devices, &layers), &mut self.findings);
            conflicts::patches(&models, (&devices, &layers), &mut self.findings);
        }
        let rules = rules::files(&mut self.files, &mut self.findings);
        let rollout = rules::rollout(&mut self.files, &mut self.findings);
        let Self { files, findings, settings } = self;
        let (devices, sources) = (Arc::new(devices), Arc::new(files.sources));
        Fleet { source, settings, models, devices, layers, rules, rollout, sources, whence, findings }
    }

    /// Reports schemas of models that the fleet does not have.
    fn strangers(&mut self) {
        for path in self.files.under("schemas/") {
            let model = path.split('/').nth(1).unwrap_or_default();
            if !self.settings.models.iter().any(|known| &*known.name == model) {
                let message = format!("{path} is of no model of this fleet");
                let help = format!("add [models.{model}] to {SETTINGS_FILE}, or correct the folder's name");
                let start = self.files.start(&path);
                self.findings.add(Finding::new(Code::UnusedFile, message).at_start(start).help(help));
            }
        }
    }

    fn inventory(&mut self) -> (Vec<Row>, LabelSets) {
        let mut texts = Vec::new();
        let mut faults = Vec::new();
        for path in self.files.under("inventory/") {
            if !path.ends_with(".csv") && !path.ends_with(".toml") {
                let message = format!("{path} is no inventory, so the devices in it are not in the fleet");
                let help = "an inventory ends with .csv or .toml in small letters; notes may end with .md";
                faults.push(Finding::new(Code::UnusedFile, message).at_start(self.files.start(&path)).help(help));
                continue;
            }
            match self.files.text(&path) {
                Ok(file) => texts.push((path.ends_with(".csv"), file, self.files.sources.file(file).text.clone())),
                Err(finding) => faults.push(finding),
            }
        }
        let mut inventory = Inventory::new(&mut self.findings);
        let tables = texts.iter().filter(|(csv, ..)| *csv);
        inventory.expect(tables.map(|(_, _, text)| text.bytes().filter(|byte| *byte == b'\n').count()).sum());
        for (csv, file, text) in &texts {
            if *csv { inventory.csv(*file, text) } else { inventory.toml(*file, text) }
        }
        let Inventory { rows, label_sets, .. } = inventory;
        faults.into_iter().for_each(|fault| self.findings.add(fault));
        if rows.is_empty() && !self.findings.has_errors() {
            let finding = Finding::new(Code::NoDevices, "this fleet has no devices");
            self.findings.add(finding.help("add rows to a file in inventory/"));
        }
        (rows, label_sets)
    }

    fn devices(
        &mut self,
        (rows, label_sets): (Vec<Row>, &LabelSets),
        models: &[Model],
        (implications, layers): (&mut Implications, &mut Layers),
    ) -> Vec<Device> {
        let indexes: HashMap<&str, u32> = models.iter().map(|model| &*model.name).zip(0..).collect();
        let mut devices = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(model) = indexes.get(&*row.model.0) else {
                self.unknown_model(&row);
                continue;
            };
            let labels = match implications.complete(&row.labels, label_sets) {
                Ok(labels) => labels,
                Err(fault) => {
                    fault.into_iter().for_each(|finding| self.findings.add(finding));
                    continue;
                }
            };
            let index = u32::try_from(devices.len()).unwrap_or(u32::MAX);
            let lookup = |label: &str| lookup(label, &row, &labels);
            let wanted = Wanted { device: index, id: row.id, model: *model, labels: &labels.plain, lookup: &lookup };
            let chain = layers.resolve(&wanted, &mut self.files);
            let labels = labels.plain;
            let Row { id, name, public_key, own, place, .. } = row;
            devices.push(Device { id, name, model: *model, labels, public_key, chain, own, place });
        }
        devices
    }

    fn unknown_model(&mut self, row: &Row) {
        let (name, place) = &row.model;
        let known: Vec<&str> = self.settings.models.iter().map(|model| &*model.name).collect();
        if known.contains(&&**name) {
            // Its schemas are at fault, and were reported.
            return;
        }
        let finding = Finding::new(Code::UnknownModel, format!("there is no model `{name}`")).at(*place);
        let help = match closest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{SETTINGS_FILE} has {}; a new one needs [models.{name}]", known.join(", ")),
        };
        self.findings.add(finding.help(help));
    }
}

/// What `{…}` in a level stands for.
fn lookup(label: &str, row: &Row, labels: &Complete) -> Option<(Arc<str>, Place)> {
    match (label, &labels.placed) {
        ("name", _) => Some((row.name.clone(), row.place)),
        ("model", _) => Some(row.model.clone()),
        (_, Some(placed)) => placed.get(label).map(|(value, place)| (value.clone(), place)),
        (_, None) => labels.plain.get(label).map(|value| (value.clone(), row.place)),
    }
}
