//! Layers: which files set values for a device, in which order, and what each of them says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use steadfast_core::id::DeviceId;

use super::PlainLabels;
use super::files::Files;
use super::level::{Level, Lookup};
use super::matching::Match;
use super::patches::Patches;
use crate::diagnostics::{Code, FileId, Finding, Findings, Place};
use crate::schema::ON_UNSUPPORTED;
use crate::value::{Entry, FieldPath, Node, Table, Value, read_toml};

/// What one file says.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Its path, for people.
    pub path: Arc<str>,
    /// Values by section.
    pub values: Table,
    /// Items to add to lists.
    pub append: Table,
    /// Fields whose earlier values go away.
    pub unset: Vec<(FieldPath, Place)>,
    /// Fields that no later layer may change.
    pub finals: Vec<(FieldPath, Place)>,
    /// Where it says `on_unsupported = "hold"`: devices whose older firmware cannot express one of its values keep what they have.
    pub holds: Option<Place>,
    /// Which devices it is for, if it is a patch.
    pub matching: Option<Matching>,
    /// Whether parts of the file could not be read. What its devices lack may stand there.
    pub broken: bool,
}

/// What makes a layer a patch.
#[derive(Clone, Debug)]
pub struct Matching {
    /// The index of its level: patches of one level must agree.
    pub level: usize,
    /// The expression.
    pub text: Arc<str>,
    /// Where it stands.
    pub place: Place,
}

/// The levels, and every file that a device has asked for so far.
#[derive(Default)]
pub struct Layers {
    levels: Vec<Level>,
    patches: Patches,
    /// Whether some level could not be understood, so that no chain can be whole.
    incomplete: bool,
    loaded: Vec<Layer>,
    by_path: HashMap<String, u32>,
    chains: Vec<Vec<u32>>,
    chain_ids: HashMap<Vec<u32>, u32>,
    /// Chains by model and (the address of) shared labels; good for all devices unless a level asks for their names.
    known: HashMap<(u32, usize), u32>,
    by_name: bool,
    missing: BTreeMap<String, (Finding, Vec<u32>)>,
    /// What is wrong with files as such, and the devices that have them.
    faulty: BTreeMap<u32, (Findings, Vec<u32>)>,
}

/// A device whose layers are looked for.
pub(super) struct Wanted<'a> {
    /// Its index.
    pub(super) device: u32,
    /// Its id.
    pub(super) id: DeviceId,
    /// Its model's index.
    pub(super) model: u32,
    /// Its labels, alive as long as the layers.
    pub(super) labels: &'a Arc<PlainLabels>,
    /// What a `{label}` stands for.
    pub(super) lookup: Lookup<'a>,
}

impl Layers {
    /// Reads the levels as `steadfast.toml` has them, and the patches. `labels` gives the names of those that the fleet has.
    pub(super) fn new(
        written: &[(Arc<str>, Place)],
        labels: &dyn Fn() -> BTreeSet<Arc<str>>,
        (files, findings): (&mut Files, &mut Findings),
    ) -> Self {
        let mut layers = Self::default();
        for (text, place) in written {
            match Level::parse(text, *place) {
                Ok(level) => layers.levels.push(level),
                Err(finding) => {
                    layers.incomplete = true;
                    findings.add(finding.at(*place));
                }
            }
        }
        for index in 0..layers.levels.len() {
            layers.read_patches(index, labels, (files, findings));
        }
        layers.by_name = layers.patches.of_device() || layers.levels.iter().any(Level::by_name);
        layers
    }

