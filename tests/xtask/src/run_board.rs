//! `cargo xtask run-board IMAGE`: an emulated board with the flash image that `steadfast flash` wrote, its log in words.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::board::{self, BOARDS};
use crate::paths;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The flash image.
    image: PathBuf,
    /// The board that it was made for.
    #[arg(long, value_name = "NAME", default_value = board::QEMU_RISCV_VIRT.package)]
    board: String,
}

/// Builds the board's firmware and runs it until it is ended.
///
/// # Errors
/// When there is no such board or image, or something does not build or start.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(board) = BOARDS.iter().find(|board| board.package == options.board) else {
        let names: Vec<&str> = BOARDS.iter().map(|board| board.package).collect();
        bail!("there is no board `{}`; there are {}", options.board, names.join(", "));
    };
    let image = fs::canonicalize(&options.image);
    let image = image.with_context(|| format!("no image {}: `steadfast flash` makes one", options.image.display()))?;
    let elf = board::build(board)?;
    let mut program = Command::new(env!("CARGO"));
    program
        .args(["run", "--quiet", "--locked", "--package", "steadfast-tests", "--bin", "run_board", "--"])
        .arg(board.package)
        .arg(image)
        .env(board.variable(), elf)
        .current_dir(paths::workspace());
    let status = program.status().with_context(|| format!("cannot run {program:?}"))?;
    if !status.success() {
        bail!("the board did not run; the reason stands above");
    }
    Ok(())
}
