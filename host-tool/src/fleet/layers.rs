//! Layers: which files set values for a device, in which order, and what each of them says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::PlainLabels;
use super::files::Files;
use super::inventory::is_file_name;
use crate::diagnostics::{Code, Finding, Findings, Place, closest};
use crate::value::{FieldPath, Node, Table, Value, read_toml};

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
    /// Whether parts of the file could not be read. What its devices lack may stand there.
    pub broken: bool,
}

/// One entry of `layers` in `steadfast.toml`.
#[derive(Clone, Debug)]
pub(super) struct Level {
    text: Arc<str>,
    place: Place,
    parts: Vec<Part>,
    optional: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Plain(String),
    Label(Arc<str>),
}

/// The levels, and every file that a device has asked for so far.
#[derive(Debug, Default)]
pub struct Layers {
    levels: Vec<Level>,
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
}

/// A device whose layers are looked for.
pub(super) struct Wanted<'a> {
    /// Its index.
    pub(super) device: u32,
    /// Its model's index.
    pub(super) model: u32,
    /// Its labels, alive as long as the layers.
    pub(super) labels: &'a Arc<PlainLabels>,
    /// What a `{label}` stands for.
    pub(super) lookup: Lookup<'a>,
}

/// Gives a label's value and where it was given.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<(Arc<str>, Place)>;

impl Layers {
    /// Reads the levels as `steadfast.toml` has them.
    pub(super) fn new(written: &[(Arc<str>, Place)], findings: &mut Findings) -> Self {
        let mut layers = Self::default();
        for (text, place) in written {
            match Level::parse(text, *place) {
                Ok(level) => {
                    layers.by_name |=
                        level.parts.iter().any(|part| matches!(part, Part::Label(label) if &**label == "name"));
                    layers.levels.push(level);
                }
                Err(finding) => {
                    layers.incomplete = true;
                    findings.add(finding.at(*place));
                }
            }
        }
        layers
    }

    /// The device's chain of files, as an index for [`Layers::chain`]. `None` when one of them could not be read, or when a level
    /// lacks its label or file, which [`Layers::report`] tells later.
    pub(super) fn resolve(&mut self, wanted: &Wanted<'_>, files: &mut Files, findings: &mut Findings) -> Option<u32> {
        let key = (wanted.model, Arc::as_ptr(wanted.labels).addr());
        if !self.by_name
            && let Some(known) = self.known.get(&key)
        {
            return Some(*known);
        }
        let mut chain = Vec::with_capacity(self.levels.len());
        let mut whole = !self.incomplete;
        for index in 0..self.levels.len() {
            match self.file_of((index, wanted), files, findings) {
                Ok(layer) => {
                    whole &= layer.is_none_or(|layer| !self.loaded[layer as usize].broken);
                    chain.extend(layer);
                }
                Err(fault) => {
                    let (key, finding) = *fault;
                    self.missing.entry(key).or_insert_with(|| (finding, Vec::new())).1.push(wanted.device);
                    whole = false;
                }
            }
        }
        let chain = whole.then(|| self.intern(chain))?;
        self.known.insert(key, chain);
        Some(chain)
    }

