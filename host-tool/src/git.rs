//! Git, read in process: a fleet's files at a commit, and what a commit's place in history says.
//!
//! Only whole, true histories count: a shallow clone, grafts and replacement refs would give one commit different
//! sequences on different machines. Nothing here writes to a repository.

mod history;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use steadfast_core::release::CommitId;
use thiserror::Error;

pub use history::{Beside, History, Node};

/// What can go wrong with a repository as such.
#[derive(Debug, Error)]
pub enum GitError {
    /// No repository here or above.
    #[error("{} is in no git repository", .0.display())]
    NotARepository(PathBuf),
    /// The revision names nothing, or no commit.
    #[error("no commit is called `{0}`")]
    UnknownCommit(String),
    /// A repository in which nothing was committed.
    #[error("this repository has no commit yet")]
    NoCommit,
    /// History was cut off when cloning.
    #[error("this clone is shallow: the first commits are missing, so the release's sequence cannot be counted")]
    Shallow,
    /// `.git/info/grafts` or `refs/replace/` show a history that others do not see.
    #[error("this clone rewrites its history by {0}")]
    Rewritten(&'static str),
    /// An object is missing or damaged.
    #[error("the repository cannot be read: {0}")]
    Broken(String),
}

impl GitError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NotARepository(_) => "run `git init`, or name a folder inside a clone with --fleet",
            Self::UnknownCommit(_) => "`git log` lists commits; a commit of elsewhere has to be fetched first",
            Self::NoCommit => "commit, or read the files as they lie with --worktree",
            Self::Shallow => "run `git fetch --unshallow`; in CI, set the checkout's depth to 0",
            Self::Rewritten("grafts") => "remove `.git/info/grafts`, or build from a fresh clone",
            Self::Rewritten(_) => "delete them (`git replace -l`, `git replace -d`), or build from a fresh clone",
            Self::Broken(_) => "run `git fsck`, or build from a fresh clone",
        }
        .to_owned()
    }
}

/// A git repository, opened for reading.
pub struct Repository {
    inner: gix::Repository,
}

/// A file that a commit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The id of its content.
    pub id: ObjectId,
    /// Whether it is a plain file; not so for symbolic links and submodules.
    pub plain: bool,
}

/// Who made a commit, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authored {
    /// Name and address of its author.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// What rules see of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its author's name.
    pub author: String,
    /// Its author's address.
    pub email: String,
    /// When it was made (the committer's time), in seconds since 1970 in UTC.
    pub seconds: i64,
    /// All of its message.
    pub message: String,
}

/// Turns any of gix's errors into ours, with its whole chain of causes.
fn broken(error: impl std::fmt::Display) -> GitError {
    GitError::Broken(error.to_string())
}

impl Repository {
    /// Opens the repository that `folder` lies in, without looking at anybody's global settings.
    ///
    /// # Errors
    /// [`GitError::NotARepository`].
    pub fn discover(folder: &Path) -> Result<Self, GitError> {
        let inner = gix::discover(folder).map_err(|_| GitError::NotARepository(folder.to_owned()))?;
        Ok(Self { inner })
    }

    /// The top folder of the worktree; `None` for a bare repository.
    #[must_use]
    pub fn worktree(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Whether any commit has been made.
    #[must_use]
    pub fn has_commits(&self) -> bool {
        self.inner.head_id().is_ok()
    }

    /// The commit that a revision (`HEAD`, a branch, a tag, a prefix of an id) names.
    ///
    /// # Errors
    /// [`GitError::UnknownCommit`], [`GitError::NoCommit`].
    pub fn commit(&self, revision: &str) -> Result<ObjectId, GitError> {
        if revision == "HEAD" && !self.has_commits() {
            return Err(GitError::NoCommit);
        }
        let unknown = || GitError::UnknownCommit(revision.to_owned());
        let id = self.inner.rev_parse_single(revision).map_err(|_| unknown())?;
        let object = id.object().map_err(|_| unknown())?;
        Ok(object.peel_to_commit().map_err(|_| unknown())?.id)
    }

    /// Refuses a clone that does not hold its true and whole history.
    ///
    /// # Errors
    /// [`GitError::Shallow`], [`GitError::Rewritten`], [`GitError::Broken`].
    pub fn require_whole_history(&self) -> Result<(), GitError> {
        if self.inner.is_shallow().map_err(broken)? {
            return Err(GitError::Shallow);
        }
        let grafts = std::fs::read_to_string(self.inner.common_dir().join("info/grafts")).unwrap_or_default();
        if grafts.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            return Err(GitError::Rewritten("grafts"));
        }
        let references = self.inner.references().map_err(broken)?;
        if references.prefixed("refs/replace/").map_err(broken)?.next().is_some() {
            return Err(GitError::Rewritten("replacement refs"));
        }
        Ok(())
    }

