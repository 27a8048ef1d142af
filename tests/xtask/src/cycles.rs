//! `cargo xtask cycles`: what verifying, staging and booting cost, in instructions, counted in QEMU on two processors.
//!
//! Instructions are no cycles, but they do not depend on this machine, its load or its speed, and the same program always takes as many.

use std::collections::HashMap;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{board, paths, setup};

/// The program that does the work and counts.
const PACKAGE: &str = "steadfast-cycles";

/// Verifying an envelope may cost so many percent of one Ed25519 verification and the SHA-256 blocks in it.
const VERIFY_PERCENT_MAX: u64 = 110;

/// A processor, and the machine that has it.
struct Machine {
    target: &'static str,
    qemu: &'static str,
    arguments: &'static [&'static str],
}

const MACHINES: [Machine; 2] = [
    Machine { target: "thumbv7em-none-eabi", qemu: "qemu-system-arm", arguments: &["-M", "mps2-an386", "-kernel"] },
    Machine { target: setup::RISCV32, qemu: "qemu-system-riscv32", arguments: &["-M", "virt", "-bios"] },
];

/// Builds, runs and prints; fails when verifying costs more than it may.
///
/// # Errors
/// When something does not build or run, or the target is missed.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    let counted = MACHINES.iter().map(count).collect::<Result<Vec<_>>>()?;
    println!("{:40} {:>12} {:>12}", "instructions", "thumbv7em", "riscv32imac");
    for (what, meaning) in [
        ("verify", "verify an envelope at a million leaves"),
        ("primitives", "... its Ed25519 and SHA-256 alone"),
        ("stage", "stage 4 KiB into a slot"),
        ("boot", "load the record, read the slot back"),
    ] {
        let columns = counted.iter().map(|counts| counts.get(what).copied().unwrap_or_default());
        let columns = columns.map(|count| format!(" {count:>12}")).collect::<String>();
        println!("{meaning:40}{columns}");
    }
    let mut missed = false;
    for (machine, counts) in MACHINES.iter().zip(&counted) {
        let (Some(verify), Some(primitives)) = (counts.get("verify"), counts.get("primitives")) else {
            bail!("{} printed no figure for verifying", machine.target)
        };
        let hundredths = verify * 100 / primitives;
        let verdict = if verify * 100 <= primitives * VERIFY_PERCENT_MAX { "reached" } else { "missed" };
        missed |= verdict == "missed";
        println!(
            "{}: verifying costs {}.{:02} of its primitives, target 1.10: {verdict}",
            machine.target,
            hundredths / 100,
            hundredths % 100
        );
    }
    if missed {
        bail!("verifying an envelope costs more than its target");
    }
    Ok(())
}

/// Instructions by the name of the work.
fn count(machine: &Machine) -> Result<HashMap<String, u64>> {
    board::cargo_build(machine.target, &["--package", PACKAGE])?;
    let program = paths::bare_metal_target().join(machine.target).join("firmware").join(PACKAGE);
    let mut command = Command::new(machine.qemu);
    command.args(["-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=0"]);
    command.args(["-semihosting-config", "enable=on,target=native"]).args(machine.arguments).arg(program);
    let output = command.output().with_context(|| format!("cannot run {}", machine.qemu))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{} failed on {}: {text}{}", PACKAGE, machine.target, String::from_utf8_lossy(&output.stderr));
    }
    let counts = text.lines().filter_map(|line| line.split_once(' '));
    Ok(counts.filter_map(|(what, count)| Some((what.to_owned(), count.parse().ok()?))).collect())
}