    /// Reads the files of a `*` level. While nobody knows whose a patch is, no chain is whole.
    fn read_patches(
        &mut self,
        level: usize,
        labels: &dyn Fn() -> BTreeSet<Arc<str>>,
        (files, findings): (&mut Files, &mut Findings),
    ) {
        let Some(folder) = self.levels[level].folder().map(str::to_owned) else { return };
        let own = |path: &String| path.ends_with(".toml") && !path[folder.len()..].contains('/');
        let paths: Vec<String> = files.under(&folder).into_iter().filter(own).collect();
        let labels = if paths.is_empty() { BTreeSet::new() } else { labels() };
        for path in paths {
            if let Err(finding) = self.read_patch((level, &path), &labels, files) {
                self.incomplete = true;
                finding.into_iter().for_each(|finding| findings.add(finding));
            }
        }
    }

    /// # Errors
    /// Why nobody knows which devices the patch is for; `None` when that is told.
    fn read_patch(
        &mut self,
        (level, path): (usize, &str),
        labels: &BTreeSet<Arc<str>>,
        files: &mut Files,
    ) -> Result<(), Option<Finding>> {
        if self.by_path.contains_key(path) {
            return Err(Some(self.levels[level].is_patch(path)));
        }
        let (layer, read) = self.read(path, files);
        let (file, source, written) = read.ok_or(None)?;
        let layer_ref = &mut self.loaded[layer as usize];
        let Some(entry) = written else {
            let message = format!(
                "{path} is in the level `{}` and does not say which devices it is for",
                self.levels[level].text()
            );
            let help =
                "write match = '…' at its head, as in match = 'site == \"berlin\"'; for all devices, match = 'true'";
            let told = layer_ref.broken;
            return Err(
                (!told).then(|| Finding::new(Code::MissingMatch, message).at(Place::new(file, 0..0)).help(help))
            );
        };
        let matching = Match::parse(&entry.node, &source, labels).map_err(Some)?;
        let text = entry.node.text().cloned().unwrap_or_default();
        layer_ref.matching = Some(Matching { level, text, place: entry.node.place });
        self.patches.add((level, layer), (files.shown(path), files.is_imported(path)), matching);
        Ok(())
    }

    /// The device's chain of files, as an index for [`Layers::chain`]. `None` when one of them could not be read, or when a level
    /// lacks its label or file, which [`Layers::report`] tells later.
    pub(super) fn resolve(&mut self, wanted: &Wanted<'_>, files: &mut Files) -> Option<u32> {
        let key = (wanted.model, Arc::as_ptr(wanted.labels).addr());
        if !self.by_name
            && let Some(known) = self.known.get(&key)
        {
            return Some(*known);
        }
        let mut chain = Vec::with_capacity(self.levels.len());
        let mut whole = !self.incomplete;
        for index in 0..self.levels.len() {
            if let Err(fault) = self.files_of((index, wanted), &mut chain, files) {
                let (key, finding) = *fault;
                self.missing.entry(key).or_insert_with(|| (finding, Vec::new())).1.push(wanted.device);
                whole = false;
            }
        }
        for layer in &chain {
            if let Some((_, devices)) = self.faulty.get_mut(layer) {
                devices.push(wanted.device);
            }
            whole &= !self.loaded[*layer as usize].broken;
        }
        let chain = whole.then(|| self.intern(chain))?;
        self.known.insert(key, chain);
        Some(chain)
    }

