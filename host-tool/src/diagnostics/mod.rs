//! What is wrong, where, how many devices it hits, and what to do next.
//!
//! One fault is one [`Diagnostic`], however many devices meet it: [`Findings`] collects while a fleet is read and
//! compiled and folds equal ones together. [`Diagnostics`] is the sorted result, for people or for machines.

mod code;
mod render;
mod source;
mod suggest;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use code::{Code, Severity};
pub use source::{Excerpt, FILE_BYTES, FileId, Place, Position, SourceFile, Sources};
pub use suggest::closest;

/// How many devices a message names before it only counts them.
const EXAMPLES: usize = 3;

/// A fault as it is found: still with places instead of lines, and indexes instead of device names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    code: Code,
    message: String,
    place: Option<Place>,
    label: String,
    notes: Vec<(Place, String)>,
    help: String,
}

impl Finding {
    /// A fault with what happened, to what.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            label: String::new(),
            notes: Vec::new(),
            help: String::new(),
        }
    }

    /// Puts the name of a field before the message: "`sampling.period_ms` takes ...".
    #[must_use]
    pub fn about(mut self, field: &str) -> Self {
        self.message = format!("`{field}` {}", self.message);
        self
    }

    /// Where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// At the beginning of a file, when it is the file as such.
    #[must_use]
    pub fn at_start(self, start: Option<Place>) -> Self {
        Self { place: start, ..self }
    }

    /// Where it was asked for, which is the place to point at when there is no better one.
    #[must_use]
    pub fn asked_at(self, place: Place) -> Self {
        if self.place.is_none() { self.at(place) } else { self.note(place, "asked for here") }
    }

    /// A few words under the marked stretch.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place that matters.
    #[must_use]
    pub fn note(mut self, place: Place, label: impl Into<String>) -> Self {
        self.notes.push((place, label.into()));
        self
    }

    /// What to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same place, told as another kind of fault.
    #[must_use]
    pub fn recast(self, code: Code, message: String, help: &str) -> Self {
        Self { code, message, help: help.to_owned(), ..self }
    }

    /// The kind of fault.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Where it is, as far as that is known.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// What happened, to what.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Collects faults; equal ones become one with the union of their devices.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    order: Vec<Finding>,
    hits: HashMap<Finding, Vec<u32>>,
}

impl Findings {
    /// Adds a fault that concerns no device in particular.
    pub fn add(&mut self, finding: Finding) {
        self.hit(finding, []);
    }

    /// Adds a fault that hits these devices, given as indexes into the inventory.
    pub fn hit(&mut self, finding: Finding, devices: impl IntoIterator<Item = u32>) {
        if let Some(known) = self.hits.get_mut(&finding) {
            known.extend(devices);
            return;
        }
        self.order.push(finding.clone());
        self.hits.insert(finding, devices.into_iter().collect());
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Takes over what another collection has, all of which hits these devices.
    pub fn hit_all(&mut self, other: Self, devices: &[u32]) {
        for finding in other.order {
            self.hit(finding, devices.iter().copied());
        }
    }

    /// Takes over what another collection has.
    pub fn extend(&mut self, other: Self) {
        let mut hits = other.hits;
        for finding in other.order {
            let devices = hits.remove(&finding).unwrap_or_default();
            self.hit(finding, devices);
        }
    }

    /// The kinds of fault, in the order in which they were found.
    #[must_use]
    pub fn codes(&self) -> Vec<Code> {
        self.order.iter().map(Finding::code).collect()
    }

    /// Whether any of them stops a build.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.order.iter().any(|finding| finding.code.severity() == Severity::Error)
    }

    /// The result: errors before warnings, each by file, line and column. `name` gives a device's name by its index.
    #[must_use]
    pub fn finish<'a>(mut self, sources: &Arc<Sources>, name: impl Fn(u32) -> &'a str) -> Diagnostics {
        let mut list: Vec<Diagnostic> = Vec::with_capacity(self.order.len());
        for finding in self.order {
            let mut devices = self.hits.remove(&finding).unwrap_or_default();
            devices.sort_unstable();
            devices.dedup();
            let examples = devices.iter().take(EXAMPLES).map(|index| name(*index).to_owned()).collect();
            list.push(Diagnostic {
                position: finding.place.map(|place| sources.position(place)),
                devices: devices.len(),
                examples,
                finding,
            });
        }
        list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.severity(), d.position.clone(), d.code());
            key(a).cmp(&key(b))
        });
        Diagnostics { sources: sources.clone(), list }
    }
}

/// One fault, ready to be shown.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    finding: Finding,
    position: Option<Position>,
    devices: usize,
    examples: Vec<String>,
}

impl Diagnostic {
    /// The kind of fault.
    #[must_use]
    pub fn code(&self) -> Code {
        self.finding.code
    }

    /// Whether it stops a build.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.finding.code.severity()
    }

    /// What happened, to what.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.finding.message
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.finding.help
    }

    /// File, line and column, where there is one.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The number of devices hit; 0 where it concerns none in particular.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.devices
    }

    /// The first few of them by name.
    #[must_use]
    pub fn examples(&self) -> &[String] {
        &self.examples
    }
}

/// Faults in the order in which they are shown, with the texts that they quote.
#[derive(Clone, Default)]
pub struct Diagnostics {
    sources: Arc<Sources>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// A single fault outside any file.
    #[must_use]
    pub fn of(finding: Finding) -> Self {
        let mut findings = Findings::default();
        findings.add(finding);
        findings.finish(&Arc::default(), |_| "")
    }

    /// Every fault, errors first.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// How many of them stop a build.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|one| one.severity() == Severity::Error).count()
    }

    /// How many do not.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// For a terminal, with source excerpts; `color` decides about escape codes.
    #[must_use]
    pub fn to_text(&self, color: Color) -> String {
        render::text(self, color)
    }

    /// For machines: a JSON document with a format version.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        let list: Vec<_> = self.list.iter().map(Machine::of).collect();
        serde_json::json!({ "format": 1, "diagnostics": list })
    }
}

/// Whether text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Escape codes.
    Always,
    /// Plain text.
    Never,
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(Color::Never))
    }
}

/// The same as for people: whoever unwraps a result wants to read it.
impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Diagnostics {}

/// A diagnostic's fields as `--format json` names them.
#[derive(Serialize)]
struct Machine<'a> {
    severity: &'static str,
    code: String,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    devices: usize,
    examples: &'a [String],
    help: &'a str,
}

impl<'a> Machine<'a> {
    fn of(one: &'a Diagnostic) -> Self {
        Self {
            severity: match one.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: one.code().name(),
            message: one.message(),
            file: one.position().map(|at| &*at.path),
            line: one.position().map(|at| at.line),
            column: one.position().map(|at| at.column),
            devices: one.devices,
            examples: &one.examples,
            help: one.help(),
        }
    }
}
