//! The power cuts in full: every case that there is, counted, with a table of what was tried.
//!
//! Each test leaves a file with a line for each phase and tear, `geometry phase tear digest...`. A case that two tests
//! had is counted once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::paths;

/// The test programs that cut power, or let flash fail otherwise.
pub(crate) const SUITES: [&str; 4] = ["power_cuts", "record_power_cuts", "slot_power_cuts", "flash_faults"];

/// Fewer distinct cases than this are no full run.
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
    let count = print_table(&folder)?;
    ensure!(count >= CASES_MIN, "only {count} distinct cases, where a full run has at least {CASES_MIN}");
    Ok(())
}

/// Prints a line for each geometry and phase with the cases by tear; returns how many there were.
fn print_table(folder: &Path) -> Result<usize> {
    let mut seen = HashSet::new();
    let mut table: BTreeMap<Place, BTreeMap<String, usize>> = BTreeMap::new();
    let mut names: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.sort();
    for path in names {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            let mut words = line.split(' ').map(str::to_owned);
            let (geometry, phase, tear) =
                (|| Some((words.next()?, words.next()?, words.next()?)))().context("a short line")?;
            let fresh = words.filter(|digest| seen.insert(u64::from_str_radix(digest, 16).unwrap_or_default())).count();
            *table.entry((geometry, phase)).or_default().entry(tear).or_default() += fresh;
        }
    }
    let tears: BTreeSet<&String> = table.values().flat_map(BTreeMap::keys).collect();
    print!("{:<10} {:<14}", "geometry", "phase");
    tears.iter().for_each(|tear| print!(" {tear:>10}"));
    println!(" {:>10}", "all");
    for ((geometry, phase), counts) in &table {
        print!("{geometry:<10} {phase:<14}");
        tears.iter().for_each(|tear| print!(" {:>10}", counts.get(*tear).copied().unwrap_or(0)));
        println!(" {:>10}", counts.values().sum::<usize>());
    }
    println!(
        "{} distinct cases on {} geometries",
        seen.len(),
        table.keys().map(|(geometry, _)| geometry).collect::<BTreeSet<_>>().len()
    );
    Ok(seen.len())
}