    /// Adds to a chain the layers that a device has at a level: one, or none where the level is optional, or its patches. An error comes with what it
    /// is about, so that it is told once for all devices.
    fn files_of(
        &mut self,
        (index, wanted): (usize, &Wanted<'_>),
        chain: &mut Vec<u32>,
        files: &mut Files,
    ) -> Result<(), Box<(String, Finding)>> {
        let level = &self.levels[index];
        let (optional, lookup) = (level.is_optional(), wanted.lookup);
        if level.folder().is_some() {
            chain.extend(self.patches.of(index, wanted)?);
            return Ok(());
        }
        let path = match level.path(lookup) {
            Ok(path) => path,
            Err(_) if optional && level.lacks_label(lookup) => return Ok(()),
            Err(finding) => return Err(Box::new((finding.message().to_owned(), finding))),
        };
        match self.load(&path, files) {
            Some(layer) if self.loaded[layer as usize].matching.is_some() => {
                let finding = self.levels[index].is_patch(&path);
                Err(Box::new((path, finding)))
            }
            Some(layer) => {
                chain.push(layer);
                Ok(())
            }
            None if optional => Ok(()),
            None => {
                let finding = self.levels[index].missing_file(&path, lookup);
                Err(Box::new((path, finding)))
            }
        }
    }

    /// The layers of a chain, first to last.
    pub fn chain(&self, chain: u32) -> impl DoubleEndedIterator<Item = &Layer> {
        self.indexes(chain).iter().map(|index| &self.loaded[*index as usize])
    }

    /// The same as indexes into [`Layers::all`].
    #[must_use]
    pub fn indexes(&self, chain: u32) -> &[u32] {
        &self.chains[chain as usize]
    }

    /// How many different chains devices have.
    #[must_use]
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// The place of each chain among all, in the order of their layers: neighbours share as much as they can.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.chains.len()).collect();
        order.sort_unstable_by_key(|chain| self.indexes(*chain));
        let mut ranks = vec![0; order.len()];
        for (chain, rank) in order.into_iter().zip(0..) {
            ranks[chain as usize] = rank;
        }
        ranks
    }

    /// Every layer that some device has.
    #[must_use]
    pub fn all(&self) -> &[Layer] {
        &self.loaded
    }

    /// Reports faulty files, levels without their file or label, each once with all devices hit, and files that nobody asked for.
    pub(super) fn report(&mut self, files: &mut Files, findings: &mut Findings) {
        for (faults, devices) in std::mem::take(&mut self.faulty).into_values() {
            findings.hit_all(faults, &devices);
        }
        for (_, (finding, devices)) in std::mem::take(&mut self.missing) {
            findings.hit(finding, devices);
        }
        if findings.has_errors() {
            // Who is missing may have used them.
            return;
        }
        self.patches.report_idle(findings);
        let known: Vec<&str> = self.levels.iter().map(Level::text).collect();
        for path in files.under("layers/") {
            // What another fleet needs is no mistake in this one.
            if !self.by_path.contains_key(&path) && !files.is_imported(&path) {
                let message = format!("no device takes values from {path}");
                let help = format!("the levels are {}; remove the file, or correct its name", known.join(", "));
                findings.add(Finding::new(Code::UnusedFile, message).at_start(files.start(&path)).help(help));
            }
        }
    }

    fn intern(&mut self, chain: Vec<u32>) -> u32 {
        if let Some(known) = self.chain_ids.get(&chain) {
            return *known;
        }
        let id = u32::try_from(self.chains.len()).unwrap_or(u32::MAX);
        self.chains.push(chain.clone());
        self.chain_ids.insert(chain, id);
        id
    }

    /// The layer at a path, read at most once.
    fn load(&mut self, path: &str, files: &mut Files) -> Option<u32> {
        if let Some(known) = self.by_path.get(path) {
            return Some(*known);
        }
        if !files.has(path) {
            return None;
        }
        let (index, read) = self.read(path, files);
        if let Some((_, _, Some(entry))) = read {
            let message = format!("{path} has a `match`, but is in no level of patches");
            let help = "remove it, or move the file to the folder of a `*` level, such as \"patches/*\"";
            let faults = &mut self.faulty.entry(index).or_default().0;
            faults.add(Finding::new(Code::StrayMatch, message).at(entry.key).help(help));
            self.loaded[index as usize].broken = true;
        }
        Some(index)
    }

    /// Takes a file in. Gives its layer's index and, if it could be read, its text and what it says under `match`.
    fn read(&mut self, path: &str, files: &mut Files) -> (u32, Option<Read>) {
        let (layer, read, faults) = Layer::read(path, files);
        let index = u32::try_from(self.loaded.len()).unwrap_or(u32::MAX);
        if !faults.is_empty() {
            self.faulty.insert(index, (faults, Vec::new()));
        }
        self.loaded.push(layer);
        self.by_path.insert(path.to_owned(), index);
        (index, read)
    }

