//! A file as flash.
//!
//! Core's store is proven against a flash that does things in order and keeps what an operation wrote once it returned. A
//! file does neither by itself: the kernel writes pages when it likes. So every program and every erase is synchronised
//! before it returns, not only those that commit: then at most the last operation is in doubt after a power cut, which is
//! the fault that the store survives. An erase of what is blank already costs nothing, and an erase block is one page.
//!
//! Invariants:
//! - Programming only clears bits. A bit that would have to be set again is an error and nothing is written.
//! - One process at a time: the file is locked for as long as it is open.
//! - After a failed synchronisation nobody knows what the disk holds, and the page cache hides it (the kernel forgets
//!   the failure). Every later write is refused, so that nothing is built on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use thiserror::Error;

/// The size of an erase block in bytes: a page of the file.
pub const ERASE_BYTES: u32 = 4096;

/// The size of a program word in bytes, that of most NOR chips.
const PROGRAM_BYTES: usize = 4;

/// What an erased byte reads as.
const ERASED: u8 = 0xFF;

/// Permission bits that would let others read the device's private key.
const OTHERS: u32 = 0o077;

/// Why an image was not opened.
#[derive(Debug, Error)]
pub enum ImageError {
    /// It cannot be opened or locked.
    #[error("cannot open the flash image {}: {source}; `steadfast flash` makes one", path.display())]
    Open {
        /// The image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("the flash image {} is in use: another gateway runs on it; stop that one first", path.display())]
    InUse {
        /// The image.
        path: PathBuf,
    },
    /// It is not as large as the layout says.
    #[error("the flash image {} has {found} bytes where the layout says {wanted}; flash it again with this layout", path.display())]
    Size {
        /// The image.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The size it should have.
        wanted: u32,
    },
    /// Others could read the device's key.
    #[error("the flash image {} holds the device's private key and is open to others (mode {mode:03o}); run `chmod 600` on it", path.display())]
    Exposed {
        /// The image.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Why a flash operation failed.
#[derive(Debug, Error)]
pub enum FlashError {
    /// It reaches behind the end.
    #[error("an operation reaches behind the end of the image")]
    OutOfBounds,
    /// It does not start or end where it must.
    #[error("an operation is not aligned to {PROGRAM_BYTES} or {ERASE_BYTES} bytes")]
    NotAligned,
    /// It would have to set bits.
    #[error("a word at {0:#x} was to be programmed that is not erased")]
    NotErased(u32),
    /// The system said no.
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    /// A synchronisation failed before.
    #[error("the disk failed before; what it holds is known only after a new start")]
    Broken,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::NotErased(_) | Self::Disk(_) | Self::Broken => NorFlashErrorKind::Other,
        }
    }
}

/// An open, locked image.
#[derive(Debug)]
pub struct FileFlash {
    file: File,
    bytes: u32,
    broken: bool,
    failure: Option<String>,
}

impl FileFlash {
    /// Opens an image of exactly `bytes` bytes and locks it until it is dropped.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn open(path: &Path, bytes: u32) -> Result<Self, ImageError> {
        let failed = |source| ImageError::Open { path: path.into(), source };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ImageError::InUse { path: path.into() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        check(path, &file, bytes)?;
        Ok(Self { file, bytes, broken: false, failure: None })
    }

    /// Whether the disk failed so that only a new start tells what it holds.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// What went wrong since the last call, in words: core tells only that something did.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// `length` bytes from `offset` on, if they lie inside.
    fn inside(&self, offset: u32, length: usize) -> Result<(), FlashError> {
        let end = u64::from(offset) + length as u64;
        if end <= u64::from(self.bytes) { Ok(()) } else { Err(FlashError::OutOfBounds) }
    }

    fn program(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.inside(offset, bytes.len())?;
        if !(offset as usize | bytes.len()).is_multiple_of(PROGRAM_BYTES) {
            return Err(FlashError::NotAligned);
        }
        let mut old = vec![0; bytes.len()];
        self.file.read_exact_at(&mut old, offset.into())?;
        match old.iter().zip(bytes).position(|(old, new)| old & new != *new) {
            Some(place) => Err(FlashError::NotErased(offset + place as u32)),
            None => self.put(offset, bytes),
        }
    }

    fn erase_blocks(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        self.inside(to, 0)?;
        if from > to || !(from | to).is_multiple_of(ERASE_BYTES) {
            return Err(FlashError::NotAligned);
        }
        let mut block = [0; ERASE_BYTES as usize];
        for start in (from..to).step_by(ERASE_BYTES as usize) {
            self.file.read_exact_at(&mut block, start.into())?;
            if block.iter().any(|byte| *byte != ERASED) {
                self.put(start, &[ERASED; ERASE_BYTES as usize])?;
            }
        }
        Ok(())
    }

    /// Writes and waits until the disk has it.
    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        if self.broken {
            return Err(FlashError::Broken);
        }
        self.file.write_all_at(bytes, offset.into())?;
        self.file.sync_data().inspect_err(|_| self.broken = true)?;
        Ok(())
    }

    /// Keeps the words of a failure for the log.
    fn note<T>(&mut self, outcome: Result<T, FlashError>) -> Result<T, FlashError> {
        outcome.inspect_err(|error| self.failure = Some(error.to_string()))
    }
}

