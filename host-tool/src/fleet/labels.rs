//! Labels, and what they imply: `labels/site/berlin.toml` says `region = "eu"` once for every device of the site.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::files::Files;
use crate::diagnostics::{Code, Finding, Findings, Place};
use crate::value::{Value, read_toml};

/// Labels by name, each with its value and where it was given.
pub(super) type Labels = BTreeMap<Arc<str>, (Arc<str>, Place)>;

/// What is no label, whatever a file in `labels/` says.
const NOT_LABELS: [&str; 4] = ["device", "name", "model", "public_key"];

/// What every label's value implies directly.
pub(super) struct Implications {
    direct: HashMap<(Arc<str>, Arc<str>), Labels>,
    paths: BTreeMap<String, (Arc<str>, Arc<str>)>,
    used: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Values whose files have faults: what they imply is not wholly known.
    faulty: BTreeSet<(Arc<str>, Arc<str>)>,
}

impl Implications {
    /// Reads `labels/<label>/<value>.toml`.
    pub(super) fn read(files: &mut Files, findings: &mut Findings) -> Self {
        let mut all =
            Self { direct: HashMap::new(), paths: BTreeMap::new(), used: BTreeSet::new(), faulty: BTreeSet::new() };
        for path in files.under("labels/") {
            let Some(stem) = path.strip_prefix("labels/").and_then(|path| path.strip_suffix(".toml")) else { continue };
            let Some((label, value)) = stem.split_once('/') else {
                let finding = Finding::new(Code::BadLevel, format!("{path} belongs to no label"));
                findings.add(finding.help("move it to labels/LABEL/VALUE.toml"));
                continue;
            };
            let key: (Arc<str>, Arc<str>) = (label.into(), value.into());
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

    /// A device's own labels and everything that they imply.
    ///
    /// # Errors
    /// A contradiction or a circle; `None` when a file with faults is involved, which were reported.
    pub(super) fn complete(&mut self, own: &Labels) -> Result<Labels, Option<Finding>> {
        let mut labels = Labels::new();
        for (name, (value, place)) in own {
            self.add(&mut labels, (name, value, *place), &mut Vec::new())?;
        }
        Ok(labels)
    }

    /// Adds one label and, depth first, what it implies. `above` are the labels that led here.
    fn add(
        &mut self,
        labels: &mut Labels,
        (name, value, place): (&Arc<str>, &Arc<str>, Place),
        above: &mut Vec<(Arc<str>, Arc<str>)>,
    ) -> Result<(), Option<Finding>> {
        let key = (name.clone(), value.clone());
        if let Some((other, first)) = labels.get(name)
            && other != value
        {
            let message = format!("the label `{name}` would be both `{other}` and `{value}`");
            let help = "a label has one value: change the row, or the file in labels/ that implies the other";
            return Err(Some(
                Finding::new(Code::LabelConflict, message).at(place).note(*first, "the other").help(help),
            ));
        }
        if above.contains(&key) {
            let circle: Vec<_> = above.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let message = format!("labels imply each other in a circle: {}", circle.join(", "));
            return Err(Some(Finding::new(Code::LabelCycle, message).at(place).help("remove one of the implications")));
        }
        labels.insert(name.clone(), (value.clone(), place));
        if self.faulty.contains(&key) {
            return Err(None);
        }
        let Some(implied) = self.direct.get(&key).cloned() else { return Ok(()) };
        self.used.insert(key.clone());
        above.push(key);
        for (name, (value, place)) in &implied {
            self.add(labels, (name, value, *place), above)?;
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
    let mut labels = Labels::new();
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
        labels.insert(entry.name.clone(), (value, entry.node.place));
    }
    labels
}
