//! Where things lie: the workspace and its target folders.
//!
//! Bare metal has a target folder of its own, because another compiler may fill it, and two compilers that share a folder
//! rebuild each other's work.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The target folder of everything that runs on this machine.
pub(crate) fn host_target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}

/// The target folder of everything that runs on bare metal.
pub(crate) fn bare_metal_target() -> PathBuf {
    host_target().join("bare-metal")
}
