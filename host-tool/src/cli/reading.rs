//! What several commands read: a fleet at a commit, a pack, the signatures beside it.

use std::path::{Path, PathBuf};

use clap::Args;
use steadfast::diagnostics::Diagnostics;
use steadfast::fleet::{At, Fleet};
use steadfast::pack::{Pack, PackError};
use steadfast::sign::{self, SignatureError};

use super::Exit;

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

/// The pack in a file. One that is not there is an error; one that is not what it claims to be ends with 7.
pub(crate) fn pack(path: &Path) -> anyhow::Result<Pack> {
    Pack::open(path).map_err(|error| match error {
        PackError::Unreadable(..) => error.into(),
        error => Exit::Unverified.with(error),
    })
}

/// The signature entries beside a pack.
pub(crate) fn signatures(path: &Path) -> anyhow::Result<Vec<u8>> {
    sign::load(path).map_err(|error| match error {
        SignatureError::File(..) => error.into(),
        error => Exit::Unverified.with(error),
    })
}
