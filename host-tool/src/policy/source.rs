//! The rule files of one commit, or of a folder.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostics::{Code, Diagnostics, FileId, Finding, Sources};
use crate::fleet::{At, Fleet};

/// How a rule file's name ends.
pub(crate) const RULE_ENDING: &str = ".rego";

/// How deep folders of rules may be nested.
const DEPTH_MAX: usize = 16;

/// Rule files in the order of their paths.
#[derive(Clone, Default)]
pub struct Rules {
    pub(super) sources: Arc<Sources>,
    pub(super) files: Vec<FileId>,
}

impl Rules {
    /// Those of a fleet.
    #[must_use]
    pub fn of(fleet: &Fleet) -> Self {
        Self { sources: fleet.sources.clone(), files: fleet.rules.clone() }
    }

    /// Whether a fleet has any at this place, which costs only a look at its list of files.
    #[must_use]
    pub fn are_at(folder: &Path, at: &At) -> bool {
        // What cannot be listed is read, and says why it cannot.
        crate::fleet::paths(folder, at).is_none_or(|paths| paths.iter().any(|path| is_rule(path)))
    }

    /// Those that lie in a folder, as they are.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file in it is no text.
    pub fn in_folder(folder: &Path) -> Result<Self, Diagnostics> {
        let mut paths = Vec::new();
        list(folder, 0, &mut paths).map_err(|error| unreadable(folder, &error))?;
        paths.sort();
        let (mut sources, mut files) = (Sources::default(), Vec::new());
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            files.push(sources.add(&path.to_string_lossy(), &text));
        }
        Ok(Self { sources: Arc::new(sources), files })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Paths and texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| {
            let file = self.sources.file(*file);
            (&*file.path, &*file.text)
        })
    }

    /// Whether both are the same files.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }

    /// Whether any of them has this word in it.
    pub(super) fn mention(&self, word: &str) -> bool {
        self.texts().any(|(_, text)| text.contains(word))
    }

    /// The file of this path.
    pub(super) fn file(&self, path: &str) -> Option<FileId> {
        self.files.iter().copied().find(|file| &*self.sources.file(*file).path == path)
    }

    /// Paths that only one of both has, or that differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let lacks = |one: &Self, (path, text): &(&str, &str)| !one.texts().any(|other| other == (*path, *text));
        let new = self.texts().filter(|file| lacks(other, file));
        let old = other.texts().filter(|file| lacks(self, file));
        let mut paths: Vec<String> = new.chain(old).map(|(path, _)| path.to_owned()).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// Whether this is the path of a rule file in a fleet's folder.
pub(crate) fn is_rule(path: &str) -> bool {
    path.starts_with("policy/") && path.ends_with(RULE_ENDING)
}

fn list(folder: &Path, depth: usize, paths: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(std::io::Error::other("folders are nested too deeply"));
    }
    for entry in std::fs::read_dir(folder)? {
        let (kind, path) = entry.and_then(|entry| Ok((entry.file_type()?, entry.path())))?;
        if kind.is_dir() {
            list(&path, depth + 1, paths)?;
        } else if path.to_string_lossy().ends_with(RULE_ENDING) {
            paths.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostics {
    let message = format!("{} cannot be read: {error}", path.display());
    Diagnostics::of(Finding::new(Code::UnreadableFile, message).help("name the folder that holds the rules"))
}