fn check(path: &Path, file: &File, bytes: u32) -> Result<(), ImageError> {
    let metadata = file.metadata().map_err(|source| ImageError::Open { path: path.into(), source })?;
    if metadata.len() != u64::from(bytes) {
        return Err(ImageError::Size { path: path.into(), found: metadata.len(), wanted: bytes });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 { Err(ImageError::Exposed { path: path.into(), mode }) } else { Ok(()) }
}

impl Drop for FileFlash {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is just being started has a copy of it until it runs its program.
        let _ = self.file.unlock();
    }
}

impl ErrorType for FileFlash {
    type Error = FlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let outcome = self
            .inside(offset, bytes.len())
            .and_then(|()| self.file.read_exact_at(bytes, offset.into()).map_err(FlashError::Disk));
        self.note(outcome)
    }

    fn capacity(&self) -> usize {
        self.bytes as usize
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = PROGRAM_BYTES;
    const ERASE_SIZE: usize = ERASE_BYTES as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let outcome = self.erase_blocks(from, to);
        self.note(outcome)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let outcome = self.program(offset, bytes);
        self.note(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use embassy_futures::block_on;
    use tempfile::TempDir;

    use super::*;

    const BYTES: u32 = 4 * ERASE_BYTES;

    fn image(bytes: u32) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("image");
        fs::write(&path, vec![ERASED; bytes as usize]).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        (folder, path)
    }

    fn open(path: &Path) -> FileFlash {
        FileFlash::open(path, BYTES).unwrap()
    }

    #[test]
    fn what_was_programmed_is_there_after_opening_again() {
        let (_folder, path) = image(BYTES);
        block_on(open(&path).write(8, b"word")).unwrap();
        let mut back = [0; 6];
        block_on(open(&path).read(7, &mut back)).unwrap();
        assert_eq!(&back, b"\xFFword\xFF");
    }

    #[test]
    fn a_bit_is_set_by_an_erase_and_by_nothing_else() {
        let (_folder, path) = image(BYTES);
        let mut flash = open(&path);
        block_on(flash.write(0, &[0xF0; 4])).unwrap();
        block_on(flash.write(0, &[0x30; 4])).unwrap();
        assert!(matches!(block_on(flash.write(0, &[0x30, 0x30, 0x31, 0x30])), Err(FlashError::NotErased(2))));
        assert!(flash.take_failure().unwrap().contains("0x2"));
        let mut back = [0; 4];
        block_on(flash.read(0, &mut back)).unwrap();
        assert_eq!(back, [0x30; 4]);
        block_on(flash.erase(0, ERASE_BYTES)).unwrap();
        block_on(flash.write(0, &[0x31; 4])).unwrap();
    }

    #[test]
    fn an_erase_leaves_its_neighbours_alone() {
        let (_folder, path) = image(BYTES);
        let mut flash = open(&path);
        for block in 0..4 {
            block_on(flash.write(block * ERASE_BYTES, &[0; ERASE_BYTES as usize])).unwrap();
        }
        block_on(flash.erase(ERASE_BYTES, 3 * ERASE_BYTES)).unwrap();
        drop(flash);
        let bytes = fs::read(&path).unwrap();
        let blank: Vec<bool> =
            bytes.chunks(ERASE_BYTES as usize).map(|block| block.iter().all(|b| *b == ERASED)).collect();
        assert_eq!(blank, [false, true, true, false]);
    }

    #[test]
    fn operations_outside_or_askew_are_refused() {
        let (_folder, path) = image(BYTES);
        let mut flash = open(&path);
        assert!(matches!(block_on(flash.read(BYTES - 1, &mut [0; 2])), Err(FlashError::OutOfBounds)));
        assert!(matches!(block_on(flash.write(BYTES, &[0; 4])), Err(FlashError::OutOfBounds)));
        assert!(matches!(block_on(flash.erase(0, BYTES + ERASE_BYTES)), Err(FlashError::OutOfBounds)));
        assert!(matches!(block_on(flash.write(2, &[0; 4])), Err(FlashError::NotAligned)));
        assert!(matches!(block_on(flash.write(0, &[0; 3])), Err(FlashError::NotAligned)));
        assert!(matches!(block_on(flash.erase(4, ERASE_BYTES)), Err(FlashError::NotAligned)));
    }

    #[test]
    fn a_second_gateway_on_one_image_is_refused_until_the_first_is_gone() {
        let (_folder, path) = image(BYTES);
        let first = open(&path);
        assert!(matches!(FileFlash::open(&path, BYTES), Err(ImageError::InUse { .. })));
        drop(first);
        open(&path);
    }

    #[test]
    fn a_missing_misshapen_or_exposed_image_is_refused_with_a_remedy() {
        let (folder, path) = image(BYTES);
        let missing = FileFlash::open(&folder.path().join("none"), BYTES).unwrap_err().to_string();
        assert!(missing.contains("steadfast flash"), "{missing}");
        let size = FileFlash::open(&path, BYTES + ERASE_BYTES).unwrap_err().to_string();
        assert!(size.contains("16384") && size.contains("20480"), "{size}");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let exposed = FileFlash::open(&path, BYTES).unwrap_err().to_string();
        assert!(exposed.contains("640") && exposed.contains("chmod 600"), "{exposed}");
    }
}
