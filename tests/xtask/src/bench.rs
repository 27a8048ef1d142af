//! `cargo xtask bench`: figures that anyone can print again.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// From a commit to a signed pack: 1,000 to 1,000,000 generated devices, time and memory.
    Compile,
    /// From two commits to a plan: a line changed in the layer of all devices, and one in that of a site.
    Plan,
}

/// Builds the benchmark optimised, and runs it.
///
/// # Errors
/// When it does not build, or a bound is not kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = match options.what {
        What::Compile => "bench_compile",
        What::Plan => "bench_plan",
    };
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--locked", "--release", "--quiet", "--package", "steadfast-tests", "--bin", program])
        .current_dir(paths::workspace());
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("the benchmark failed; why stands above");
    }
    Ok(())
}
