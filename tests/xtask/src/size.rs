//! `cargo xtask size`: where the bytes are. The whole firmware of the board, and the core alone on three processors; then the stack, which only
//! running the board tells.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{board, paths, setup};

/// The package that is the core alone.
const PROBE: &str = "steadfast-size-probe";

/// The committed figures, which a core that misses a target may not exceed.
const FIGURES: &str = "tests/size/figures.tsv";

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Commit the figures as they are now.
    #[arg(long)]
    write: bool,
}

/// The processors for which the core alone is measured.
const TARGETS: [&str; 3] = [setup::RISCV32, "thumbv7em-none-eabi", "thumbv6m-none-eabi"];

/// Builds the board's firmware and the core alone for each target, prints flash and RAM by component, and how deep the stack gets.
///
/// # Errors
/// When something does not build or cannot be measured, or has grown past a target and its committed figure.
pub(crate) fn run(options: &Options) -> Result<()> {
    let elf = board::build(&board::QEMU_RISCV_VIRT)?;
    let mut images = vec![elf.clone()];
    for target in TARGETS {
        board::cargo_build(target, &["--package", PROBE])?;
        images.push(paths::bare_metal_target().join(target).join("firmware").join(PROBE));
    }
    let mut measure = cargo_run("steadfast-size", "steadfast-size");
    measure.args(["--", if options.write { "write" } else { "check" }]);
    measure.arg(paths::workspace().join(FIGURES)).args(images);
    succeed(&mut measure)?;
    succeed(cargo_run("steadfast-tests", "board_stack").env(board::QEMU_RISCV_VIRT.variable(), elf))
}

fn cargo_run(package: &str, program: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--locked", "--package", package, "--bin", program]);
    command.current_dir(paths::workspace());
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("measuring failed; its messages stand above");
    }
    Ok(())
}
