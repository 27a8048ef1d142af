//! Patches: the files of a `*` level, and which devices each of them is for.
//!
//! An expression is worked out once for each model and combination of labels, and for each device only when it names
//! `name` or `id`.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Env;

use super::layers::Wanted;
use super::matching::{Match, Subject};
use crate::diagnostics::{Code, Finding, Findings};

/// All patches, in the order in which they apply.
#[derive(Default)]
pub(super) struct Patches {
    /// What CEL knows by itself; made once.
    environment: Option<Arc<Env>>,
    list: Vec<Patch>,
}

/// One file of a `*` level.
struct Patch {
    /// Its level's index.
    level: usize,
    /// Its layer's index.
    layer: u32,
    /// Its path, for people.
    path: Arc<str>,
    matching: Match,
    /// Whether any device has it.
    used: bool,
    /// Whether other fleets may have it, too.
    shared: bool,
    /// Answers by model and (the address of) shared labels.
    known: HashMap<(u32, usize), Result<bool, Finding>>,
}

impl Patches {
    /// Puts a patch at the end.
    pub(super) fn add(&mut self, (level, layer): (usize, u32), (path, shared): (&str, bool), matching: Match) {
        self.environment.get_or_insert_with(|| Arc::new(Env::stdlib()));
        self.list.push(Patch { level, layer, path: path.into(), matching, used: false, shared, known: HashMap::new() });
    }

    /// Whether devices with the same model and labels may have different patches.
    pub(super) fn of_device(&self) -> bool {
        self.list.iter().any(|patch| patch.matching.of_device())
    }

    /// The layers of a level that a device has.
    ///
    /// # Errors
    /// What is wrong with an expression, under its file's path.
    pub(super) fn of(&mut self, level: usize, wanted: &Wanted<'_>) -> Result<Vec<u32>, Box<(String, Finding)>> {
        let Some(environment) = &self.environment else { return Ok(Vec::new()) };
        let mut layers = Vec::new();
        for patch in self.list.iter_mut().filter(|patch| patch.level == level) {
            match patch.holds(environment, wanted) {
                Ok(true) => {
                    patch.used = true;
                    layers.push(patch.layer);
                }
                Ok(false) => {}
                Err(finding) => return Err(Box::new((format!("{}: {}", patch.path, finding.message()), finding))),
            }
        }
        Ok(layers)
    }

    /// Warns of every patch of the fleet's own that no device has.
    pub(super) fn report_idle(&self, findings: &mut Findings) {
        for patch in self.list.iter().filter(|patch| !patch.used && !patch.shared) {
            let message = format!("{} matches no device", patch.path);
            let help = "remove the file if it has served its purpose, or correct its `match`";
            findings.add(Finding::new(Code::IdlePatch, message).at(patch.matching.place()).help(help));
        }
    }
}

impl Patch {
    fn holds(&mut self, environment: &Arc<Env>, wanted: &Wanted<'_>) -> Result<bool, Finding> {
        let key = (wanted.model, Arc::as_ptr(wanted.labels).addr());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let text = |what: &str| (wanted.lookup)(what).map(|(text, _)| text).unwrap_or_default();
        let (name, model) = (text("name"), text("model"));
        let subject = Subject { name: &name, id: wanted.id, model: &model, labels: wanted.labels };
        let holds = self.matching.holds(environment, &subject);
        if !self.matching.of_device() {
            self.known.insert(key, holds.clone());
        }
        holds
    }
}
