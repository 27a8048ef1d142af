//! Builds the firmware of a board.
//!
//! Flags are not given here: `.cargo/config.toml` holds those of the compiler, the board's own `build.rs` those of its linker.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::toolchain::Toolchain;
use crate::{paths, setup};

/// A board whose firmware can be built.
pub(crate) struct Board {
    /// Name of the package, and of the program in it.
    pub(crate) package: &'static str,
    /// The compiler's name for the machine.
    pub(crate) target: &'static str,
}

impl Board {
    /// The variable by which tests are told where its firmware is.
    pub(crate) fn variable(&self) -> String {
        format!("STEADFAST_ELF_{}", self.package.replace('-', "_").to_uppercase())
    }

    /// The same for the firmware after the present one.
    pub(crate) fn next_variable(&self) -> String {
        format!("{}_NEXT", self.variable())
    }
}

/// QEMU's `virt` machine with a 32-bit RISC-V processor.
pub(crate) const QEMU_RISCV_VIRT: Board = Board { package: "qemu-riscv-virt", target: setup::RISCV32 };

/// QEMU's `emcraft-sf2` machine with a Cortex-M3.
pub(crate) const QEMU_EMCRAFT_SF2: Board = Board { package: "qemu-emcraft-sf2", target: setup::THUMBV7M };

/// All of them.
pub(crate) const BOARDS: [Board; 2] = [QEMU_RISCV_VIRT, QEMU_EMCRAFT_SF2];

/// Builds the board's firmware, after setting up what that needs; returns the ELF file.
///
/// # Errors
/// When the set-up stops or the compiler fails.
pub(crate) fn build(board: &Board) -> Result<PathBuf> {
    setup::run()?;
    cargo_build(board.target, &["--package", board.package])?;
    Ok(program(board, board.package))
}

/// Builds the firmware after the present one, with which tests replace it; returns the ELF file.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_next(board: &Board) -> Result<PathBuf> {
    setup::run()?;
    cargo_build(board.target, &["--package", board.package, "--bin", "next", "--features", "next"])?;
    Ok(program(board, "next"))
}

fn program(board: &Board, name: &str) -> PathBuf {
    paths::bare_metal_target().join(board.target).join("firmware").join(name)
}

/// Builds the firmwares of all boards, and prints where they lie.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_all() -> Result<()> {
    for board in &BOARDS {
        println!("{}", build(board)?.display());
        println!("{}", build_next(board)?.display());
    }
    Ok(())
}

/// Runs `cargo build` in the profile `firmware` for a bare-metal target.
///
/// # Errors
/// When there is no compiler for the target, or it fails.
pub(crate) fn cargo_build(target: &str, arguments: &[&str]) -> Result<()> {
    let mut command = cargo_command(target)?;
    let status = command.args(arguments).status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("building for {target} failed; its messages stand above");
    }
    Ok(())
}

/// `cargo build` in the profile `firmware` for a bare-metal target, to which the caller adds what to build.
///
/// # Errors
/// When there is no compiler for the target.
pub(crate) fn cargo_command(target: &str) -> Result<Command> {
    let toolchain =
        Toolchain::find(target).with_context(|| format!("no compiler for {target}: run `cargo xtask setup`"))?;
    let mut command = toolchain.cargo("build", target);
    command.args(["--profile", "firmware", "--locked"]);
    command.current_dir(paths::workspace()).env("CARGO_TARGET_DIR", paths::bare_metal_target());
    // In the environment it would replace the flags of .cargo/config.toml.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    Ok(command)
}
