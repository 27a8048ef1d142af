//! `cargo xtask vectors`: writes docs/spec/vectors anew, after a format has got another version.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;

/// Builds and runs the writer.
///
/// # Errors
/// When it does not build, or the files cannot be written.
pub(crate) fn run() -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--locked", "--quiet", "--package", "steadfast-tests", "--bin", "write_vectors"])
        .current_dir(paths::workspace());
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if status.success() { Ok(()) } else { bail!("the vectors were not written; why stands above") }
}
