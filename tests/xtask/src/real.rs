//! `cargo xtask real --data DIR`: a real network's configuration, from its own files to devices.
//!
//! What it does is a program of its own (`tests/real`), so that this one stays quick to compile.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;

/// What it is, and the programs that it runs.
const PACKAGES: [&str; 3] = ["steadfast-real", "steadfast", "steadfast-gateway"];

/// Where the data is.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The network's data: the folder with `locations/` and `group_vars/`, or the one above it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Builds and runs it.
///
/// # Errors
/// When something does not build, or the run finds something wrong, which it has printed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--locked"])
        .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
        .current_dir(paths::workspace());
    let status = build.status().with_context(|| format!("cannot run {build:?}"))?;
    if !status.success() {
        bail!("it does not build; the messages stand above");
    }
    let programs = paths::host_target().join("debug");
    let mut real = Command::new(programs.join("steadfast-real"));
    real.arg("--data").arg(&options.data).arg("--work").arg(paths::host_target().join("real"));
    real.arg("--programs").arg(programs);
    let status = real.status().with_context(|| format!("cannot run {real:?}"))?;
    if !status.success() {
        bail!("the real network did not come through; what went wrong stands above");
    }
    Ok(())
}
