//! Slips of the pen: what a person gets wrong in one line of a fleet's files, seeded, and whether somebody is told.
//!
//! A slip either gives an error, or a plan has a line that names what was touched. Silence is the fault that this looks for: a typo that is merged.

mod edits;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::{Color, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast::plan::{self, Base, BaseState, Ends, Head, Length, Side};

pub use edits::{KINDS, Kind, slips};

/// One file with a slip in one of its lines.
#[derive(Clone, Debug)]
pub struct Slip {
    /// What went wrong.
    pub kind: Kind,
    /// The file, below the fleet's folder.
    pub path: String,
    /// The line that was touched, from 1.
    pub line: usize,
    /// What the file says now.
    pub text: String,
    /// What a plan can name it by: a field, or the devices of a row or label. Any of them will do.
    pub names: Vec<String>,
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.text.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
        let shown: String = line.chars().take(100).collect();
        write!(f, "{:?} at {}:{}: {shown}", self.kind, self.path, self.line)
    }
}

/// Who is told of a slip, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// An error that shows the file.
    Error,
    /// An error that shows another place.
    ErrorElsewhere,
    /// A line of the plan has its name.
    Plan,
    /// Nobody.
    Nobody,
}

/// A correct fleet in a folder, in which one file at a time is another.
pub struct Ground<'f> {
    folder: &'f Path,
    files: &'f BTreeMap<String, String>,
    fleet: Fleet,
    compiled: Compiled,
}

impl<'f> Ground<'f> {
    /// Reads the fleet as its files lie.
    ///
    /// # Errors
    /// What is wrong with it already.
    pub fn new(folder: &'f Path, files: &'f BTreeMap<String, String>) -> Result<Self, Diagnostics> {
        let fleet = Fleet::open(folder, &At::Worktree)?;
        let compiled = compile(&fleet)?;
        Ok(Self { folder, files, fleet, compiled })
    }

    /// Makes a slip, sees who is told, and takes it back.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn told(&self, slip: &Slip) -> Told {
        let place = self.folder.join(&slip.path);
        std::fs::write(&place, &slip.text).expect("the file can be written");
        let told = self.judge(slip);
        std::fs::write(&place, &self.files[&slip.path]).expect("the file can be written");
        told
    }

    fn judge(&self, slip: &Slip) -> Told {
        let read = Fleet::open(self.folder, &At::Worktree);
        let (fleet, compiled) = match read.and_then(|fleet| compile(&fleet).map(|compiled| (fleet, compiled))) {
            Ok(both) => both,
            Err(faults) if faults.to_text(Color::Never).contains(&slip.path) => return Told::Error,
            Err(_) => return Told::ErrorElsewhere,
        };
        let base = Side { fleet: &self.fleet, compiled: &self.compiled };
        let plan = plan::plan(Some(base), Side { fleet: &fleet, compiled: &compiled });
        let ends = Ends {
            base: Base { state: BaseState::Compared, revision: None, commit: None },
            head: Head { revision: "HEAD".to_owned(), commit: "0".repeat(40), worktree: true },
        };
        let text = plan::text(&plan, &ends, (Length::All, Color::Never));
        let named = slip.names.iter().any(|name| text.lines().any(|line| line.contains(name.as_str())));
        if named { Told::Plan } else { Told::Nobody }
    }
}

/// What became of many slips.
#[derive(Default)]
pub struct Tally {
    counts: BTreeMap<(Kind, Told), usize>,
    silent: Vec<String>,
}

impl Tally {
    /// Makes these slips, one after the other.
    #[must_use]
    pub fn of(ground: &Ground<'_>, slips: &[Slip]) -> Self {
        let mut tally = Self::default();
        for slip in slips {
            let told = ground.told(slip);
            *tally.counts.entry((slip.kind, told)).or_default() += 1;
            if told == Told::Nobody {
                tally.silent.push(slip.to_string());
            }
        }
        tally
    }

    /// Takes over what another one has counted.
    pub fn add(&mut self, other: Self) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.silent.extend(other.silent);
    }

    /// Slips that nobody is told of.
    #[must_use]
    pub fn silent(&self) -> &[String] {
        &self.silent
    }

    /// How many slips ended so.
    #[must_use]
    pub fn count(&self, told: Told) -> usize {
        self.counts.iter().filter(|((_, one), _)| *one == told).map(|(_, count)| count).sum()
    }

    /// The kinds that were made.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        KINDS.into_iter().filter(|kind| self.counts.keys().any(|(one, _)| one == kind))
    }
}

/// A line for each kind: how many gave an error in the file, an error elsewhere, a line of the plan, nothing.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<22} {:>8} {:>10} {:>6} {:>6}", "slip", "error", "elsewhere", "plan", "silent")?;
        for kind in self.kinds() {
            let count = |told| self.counts.get(&(kind, told)).copied().unwrap_or_default();
            let [error, elsewhere, plan, nobody] =
                [Told::Error, Told::ErrorElsewhere, Told::Plan, Told::Nobody].map(count);
            writeln!(f, "{:<22} {error:>8} {elsewhere:>10} {plan:>6} {nobody:>6}", format!("{kind:?}"))?;
        }
        Ok(())
    }
}
