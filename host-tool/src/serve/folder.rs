//! The data directory: everything a server keeps that is not in the database.
//!
//! ```text
//! DATA/lock                       held while a server runs
//!      director.key               mode 0600
//!      keyring/1.keyring ...      the chain, as in the fleet repository
//!      releases/EPOCH-SEQ.pack    one file for each kept release
//!      releases/*.incoming        an upload under way
//!      steadfast.db               see `store`
//! ```
//!
//! A file is written whole under another name, synced, and renamed; then the folder is synced. So a file with its final name is
//! complete, and a power cut leaves at most an `incoming` one.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use steadfast_core::position::Position;
use thiserror::Error;

use crate::keys::{Chain, ChainError, KeyError, KeyFile, Purpose};

/// The director key's file.
const DIRECTOR: &str = "director.key";

/// The folder of keyrings.
const KEYRINGS: &str = "keyring";

/// Why the data directory cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The file system said no.
    #[error("{} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The disk is full.
    #[error("{} cannot be written: the disk is full; free some space and try again", .0.display())]
    Full(PathBuf),
    /// Another server.
    #[error("another `steadfast serve` uses {}; stop it, or choose another folder with --data", .0.display())]
    InUse(PathBuf),
    /// The director key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyrings.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// An open data directory; other servers are kept out as long as it lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the directory, making it if need be.
    ///
    /// # Errors
    /// [`FolderError::InUse`] and what the file system says.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let releases = path.join("releases");
        // Packs hold every device's id, and whoever knows an id may read its configuration.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&releases);
        made.map_err(|error| failed(&releases, error))?;
        let name = path.join("lock");
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
        let lock = options.map_err(|error| failed(&name, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(&name, error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The director key: the one that is there, else `given`.
    ///
    /// # Errors
    /// [`FolderError::Key`].
    pub fn director(&self, given: Option<&Path>) -> Result<Option<KeyFile>, FolderError> {
        let path = self.path.join(DIRECTOR);
        let path = if path.exists() { Some(path.as_path()) } else { given };
        Ok(path.map(|path| KeyFile::load_for(path, Purpose::Director)).transpose()?)
    }

    /// The director key that is there, else a new one.
    ///
    /// # Errors
    /// [`FolderError::Key`].
    pub fn director_or_new(&self) -> Result<KeyFile, FolderError> {
        if let Some(key) = self.director(None)? {
            return Ok(key);
        }
        let key = KeyFile::generate(Purpose::Director)?;
        self.keep_director(&key)?;
        Ok(key)
    }

    /// Keeps the director key, unless one is there.
    ///
    /// # Errors
    /// [`FolderError::Key`].
    pub fn keep_director(&self, key: &KeyFile) -> Result<(), FolderError> {
        let path = self.path.join(DIRECTOR);
        if path.exists() { Ok(()) } else { Ok(key.save(&path)?) }
    }

    /// The chain of keyrings, once it was kept.
    ///
    /// # Errors
    /// [`FolderError::Chain`].
    pub fn chain(&self) -> Result<Option<Chain>, FolderError> {
        match Chain::load(&self.path.join(KEYRINGS)) {
            Err(ChainError::None(_)) => Ok(None),
            chain => Ok(Some(chain?)),
        }
    }

    /// Keeps those keyrings of a chain that are not there yet, the first one first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_keyrings(&self, chain: &Chain) -> Result<(), FolderError> {
        let folder = self.path.join(KEYRINGS);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        for (file, version) in chain.files().iter().zip(1_u32..) {
            let path = folder.join(format!("{version}.keyring"));
            if !path.exists() {
                write_whole(&path, &file.encode())?;
            }
        }
        Ok(())
    }

    /// Keeps a release's pack.
    ///
    /// # Errors
    /// [`FolderError::Full`] and what else the file system says; nothing is left behind then.
    pub fn keep_pack(&self, position: Position, bytes: &[u8]) -> Result<(), FolderError> {
        write_whole(&self.pack(position), bytes)
    }

    /// Where a release's pack is or would be.
    #[must_use]
    pub fn pack(&self, position: Position) -> PathBuf {
        self.path.join("releases").join(format!("{}-{}.pack", position.epoch, position.sequence))
    }

    /// Reads bytes of a kept release's pack.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(&self, position: Position, offset: u64, bytes: &mut [u8]) -> Result<(), FolderError> {
        let path = self.pack(position);
        let read = File::open(&path).and_then(|file| file.read_exact_at(bytes, offset));
        read.map_err(|error| failed(&path, error))
    }

    /// Removes the packs that `keep` does not want: interrupted uploads, releases that nobody needs. Says what it removed. What
    /// this program did not write stays.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sweep(&self, keep: &[Position]) -> Result<Vec<PathBuf>, FolderError> {
        let folder = self.path.join("releases");
        let wanted: Vec<PathBuf> = keep.iter().map(|position| self.pack(*position)).collect();
        let mut removed = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let path = entry.map_err(|error| failed(&folder, error))?.path();
            if is_ours(&path) && !wanted.contains(&path) {
                fs::remove_file(&path).map_err(|error| failed(&path, error))?;
                removed.push(path);
            }
        }
        Ok(removed)
    }
}

