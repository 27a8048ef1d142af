//! Files that are there as a whole or not at all, whatever is killed and whenever the disk is full or the power goes.
//!
//! The content is written under another name beside the file and synced; then it is renamed, and the folder synced.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What may be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing: what is there stays, and is an error.
    Nothing,
    /// A file, which is replaced.
    File,
}

/// Permissions of what everybody may read, less what the user's mask takes away.
pub const PUBLIC: u32 = 0o666;

/// Permissions of what is for its owner alone.
pub const PRIVATE: u32 = 0o600;

/// Writes a file with these permissions, and its folder if need be. A link is followed; what is no file, like
/// `/dev/stdout`, is written to as it is.
///
/// # Errors
/// Of the file system, [`io::ErrorKind::AlreadyExists`] included; the file is then as it was.
pub fn write(path: &Path, bytes: &[u8], (mode, over): (u32, Over)) -> io::Result<()> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if over == Over::File && path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return fs::write(path, bytes);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match over {
        Over::Nothing => file.persist_noclobber(path),
        Over::File => file.persist(path),
    }?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/key");
        write(&path, b"one", (PRIVATE, Over::Nothing)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = write(&path, b"two", (PRIVATE, Over::Nothing)).unwrap_err();
        assert_eq!((again.kind(), fs::read(&path).unwrap()), (io::ErrorKind::AlreadyExists, b"one".to_vec()));
        write(&path, b"three", (PRIVATE, Over::File)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn links_are_followed_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"two", (PUBLIC, Over::File)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        write(Path::new("/dev/null"), b"away", (PUBLIC, Over::File)).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
