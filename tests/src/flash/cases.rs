//! The count of what was tried. A case is distinct by geometry, phase, operation and the image after the cut.
//!
//! A failing case prints one line. With that line in `STEADFAST_CASE` the same test runs that case and no other.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::nor::{Image, Operation};
use super::tear::Tear;

/// The environment variable that holds the one case to run.
const REPLAY: &str = "STEADFAST_CASE";

/// Where power was cut: `internal/trial/17-spent0/3-weak` is a second cut at the recovery's operation 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The geometry's name.
    pub geometry: &'static str,
    /// The phase of the run, without a slash.
    pub phase: String,
    /// The cuts: number of the operation and how it was torn.
    pub cuts: Vec<(usize, Tear)>,
}

impl Case {
    /// This case with one more cut.
    #[must_use]
    pub fn and(&self, operation: usize, tear: Tear) -> Self {
        let mut case = self.clone();
        case.cuts.push((operation, tear));
        case
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.geometry, self.phase)?;
        self.cuts.iter().try_for_each(|(operation, tear)| write!(f, "/{operation}-{tear}"))
    }
}

/// What was tried.
#[derive(Debug, Default)]
pub struct Cases {
    seen: HashSet<u64>,
    counts: BTreeMap<(String, &'static str), usize>,
    only: Option<String>,
}

impl Cases {
    /// None yet; restricted to one when `STEADFAST_CASE` names it.
    #[must_use]
    pub fn new() -> Self {
        Self { only: std::env::var(REPLAY).ok(), ..Self::default() }
    }

    /// Whether this case has to be run: not when the like of it was, nor when another one was asked for.
    pub fn is_new(&mut self, case: &Case, operation: &Operation, image: &Image) -> bool {
        if let Some(only) = &self.only {
            let name = case.to_string();
            return *only == name || only.starts_with(&format!("{name}/"));
        }
        let mut hasher = DefaultHasher::new();
        (case.geometry, &case.phase, case.cuts.len(), operation, &image.bytes, &image.used).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return false;
        }
        let tear = case.cuts.last().map_or("none", |(_, tear)| tear.kind());
        *self.counts.entry((format!("{}/{}", case.geometry, case.phase), tear)).or_default() += 1;
        true
    }

    /// Runs the checks of one case; a panic inside is repeated with the line that replays it.
    pub fn check(case: &Case, checks: impl FnOnce()) {
        if let Err(cause) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(checks)) {
            eprintln!("replay with: {REPLAY}={case} cargo test -p steadfast-tests");
            std::panic::resume_unwind(cause);
        }
    }

    /// How many distinct cases there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// A line for each geometry and phase, with the number of cases by tear.
impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases: std::collections::BTreeSet<&String> = self.counts.keys().map(|(phase, _)| phase).collect();
        for phase in phases {
            let of_phase = || self.counts.iter().filter(|((name, _), _)| name == phase);
            let total: usize = of_phase().map(|(_, count)| count).sum();
            write!(f, "{phase}: {total} cases (")?;
            let parts: Vec<_> = of_phase().map(|((_, tear), count)| format!("{tear} {count}")).collect();
            writeln!(f, "{})", parts.join(", "))?;
        }
        write!(f, "{} distinct power cuts", self.len())
    }
}
