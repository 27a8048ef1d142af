//! A fleet's files, at a commit or as they lie in the folder: listed once, in order, read when asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gix::ObjectId;

use crate::diagnostics::{Code, FILE_BYTES, FileId, Finding, Place, Sources};
use crate::git::{self, Blob, GitError, Repository};

/// The fleet's own file.
pub const SETTINGS_FILE: &str = "steadfast.toml";

/// How changes reach the fleet: waves and their gates.
pub(super) const ROLLOUT_FILE: &str = "rollout.toml";

/// What is read of a fleet's folder; anything else in it is nobody's business here.
const ROOTS: [&str; 7] = [SETTINGS_FILE, "inventory", "labels", "layers", "policy", ROLLOUT_FILE, "schemas"];

/// How deep folders may be nested; deeper is a loop of mounts or a mistake.
const DEPTH_MAX: usize = 16;

/// Where a file's content is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Committed(Blob),
    OnDisk(PathBuf),
    /// A link or device, which is never followed: it would read what the commit does not hold.
    NotPlain,
}

/// The files of one fleet.
pub(super) struct Files {
    /// Where committed and imported files are read from.
    pub(super) repository: Option<Repository>,
    contents: BTreeMap<String, Content>,
    /// What imported files are called in messages.
    imported: BTreeMap<String, String>,
    /// By that name, their commits and their paths from the repository's top.
    pub(super) pinned: BTreeMap<String, (ObjectId, String)>,
    /// The texts read so far.
    pub(super) sources: Sources,
}

impl Files {
    /// The files of `folder` (relative to the repository's top) at a commit.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub(super) fn committed(repository: Repository, commit: ObjectId, folder: &str) -> Result<Self, GitError> {
        let listed = repository.files(commit, folder)?.into_iter().filter(|(path, _)| is_ours(path));
        let content = |blob: Blob| if blob.plain { Content::Committed(blob) } else { Content::NotPlain };
        let contents = listed.map(|(path, blob)| (path, content(blob))).collect();
        Ok(Self {
            repository: Some(repository),
            contents,
            imported: BTreeMap::new(),
            pinned: BTreeMap::new(),
            sources: Sources::default(),
        })
    }

    /// The files as they lie in `folder`.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn on_disk(folder: &Path) -> std::io::Result<Self> {
        let mut contents = BTreeMap::new();
        for root in ROOTS {
            list(&folder.join(root), root, &mut contents)?;
        }
        Ok(Self {
            repository: None,
            contents,
            imported: BTreeMap::new(),
            pinned: BTreeMap::new(),
            sources: Sources::default(),
        })
    }

    /// The files that `other` has with another content; `None` when it has others.
    #[must_use]
    pub(super) fn changed(&self, other: &Self) -> Option<Vec<String>> {
        let pairs = self.contents.iter().zip(&other.contents);
        let changed = pairs.filter(|((_, one), (_, other))| one != other).map(|((path, _), _)| path.clone());
        self.contents.keys().eq(other.contents.keys()).then(|| changed.collect())
    }

    /// These committed files without a repository, to be compared with a folder elsewhere.
    #[must_use]
    pub(super) fn listed(&self) -> Listed {
        let hash = self.repository.as_ref().map_or(gix::hash::Kind::Sha1, Repository::hash);
        Listed { contents: self.contents.clone(), hash }
    }

    /// Takes over a file of elsewhere, which messages call `shown`.
    ///
    /// # Errors
    /// What the file of this path is called that is there already.
    pub(super) fn import(&mut self, path: String, blob: Blob, shown: String) -> Result<(), String> {
        if self.has(&path) {
            return Err(self.shown(&path).to_owned());
        }
        self.contents.insert(path.clone(), if blob.plain { Content::Committed(blob) } else { Content::NotPlain });
        self.imported.insert(path, shown);
        Ok(())
    }

    /// Whether a file comes from elsewhere.
    #[must_use]
    pub(super) fn is_imported(&self, path: &str) -> bool {
        self.imported.contains_key(path)
    }

    /// What messages call a file.
    #[must_use]
    pub(super) fn shown<'a>(&'a self, path: &'a str) -> &'a str {
        self.imported.get(path).map_or(path, String::as_str)
    }

    /// Whether there is such a file.
    #[must_use]
    pub(super) fn has(&self, path: &str) -> bool {
        self.contents.contains_key(path)
    }

    /// The paths below a folder (given with its `/`), in order; notes in Markdown left out.
    #[must_use]
    pub(super) fn under(&self, folder: &str) -> Vec<String> {
        let from = self.contents.range(folder.to_owned()..);
        let paths = from.map(|(path, _)| path).take_while(|path| path.starts_with(folder));
        paths.filter(|path| !path.ends_with(".md")).cloned().collect()
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>, Finding> {
        let unreadable = |why: String| {
            let message = format!("{} cannot be read: {why}", self.shown(path));
            Finding::new(Code::UnreadableFile, message).help("restore the file, or remove what refers to it")
        };
        let bytes = match (self.contents.get(path), &self.repository) {
            (Some(Content::Committed(blob)), Some(git)) => {
                git.read(blob.id).map_err(|error| unreadable(error.to_string()))?
            }
            (Some(Content::OnDisk(file)), _) => std::fs::read(file).map_err(|error| unreadable(error.to_string()))?,
            (Some(Content::NotPlain), _) => return Err(unreadable("it is a link, not a file".to_owned())),
            _ => return Err(unreadable("there is no such file".to_owned())),
        };
        if bytes.len() > FILE_BYTES {
            Err(unreadable(format!("it is larger than {FILE_BYTES} bytes")))
        } else {
            Ok(bytes)
        }
    }

    /// Reads a text and keeps it for messages.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(super) fn text(&mut self, path: &str) -> Result<FileId, Finding> {
        let bytes = self.bytes(path)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let shown = self.imported.get(path).map_or(path, String::as_str);
                Ok(self.sources.add(shown, text))
            }
            Err(error) => {
                let shown = self.shown(path).to_owned();
                let readable = String::from_utf8_lossy(&bytes);
                let at = error.valid_up_to()..error.valid_up_to() + char::REPLACEMENT_CHARACTER.len_utf8();
                let place = Place::new(self.sources.add(&shown, &readable), at);
                let message = format!("{shown} is not text: byte {} is not UTF-8", error.valid_up_to());
                Err(Finding::new(Code::NotText, message).at(place).help("save the file as UTF-8"))
            }
        }
    }

    /// The beginning of a file, to point at when it is the file as such; `None` when it cannot be read.
    pub(super) fn start(&mut self, path: &str) -> Option<Place> {
        self.text(path).ok().map(|file| Place::new(file, 0..0))
    }
}

