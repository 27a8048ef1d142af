//! `cargo xtask size`: where the bytes are. The whole firmware of the board, and the core alone on three processors.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{board, paths, setup};

/// The package that is the core alone.
const PROBE: &str = "steadfast-size-probe";

/// Builds the board's firmware and the core alone for each target, and prints flash and RAM by component.
///
/// # Errors
/// When something does not build or cannot be measured.
pub(crate) fn run() -> Result<()> {
    let mut images = vec![board::build(&board::QEMU_RISCV_VIRT)?];
    for target in setup::TARGETS {
        board::cargo_build(target, &["--package", PROBE])?;
        images.push(paths::bare_metal_target().join(target).join("firmware").join(PROBE));
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--locked", "--package", "steadfast-size", "--"]).args(images);
    let status = command.current_dir(paths::workspace()).status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("measuring failed; its messages stand above");
    }
    Ok(())
}
