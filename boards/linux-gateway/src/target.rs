//! Where the application finds its configuration: a folder for each content, and a link to the one in force.
//!
//! ```text
//! target/current -> releases/3f..c1       switched by one rename
//! target/releases/3f..c1/network.json     complete and synchronised before anything points at it
//! target/releases/.new/                   being written
//! target/.reloaded                        the folder that the reload command took last
//! ```
//!
//! Invariants:
//! - `current` is absent, or leads to a folder that holds exactly the files of one content. A process that dies, or power that fails, at
//!   any instant leaves the former or the next one.
//! - A folder is never changed once it has its name. One whose files were changed by somebody is replaced beside it (`-2`).
//! - Without a configuration there is no link: the application runs its own defaults.
//!
//! A program that reads several files resolves the link once and reads all of them from there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use steadfast_core::id::ContentId;
use thiserror::Error;

/// The link to the folder in force.
pub const CURRENT: &str = "current";

const RELEASES: &str = "releases";
const NEW: &str = ".new";
const NEXT_LINK: &str = ".current";
const RELOADED: &str = ".reloaded";

/// What the name of a folder ends in that replaces a damaged one.
const TWIN: &str = "-2";

/// The files of one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The content.
    pub id: ContentId,
    /// Bytes by file name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What [`Target::apply`] found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing: these files were in force and the application has taken them.
    InPlace,
    /// The application has to take the files.
    Reload,
}

/// Why the files could not be put in place.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Something else has the link's name.
    #[error("{} is not a link; move it away", path.display())]
    NotALink {
        /// The name.
        path: PathBuf,
    },
}

/// The folder of the target.
#[derive(Clone, Debug)]
pub struct Target {
    folder: PathBuf,
}

impl Target {
    /// A target that is touched only by the other calls.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The path of the link.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.folder.join(CURRENT)
    }

    /// The content in force, as its id is written.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn in_force(&self) -> Result<Option<String>, TargetError> {
        let link = self.linked()?;
        let name = link.as_deref().and_then(|link| link.file_name()?.to_str());
        Ok(name.map(|name| name.strip_suffix(TWIN).unwrap_or(name).to_owned()))
    }

    /// Puts `release` in force, or nothing. Whatever was in force stays so until the new files are complete on the disk.
    ///
    /// # Errors
    /// [`TargetError`]; the former files are in force then, or already the new ones. Trying again goes on.
    pub fn apply(&self, release: Option<&Release>) -> Result<Applied, TargetError> {
        self.apply_with(release, &mut Disk { before: &mut |_| Ok(()) })
    }

    fn apply_with(&self, release: Option<&Release>, disk: &mut Disk<'_>) -> Result<Applied, TargetError> {
        let linked = self.linked()?;
        let Some(release) = release else {
            return match linked {
                Some(_) => self.unlink(disk).map(|()| Applied::Reload),
                None => Ok(Applied::InPlace),
            };
        };
        let place = self.place(release, linked.as_deref(), disk)?;
        let link = Path::new(RELEASES).join(&place);
        if linked.as_ref() == Some(&link) {
            let taken = fs::read_to_string(self.folder.join(RELOADED)).is_ok_and(|taken| taken == place);
            return Ok(if taken { Applied::InPlace } else { Applied::Reload });
        }
        self.link(&link, disk)?;
        Ok(Applied::Reload)
    }

    /// The application has taken what is in force: the next start finds it in place.
    ///
    /// # Errors
    /// [`TargetError::Disk`]; then the application is told once more than needed.
    pub fn taken(&self) -> Result<(), TargetError> {
        let Some(place) = self.linked()?.and_then(|link| Some(link.file_name()?.to_owned())) else { return Ok(()) };
        let path = self.folder.join(RELOADED);
        fs::write(&path, place.as_encoded_bytes()).map_err(|source| TargetError::Disk { path, source })
    }

    /// Removes the folders of all contents but these and the one in force.
    ///
    /// # Errors
    /// [`TargetError::Disk`]; what is left is tried again by the next call.
    pub fn prune(&self, keep: &[ContentId]) -> Result<(), TargetError> {
        let linked = self.linked()?;
        let releases = self.folder.join(RELEASES);
        let kept: Vec<String> = keep.iter().map(ToString::to_string).collect();
        for name in names(&releases)? {
            let in_force = linked.as_ref().is_some_and(|link| link.file_name() == Some(name.as_ref()));
            if !in_force && !kept.contains(&name) {
                Disk { before: &mut |_| Ok(()) }.remove_folder(&releases.join(name))?;
            }
        }
        Ok(())
    }

    /// Where the link leads; `None` without one.
    fn linked(&self) -> Result<Option<PathBuf>, TargetError> {
        let path = self.current();
        match fs::read_link(&path) {
            Ok(link) => Ok(Some(link)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(TargetError::NotALink { path }),
            Err(source) => Err(TargetError::Disk { path, source }),
        }
    }

    /// The name of a folder under `releases` that holds exactly the release's files; makes it where there is none.
    fn place(&self, release: &Release, linked: Option<&Path>, disk: &mut Disk<'_>) -> Result<String, TargetError> {
        let releases = self.folder.join(RELEASES);
        let twins = [release.id.to_string(), format!("{}{TWIN}", release.id)];
        if let Some(whole) = twins.iter().find(|name| holds(&releases.join(name), release)) {
            return Ok(whole.clone());
        }
        // At most one of the two is in force.
        let in_force = |name: &&String| linked == Some(&Path::new(RELEASES).join(name));
        let name = twins.iter().find(|name| !in_force(name)).unwrap_or(&twins[0]);
        disk.create_folder(&releases)?;
        let (new, place) = (releases.join(NEW), releases.join(name));
        disk.remove_folder(&new)?;
        disk.create_folder(&new)?;
        for (name, bytes) in &release.files {
            disk.write(&new.join(name), bytes)?;
        }
        disk.sync(&new)?;
        disk.remove_folder(&place)?;
        disk.rename(&new, &place)?;
        disk.sync(&releases)?;
        disk.sync(&self.folder)?;
        Ok(name.clone())
    }

    fn link(&self, link: &Path, disk: &mut Disk<'_>) -> Result<(), TargetError> {
        // Gone before the application can have seen anything of the new files: whatever interrupts it, it is told again.
        disk.remove_file(&self.folder.join(RELOADED))?;
        let next = self.folder.join(NEXT_LINK);
        disk.remove_file(&next)?;
        disk.link(link, &next)?;
        disk.rename(&next, &self.current())?;
        disk.sync(&self.folder)
    }

    fn unlink(&self, disk: &mut Disk<'_>) -> Result<(), TargetError> {
        disk.remove_file(&self.folder.join(RELOADED))?;
        disk.remove_file(&self.current())?;
        disk.sync(&self.folder)
    }
}

