//! The count of what was tried. A case is distinct by geometry, phase, operation and the image after the cut.
//!
//! A failing case prints one line. With that line in `STEADFAST_CASE` the same test runs that case and no other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::nor::{Image, Operation};
use super::tear::Tear;

/// The environment variable that holds the one case to run.
const REPLAY: &str = "STEADFAST_CASE";

/// The environment variable that asks for the quick inner loop.
const QUICK: &str = "STEADFAST_QUICK";

/// In the quick inner loop one case in so many is run.
const QUICK_ONE_IN: u64 = 16;

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
#[derive(Debug)]
pub struct Cases {
    seen: HashSet<u64>,
    counts: BTreeMap<(String, &'static str), usize>,
    only: Option<String>,
    one_in: u64,
}

impl Default for Cases {
    fn default() -> Self {
        Self::new()
    }
}

impl Cases {
    /// None yet; restricted to one when `STEADFAST_CASE` names it, to a sample in the quick inner loop.
    #[must_use]
    pub fn new() -> Self {
        let one_in = if std::env::var_os(QUICK).is_some() { QUICK_ONE_IN } else { 1 };
        Self { seen: HashSet::new(), counts: BTreeMap::new(), only: std::env::var(REPLAY).ok(), one_in }
    }

    /// The number of this case if it has to be run: not when the like of it was, nor when another one was asked for.
    pub fn admit(&mut self, case: &Case, operation: &Operation, image: &Image) -> Option<usize> {
        if let Some(only) = &self.only {
            let name = case.to_string();
            return (*only == name || only.starts_with(&format!("{name}/"))).then_some(1);
        }
        let mut hasher = DefaultHasher::new();
        (case.geometry, &case.phase, case.cuts.len(), operation, &image.bytes, &image.used).hash(&mut hasher);
        let hash = hasher.finish();
        if !hash.is_multiple_of(self.one_in) || !self.seen.insert(hash) {
            return None;
        }
        let tear = case.cuts.last().map_or("none", |(_, tear)| tear.kind());
        *self.counts.entry((format!("{}/{}", case.geometry, case.phase), tear)).or_default() += 1;
        Some(self.seen.len())
    }

    /// Runs the checks of one case; a panic inside is followed by the line that replays it.
    pub fn check(case: &Case, number: usize, checks: impl FnOnce()) {
        if let Err(cause) = catch_unwind(AssertUnwindSafe(checks)) {
            eprintln!("found after {number} cases; replay with: {REPLAY}={case} cargo test -p steadfast-tests");
            resume_unwind(cause);
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
        let phases: BTreeSet<&String> = self.counts.keys().map(|(phase, _)| phase).collect();
        for phase in phases {
            let of_phase = || self.counts.iter().filter(|((name, _), _)| name == phase);
            let total: usize = of_phase().map(|(_, count)| count).sum();
            write!(f, "{phase}: {total} cases (")?;
            let parts: Vec<_> = of_phase().map(|((_, tear), count)| format!("{tear} {count}")).collect();
            writeln!(f, "{})", parts.join(", "))?;
        }
        write!(f, "{} distinct power cuts", self.len())?;
        if self.one_in > 1 { write!(f, ", a sample of one in {}", self.one_in) } else { Ok(()) }
    }
}