    /// The same chains where these files say something else. `None` when one of them is no layer of any device, cannot be read, or says or
    /// said whose it is.
    pub(super) fn with_changed(
        &self,
        paths: &[String],
        (files, findings): (&mut Files, &mut Findings),
    ) -> Option<Self> {
        let mut loaded = self.loaded.clone();
        for path in paths {
            let layer = &mut loaded[*self.by_path.get(path)? as usize];
            let (changed, read, faults) = Layer::read(path, files);
            findings.extend(faults);
            let (_, _, matching) = read?;
            if layer.matching.is_some() || matching.is_some() || changed.broken {
                return None;
            }
            *layer = changed;
        }
        Some(Self { loaded, chains: self.chains.clone(), ..Self::default() })
    }
}

/// A file, its text, and its `match`.
type Read = (FileId, Arc<str>, Option<Entry>);

impl Layer {
    /// What a file says; if it could be read, its text and what it says under `match`; and what is wrong with it as such.
    fn read(path: &str, files: &mut Files) -> (Self, Option<Read>, Findings) {
        let mut here = Findings::default();
        let mut layer = Self::default();
        let mut read = None;
        match files.text(path) {
            Ok(file) => {
                let text = files.sources.file(file).text.clone();
                let mut table = read_toml(file, &text, &mut here);
                read = Some((file, text, table.remove("match")));
                layer = Self::from_table(files.shown(path), table, &mut here);
            }
            Err(finding) => here.add(finding),
        }
        layer.broken = here.has_errors();
        (layer, read, here)
    }

    /// Takes the head (`unset`, `final`, `append`, `on_unsupported`) apart from the values.
    #[must_use]
    fn from_table(path: &str, mut table: Table, findings: &mut Findings) -> Self {
        let unset = table.remove("unset").map(|entry| paths(&entry.node, findings)).unwrap_or_default();
        let finals = table.remove("final").map(|entry| paths(&entry.node, findings)).unwrap_or_default();
        let append = match table.remove("append").map(|entry| entry.node) {
            Some(Node { value: Value::Table(append), .. }) => (*append).clone(),
            Some(node) => {
                let finding = Finding::new(Code::WrongType, "`append` is a table of lists").at(node.place);
                findings.add(finding.help("write [append] and below it SECTION.FIELD = [...]"));
                Table::default()
            }
            None => Table::default(),
        };
        let holds = table.remove(ON_UNSUPPORTED).and_then(|entry| hold(&entry, findings));
        Self { path: path.into(), values: table, append, unset, finals, holds, ..Self::default() }
    }
}

/// Where devices are held; `None` where something else is said, which is a fault.
fn hold(entry: &Entry, findings: &mut Findings) -> Option<Place> {
    if entry.node.text().is_some_and(|text| **text == *"hold") {
        return Some(entry.key);
    }
    let message = format!("`{ON_UNSUPPORTED}` has one value: \"hold\"");
    let help = "write on_unsupported = \"hold\", so that devices whose firmware cannot express a value of this layer keep what they have";
    findings.add(Finding::new(Code::BadValue, message).at(entry.node.place).help(help));
    None
}

fn paths(node: &Node, findings: &mut Findings) -> Vec<(FieldPath, Place)> {
    let help = "write a list of fields: [\"network.servers\"]; a step with a dot in it stands in double quotes";
    if !matches!(node.value, Value::List(_)) {
        findings.add(Finding::new(Code::WrongType, "this is a list of fields").at(node.place).help(help));
    }
    let mut paths = Vec::new();
    for item in node.items() {
        match item.text().and_then(|text| FieldPath::parse(text)) {
            Some(path) => paths.push((path, item.place)),
            None => findings.add(Finding::new(Code::BadPath, "this names no field").at(item.place).help(help)),
        }
    }
    paths
}
