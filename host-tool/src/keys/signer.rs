//! Whatever can sign: a file, or a program that stands for a token, an agent or a vault; nothing but raw Ed25519 is asked.

use steadfast_core::statement::{Message, PublicKey, SIGNATURE_BYTES};
use thiserror::Error;

use super::KeyFile;

/// The holder of a key would not or could not sign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the key {key} was not used: {why}")]
pub struct SignError {
    /// Which key, by its id.
    pub key: String,
    /// What its holder says.
    pub why: String,
}

/// The holder of one private key.
pub trait Signer {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// A raw Ed25519 signature (RFC 8032) over exactly these bytes.
    ///
    /// # Errors
    /// [`SignError`]; a file never fails. What comes back is not verified yet: [`checked`] is for that.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

impl Signer for KeyFile {
    fn public_key(&self) -> PublicKey {
        Self::public_key(self)
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.seed().sign(message))
    }
}

/// A holder's signature, verified as a device would verify it.
///
/// # Errors
/// [`SignError`], also for a signature by another key or over other bytes.
pub fn checked(signer: &dyn Signer, message: &[u8]) -> Result<[u8; 64], SignError> {
    let signature = signer.sign(message)?;
    let key = signer.public_key();
    key.verify(message, &signature).map_err(|_| SignError {
        key: key.id().to_string(),
        why: "what its holder gave does not verify under this key: another key signed, or something else was signed"
            .to_owned(),
    })?;
    Ok(signature)
}

/// Signature entries over a message by all of these, in the order in which they travel and each verified. A key given twice signs once.
///
/// # Errors
/// The first [`SignError`].
pub fn entries<'a>(
    signers: impl IntoIterator<Item = &'a (dyn Signer + 'a)>,
    message: &Message,
) -> Result<Vec<u8>, SignError> {
    let mut entries: Vec<[u8; SIGNATURE_BYTES]> = Vec::new();
    for signer in signers {
        let mut entry = [0; SIGNATURE_BYTES];
        entry[..4].copy_from_slice(&signer.public_key().id().0);
        entry[4..].copy_from_slice(&checked(signer, message.bytes())?);
        entries.push(entry);
    }
    entries.sort_unstable();
    entries.dedup_by(|a, b| a[..4] == b[..4]);
    Ok(entries.concat())
}
