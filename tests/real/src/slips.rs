//! A thousand slips of the pen in the converted repository: each gives an error, or a line of the plan that names it.

use std::num::NonZero;
use std::path::Path;
use std::thread;

use anyhow::{Result, anyhow, bail};
use steadfast_tests::slips::{Ground, Slip, Tally, slips};

use crate::convert::Fleet;
use crate::repository::Repository;

const SEED: u64 = 7;
const SLIPS: usize = 1_000;

/// Makes them one at a time in copies, one for each processor, and prints what became of each kind.
///
/// # Errors
/// When somebody is not told of one, or the data has no place for so many.
pub(crate) fn run(folder: &Path, fleet: &Fleet) -> Result<()> {
    let slips = slips(&fleet.files, SEED, SLIPS);
    let share = slips.len().div_ceil(thread::available_parallelism().map_or(1, NonZero::get));
    let shares: Vec<Result<Tally>> = thread::scope(|scope| {
        let work = slips.chunks(share).enumerate();
        let threads: Vec<_> = work
            .map(|(index, slips)| {
                let folder = folder.join(index.to_string());
                scope.spawn(move || part(&folder, fleet, slips))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("it panicked"))));
        joined.collect()
    });
    let mut tally = Tally::default();
    for share in shares {
        tally.add(share?);
    }
    println!("# {} slips of the pen, seed {SEED}, one at a time in {}\n\n{tally}", slips.len(), folder.display());
    if !tally.silent().is_empty() {
        bail!("slips that nobody is told of:\n  {}", tally.silent().join("\n  "));
    }
    if slips.len() < SLIPS {
        bail!("only {} of {SLIPS} slips found a place in this data", slips.len());
    }
    Ok(())
}

fn part(folder: &Path, fleet: &Fleet, slips: &[Slip]) -> Result<Tally> {
    Repository::write(folder, &fleet.files)?;
    let ground = Ground::new(folder, &fleet.files).map_err(|faults| anyhow!("{faults}"))?;
    Ok(Tally::of(&ground, slips))
}
