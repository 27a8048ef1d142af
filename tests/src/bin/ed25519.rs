//! Published test signatures against core's verification: on this machine, and on emulated boards.
//!
//! ```text
//! ed25519 host DIR FILE        judges those in DIR here, prints the table, and writes FILE for boards
//! ed25519 board NAME DIR ELF   runs a program that was built with FILE, and reads what the board says of each
//! ```
//!
//! `cargo xtask test --data DIR` runs both.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use steadfast::demo::machine::Machine;
use steadfast_tests::qemu::{Board, write_erased_flash};
use steadfast_tests::signatures::edge::{Looked, OWED};
use steadfast_tests::signatures::{Published, baked, edge_cases, wycheproof};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["host", data, baked] => host(Path::new(data), Path::new(baked)),
        ["board", name, data, elf] => board(name, Path::new(data), Path::new(elf)),
        _ => Err("usage: ed25519 host DIR FILE | ed25519 board NAME DIR ELF".into()),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn host(data: &Path, file: &Path) -> Outcome {
    let (ordinary, edge) = (wycheproof(data)?, edge_cases(data)?);
    let right = ordinary.iter().filter(|published| published.case().is_judged_rightly()).count();
    println!("Ed25519 on this machine: Wycheproof {right} of {}", ordinary.len());
    let owed = print_edge_cases(&edge)?;
    fs::write(file, baked(ordinary.iter().chain(&edge)))?;
    if (right, owed) == (ordinary.len(), edge.len()) {
        Ok(())
    } else {
        Err("not every signature got its answer".into())
    }
}

/// Prints the table of the edge cases; returns how many got the answer that is owed, by core and by the curve.
fn print_edge_cases(edge: &[Published]) -> Result<usize, Box<dyn Error>> {
    println!("  edge case | key       | R         | s      | equation      | owed   | core   | because");
    let mut right = 0;
    for (number, (published, owed)) in edge.iter().zip(OWED).enumerate() {
        let looked = Looked::at(published).ok_or("an edge case is no signature at all")?;
        let core = published.case().is_accepted();
        let equation = match (looked.holds, looked.holds_with_cofactor) {
            (true, _) => "holds",
            (false, true) => "with cofactor",
            (false, false) => "does not hold",
        };
        let s = if looked.s_is_canonical { "below" } else { "above" };
        let key = describe(looked.key_is_small, looked.key_is_canonical);
        let r = describe(looked.r_is_small, looked.r_is_canonical);
        let (owes, says) = (word(owed.is_valid), word(core));
        println!("  {number:>9} | {key:<9} | {r:<9} | {s:<6} | {equation:<13} | {owes:<6} | {says:<6} | {}", owed.why);
        right += usize::from(core == owed.is_valid && looked.is_strictly_valid() == owed.is_valid);
    }
    println!("  {right} of {} as owed", edge.len());
    Ok(right)
}

fn describe(is_small: bool, is_canonical: bool) -> &'static str {
    match (is_small, is_canonical) {
        (true, true) => "small",
        (true, false) => "small, nc",
        (false, true) => "large",
        (false, false) => "large, nc",
    }
}

fn word(is_valid: bool) -> &'static str {
    if is_valid { "accept" } else { "refuse" }
}

/// Every signature must be told of, and every one judged rightly.
fn board(name: &str, data: &Path, elf: &Path) -> Outcome {
    let machine: Machine = name.parse()?;
    let (ordinary, edge) = (wycheproof(data)?, edge_cases(data)?);
    let folder = tempfile::tempdir()?;
    let flash = folder.path().join("flash.img");
    write_erased_flash(machine, &flash)?;
    let mut running = Board::with_firmware(machine, elf, &flash)?.start()?;
    let mut told = BTreeMap::new();
    loop {
        let line = running.wait_for("signature ")?;
        let Some((number, right)) = judged(&line.text) else { break };
        told.insert(number, right);
    }
    running.pull_the_plug()?;
    let right = |all: &[Published]| all.iter().filter(|published| told.get(&published.number) == Some(&true)).count();
    let (passed, owed) = (right(&ordinary), right(&edge));
    let (all, edges) = (ordinary.len(), edge.len());
    println!("Ed25519 on the board: Wycheproof {passed} of {all}, edge cases {owed} of {edges} as owed");
    for (number, _) in told.iter().filter(|(_, right)| !**right) {
        println!("  signature {number} was judged wrongly");
    }
    if (passed, owed) == (all, edges) { Ok(()) } else { Err("not every signature got its answer on the board".into()) }
}

fn judged(line: &str) -> Option<(u16, bool)> {
    let (number, right) = line.strip_prefix("signature ")?.split_once(" judged rightly: ")?;
    Some((number.parse().ok()?, right.parse().ok()?))
}
