//! Which fleet a command reads, and at which commit: arguments that several commands share.

use std::path::PathBuf;

use clap::Args;
use steadfast::diagnostics::Diagnostics;
use steadfast::fleet::{At, Fleet};

/// Which fleet, at which commit.
#[derive(Args, Debug)]
pub(crate) struct Reading {
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub(crate) fleet: PathBuf,
    /// Read the files as they lie in the folder, committed or not. Nothing that comes of it can be published.
    #[arg(long, conflicts_with = "commit")]
    pub(crate) worktree: bool,
    /// Read this commit instead of the checked-out one.
    #[arg(long, value_name = "REVISION")]
    pub(crate) commit: Option<String>,
}

impl Reading {
    /// Reads the fleet.
    ///
    /// # Errors
    /// When nothing can be made of it.
    pub(crate) fn open(&self) -> Result<Fleet, Diagnostics> {
        Fleet::open(&self.fleet, &self.at())
    }

    fn at(&self) -> At {
        match &self.commit {
            Some(revision) => At::Commit(revision.clone()),
            None if self.worktree => At::Worktree,
            None => At::Head,
        }
    }
}
