//! `cargo xtask test`: everything that must hold before a change is taken.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{board, paths, programs};

/// Tests that run at once, on whatever machine: the slowest ones wait for deadlines of half a minute and need no processor.
const THREADS: &str = "4";

/// How much to test.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The inner loop: long tests take a sample of their cases, and say so.
    #[arg(long)]
    quick: bool,
}

/// Builds the board's firmware and the programs, and runs the tests of every host crate, the end-to-end ones included.
///
/// # Errors
/// At the first thing that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let elf = board::build(&board::QEMU_RISCV_VIRT)?;
    let programs = programs::build()?;
    let mut command = Command::new(env!("CARGO"));
    // All that builds for this machine; of the device's side, what does not need the device.
    command.args(["test", "--locked", "--workspace", "--exclude", "qemu-riscv-virt"]).current_dir(paths::workspace());
    command.env("STEADFAST_BOARD_ELF", elf).env("RUST_TEST_THREADS", THREADS);
    command.env("STEADFAST_PROGRAM", programs.steadfast).env("STEADFAST_GATEWAY_PROGRAM", programs.gateway);
    if options.quick {
        command.env("STEADFAST_QUICK", "1");
    }
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("tests failed; their messages stand above");
    }
    Ok(())
}
