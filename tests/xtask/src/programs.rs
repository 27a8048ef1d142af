//! Builds the programs that users run, for those who run them as processes of their own: the demonstration and the end-to-end tests.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;

/// Where they lie.
pub(crate) struct Programs {
    /// `steadfast`
    pub(crate) steadfast: PathBuf,
    /// `steadfast-gateway`
    pub(crate) gateway: PathBuf,
}

/// Builds them in the profile that tests use, too.
///
/// # Errors
/// When the compiler fails.
pub(crate) fn build() -> Result<Programs> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--locked", "--package", "steadfast", "--package", "steadfast-gateway", "--bins"]);
    let status = command.current_dir(paths::workspace()).status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("building the programs failed; the compiler's messages stand above");
    }
    let folder = paths::host_target().join("debug");
    Ok(Programs { steadfast: folder.join("steadfast"), gateway: folder.join("steadfast-gateway") })
}
