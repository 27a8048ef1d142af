//! `cargo xtask demo`: builds what the demonstration needs and hands over to `steadfast demo`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{board, paths, programs};

/// Builds firmware and programs, then tells the story.
///
/// # Errors
/// When something does not build, or does not come as told.
pub(crate) fn run() -> Result<()> {
    let elf = board::build(&board::QEMU_RISCV_VIRT)?;
    let programs = programs::build()?;
    let mut demo = Command::new(&programs.steadfast);
    demo.arg("demo").arg("--board-elf").arg(elf).arg("--gateway").arg(&programs.gateway);
    demo.arg("--project").arg(paths::workspace());
    let status = demo.status().with_context(|| format!("cannot run {demo:?}"))?;
    if !status.success() {
        bail!("the demonstration did not come to its end; the reason stands above");
    }
    Ok(())
}