    /// The commit and its first parents, newest first, back to the very first commit.
    ///
    /// # Errors
    /// [`GitError::Broken`] when one of them is missing.
    pub fn first_parents(&self, commit: ObjectId) -> Result<Vec<ObjectId>, GitError> {
        let mut line = Vec::new();
        let mut next = Some(commit);
        while let Some(id) = next {
            line.push(id);
            let commit = self.inner.find_commit(id).map_err(broken)?;
            next = commit.parent_ids().next().map(gix::Id::detach);
        }
        Ok(line)
    }

    /// Whether `old` is `new` or a commit that led to it, by any parent.
    ///
    /// # Errors
    /// [`GitError::Broken`] when a commit on the way is missing.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<bool, GitError> {
        for commit in self.inner.rev_walk([new]).all().map_err(broken)? {
            if commit.map_err(broken)?.id == old {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The commit from which two branches parted; none when they have nothing in common.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn merge_base(&self, one: ObjectId, other: ObjectId) -> Result<Option<ObjectId>, GitError> {
        Ok(self.inner.merge_base(one, other).map_err(broken)?.map(gix::Id::detach))
    }

    /// What a commit was made on top of; none for the very first one.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn first_parent(&self, commit: ObjectId) -> Result<Option<ObjectId>, GitError> {
        let commit = self.inner.find_commit(commit).map_err(broken)?;
        Ok(commit.parent_ids().next().map(gix::Id::detach))
    }

    /// A commit's author and subject.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn authored(&self, commit: ObjectId) -> Result<Authored, GitError> {
        let commit = self.inner.find_commit(commit).map_err(broken)?;
        let author = commit.author().map_err(broken)?;
        let subject = commit.message().map_err(broken)?.summary().to_string();
        Ok(Authored { author: format!("{} <{}>", author.name, author.email), subject })
    }

    /// Author, time and message of a commit.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn commit_info(&self, commit: ObjectId) -> Result<CommitInfo, GitError> {
        let commit = self.inner.find_commit(commit).map_err(broken)?;
        let author = commit.author().map_err(broken)?;
        Ok(CommitInfo {
            author: author.name.to_string(),
            email: author.email.to_string(),
            seconds: commit.time().map_err(broken)?.seconds,
            message: commit.message_raw().map_err(broken)?.to_string(),
        })
    }

    /// A commit's own bytes.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn raw_commit(&self, commit: ObjectId) -> Result<Vec<u8>, GitError> {
        Ok(self.inner.find_commit(commit).map_err(broken)?.data.clone())
    }

    /// The content of the plain file of this path (relative to the repository's top) at a commit; none where there is no such file.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn file_at(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let root = self.inner.find_commit(commit).map_err(broken)?.tree().map_err(broken)?;
        let entry = root.lookup_entry_by_path(path).map_err(broken)?;
        let entry = entry.filter(|entry| entry.mode().is_blob());
        entry.map(|entry| self.read(entry.object_id())).transpose()
    }

    /// Every file under `folder` (relative to the repository's top, `/` between parts, empty for the top itself) at a
    /// commit, by its path relative to that folder.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn files(&self, commit: ObjectId, folder: &str) -> Result<BTreeMap<String, Blob>, GitError> {
        let root = self.inner.find_commit(commit).map_err(broken)?.tree().map_err(broken)?;
        let tree = if folder.is_empty() {
            root
        } else {
            match root.lookup_entry_by_path(folder).map_err(broken)? {
                Some(entry) if entry.mode().is_tree() => entry.object().map_err(broken)?.into_tree(),
                _ => return Ok(BTreeMap::new()),
            }
        };
        let entries = tree.traverse().breadthfirst.files().map_err(broken)?;
        let files = entries.into_iter().filter(|entry| !entry.mode.is_tree());
        Ok(files
            .map(|entry| (entry.filepath.to_string(), Blob { id: entry.oid, plain: entry.mode.is_blob() }))
            .collect())
    }

    /// A file's content.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn read(&self, id: ObjectId) -> Result<Vec<u8>, GitError> {
        Ok(self.inner.find_blob(id).map_err(broken)?.take_data())
    }

    /// The hash by which this repository names objects.
    #[must_use]
    pub fn hash(&self) -> gix::hash::Kind {
        self.inner.object_hash()
    }
}

/// The id that `content` has as a file.
///
/// # Errors
/// [`GitError::Broken`] when git's hash refuses it.
pub fn id_of(hash: gix::hash::Kind, content: &[u8]) -> Result<ObjectId, GitError> {
    gix::objs::compute_hash(hash, gix::objs::Kind::Blob, content).map_err(broken)
}

/// The commit's id as a release carries it.
#[must_use]
pub fn commit_id(id: ObjectId) -> CommitId {
    let mut sha256 = [0; 32];
    let mut sha1 = [0; 20];
    if id.as_slice().len() == sha1.len() {
        sha1.copy_from_slice(id.as_slice());
        return CommitId::Sha1(sha1);
    }
    sha256.copy_from_slice(id.as_slice());
    CommitId::Sha256(sha256)
}