/// Whether a folder holds exactly the files of a release.
fn holds(folder: &Path, release: &Release) -> bool {
    let complete = |(name, bytes): (&String, &Vec<u8>)| fs::read(folder.join(name)).is_ok_and(|found| found == *bytes);
    folder.is_dir()
        && names(folder).is_ok_and(|names| names.len() == release.files.len())
        && release.files.iter().all(complete)
}

fn names(folder: &Path) -> Result<Vec<String>, TargetError> {
    let failed = |source| TargetError::Disk { path: folder.into(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// The changes to the file system, one by one, each of which can be the last that a process makes.
struct Disk<'a> {
    /// Called before each change; an error stands for the end of the process.
    before: &'a mut dyn FnMut(&str) -> io::Result<()>,
}

impl Disk<'_> {
    fn change(&mut self, what: &str, path: &Path, change: impl FnOnce() -> io::Result<()>) -> Result<(), TargetError> {
        let outcome = (self.before)(&format!("{what} {}", path.display())).and_then(|()| change());
        outcome.map_err(|source| TargetError::Disk { path: path.into(), source })
    }

    fn create_folder(&mut self, path: &Path) -> Result<(), TargetError> {
        self.change("create", path, || fs::create_dir_all(path))
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), TargetError> {
        let (start, rest) = bytes.split_at(bytes.len() / 2);
        let mut file = None;
        self.change("open", path, || File::create(path).map(|opened| file = Some(opened)))?;
        let Some(mut file) = file else { return Ok(()) };
        self.change("begin", path, || file.write_all(start))?;
        self.change("finish", path, || file.write_all(rest))?;
        self.change("sync", path, || file.sync_all())
    }

    fn sync(&mut self, folder: &Path) -> Result<(), TargetError> {
        self.change("sync", folder, || File::open(folder)?.sync_all())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<(), TargetError> {
        self.change("rename", to, || fs::rename(from, to))
    }

    fn link(&mut self, link: &Path, path: &Path) -> Result<(), TargetError> {
        self.change("link", path, || symlink(link, path))
    }

    fn remove_file(&mut self, path: &Path) -> Result<(), TargetError> {
        self.change("remove", path, || accept_missing(fs::remove_file(path)))
    }

    fn remove_folder(&mut self, path: &Path) -> Result<(), TargetError> {
        self.change("remove", path, || accept_missing(fs::remove_dir_all(path)))
    }
}

fn accept_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
