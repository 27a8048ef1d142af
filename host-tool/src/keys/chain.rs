//! Keyrings as files, and the chain that they form in a fleet repository.
//!
//! ```text
//! magic "SFKEYS" 00  version 01     8
//! fleet id                         16
//! statement, signatures: each a varint length and its bytes
//! ```
//!
//! Invariant: in a [`Chain`] each keyring but the first was verified against the one before, as a device does it. The first is signed
//! by its own root, which proves only that it is whole: whom to believe first is decided by who flashes a device.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_core::codec;
use steadfast_core::id::FleetId;
use steadfast_core::keyring::Keyring;
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::{Kind, Message, Signed};
use thiserror::Error;

const MAGIC: [u8; 8] = *b"SFKEYS\0\x01";

/// Most keyrings of one fleet that are read: one a week for twenty years.
const CHAIN_MAX: u32 = 1024;

/// Why keyrings cannot be used.
#[derive(Debug, Error)]
pub enum ChainError {
    /// None there.
    #[error("there is no keyring in {}; run `steadfast keys new` in the fleet repository, or name the folder with --fleet", .0.display())]
    None(PathBuf),
    /// The file system said no.
    #[error("the keyring {} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Not a keyring file.
    #[error("this is no keyring file of this program, or it was changed")]
    Malformed,
    /// What a device would say.
    #[error("keyring {version} is not valid: {reason}")]
    Refused {
        /// Which.
        version: u32,
        /// Why.
        reason: Refusal,
    },
    /// Keyrings of two fleets.
    #[error("keyring {0} belongs to another fleet than the one before it")]
    AnotherFleet(u32),
}

/// One keyring with its signatures, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringFile {
    /// For which fleet; the signatures cover it.
    pub fleet: FleetId,
    /// The statement's bytes.
    pub statement: Vec<u8>,
    /// The root's signature entries.
    pub signatures: Vec<u8>,
}

impl KeyringFile {
    /// Decodes a file.
    ///
    /// # Errors
    /// [`ChainError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ChainError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(ChainError::Malformed)?;
        if *magic != MAGIC {
            return Err(ChainError::Malformed);
        }
        let malformed = |_| ChainError::Malformed;
        let (fleet, rest) = codec::take(rest).map_err(malformed)?;
        let (statement, rest) = codec::take::<&[u8]>(rest).map_err(malformed)?;
        let signatures: &[u8] = codec::decode(rest).map_err(malformed)?;
        Ok(Self { fleet, statement: statement.to_vec(), signatures: signatures.to_vec() })
    }

    /// Encodes a file.
    ///
    /// # Panics
    /// Never: growing a vector cannot fail.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(&(self.fleet, &self.statement, &self.signatures), MAGIC.to_vec())
            .expect("a vector takes every byte")
    }

    /// Statement and signatures as they travel.
    #[must_use]
    pub fn signed(&self) -> Signed<'_> {
        Signed { statement: &self.statement, signatures: &self.signatures }
    }

    /// The keyring, if it is sound and signed by its own root.
    fn first(&self) -> Result<Keyring, Refusal> {
        let keyring = Keyring::decode(&self.statement)?;
        let message = Message::new(Kind::Keyring, &self.fleet, &[], &self.statement)?;
        message.verify(&keyring.root.keys, keyring.root.threshold, &self.signatures)?;
        if keyring.version == 1 { Ok(keyring) } else { Err(Refusal::KEYRING_VERSION) }
    }
}

/// The keyrings of a fleet from the first on, each verified.
#[derive(Clone, Debug)]
pub struct Chain {
    files: Vec<KeyringFile>,
    newest: Keyring,
}

impl Chain {
    /// Starts a chain.
    ///
    /// # Errors
    /// [`ChainError::Refused`] for anything but a sound version 1 signed by its own root.
    pub fn start(first: KeyringFile) -> Result<Self, ChainError> {
        let newest = first.first().map_err(|reason| ChainError::Refused { version: 1, reason })?;
        Ok(Self { files: vec![first], newest })
    }

    /// Adds the next keyring.
    ///
    /// # Errors
    /// [`ChainError::Refused`], [`ChainError::AnotherFleet`]; the chain is then as before.
    pub fn extend(&mut self, next: KeyringFile) -> Result<(), ChainError> {
        let version = self.newest.version.saturating_add(1);
        if next.fleet != self.fleet() {
            return Err(ChainError::AnotherFleet(version));
        }
        let successor = self.newest.verify_next(&next.fleet, &next.signed());
        self.newest = successor.map_err(|reason| ChainError::Refused { version, reason })?.accept();
        self.files.push(next);
        Ok(())
    }

    /// Reads `1.keyring`, `2.keyring` and so on from a folder.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn load(folder: &Path) -> Result<Self, ChainError> {
        let first = read(folder, 1)?.ok_or_else(|| ChainError::None(folder.to_owned()))?;
        let mut chain = Self::start(first)?;
        for version in 2..=CHAIN_MAX {
            let Some(next) = read(folder, version)? else { break };
            chain.extend(next)?;
        }
        Ok(chain)
    }

    /// The fleet.
    #[must_use]
    pub fn fleet(&self) -> FleetId {
        self.files[0].fleet
    }

    /// The newest keyring.
    #[must_use]
    pub fn newest(&self) -> &Keyring {
        &self.newest
    }

    /// The keyring of that version with its signatures.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&KeyringFile> {
        self.files.get(usize::try_from(version).ok()?.checked_sub(1)?)
    }

    /// Every keyring, the first one first.
    #[must_use]
    pub fn files(&self) -> &[KeyringFile] {
        &self.files
    }
}

fn read(folder: &Path, version: u32) -> Result<Option<KeyringFile>, ChainError> {
    let path = folder.join(format!("{version}.keyring"));
    match fs::read(&path) {
        Ok(bytes) => KeyringFile::decode(&bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ChainError::File(path, error)),
    }
}
