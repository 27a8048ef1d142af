//! A fleet repository in a folder, made with the `git` program: always the same author and date, so that the same data
//! gives the same commits on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use thiserror::Error;

/// The author of every commit, as git's configuration.
const AUTHOR: [&str; 2] = ["user.name=Steadfast", "user.email=real@steadfast.invalid"];
/// The date of every commit.
const DATE: &str = "2026-01-01T00:00:00Z";

/// Why a repository could not be made.
#[derive(Debug, Error)]
pub(crate) enum RepositoryError {
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The program is missing.
    #[error("git cannot be run: {0}. Install it (on Debian: apt-get install git)")]
    NoGit(io::Error),
    /// The program refused.
    #[error("git {command} failed in {}: {message}", folder.display())]
    Git { command: String, folder: PathBuf, message: String },
}

/// A folder with files and, after the first commit, a history.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Writes the files into a new folder. What was there before goes away.
    pub(crate) fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<Self, RepositoryError> {
        let io = |source| RepositoryError::Io { path: folder.to_owned(), source };
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(io)?;
        }
        fs::create_dir_all(folder).map_err(io)?;
        let repository = Self { folder: folder.to_owned() };
        files.iter().try_for_each(|(path, text)| repository.put(path, text.as_bytes()))?;
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one file, its folders included.
    pub(crate) fn put(&self, path: &str, content: &[u8]) -> Result<(), RepositoryError> {
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.folder.join(path);
        if !inside {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "a name in the data leads out of the folder");
            return Err(RepositoryError::Io { path, source });
        }
        let io = |source| RepositoryError::Io { path: path.clone(), source };
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(io)?;
        fs::write(&path, content).map_err(io)
    }

    /// Removes one file.
    pub(crate) fn remove(&self, path: &str) -> Result<(), RepositoryError> {
        let path = self.folder.join(path);
        fs::remove_file(&path).map_err(|source| RepositoryError::Io { path, source })
    }

    /// Commits everything that lies in the folder; the commit's id.
    pub(crate) fn commit(&self, message: &str) -> Result<String, RepositoryError> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git without anybody's own settings; what it printed.
    fn git(&self, arguments: &[&str]) -> Result<String, RepositoryError> {
        let output = Command::new("git")
            .current_dir(&self.folder)
            .args(AUTHOR.iter().flat_map(|setting| ["-c", setting]))
            .args(["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"])
            .args(arguments)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
            .envs([("GIT_AUTHOR_DATE", DATE), ("GIT_COMMITTER_DATE", DATE)])
            .output()
            .map_err(RepositoryError::NoGit)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(RepositoryError::Git {
            command: arguments.join(" "),
            folder: self.folder.clone(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}
