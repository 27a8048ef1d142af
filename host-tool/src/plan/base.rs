//! The commit that a plan compares with, read by way of the one that was read before: most changes leave most of a fleet as it is.

use std::path::Path;
use std::thread;

use crate::compile::{Compiled, compile};
use crate::diagnostics::Diagnostics;
use crate::fleet::{At, Fleet};

/// A fleet, read and compiled, or what is wrong with it.
pub type Whole = Result<(Fleet, Compiled), Diagnostics>;

/// Compiles `head`, and beside it reads and compiles the commit to compare with: the steps of one that no two threads can share are
/// time for the other.
pub fn compile_both(head: &Fleet, folder: &Path, commit: &str) -> (Result<Compiled, Diagnostics>, Whole) {
    thread::scope(|scope| {
        let base = scope.spawn(|| read_base(head, folder, commit));
        let compiled = compile(head);
        (compiled, base.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The fleet in `folder` at another commit than that of `head`, read and compiled. What both have in common is not read again.
///
/// # Errors
/// What is wrong with it.
pub fn read_base(head: &Fleet, folder: &Path, commit: &str) -> Whole {
    // One that does not compile is read as a whole, so that all of its faults are told together.
    if let Some(fleet) = head.sibling(folder, commit)
        && let Ok(compiled) = compile(&fleet)
    {
        return Ok((fleet, compiled));
    }
    let fleet = Fleet::open(folder, &At::Commit(commit.to_owned()))?;
    let compiled = compile(&fleet)?;
    Ok((fleet, compiled))
}
