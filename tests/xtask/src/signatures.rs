//! Published test signatures of Ed25519: on this machine, and on each emulated board.
//!
//! The files are named on the command line and nothing of them is kept: a board's program is built with them, in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::board::{self, Board};
use crate::{paths, setup};

/// The program that reads the files, and that of a board.
const HOST_PROGRAM: &str = "ed25519";
const BOARD_PROGRAM: &str = "signatures";

/// The variable that tells a board's program where its signatures are.
const VARIABLE: &str = "STEADFAST_SIGNATURES";

/// What is left out without the files.
pub(crate) const LEFT_OUT: &str = "the published Ed25519 signatures (151 of Wycheproof and 12 edge cases, here and on the boards): name their folder with --data";

/// Where the files are.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder that holds `wycheproof/` and `ed25519-speccheck/`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Judges them here and on every board.
///
/// # Errors
/// When one gets the wrong answer, or a file is missing.
pub(crate) fn run(options: &Options) -> Result<()> {
    everywhere(&options.data)
}

/// As [`run`].
///
/// # Errors
/// As [`run`].
pub(crate) fn everywhere(data: &Path) -> Result<()> {
    here(data)?;
    board::BOARDS.iter().try_for_each(|board| on(board, data))
}

/// Judges them here; writes what boards are built with.
///
/// # Errors
/// As [`run`].
pub(crate) fn here(data: &Path) -> Result<()> {
    let data = data.canonicalize().with_context(|| format!("cannot find {}", data.display()))?;
    demand(Command::new(env!("CARGO")).args([
        "build",
        "--locked",
        "--package",
        "steadfast-tests",
        "--bin",
        HOST_PROGRAM,
    ]))?;
    demand(program().arg("host").arg(data).arg(paths::host_target().join("signatures.bin")))
}

/// Judges them on a board, after [`here`].
fn on(board: &Board, data: &Path) -> Result<()> {
    setup::run()?;
    let data = data.canonicalize().with_context(|| format!("cannot find {}", data.display()))?;
    let mut build = board::cargo_command(board.target)?;
    build.args(["--package", board.package, "--bin", BOARD_PROGRAM, "--features", BOARD_PROGRAM]);
    demand(build.env(VARIABLE, paths::host_target().join("signatures.bin")))?;
    let elf = paths::bare_metal_target().join(board.target).join("firmware").join(BOARD_PROGRAM);
    println!("{}:", board.package);
    demand(program().args(["board", board.package]).arg(data).arg(elf))
}

fn program() -> Command {
    Command::new(paths::host_target().join("debug").join(HOST_PROGRAM))
}

fn demand(command: &mut Command) -> Result<()> {
    let status = command.current_dir(paths::workspace()).status().with_context(|| format!("cannot run {command:?}"))?;
    if status.success() { Ok(()) } else { bail!("{command:?} failed; why stands above") }
}
