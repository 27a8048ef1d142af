//! The power cuts in full: every case that there is, counted, with a table of what was tried.
//!
//! Each test leaves a file with a line for each phase and tear, `geometry phase tear digest...`. A case that two tests
//! had is counted once. What is no power cut (bits that rot, operations that fail, bytes that change) has the tear `none`, and is
//! counted and printed apart.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::paths;

/// The test programs that cut power, or let flash fail otherwise.
pub(crate) const SUITES: [&str; 4] = ["power_cuts", "record_power_cuts", "slot_power_cuts", "flash_faults"];

/// The tear of what is no power cut.
const NO_CUT: &str = "none";

/// Fewer distinct power cuts than this are no full run.
const CASES_MIN: usize = 1_000_000;

/// Geometry and phase.
type Place = (String, String);

/// Runs every case of every suite on all processors, and prints the table.
///
/// # Errors
/// When a case fails, or there were too few.
pub(crate) fn run(mut tests: Command) -> Result<()> {
    let folder = paths::host_target().join("power-cuts");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    tests.env("STEADFAST_FULL", "1").env("STEADFAST_COUNTS", &folder).env("RUST_TEST_THREADS", threads.to_string());
    let status = tests.status().with_context(|| format!("cannot run {tests:?}"))?;
    ensure!(status.success(), "a power cut was not survived; the line that replays it stands above");
    let count = print_tables(&folder)?;
    ensure!(count >= CASES_MIN, "only {count} distinct power cuts, where a full run has at least {CASES_MIN}");
    Ok(())
}

/// Distinct cases by place and tear.
#[derive(Default)]
struct Table {
    seen: HashSet<u64>,
    counts: BTreeMap<Place, BTreeMap<String, usize>>,
}

impl Table {
    fn add(&mut self, place: Place, tear: String, digests: impl Iterator<Item = u64>) {
        let fresh = digests.filter(|digest| self.seen.insert(*digest)).count();
        *self.counts.entry(place).or_default().entry(tear).or_default() += fresh;
    }

    /// A line for each geometry and phase with the cases by tear.
    fn print(&self, what: &str) {
        let tears: BTreeSet<&String> = self.counts.values().flat_map(BTreeMap::keys).collect();
        print!("{:<10} {:<14}", "geometry", "phase");
        tears.iter().for_each(|tear| print!(" {tear:>10}"));
        println!(" {:>10}", "all");
        for ((geometry, phase), counts) in &self.counts {
            print!("{geometry:<10} {phase:<14}");
            tears.iter().for_each(|tear| print!(" {:>10}", counts.get(*tear).copied().unwrap_or(0)));
            println!(" {:>10}", counts.values().sum::<usize>());
        }
        let geometries: BTreeSet<_> = self.counts.keys().map(|(geometry, _)| geometry).collect();
        println!("{} distinct {what} on {} geometries", self.seen.len(), geometries.len());
    }
}

/// Prints power cuts and other faults, each in a table of its own; returns how many power cuts there were.
fn print_tables(folder: &Path) -> Result<usize> {
    let [cuts, faults] = read_tables(folder)?;
    cuts.print("power cuts");
    println!();
    faults.print("other faults");
    Ok(cuts.seen.len())
}

/// Power cuts, and what is none.
fn read_tables(folder: &Path) -> Result<[Table; 2]> {
    let [mut cuts, mut faults] = [Table::default(), Table::default()];
    let mut names: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.sort();
    for path in names {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            let mut words = line.split(' ').map(str::to_owned);
            let (geometry, phase, tear) =
                (|| Some((words.next()?, words.next()?, words.next()?)))().context("a short line")?;
            let table = if tear == NO_CUT { &mut faults } else { &mut cuts };
            table.add(
                (geometry, phase),
                tear,
                words.map(|digest| u64::from_str_radix(&digest, 16).unwrap_or_default()),
            );
        }
    }
    Ok([cuts, faults])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_power_cut_is_counted_apart() {
        let folder = std::env::temp_dir().join(format!("steadfast-power-cuts-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("life-internal"), "internal trial weak 1 2\ninternal trial spent 3\n").unwrap();
        fs::write(folder.join("other-internal"), "internal trial weak 2\n").unwrap();
        fs::write(folder.join("rot-internal"), "internal trial none 4 5 6 6\n").unwrap();
        let tables = read_tables(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(tables.map(|table| table.seen.len()), [3, 3]);
    }
}