/// Committed files by the ids of their contents.
pub(super) struct Listed {
    contents: BTreeMap<String, Content>,
    hash: gix::hash::Kind,
}

impl Listed {
    /// The paths that differ between these files and `folder`, which should hold the same.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn differences(&self, folder: &Path) -> std::io::Result<BTreeSet<String>> {
        let disk = Files::on_disk(folder)?;
        let mut differing = BTreeSet::new();
        for path in self.contents.keys().chain(disk.contents.keys()) {
            let same = match (self.contents.get(path), disk.contents.get(path)) {
                (Some(Content::Committed(blob)), Some(Content::OnDisk(file))) => {
                    git::id_of(self.hash, &std::fs::read(file)?).ok() == Some(blob.id)
                }
                (Some(Content::NotPlain), Some(Content::NotPlain)) => true,
                _ => false,
            };
            if !same {
                differing.insert(path.clone());
            }
        }
        Ok(differing)
    }
}

/// The fleet's own TOML files as they lie in `folder`, in order: what `steadfast fmt` may rewrite. Links are left alone.
///
/// # Errors
/// Of the file system.
pub fn toml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut contents = BTreeMap::new();
    for root in ROOTS.into_iter().chain([ROLLOUT_FILE]) {
        list(&folder.join(root), root, &mut contents)?;
    }
    let plain = |(path, content): (String, Content)| match content {
        Content::OnDisk(file) if path.ends_with(".toml") => Some(file),
        _ => None,
    };
    Ok(contents.into_iter().filter_map(plain).collect())
}

/// Whether a committed path is one that a worktree would be read for, too.
fn is_ours(path: &str) -> bool {
    let mut parts = path.split('/');
    let root = parts.next().unwrap_or_default();
    ROOTS.contains(&root) && !parts.any(|part| part.starts_with('.'))
}

fn list(path: &Path, name: &str, contents: &mut BTreeMap<String, Content>) -> std::io::Result<()> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_dir() {
        let content = if kind.is_file() { Content::OnDisk(path.to_owned()) } else { Content::NotPlain };
        contents.insert(name.to_owned(), content);
        return Ok(());
    }
    if name.split('/').count() > DEPTH_MAX {
        return Err(std::io::Error::other(format!("{name} is nested too deeply")));
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // A name that is not UTF-8 cannot be named by anything in a fleet.
        if let Some(part) = entry.file_name().to_str().filter(|part| !part.starts_with('.')) {
            list(&entry.path(), &format!("{name}/{part}"), contents)?;
        }
    }
    Ok(())
}
