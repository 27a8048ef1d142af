//! A fleet repository in a temporary folder, made with the `git` program like anybody's.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::Diagnostics;
use steadfast::fleet::{At, Fleet};
use tempfile::TempDir;

/// A folder that goes away with the value.
pub struct FleetFolder {
    folder: TempDir,
}

impl Default for FleetFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl FleetFolder {
    /// An empty folder.
    ///
    /// # Panics
    /// Without a writable temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, its folders included.
    ///
    /// # Panics
    /// When the file system refuses.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("folders can be made");
        std::fs::write(file, content).expect("files can be written");
    }

    /// Copies everything of another folder into this one.
    ///
    /// # Panics
    /// When the file system refuses.
    pub fn copy(&self, from: &Path) {
        let mut pending = vec![PathBuf::new()];
        while let Some(folder) = pending.pop() {
            for entry in std::fs::read_dir(from.join(&folder)).expect("the folder is readable") {
                let path = folder.join(entry.expect("an entry").file_name());
                match from.join(&path) {
                    file if file.is_file() => {
                        self.write(&path.to_string_lossy(), std::fs::read(file).expect("it is readable"))
                    }
                    _ => pending.push(path),
                }
            }
        }
    }

    /// Every file, by its path in the folder.
    ///
    /// # Panics
    /// When one cannot be read, or is no text.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        let (mut texts, mut pending) = (BTreeMap::new(), vec![PathBuf::new()]);
        while let Some(folder) = pending.pop() {
            for entry in std::fs::read_dir(self.path().join(&folder)).expect("the folder is readable") {
                let path = folder.join(entry.expect("an entry").file_name());
                match std::fs::read_to_string(self.path().join(&path)) {
                    Ok(text) => drop(texts.insert(path.to_string_lossy().into_owned(), text)),
                    Err(error) if error.kind() == ErrorKind::IsADirectory => pending.push(path),
                    Err(error) => panic!("{}: {error}", path.display()),
                }
            }
        }
        texts
    }

    /// Replaces a text in a file.
    ///
    /// # Panics
    /// When the file does not have it exactly once.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(path)).expect("the file is there");
        assert_eq!(text.matches(from).count(), 1, "{path} has {from:?} once:\n{text}");
        self.write(path, text.replace(from, to));
    }

    /// Removes a file.
    ///
    /// # Panics
    /// When it is not there.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path().join(path)).expect("the file is there");
    }

    /// Makes it a repository and commits everything.
    pub fn init(&self) {
        git(self.path(), &["init", "--quiet", "--initial-branch=main"]);
        self.commit("first");
    }

    /// Commits everything and gives the commit's id.
    pub fn commit(&self, message: &str) -> String {
        git(self.path(), &["add", "--all"]);
        git(self.path(), &["commit", "--quiet", "--allow-empty", "--message", message]);
        git(self.path(), &["rev-parse", "HEAD"])
    }

    /// Compiles the folder as it lies.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(&self) -> Result<Compiled, Diagnostics> {
        self.compile_at(&At::Worktree)
    }

    /// Compiles a commit.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile_at(&self, at: &At) -> Result<Compiled, Diagnostics> {
        compile(&Fleet::open(self.path(), at)?)
    }
}

/// Runs git with a fixed author, fixed times and nobody's own settings, and gives what it printed.
///
/// # Panics
/// When git is missing or fails.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let nobody = PathBuf::from("/dev/null");
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.file.allow=always", "-c", "gc.autoDetach=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", &nobody)
        .env("GIT_CONFIG_SYSTEM", &nobody)
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .output()
        .expect("git is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
