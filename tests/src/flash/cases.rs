//! The count of what was tried. A case is distinct by geometry, phase, operation and the image after the cut.
//!
//! A failing case prints one line. With that line in `STEADFAST_CASE` (`cargo xtask test --replay LINE`) the same test
//! runs that case and no other. With `STEADFAST_FULL` all cases are run, with `STEADFAST_QUICK` few, and by default a fixed
//! sample. With `STEADFAST_COUNTS` every test leaves a file of what it tried in that folder.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use super::{Image, Operation, Tear};
use crate::figures::tell;

/// The environment variable that holds the one case to run.
const REPLAY: &str = "STEADFAST_CASE";

/// The environment variable that asks for all cases.
const FULL: &str = "STEADFAST_FULL";

/// The environment variable that asks for the quick inner loop.
const QUICK: &str = "STEADFAST_QUICK";

/// The environment variable that names the folder for counts.
const COUNTS: &str = "STEADFAST_COUNTS";

/// The quick inner loop takes so many times fewer cases than an ordinary run.
const QUICK_FEWER: u64 = 8;

/// Where power was cut: `life/internal/trial/17-spent0/3-weak` is a second cut at the recovery's operation 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What was tried, without a slash, and the geometry's name.
    pub of: (&'static str, &'static str),
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
        write!(f, "{}/{}/{}", self.of.0, self.of.1, self.phase)?;
        self.cuts.iter().try_for_each(|(operation, tear)| write!(f, "/{operation}-{tear}"))
    }
}

/// Of the cases with one cut, with two, and with more, one in so many is run; `None` stands for none of them.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// In a full run.
    pub full: [Option<u64>; 3],
    /// In an ordinary run.
    pub ordinary: [Option<u64>; 3],
}

impl Rates {
    /// Cases with one cut: all in a full run, one in so many in an ordinary one.
    #[must_use]
    pub const fn single(ordinary: u64) -> Self {
        Self { full: [Some(1), None, None], ordinary: [Some(ordinary), None, None] }
    }

    fn now(&self) -> [Option<u64>; 3] {
        let asks = |name| std::env::var_os(name).is_some();
        if asks(FULL) {
            return self.full;
        }
        self.ordinary.map(|rate| Some(rate? * if asks(QUICK) { QUICK_FEWER } else { 1 }))
    }
}

/// What was tried.
#[derive(Debug)]
pub struct Cases {
    of: (&'static str, &'static str),
    /// Digests of the cases, each with its group.
    seen: HashMap<u64, usize>,
    /// Phase and kind of tear.
    groups: BTreeMap<(String, &'static str), usize>,
    only: Option<String>,
    rates: [Option<u64>; 3],
}

impl Cases {
    /// None yet of what is tried on a geometry; `None` when a case of something else is asked for.
    #[must_use]
    pub fn new(of: (&'static str, &'static str), rates: Rates) -> Option<Self> {
        let only = std::env::var(REPLAY).ok();
        let rates = if only.is_some() { rates.full.map(|rate| rate.and(Some(1))) } else { rates.now() };
        let wanted = only.as_ref().is_none_or(|only| only.starts_with(&format!("{}/{}/", of.0, of.1)));
        let (seen, groups) = (HashMap::new(), BTreeMap::new());
        wanted.then_some(Self { of, seen, groups, only, rates })
    }

    /// The case of an undisturbed phase.
    #[must_use]
    pub fn base(&self, phase: &str) -> Case {
        Case { of: self.of, phase: phase.to_string(), cuts: Vec::new() }
    }

    /// Whether all there are were asked for, or one out of all.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.only.is_some() || std::env::var_os(FULL).is_some()
    }

    /// Whether cases with so many cuts are tried at all.
    #[must_use]
    pub fn goes_to(&self, cuts: usize) -> bool {
        self.rate(cuts).is_some()
    }

    fn rate(&self, cuts: usize) -> Option<u64> {
        self.rates.get(cuts.max(1) - 1).copied().flatten()
    }

    /// Whether this case is among those to be tried; known before its image is made.
    #[must_use]
    pub fn draws(&self, case: &Case) -> bool {
        if let Some(only) = &self.only {
            let name = case.to_string();
            return *only == name || only.starts_with(&format!("{name}/"));
        }
        match self.rate(case.cuts.len()) {
            Some(1) => true,
            Some(rate) => {
                let mut hasher = DefaultHasher::new();
                (&case.phase, &case.cuts).hash(&mut hasher);
                hasher.finish().is_multiple_of(rate)
            }
            None => false,
        }
    }

    /// The number of this case if it has to be run: not when the like of it was.
    pub fn admit(&mut self, case: &Case, operation: &Operation, image: &Image) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        let phase = case.phase.split('~').next();
        (self.of.1, phase, operation, image.digest()).hash(&mut hasher);
        let digest = hasher.finish();
        if self.seen.contains_key(&digest) {
            return None;
        }
        self.note(case, digest);
        Some(self.seen.len())
    }

    /// Counts a case that is no power cut; its number.
    pub fn count(&mut self, case: &Case) -> usize {
        let mut hasher = DefaultHasher::new();
        (case.of, &case.phase).hash(&mut hasher);
        self.note(case, hasher.finish());
        self.seen.len()
    }

    fn note(&mut self, case: &Case, digest: u64) {
        let tear = case.cuts.last().map_or("none", |(_, tear)| tear.kind());
        // What is told apart by numbers is counted together.
        let phase = case.phase.split(['~', '+']).next().unwrap_or_default().trim_end_matches(char::is_numeric);
        let next = self.groups.len();
        let group = *self.groups.entry((phase.to_string(), tear)).or_insert(next);
        self.seen.insert(digest, group);
    }

    /// Runs the checks of one case; a panic inside is followed by the line that replays it.
    pub fn check<T>(case: &Case, number: usize, checks: impl FnOnce() -> T) -> T {
        match catch_unwind(AssertUnwindSafe(checks)) {
            Ok(done) => done,
            Err(cause) => {
                println!("found after {number} cases; replay with: cargo xtask test --replay {case}");
                resume_unwind(cause)
            }
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

    /// Tells the count, and leaves the file that was asked for.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn finish(&self) {
        let (what, geometry) = self.of;
        tell(&format!("{what} on {geometry}: {} distinct cases", self.len()));
        if let Some(folder) = std::env::var_os(COUNTS) {
            let path = Path::new(&folder).join(format!("{what}-{geometry}"));
            std::fs::write(&path, self.file()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// A line for each phase and tear: `geometry phase tear` and the digests of its cases.
    fn file(&self) -> String {
        let mut lines = vec![String::new(); self.groups.len()];
        for ((phase, tear), group) in &self.groups {
            lines[*group] = format!("{} {phase} {tear}", self.of.1);
        }
        for (digest, group) in &self.seen {
            // A string takes whatever is written.
            let _ = write!(lines[*group], " {digest:016x}");
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}
