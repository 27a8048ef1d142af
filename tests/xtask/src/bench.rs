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
    /// The same 10,000 devices by this and by the tools that people use instead: docs/benchmarks.md.
    Peers {
        /// The Python that has their packages.
        #[arg(long, default_value = "python3")]
        python: String,
    },
}

/// Builds the benchmark optimised, and runs it.
///
/// # Errors
/// When it does not build, or a bound is not kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (program, arguments) = match &options.what {
        What::Compile => ("bench_compile", Vec::new()),
        What::Plan => ("bench_plan", Vec::new()),
        What::Peers { python } => ("bench_peers", vec!["--", "--python", python]),
    };
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--locked", "--release", "--quiet", "--package", "steadfast-tests", "--bin", program])
        .args(arguments)
        .current_dir(paths::workspace());
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("the benchmark failed; why stands above");
    }
    Ok(())
}
