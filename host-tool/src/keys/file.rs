//! A file with one private key, readable by its owner alone.
//!
//! ```text
//! steadfast private key v1: publisher
//! 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60
//! ```
//!
//! The first line says what the key is for, so that a root key is never used by mistake where a publisher's belongs.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use steadfast_core::identity::Seed;
use steadfast_core::statement::PublicKey;
use thiserror::Error;

use crate::whole::{self, Over};

const HEADER: &str = "steadfast private key v1: ";

/// No key file is longer: header, purpose, 64 digits.
const FILE_MAX_BYTES: u64 = 256;

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Keyrings.
    Root,
    /// Releases.
    Publisher,
    /// Assignments.
    Director,
    /// A device's reports.
    Device,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Root, Self::Publisher, Self::Director, Self::Device];

    /// The word in key files and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Publisher => "publisher",
            Self::Director => "director",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file system said no.
    #[error("the key file {} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// The file system said no.
    #[error("the key file {} cannot be written: {}", .0.display(), .1)]
    Unwritable(PathBuf, io::Error),
    /// A key is never overwritten.
    #[error("{} exists already, and a key is never overwritten; move it away, or name another place with --out or --key", .0.display())]
    Exists(PathBuf),
    /// Whoever can read a key can sign with it.
    #[error(
        "{path} can be read by others (mode {mode:04o}), so its key may be known to them; run `chmod 600 {path}`, and \
         if this machine has other users, replace the key",
        path = .0.display(),
        mode = .1
    )]
    Exposed(PathBuf, u32),
    /// Not a key file.
    #[error("{} is no private key file of this program: line 1 must be `{HEADER}PURPOSE`, line 2 the key in 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
    /// A key for something else.
    #[error("{} holds a {found} key, and this needs a {wanted} key", .path.display())]
    WrongPurpose {
        /// The file.
        path: PathBuf,
        /// What is in it.
        found: Purpose,
        /// What was asked for.
        wanted: Purpose,
    },
    /// No random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    NoRandom(String),
}

/// A private key with its purpose. Debug output never shows it.
#[derive(Clone, Debug)]
pub struct KeyFile {
    purpose: Purpose,
    seed: Seed,
}

impl KeyFile {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn generate(purpose: Purpose) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| KeyError::NoRandom(error.to_string()))?;
        Ok(Self { purpose, seed: Seed(seed) })
    }

    /// A key of a known seed.
    #[must_use]
    pub fn from_seed(purpose: Purpose, seed: Seed) -> Self {
        Self { purpose, seed }
    }

    /// Reads a key file that nobody else can read.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        let mut text = String::new();
        let read = file.take(FILE_MAX_BYTES).read_to_string(&mut text);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => KeyError::Malformed(path.to_owned()),
            _ => unreadable(error),
        })?;
        let key = Self::from_text(&text).ok_or_else(|| KeyError::Malformed(path.to_owned()))?;
        // After its content: what is no key has nothing to hide.
        if mode & 0o077 == 0 { Ok(key) } else { Err(KeyError::Exposed(path.to_owned(), mode)) }
    }

    /// Reads a key file and demands its purpose.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_for(path: &Path, wanted: Purpose) -> Result<Self, KeyError> {
        let key = Self::load(path)?;
        if key.purpose == wanted {
            return Ok(key);
        }
        Err(KeyError::WrongPurpose { path: path.to_owned(), found: key.purpose, wanted })
    }

    /// Writes the key to a new file of mode 0600; survives a power cut once it has returned.
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::Unwritable`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let unwritable = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => KeyError::Unwritable(path.to_owned(), error),
        };
        whole::write(path, self.to_text().as_bytes(), (whole::PRIVATE, Over::Nothing)).map_err(unwritable)
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The private key.
    #[must_use]
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.seed.public_key()
    }

    fn to_text(&self) -> String {
        format!("{HEADER}{}\n{}\n", self.purpose, crate::hex::encode(&self.seed.0))
    }

    fn from_text(text: &str) -> Option<Self> {
        let (header, rest) = text.split_once('\n')?;
        let word = header.strip_prefix(HEADER)?.trim_end();
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.word() == word)?;
        Some(Self { purpose, seed: Seed(crate::hex::decode(rest.trim_end())?) })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/publisher.key");
        let key = KeyFile::generate(Purpose::Publisher).unwrap();
        key.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyFile::load_for(&path, Purpose::Publisher).unwrap().seed(), key.seed());
        assert!(matches!(key.save(&path), Err(KeyError::Exists(_))));
        assert!(matches!(
            KeyFile::load_for(&path, Purpose::Root),
            Err(KeyError::WrongPurpose { found: Purpose::Publisher, wanted: Purpose::Root, .. })
        ));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        KeyFile::generate(Purpose::Root).unwrap().save(&path).unwrap();
        for mode in [0o640, 0o604, 0o644, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = KeyFile::load(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:04o}")), "{error}");
        }
        fs::write(&path, "# A fleet\n").unwrap();
        assert!(matches!(KeyFile::load(&path), Err(KeyError::Malformed(_))), "what is no key was not exposed");
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let digits = "00".repeat(32);
        for text in [
            String::new(),
            "steadfast private key v1: publisher".to_owned(),
            format!("steadfast private key v2: publisher\n{digits}\n"),
            format!("steadfast private key v1: king\n{digits}\n"),
            format!("steadfast private key v1: root\n{}\n", &digits[1..]),
            format!("steadfast private key v1: root\n{digits}00\n"),
            format!("steadfast private key v1: root\n{}+0\n", &digits[2..]),
        ] {
            assert!(KeyFile::from_text(&text).is_none(), "{text}");
        }
    }
}
