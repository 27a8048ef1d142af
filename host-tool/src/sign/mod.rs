//! Signing releases, and checking a pack as every device in it would.
//!
//! Signatures lie beside the pack, one file each, so that the pack stays the same bytes however many people sign it:
//! `NAME.pack.KEYID.sig`. Publishers who do not want to send packs around exchange endorsements instead.

mod endorsement;
mod verify;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use endorsement::{ENDING, Endorsement, EndorsementError};
pub use verify::{Verdict, VerifyError, believed, check_signatures, missing, stranger, verify};

use steadfast_core::id::KeyId;
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::{self, Kind, Message, SIGNATURE_BYTES};
use thiserror::Error;

use crate::keys::{SignError, Signer, entries};
use crate::pack::Pack;
use crate::release::NO_COMMIT;
use crate::whole::{self, Over};

/// Why a pack was not signed, or its signatures cannot be read.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// A release that no commit stands for.
    #[error("this pack was built from a worktree, not from a commit; commit, build again, and sign that")]
    NoCommit,
    /// The key's holder refused.
    #[error(transparent)]
    Refused(#[from] SignError),
    /// The file system said no.
    #[error("the signature {} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Not one signature entry.
    #[error("{} is no signature file: it must be one entry of {SIGNATURE_BYTES} bytes by the key in its name", .0.display())]
    Malformed(PathBuf),
    /// What a device would say of all of them together.
    #[error("the signatures beside the pack cannot be used together: {0}")]
    Unusable(Refusal),
}

/// The message that a publisher signs.
#[must_use]
pub fn message(pack: &Pack) -> Message {
    Message::new(Kind::Release, &pack.fleet(), &[], pack.statement()).expect("a release statement fits a message")
}

/// The signature entries of these signers over a pack's release.
///
/// # Errors
/// [`SignatureError::NoCommit`], [`SignatureError::Refused`].
pub fn sign<'a>(
    pack: &Pack,
    signers: impl IntoIterator<Item = &'a (dyn Signer + 'a)>,
) -> Result<Vec<u8>, SignatureError> {
    if pack.release().commit == NO_COMMIT {
        return Err(SignatureError::NoCommit);
    }
    Ok(entries(signers, &message(pack))?)
}

/// Writes each entry to its file beside the pack, and says where.
///
/// # Errors
/// [`SignatureError::File`].
pub fn save(pack: &Path, signatures: &[u8]) -> Result<Vec<PathBuf>, SignatureError> {
    let mut written = Vec::new();
    for entry in signatures.chunks_exact(SIGNATURE_BYTES) {
        let path = path(pack, KeyId([entry[0], entry[1], entry[2], entry[3]]));
        let outcome = whole::write(&path, entry, (whole::PUBLIC, Over::File));
        outcome.map_err(|error| SignatureError::File(path.clone(), error))?;
        written.push(path);
    }
    Ok(written)
}

/// The entries of all signature files beside the pack, in the order in which they travel.
///
/// # Errors
/// [`SignatureError`].
pub fn load(pack: &Path) -> Result<Vec<u8>, SignatureError> {
    let folder = pack.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = |error| SignatureError::File(folder.to_owned(), error);
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(file)? {
        let path = entry.map_err(file)?.path();
        if let Some(key) = key_of(pack, &path) {
            all.push(read(&path, key)?);
        }
    }
    all.sort_unstable();
    let all = all.concat();
    drop(statement::entries(&all).map_err(SignatureError::Unusable)?);
    Ok(all)
}

/// The ids of the keys that signed.
#[must_use]
pub fn signers(signatures: &[u8]) -> Vec<KeyId> {
    statement::entries(signatures).into_iter().flatten().map(|(key, _)| key).collect()
}

fn read(path: &Path, key: KeyId) -> Result<Vec<u8>, SignatureError> {
    let bytes = fs::read(path).map_err(|error| SignatureError::File(path.to_owned(), error))?;
    let sound = bytes.len() == SIGNATURE_BYTES && bytes[..4] == key.0;
    if sound { Ok(bytes) } else { Err(SignatureError::Malformed(path.to_owned())) }
}

fn path(pack: &Path, key: KeyId) -> PathBuf {
    let mut name = pack.as_os_str().to_owned();
    name.push(format!(".{key}.sig"));
    name.into()
}

/// The key whose signature of `pack` this file is, going by its name.
fn key_of(pack: &Path, file: &Path) -> Option<KeyId> {
    let name = file.file_name()?.to_str()?;
    let key = name.strip_prefix(pack.file_name()?.to_str()?)?.strip_prefix('.')?.strip_suffix(".sig")?;
    KeyId::from_hex(key)
}