/// Whether a file among the releases is called as [`Folder::keep_pack`] calls them.
fn is_ours(path: &Path) -> bool {
    let name = |part: Option<&OsStr>| part.and_then(OsStr::to_str).unwrap_or_default().to_owned();
    let (stem, extension) = (name(path.file_stem()), name(path.extension()));
    let numbers = stem.split_once('-').is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok());
    numbers && (extension == "pack" || extension == "incoming")
}

/// Writes a file so that it is there as a whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let incoming = path.with_extension("incoming");
    let write = || {
        let mut file = File::create(&incoming)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&incoming, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error| {
        // The write failed already; an `incoming` file that stays is swept at the next start.
        drop(fs::remove_file(&incoming));
        failed(path, error)
    })
}

fn failed(path: &Path, error: io::Error) -> FolderError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => FolderError::Full(path.to_owned()),
        _ => FolderError::File(path.to_owned(), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_server_uses_a_folder() {
        let data = tempfile::tempdir().unwrap();
        let first = Folder::open(data.path()).unwrap();
        assert!(matches!(Folder::open(data.path()), Err(FolderError::InUse(_))));
        drop(first);
        assert!(Folder::open(data.path()).is_ok());
    }

    #[test]
    fn the_director_key_that_is_there_stays() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        assert!(folder.director(None).unwrap().is_none());
        let made = folder.director_or_new().unwrap();
        let given = KeyFile::generate(Purpose::Director).unwrap();
        folder.keep_director(&given).unwrap();
        assert_eq!(folder.director_or_new().unwrap().public_key(), made.public_key());
    }

    #[test]
    fn an_interrupted_upload_is_swept_and_a_kept_pack_is_not() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let kept = Position { epoch: 1, sequence: 2 };
        folder.keep_pack(kept, b"a pack").unwrap();
        folder.keep_pack(Position { epoch: 1, sequence: 1 }, b"an old one").unwrap();
        fs::write(folder.pack(kept).with_extension("incoming"), b"half").unwrap();
        fs::create_dir(data.path().join("releases/lost+found")).unwrap();
        fs::write(data.path().join("releases/1-1.pack.before"), b"somebody's copy").unwrap();
        assert_eq!(folder.sweep(&[kept]).unwrap().len(), 2);
        assert!(data.path().join("releases/1-1.pack.before").exists());
        let mut bytes = [0; 4];
        folder.read(kept, 2, &mut bytes).unwrap();
        assert_eq!(&bytes, b"pack");
        assert!(folder.read(kept, 3, &mut bytes).is_err());
    }
}
