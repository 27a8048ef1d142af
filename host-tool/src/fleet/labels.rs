//! Labels, and what they imply: `labels/site/berlin.toml` says `region = "eu"` once for every device of the site.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::PlainLabels;
use super::files::Files;
use crate::diagnostics::{Code, Finding, Findings, Place};
use crate::value::{Value, read_toml};

/// A label's name and value.
pub(super) type Pair = (Arc<str>, Arc<str>);

/// Labels ascending by name, each with where it was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// Apart from the places, so that the labels of two devices can be compared.
    pairs: Vec<Pair>,
    places: Vec<Place>,
}

impl Labels {
    /// The label of this name: its value and place.
    pub(super) fn get(&self, name: &str) -> Option<(&Arc<str>, Place)> {
        let at = self.pairs.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        Some((&self.pairs[at].1, self.places[at]))
    }

    /// Puts a label in, in place of one of the same name.
    pub(super) fn insert(&mut self, pair: Pair, place: Place) {
        match self.pairs.binary_search_by(|(other, _)| other.cmp(&pair.0)) {
            Ok(at) => (self.pairs[at], self.places[at]) = (pair, place),
            Err(at) => {
                self.pairs.insert(at, pair);
                self.places.insert(at, place);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.pairs.iter().map(|(name, _)| name)
    }

    fn iter(&self) -> impl Iterator<Item = (&Pair, Place)> {
        self.pairs.iter().zip(self.places.iter().copied())
    }
}

/// The labels that rows give, each combination once: most devices have those of many others.
#[derive(Default)]
pub(super) struct LabelSets {
    all: Vec<Arc<[Pair]>>,
    indexes: HashMap<Arc<[Pair]>, u32>,
}

/// The labels that one row gives.
#[derive(Clone, Debug)]
pub(super) struct OwnLabels {
    /// Index of the set.
    set: u32,
    /// Where each was given, in the set's order.
    places: Box<[Place]>,
}

impl LabelSets {
    /// Keeps the labels of a row.
    pub(super) fn keep(&mut self, labels: Labels) -> OwnLabels {
        let set = self.indexes.get(&*labels.pairs).copied().unwrap_or_else(|| self.add(labels.pairs.into()));
        OwnLabels { set, places: labels.places.into() }
    }

    /// The names of all labels, some of them many times.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.all.iter().flat_map(|set| set.iter()).map(|(name, _)| name)
    }

    fn add(&mut self, pairs: Arc<[Pair]>) -> u32 {
        let set = self.all.len() as u32;
        self.indexes.insert(pairs.clone(), set);
        self.all.push(pairs);
        set
    }
}

/// All labels of a device. Places are known for the first device that has these, which is the one that messages point to.
pub(super) struct Complete {
    /// The labels, shared by all devices that have the same.
    pub(super) plain: Arc<PlainLabels>,
    /// The same with places.
    pub(super) placed: Option<Labels>,
}

/// What is no label, whatever a file in `labels/` says.
const NOT_LABELS: [&str; 4] = ["device", "name", "model", "public_key"];

/// What every label's value implies directly.
pub(super) struct Implications {
    direct: HashMap<Pair, Labels>,
    paths: BTreeMap<String, Pair>,
    used: BTreeSet<Pair>,
    /// Values whose files have faults: what they imply is not wholly known.
    faulty: BTreeSet<Pair>,
    /// What each set of own labels comes to, for those seen so far.
    known: HashMap<u32, Arc<PlainLabels>>,
}

impl Implications {
    /// Reads `labels/<label>/<value>.toml`.
    pub(super) fn read(files: &mut Files, findings: &mut Findings) -> Self {
        let mut all = Self {
            direct: HashMap::new(),
            paths: BTreeMap::new(),
            used: BTreeSet::new(),
            faulty: BTreeSet::new(),
            known: HashMap::new(),
        };
        for path in files.under("labels/") {
            let stem = path.strip_prefix("labels/").and_then(|path| path.strip_suffix(".toml"));
            let Some((label, value)) = stem.and_then(|stem| stem.split_once('/')) else {
                let finding = Finding::new(Code::BadLevel, format!("{path} belongs to no label"));
                findings.add(finding.at_start(files.start(&path)).help("move it to labels/LABEL/VALUE.toml"));
                continue;
            };
            let key: Pair = (label.into(), value.into());
            let mut here = Findings::default();
            match files.text(&path) {
                Ok(file) => {
                    let text = files.sources.file(file).text.clone();
                    let labels = implied(&read_toml(file, &text, &mut here), &mut here);
                    all.direct.insert(key.clone(), labels);
                    all.paths.insert(path, key.clone());
                }
                Err(finding) => here.add(finding),
            }
            if here.has_errors() {
                all.faulty.insert(key);
            }
            findings.extend(here);
        }
        all
    }

