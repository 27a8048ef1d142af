//! Where a commit stands to the one that was published last: only what descends from it by first parents may follow.

use gix::ObjectId;
use thiserror::Error;

use crate::git::{GitError, Repository};

/// A commit compared with the last published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// It is the last published one.
    Same,
    /// It descends from it.
    Follows,
    /// It was overtaken: the last published one descends from it.
    Superseded,
}

/// Why two commits cannot follow each other.
#[derive(Debug, Error)]
pub enum LineageError {
    /// The published commit is not here.
    #[error(
        "the last published commit {0} is not in this clone; run `git fetch`, then try again; should it not be there then, another repository was published to this \
         server, or history was rewritten, for which there is --new-history"
    )]
    Unknown(String),
    /// Two branches.
    #[error(
        "commit {commit} does not descend from {published}, the last published one, by first parents; merge that one's branch, \
         and publish from there; --new-history is for a history that was rewritten"
    )]
    Diverged {
        /// What was to be published.
        commit: ObjectId,
        /// What is.
        published: ObjectId,
    },
    /// The repository. No `source`: the message has all of it.
    #[error("{error}; {help}", help = error.help())]
    Git {
        /// What git says.
        error: GitError,
    },
}

impl From<GitError> for LineageError {
    fn from(error: GitError) -> Self {
        Self::Git { error }
    }
}

/// Compares `commit` with the last published one, given by its full id.
///
/// # Errors
/// [`LineageError`].
pub fn compare(repository: &Repository, commit: ObjectId, published: &str) -> Result<Lineage, LineageError> {
    let published = match repository.commit(published) {
        Err(GitError::UnknownCommit(id)) => return Err(LineageError::Unknown(id)),
        found => found?,
    };
    if commit == published {
        return Ok(Lineage::Same);
    }
    if repository.first_parents(commit)?.contains(&published) {
        return Ok(Lineage::Follows);
    }
    if repository.first_parents(published)?.contains(&commit) {
        return Ok(Lineage::Superseded);
    }
    Err(LineageError::Diverged { commit, published })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(folder).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.com");
        }
        assert!(git.status().unwrap().success(), "git {args:?}");
    }

    fn commit(folder: &Path, message: &str) {
        git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
    }

    #[test]
    fn only_first_parent_descendants_follow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "-q", "-b", "main"]);
        commit(path, "one");
        commit(path, "two");
        git(path, &["checkout", "-q", "-b", "side", "HEAD~1"]);
        commit(path, "side");
        git(path, &["checkout", "-q", "main"]);
        git(path, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        let repository = Repository::discover(path).unwrap();
        let id = |revision: &str| repository.commit(revision).unwrap();
        let compare = |commit: &str, published: &str| compare(&repository, id(commit), &id(published).to_string());
        assert_eq!(compare("main", "main").unwrap(), Lineage::Same);
        assert_eq!(compare("main", "main~1").unwrap(), Lineage::Follows);
        assert_eq!(compare("main~1", "main").unwrap(), Lineage::Superseded);
        assert!(matches!(compare("main", "side"), Err(LineageError::Diverged { .. })), "only by a second parent");
        let unknown = super::compare(&repository, id("main"), &"ab".repeat(20));
        assert!(unknown.unwrap_err().to_string().contains("git fetch"));
    }
}
