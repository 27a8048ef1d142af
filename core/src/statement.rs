//! What is signed, and by whom.
//!
//! ```text
//! message = "steadfast.<kind>.v1"  00  fleet id (16)  context  statement, exactly as received
//! ```
//!
//! The context is what both sides know already and nobody sends: the bytes of the poll for an answer, the device id
//! for a report. The tag is the only version. Signatures are Ed25519 (RFC 8032), verified strictly, and travel as one
//! run of 68-byte entries, ascending by key id:
//!
//! ```text
//! key id (4)  signature (64)
//! ```

use serde::{Deserialize, Serialize};

use crate::codec::wire;
use crate::ed25519;
use crate::id::{FleetId, KeyId, first};
use crate::refusal::Refusal;

/// Bytes of one signature entry: key id and Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 68;

/// Most signatures on one statement: five old and five new root keys on a keyring.
pub const SIGNATURES_MAX: usize = 10;

/// Longest message: tag, fleet, the longest context (a poll) and the longest statement (a keyring).
pub const MESSAGE_MAX_BYTES: usize = 640;

/// What kind of statement a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The keys a device believes; signed by root.
    Keyring,
    /// One commit compiled for the fleet; signed by the publishers.
    Release,
    /// Run this release now; signed by the director, for one poll.
    Assignment,
    /// Nothing new; signed by the director, for one poll.
    Unchanged,
    /// The newest release of static hosting; signed by the head key.
    Head,
    /// What a device runs; signed by the device.
    Report,
}

impl Kind {
    /// The tag that starts the message, its terminating zero included.
    #[must_use]
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Keyring => b"steadfast.keyring.v1\0",
            Self::Release => b"steadfast.release.v1\0",
            Self::Assignment => b"steadfast.assignment.v1\0",
            Self::Unchanged => b"steadfast.unchanged.v1\0",
            Self::Head => b"steadfast.head.v1\0",
            Self::Report => b"steadfast.report.v1\0",
        }
    }
}

/// An Ed25519 public key, 32 bytes, as it stands in a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

wire! { newtype PublicKey }

impl PublicKey {
    /// The id that names this key in signatures: its first four bytes.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(first(&self.0))
    }

    /// Whether the bytes are, in their one canonical form, a point of the curve whose order is not small. Others would verify what nobody
    /// signed.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        ed25519::is_usable(&self.0)
    }

    /// Verifies one signature strictly: key and `R` canonical and not of small order, `s` below the order of the group, and
    /// `[s]B = R + [k]A` without the cofactor.
    ///
    /// # Errors
    /// [`Refusal::BAD_SIGNATURE`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
        if ed25519::verify(&self.0, message, signature) { Ok(()) } else { Err(Refusal::BAD_SIGNATURE) }
    }
}

/// A statement with its signatures, as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed<'a> {
    /// The statement's bytes, exactly as they were signed.
    pub statement: &'a [u8],
    /// Its signature entries, end to end.
    pub signatures: &'a [u8],
}

wire! {
    struct Signed<'a> { statement, signatures }
}

/// The message that is signed: what a [`Signed`] statement means between two parties who know the fleet and context.
pub struct Message {
    bytes: heapless::Vec<u8, MESSAGE_MAX_BYTES>,
}

impl Message {
    /// Puts the message together. On a device it is best used by reference: moved out of the result, so long a value is on the stack twice.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] above [`MESSAGE_MAX_BYTES`].
    pub fn new(kind: Kind, fleet: &FleetId, context: &[u8], statement: &[u8]) -> Result<Self, Refusal> {
        let mut bytes = heapless::Vec::new();
        for part in [kind.tag(), &fleet.0, context, statement] {
            bytes.extend_from_slice(part).map_err(|_| Refusal::TOO_LARGE)?;
        }
        Ok(Self { bytes })
    }