    /// The names of all labels that are implied, some of them many times.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.direct.values().flat_map(Labels::names)
    }

    /// A device's own labels and everything that they imply.
    ///
    /// # Errors
    /// A contradiction or a circle; `None` when a file with faults is involved, which were reported.
    pub(super) fn complete(&mut self, own: &OwnLabels, sets: &LabelSets) -> Result<Complete, Option<Finding>> {
        if let Some(plain) = self.known.get(&own.set) {
            return Ok(Complete { plain: plain.clone(), placed: None });
        }
        let mut labels = Labels::default();
        for (pair, place) in sets.all[own.set as usize].iter().zip(&own.places) {
            self.add(&mut labels, (pair, *place), &mut Vec::new())?;
        }
        let plain: Arc<PlainLabels> = Arc::new(labels.pairs.iter().cloned().collect());
        self.known.insert(own.set, plain.clone());
        Ok(Complete { plain, placed: Some(labels) })
    }

    /// Adds one label and, depth first, what it implies. `above` are the labels that led here.
    fn add(
        &mut self,
        labels: &mut Labels,
        (key, place): (&Pair, Place),
        above: &mut Vec<Pair>,
    ) -> Result<(), Option<Finding>> {
        let (name, value) = key;
        if let Some((other, first)) = labels.get(name)
            && other != value
        {
            let message = format!("the label `{name}` would be both `{other}` and `{value}`");
            let help = "a label has one value: change the row, or the file in labels/ that implies the other";
            return Err(Some(Finding::new(Code::LabelConflict, message).at(place).note(first, "the other").help(help)));
        }
        if above.contains(key) {
            let circle: Vec<_> = above.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let message = format!("labels imply each other in a circle: {}", circle.join(", "));
            return Err(Some(Finding::new(Code::LabelCycle, message).at(place).help("remove one of the implications")));
        }
        labels.insert(key.clone(), place);
        if self.faulty.contains(key) {
            return Err(None);
        }
        let Some(implied) = self.direct.get(key).cloned() else { return Ok(()) };
        self.used.insert(key.clone());
        above.push(key.clone());
        for (pair, place) in implied.iter() {
            self.add(labels, (pair, place), above)?;
        }
        above.pop();
        Ok(())
    }

    /// Files of values that no device's label has.
    #[must_use]
    pub(super) fn unused(&self) -> Vec<&str> {
        let unused = self.paths.iter().filter(|(_, key)| !self.used.contains(*key));
        unused.map(|(path, _)| path.as_str()).collect()
    }
}

/// The labels of one file.
fn implied(table: &crate::value::Table, findings: &mut Findings) -> Labels {
    let mut labels = Labels::default();
    for entry in table.entries() {
        if NOT_LABELS.contains(&&*entry.name) {
            let finding = Finding::new(Code::BadName, format!("`{}` is no label and cannot be implied", entry.name));
            findings.add(finding.at(entry.key).help("set it in the inventory"));
            continue;
        }
        let value: Arc<str> = match &entry.node.value {
            Value::Text(text) if !text.is_empty() => text.clone(),
            Value::Int(number) => number.to_string().into(),
            other => {
                let finding = Finding::new(Code::WrongType, format!("a label is text, this is {}", other.kind()));
                findings.add(finding.at(entry.node.place).help("write it in quotes, and not empty"));
                continue;
            }
        };
        labels.insert((entry.name.clone(), value), entry.node.place);
    }
    labels
}