    /// The layer that a device has at a level; none where the level is optional. An error comes with what it is about, so that it
    /// is told once for all devices.
    fn file_of(
        &mut self,
        (index, wanted): (usize, &Wanted<'_>),
        files: &mut Files,
        findings: &mut Findings,
    ) -> Result<Option<u32>, Box<(String, Finding)>> {
        let level = &self.levels[index];
        let (optional, lookup) = (level.optional, wanted.lookup);
        let path = match level.path(lookup) {
            Ok(path) => path,
            Err(_) if optional && level.lacks_label(lookup) => return Ok(None),
            Err(finding) => return Err(Box::new((finding.message().to_owned(), finding))),
        };
        match self.load(&path, files, findings) {
            Some(layer) => Ok(Some(layer)),
            None if optional => Ok(None),
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

    /// Reports levels without their file or label, each once with all devices hit, and files that nobody asked for.
    pub(super) fn report(&mut self, files: &Files, findings: &mut Findings) {
        for (_, (finding, devices)) in std::mem::take(&mut self.missing) {
            findings.hit(finding, devices);
        }
        if findings.has_errors() {
            // Who is missing may have used them.
            return;
        }
        let known: Vec<&str> = self.levels.iter().map(|level| &*level.text).collect();
        for path in files.under("layers/") {
            if !self.by_path.contains_key(&path) {
                let message = format!("no device takes values from {path}");
                let help = format!("the levels are {}; remove the file, or correct its name", known.join(", "));
                findings.add(Finding::new(Code::UnusedFile, message).help(help));
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
    fn load(&mut self, path: &str, files: &mut Files, findings: &mut Findings) -> Option<u32> {
        if let Some(known) = self.by_path.get(path) {
            return Some(*known);
        }
        if !files.has(path) {
            return None;
        }
        let mut here = Findings::default();
        let mut layer = match files.text(path) {
            Ok(file) => {
                let text = files.sources.file(file).text.clone();
                Layer::from_table(path, read_toml(file, &text, &mut here), &mut here)
            }
            Err(finding) => {
                here.add(finding);
                Layer::default()
            }
        };
        layer.broken = here.has_errors();
        findings.extend(here);
        let index = u32::try_from(self.loaded.len()).unwrap_or(u32::MAX);
        self.loaded.push(layer);
        self.by_path.insert(path.to_owned(), index);
        Some(index)
    }
}

impl Level {
    /// Reads `site/{site}?`.
    fn parse(text: &Arc<str>, place: Place) -> Result<Self, Finding> {
        let bad = |why: &str| {
            let help = "a level is a path below layers/ without .toml, as in \"site/{site}\"; `?` at the end marks it optional";
            Finding::new(Code::BadLevel, format!("`{text}` {why}")).help(help)
        };
        let (path, optional) = text.strip_suffix('?').map_or((&**text, false), |path| (path, true));
        if path.contains('*') {
            return Err(bad("has a `*`, which this version does not know yet"));
        }
        let mut parts = Vec::new();
        let mut rest = path;
        while let Some((plain, after)) = rest.split_once('{') {
            let (label, after) = after.split_once('}').ok_or_else(|| bad("has a `{` without its `}`"))?;
            if label.is_empty() {
                return Err(bad("has an empty label"));
            }
            parts.push(Part::Plain(plain.to_owned()));
            parts.push(Part::Label(label.into()));
            rest = after;
        }
        parts.push(Part::Plain(rest.to_owned()));
        let steps = path.replace(['{', '}'], "");
        if rest.contains('}') || !steps.split('/').all(is_file_name) {
            return Err(bad("is no path"));
        }
        Ok(Self { text: text.clone(), place, parts, optional })
    }

    /// The path of this level's file for one device.
    fn path(&self, lookup: Lookup<'_>) -> Result<String, Finding> {
        let mut path = "layers/".to_owned();
        for part in &self.parts {
            match part {
                Part::Plain(text) => path.push_str(text),
                Part::Label(label) => {
                    let (value, place) = lookup(label).ok_or_else(|| self.missing_label(label))?;
                    if !is_file_name(&value) {
                        let message = format!("`{value}` cannot be part of a layer's path");
                        let help = "a label that names a file has letters, digits, `-`, `_` and `.` only";
                        return Err(Finding::new(Code::BadName, message)
                            .at(place)
                            .note(self.place, "asks for it")
                            .help(help));
                    }
                    path.push_str(&value);
                }
            }
        }
        path.push_str(".toml");
        Ok(path)
    }

    fn lacks_label(&self, lookup: Lookup<'_>) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Label(label) if lookup(label).is_none()))
    }

    fn missing_label(&self, label: &str) -> Finding {
        let message = format!("the level `{}` needs the label `{label}`, which some devices do not have", self.text);
        let help = match closest(label, ["name", "model"]) {
            Some(near) if label != near => format!("did you mean {{{near}}}?"),
            _ => "give them the label in the inventory or in labels/, or mark the level optional with `?`".to_owned(),
        };
        Finding::new(Code::MissingLabel, message).at(self.place).help(help)
    }

    /// Points at the label's value, which is where a misspelt one is corrected.
    fn missing_file(&self, path: &str, lookup: Lookup<'_>) -> Finding {
        let message = format!("there is no {path}");
        let finding = Finding::new(Code::MissingLayer, message);
        let label = self.parts.iter().rev().find_map(|part| match part {
            Part::Label(label) => lookup(label),
            Part::Plain(_) => None,
        });
        let help = "add the file (it may be empty), correct the label, or mark the level optional with `?`";
        match label {
            Some((_, place)) => finding.at(place).note(self.place, "the level that asks for it").help(help),
            None => finding.at(self.place).help(help),
        }
    }
}

impl Layer {
    /// Takes the head (`unset`, `final`, `append`) apart from the values.
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
        Self { path: path.into(), values: table, append, unset, finals, broken: false }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FileId;

    fn level(text: &str) -> Result<Level, Finding> {
        Level::parse(&text.into(), Place::new(FileId(0), 0..0))
    }

    #[test]
    fn levels_become_paths() {
        let lookup = |label: &str| (label == "site").then(|| ("berlin".into(), Place::new(FileId(0), 0..0)));
        assert_eq!(level("common").unwrap().path(&lookup).unwrap(), "layers/common.toml");
        assert_eq!(level("site/{site}-x?").unwrap().path(&lookup).unwrap(), "layers/site/berlin-x.toml");
        assert!(level("region/{region}?").unwrap().lacks_label(&lookup));
        assert_eq!(level("region/{region}").unwrap().path(&lookup).unwrap_err().code(), Code::MissingLabel);
    }

    #[test]
    fn levels_that_lead_elsewhere_are_refused() {
        for wrong in ["", "../x", "/x", "a//b", "a/{b", "a/b}", "a/{}", "patches/*", "a b", ".hidden"] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
    }
}
