//! Where a fleet is read: a commit, or the folder as it lies; and the commit's place in history.

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use gix::ObjectId;

use super::files::{Files, Listed};
use super::settings::Settings;
use crate::compile::Source;
use crate::diagnostics::{Code, Finding};
use crate::git::{GitError, Repository, commit_id};
use crate::signed_commit;
use crate::words::counted;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The checked-out commit. Files in the folder that differ from it are refused.
    Head,
    /// This commit, whatever lies in the folder.
    Commit(String),
    /// The folder as it lies, for trying things. Never publishable.
    Worktree,
}

/// Most paths that a message about a dirty tree names.
const NAMED_PATHS: usize = 5;

/// An opened fleet folder.
pub(super) struct Origin {
    pub(super) files: Files,
    pub(super) source: Source,
    /// The commit and its first parents, newest first; empty where there is no commit.
    pub(super) history: Vec<ObjectId>,
    /// The fleet's folder relative to the repository's top.
    pub(super) below: String,
    /// Whether the folder holds what the commit does, where that has to be.
    pub(super) clean: Option<Clean>,
}

/// A comparison of a folder with its commit, under way beside the reading.
pub(super) struct Clean(JoinHandle<Result<(), Finding>>);

impl Clean {
    fn start(files: &Files, folder: &Path) -> Self {
        let (listed, folder) = (files.listed(), folder.to_owned());
        Self(thread::spawn(move || require_clean(&listed, &folder)))
    }

    /// Waits for the outcome.
    ///
    /// # Errors
    /// The files that differ.
    pub(super) fn wait(self) -> Result<(), Finding> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl From<GitError> for Finding {
    fn from(error: GitError) -> Self {
        let code = match &error {
            GitError::NotARepository(_) => Code::NotARepository,
            GitError::UnknownCommit(_) | GitError::NoCommit => Code::UnknownCommit,
            GitError::Shallow => Code::ShallowClone,
            GitError::Rewritten(_) => Code::RewrittenHistory,
            GitError::Broken(_) => Code::BrokenRepository,
        };
        Self::new(code, error.to_string()).help(error.help())
    }
}

/// Opens `folder` at a commit or as it lies.
pub(super) fn open(folder: &Path, at: &At) -> Result<Origin, Finding> {
    let folder = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
    if *at == At::Worktree {
        return worktree(&folder);
    }
    let repository = Repository::discover(&folder)?;
    repository.require_whole_history()?;
    let revision = match at {
        At::Commit(revision) => revision.as_str(),
        At::Head | At::Worktree => "HEAD",
    };
    let commit = repository.commit(revision)?;
    let history = repository.first_parents(commit)?;
    let below = below_top(&repository, &folder)?;
    let files = Files::committed(repository, commit, &below)?;
    let clean = (*at == At::Head).then(|| Clean::start(&files, &folder));
    Ok(Origin { files, source: source(commit, false), history, below, clean })
}

/// Reads the folder itself. Git is asked only what the commit below the changes is, and may know nothing.
fn worktree(folder: &Path) -> Result<Origin, Finding> {
    let repository = Repository::discover(folder).ok();
    let line = |git: &Repository| git.first_parents(git.commit("HEAD")?);
    let history = repository.as_ref().and_then(|git| line(git).ok()).unwrap_or_default();
    let below = repository.as_ref().map_or(Ok(String::new()), |git| below_top(git, folder))?;
    let commit = history.first().copied().unwrap_or_else(|| ObjectId::null(gix::hash::Kind::Sha1));
    let mut files = Files::on_disk(folder).map_err(|error| unreadable(folder, &error))?;
    files.repository = repository;
    Ok(Origin { files, source: source(commit, true), history, below, clean: None })
}

fn source(commit: ObjectId, worktree: bool) -> Source {
    Source { commit: commit_id(commit), sequence: 0, floor: 0, worktree }
}

/// The fleet's folder relative to the repository's top, with `/` between its parts.
pub(crate) fn below_top(repository: &Repository, folder: &Path) -> Result<String, Finding> {
    let Some(top) = repository.worktree() else { return Ok(String::new()) };
    let top: PathBuf = top.canonicalize().map_err(|error| unreadable(top, &error))?;
    let below = folder.strip_prefix(&top).unwrap_or(Path::new(""));
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    Ok(parts.join("/"))
}

fn require_clean(files: &Listed, folder: &Path) -> Result<(), Finding> {
    let differing = files.differences(folder).map_err(|error| unreadable(folder, &error))?;
    if differing.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = differing.iter().take(NAMED_PATHS).map(String::as_str).collect();
    let more = if differing.len() > NAMED_PATHS { ", …" } else { "" };
    let verb = if differing.len() == 1 { "differs" } else { "differ" };
    let count = counted(differing.len(), "file");
    let message = format!("{count} {verb} from the commit: {}{more}", named.join(", "));
    let help = "commit or stash them; `--worktree` tries them as they are, without a release";
    Err(Finding::new(Code::DirtyTree, message).help(help))
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Finding {
    let message = format!("{} cannot be read: {error}", folder.display());
    Finding::new(Code::UnreadableFile, message).help("check the path and its permissions")
}

/// Refuses settings whose list of allowed signers cannot be read: whoever publishes it lets nobody publish after him.
pub(super) fn readable_signers(
    (folder, source): (&Path, &Source),
    (files, history, below): (&Files, &[ObjectId], &str),
    settings: &Settings,
) -> Result<(), Finding> {
    let Some((path, place)) = &settings.allowed_signers else { return Ok(()) };
    let read = match (&files.repository, history.first()) {
        (Some(repository), Some(commit)) if !source.worktree => {
            signed_commit::require_list(repository, *commit, (below, path))
        }
        _ => signed_commit::require_file(&folder.join(&**path)),
    };
    read.map_err(|finding| finding.at(*place))
}

/// The commit's sequence and that of the floor.
pub(super) fn place_in_history(history: &[ObjectId], settings: &Settings) -> Result<(u32, u32), Finding> {
    let offset = settings.sequence_offset;
    let number = |commits: usize| u32::try_from(commits).ok().and_then(|count| count.checked_add(offset));
    let too_high = || {
        let message = "the commit's sequence does not fit 32 bits";
        Finding::new(Code::OutOfRange, message).help("lower sequence_offset: it is added to the count of commits")
    };
    let sequence = number(history.len()).ok_or_else(too_high)?;
    let Some((floor, place)) = &settings.floor else { return Ok((sequence, 0)) };
    let named = ObjectId::from_hex(floor.as_bytes()).ok();
    let found = named.and_then(|named| history.iter().position(|id| *id == named));
    let bad = || {
        let message = format!("`{floor}` is not among the first-parent ancestors of this commit");
        let help = "name one by its full id, as `git log --first-parent` shows it; a branch or tag could move";
        Finding::new(Code::BadFloor, message).at(*place).help(help)
    };
    let behind = found.ok_or_else(bad)?;
    Ok((sequence, number(history.len() - behind).ok_or_else(too_high)?))
}