    /// The bytes to sign.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Demands valid signatures of at least `threshold` different keys out of `keys`. Signatures of other keys are
    /// passed over: another role of the same statement may ask for them.
    ///
    /// # Errors
    /// [`Refusal::MALFORMED`], [`Refusal::TOO_LARGE`] or [`Refusal::UNSORTED_SIGNERS`] for the list itself,
    /// [`Refusal::BAD_SIGNATURE`] when one of `keys` signed something else, [`Refusal::TOO_FEW_SIGNATURES`].
    pub fn verify(&self, keys: &[PublicKey], threshold: u8, signatures: &[u8]) -> Result<(), Refusal> {
        let mut valid = 0_u8;
        for (signer, signature) in entries(signatures)? {
            let Some(key) = keys.iter().find(|key| key.id() == signer) else { continue };
            key.verify(&self.bytes, signature)?;
            valid = valid.saturating_add(1);
        }
        if threshold > 0 && valid >= threshold { Ok(()) } else { Err(Refusal::TOO_FEW_SIGNATURES) }
    }
}

/// The signature entries of a run of bytes, checked to be whole, few enough and strictly ascending by key id.
///
/// # Errors
/// [`Refusal::MALFORMED`], [`Refusal::TOO_LARGE`], [`Refusal::UNSORTED_SIGNERS`].
pub fn entries(bytes: &[u8]) -> Result<impl Iterator<Item = (KeyId, &[u8; 64])>, Refusal> {
    let (chunks, rest) = bytes.as_chunks::<SIGNATURE_BYTES>();
    if !rest.is_empty() {
        return Err(Refusal::MALFORMED);
    }
    if chunks.len() > SIGNATURES_MAX {
        return Err(Refusal::TOO_LARGE);
    }
    if !chunks.iter().map(|chunk| first::<4>(chunk)).is_sorted_by(|a, b| a < b) {
        return Err(Refusal::UNSORTED_SIGNERS);
    }
    Ok(chunks.iter().filter_map(|chunk| Some((KeyId(first(chunk)), chunk.last_chunk::<64>()?))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    const FLEET: FleetId = FleetId([7; 16]);

    fn sign(keys: &[&SigningKey], message: &Message) -> Vec<u8> {
        let mut entries: Vec<_> = keys
            .iter()
            .map(|key| [&key.verifying_key().as_bytes()[..4], &key.sign(message.bytes()).to_bytes()].concat())
            .collect();
        entries.sort();
        entries.concat()
    }

    fn setup() -> (Vec<SigningKey>, Vec<PublicKey>, Message) {
        let keys: Vec<_> = (1..4).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        let public = keys.iter().map(|key| PublicKey(key.verifying_key().to_bytes())).collect();
        (keys, public, Message::new(Kind::Release, &FLEET, b"", b"statement").unwrap())
    }

    #[test]
    fn a_threshold_needs_different_keys() {
        let (keys, public, message) = setup();
        let two = sign(&[&keys[0], &keys[2]], &message);
        assert_eq!(message.verify(&public, 2, &two), Ok(()));
        assert_eq!(message.verify(&public, 3, &two), Err(Refusal::TOO_FEW_SIGNATURES));
        let same_twice = sign(&[&keys[0], &keys[0]], &message);
        assert_eq!(message.verify(&public, 2, &same_twice), Err(Refusal::UNSORTED_SIGNERS));
        assert_eq!(message.verify(&public, 0, &[]), Err(Refusal::TOO_FEW_SIGNATURES));
    }

    #[test]
    fn kind_fleet_context_and_statement_are_all_covered() {
        let (keys, public, message) = setup();
        let signature = sign(&[&keys[0]], &message);
        let others = [
            Message::new(Kind::Head, &FLEET, b"", b"statement"),
            Message::new(Kind::Release, &FleetId([8; 16]), b"", b"statement"),
            Message::new(Kind::Release, &FLEET, b"x", b"statement"),
            Message::new(Kind::Release, &FLEET, b"", b"statemend"),
        ];
        for other in others {
            assert_eq!(other.unwrap().verify(&public, 1, &signature), Err(Refusal::BAD_SIGNATURE));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused() {
        let (keys, public, message) = setup();
        let signature = sign(&[&keys[0]], &message);
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(message.verify(&public, 1, &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_weak_key_is_not_usable() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(!PublicKey(neutral).is_usable());
        assert!(PublicKey(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes()).is_usable());
    }
}
