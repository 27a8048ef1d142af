//! Where a commit stands to what is published last: asked before anything is compiled, by whoever signs or publishes.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use steadfast::fleet::Fleet;
use steadfast::git::{GitError, Repository};
use steadfast::lineage::{self, Lineage, LineageError};
use steadfast::serve::api::ReleaseInfo;

use super::Exit;

/// How a commit must follow what is published.
#[derive(Args, Debug)]
pub(crate) struct Descent {
    /// The history was rewritten, and the last published commit is not part of it any more: do not ask for descent from it. The release's
    /// number must be larger all the same; `sequence_offset` in steadfast.toml raises it.
    #[arg(long)]
    new_history: bool,
}

/// What is published last, as far as followers are concerned.
#[derive(Clone, Debug)]
pub(crate) struct Last {
    /// What people call it.
    pub(crate) label: String,
    /// Publisher epoch and sequence, where they are known.
    pub(crate) number: Option<(u32, u32)>,
    /// The full id of its commit.
    pub(crate) commit: String,
}

/// What is to follow it.
pub(crate) struct Candidate<'c> {
    /// A folder of its repository.
    pub(crate) folder: &'c Path,
    /// The full id of its commit.
    pub(crate) commit: String,
    /// Publisher epoch and sequence: what devices compare. None where faults, which compiling tells, keep it from being known.
    pub(crate) number: Option<(u32, u32)>,
    pub(crate) origin: Origin,
}

/// Where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The repository in which it was compiled.
    Commit,
    /// A pack, which may be far from its repository.
    Pack,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be published, as far as can be seen here.
    Follows,
    /// It is what is published.
    Same,
    /// A newer one is published.
    Superseded,
}

/// Publisher epoch and sequence of a fleet's commit. No commit has the sequence 0: it stands for one that could not be counted.
pub(crate) fn number((epoch, fleet): (u32, &Fleet)) -> Option<(u32, u32)> {
    (fleet.source.sequence > 0).then_some((epoch, fleet.source.sequence))
}

impl From<&ReleaseInfo> for Last {
    fn from(release: &ReleaseInfo) -> Self {
        let label = format!("release {}", release.sequence);
        Self { label, number: Some((release.epoch, release.sequence)), commit: release.commit.clone() }
    }
}

impl Last {
    /// The commit as a plan names its base.
    pub(crate) fn point(&self) -> (String, String) {
        (self.label.clone(), self.commit.clone())
    }

    /// Says in one line that a newer commit is published.
    pub(crate) fn superseded(&self) -> Exit {
        println!("superseded: {} ({}) is newer; nothing was published", self.label, self.short_commit());
        eprintln!("to go back: `git revert` what should go, then publish");
        Exit::Superseded
    }

    /// As much of the commit's id as git shows.
    pub(crate) fn short_commit(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }
}

impl Descent {
    /// The commit whose word on signed commits counts: the last published one, unless it was lost with a rewritten history.
    pub(crate) fn before<'l>(&self, folder: &Path, last: Option<&'l Last>) -> Option<&'l str> {
        let last = last?;
        let there = || Repository::discover(folder).is_ok_and(|repository| repository.commit(&last.commit).is_ok());
        (!self.new_history || there()).then_some(last.commit.as_str())
    }
}

impl Candidate<'_> {
    /// Compares it with what is published last. A pack whose commit is not here follows, until the server says otherwise.
    ///
    /// # Errors
    /// When it comes from another line of history, or its number would be no larger.
    pub(crate) fn stand(&self, last: &Last, descent: &Descent) -> anyhow::Result<Standing> {
        if descent.new_history {
            self.require_larger(last)?;
            return Ok(Standing::Follows);
        }
        let Some((repository, commit)) = self.found()? else { return Ok(Standing::Follows) };
        Ok(match lineage::compare(&repository, commit, &last.commit)? {
            Lineage::Superseded => Standing::Superseded,
            Lineage::Same => Standing::Same,
            Lineage::Follows => {
                self.require_larger(last)?;
                Standing::Follows
            }
        })
    }

    /// Its commit in its repository; none for a pack that is far from it.
    fn found(&self) -> anyhow::Result<Option<(Repository, gix::ObjectId)>> {
        let repository = match Repository::discover(self.folder) {
            Err(GitError::NotARepository(_)) if self.origin == Origin::Pack => return Ok(None),
            repository => repository.map_err(LineageError::from)?,
        };
        repository.require_whole_history().map_err(LineageError::from)?;
        match repository.commit(&self.commit) {
            Err(GitError::UnknownCommit(_)) if self.origin == Origin::Pack => Ok(None),
            commit => {
                let commit = commit.map_err(LineageError::from)?;
                Ok(Some((repository, commit)))
            }
        }
    }

    /// A new publisher epoch starts numbers anew; within one, devices take a number that does not grow for something older.
    fn require_larger(&self, last: &Last) -> anyhow::Result<()> {
        let (Some(own), Some(published)) = (self.number, last.number) else { return Ok(()) };
        if own > published {
            return Ok(());
        }
        let (number, newest) = (own.1, published.1);
        let missing = u64::from(newest) + 1 - u64::from(number.min(newest));
        Err(anyhow!(
            "this commit's number is {number}, and {} is published: devices would take this one for older; raise \
             `sequence_offset` in steadfast.toml by at least {missing} in a commit, and publish that",
            last.label
        ))
    }
}
