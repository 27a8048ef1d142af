//! The keyring: the public keys and thresholds that a device believes, by role.
//!
//! Version N+1 is accepted, from anyone at any time, when signed by the threshold of N's root and of its own root.
//! Keyrings chain by keys and not by hash, so that a fork with unchanged root keys heals at the next version.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::id::{FleetId, KeyId};
use crate::refusal::Refusal;
use crate::statement::{Kind, Message, PublicKey, Signed};

/// Most keys of the root or publisher role.
pub const ROLE_KEYS_MAX: usize = 5;

/// Most director keys: one in use and its successor.
pub const DIRECTOR_KEYS_MAX: usize = 2;

/// Longest keyring statement: 12 keys and the numbers beside them.
pub const KEYRING_MAX_BYTES: usize = 400;

/// Most keys of a keyring.
const KEYS_MAX: usize = 2 * ROLE_KEYS_MAX + DIRECTOR_KEYS_MAX;

/// Keys of which `threshold` must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// How many different keys must sign, 1 to the number of keys.
    pub threshold: u8,
    /// The keys, strictly ascending.
    pub keys: Vec<PublicKey, ROLE_KEYS_MAX>,
}

wire! {
    struct Role { threshold, keys }
}

/// Who may tell one device what to run now. One valid signature is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Director {
    /// Nobody: releases are taken in ascending order from anywhere.
    None,
    /// A control plane answers every poll with a signed assignment.
    Assignments(Vec<PublicKey, DIRECTOR_KEYS_MAX>),
    /// Static hosting: a signed head names the newest release.
    Heads(Vec<PublicKey, DIRECTOR_KEYS_MAX>),
}

wire! {
    enum Director { 0 = None, 1 = Assignments(keys), 2 = Heads(keys) }
}

/// The keys a device believes. See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring {
    /// Grows by one with each keyring; the first is 1.
    pub version: u32,
    /// Signs keyrings.
    pub root: Role,
    /// Signs releases.
    pub publisher: Role,
    /// Signs assignments or heads.
    pub director: Director,
    /// Replacing publisher keys raises it; a release's epoch must equal it.
    pub publisher_epoch: u32,
}

wire! {
    struct Keyring { version, root, publisher, director, publisher_epoch }
}

impl Keyring {
    /// Decodes and checks a keyring that is trusted for another reason than a signature: the first one, which the
    /// device was flashed with.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`], [`Refusal::MALFORMED`], [`Refusal::KEYRING_INVALID`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > KEYRING_MAX_BYTES {
            return Err(Refusal::TOO_LARGE);
        }
        let keyring: Self = codec::decode(bytes)?;
        if keyring.is_sound() { Ok(keyring) } else { Err(Refusal::KEYRING_INVALID) }
    }

    /// Whether thresholds can be met, keys are usable and sorted, and no key or key id stands in two places.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let director = self.director.keys();
        let roles = [&self.root, &self.publisher];
        let thresholds = roles.iter().all(|role| (1..=role.keys.len()).contains(&usize::from(role.threshold)));
        let sorted =
            [&*self.root.keys, &*self.publisher.keys, director].iter().all(|keys| keys.is_sorted_by(|a, b| a < b));
        let has_director = matches!(self.director, Director::None) || !director.is_empty();
        self.version >= 1 && thresholds && sorted && has_director && self.has_good_keys()
    }

    /// Whether every key is usable and no two share an id.
    fn has_good_keys(&self) -> bool {
        let mut known = Vec::<KeyId, KEYS_MAX>::new();
        self.keys().all(|key| {
            let id = key.id();
            key.is_usable() && !known.contains(&id) && known.push(id).is_ok()
        })
    }

    /// Every key of every role.
    fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.root.keys.iter().chain(&self.publisher.keys).chain(self.director.keys())
    }

    /// Verifies the keyring that follows this one.
    ///
    /// # Errors
    /// Those of [`Keyring::decode`], [`Refusal::KEYRING_VERSION`], and those of [`Message::verify`].
    #[inline(never)]
    pub fn verify_next(&self, fleet: &FleetId, signed: &Signed<'_>) -> Result<Successor, Refusal> {
        let next = Self::decode(signed.statement)?;
        if self.version.checked_add(1) != Some(next.version) || next.publisher_epoch < self.publisher_epoch {
            return Err(Refusal::KEYRING_VERSION);
        }
        match &Message::new(Kind::Keyring, fleet, &[], signed.statement) {
            Ok(message) => {
                message.verify(&self.root.keys, self.root.threshold, signed.signatures)?;
                message.verify(&next.root.keys, next.root.threshold, signed.signatures)?;
                Ok(Successor(next))
            }
            Err(refusal) => Err(*refusal),
        }
    }
}

impl Director {
    /// Its keys, none for [`Director::None`].
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        match self {
            Self::None => &[],
            Self::Assignments(keys) | Self::Heads(keys) => keys,
        }
    }
}

/// Proof that a keyring follows the one it was verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor(Keyring);

impl Successor {
    /// The keyring to believe from now on.
    #[must_use]
    pub fn accept(self) -> Keyring {
        self.0
    }
}
