//! The identity region: who a device is and whom it believes before it has heard from anyone.
//!
//! `steadfast flash` writes it once; core and firmware only read it. Everything in it stays true for the device's life.
//!
//! ```text
//! magic "SFIDENT" (7)  version 1 (1)  body length, little-endian (2)  body, postcard  check (16)
//! ```
//!
//! The check is the first 16 bytes of the SHA-256 over everything before it. What follows in the region is not read.

use core::fmt;

use heapless::String;
use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::digest::Digest;
use crate::ed25519;
use crate::id::{DeviceId, FleetId, first};
use crate::keyring::Keyring;
use crate::position::Position;
use crate::refusal::Refusal;
use crate::statement::PublicKey;

/// What the region starts with: the magic and the version of what follows.
const MAGIC: [u8; 8] = *b"SFIDENT\x01";

/// Magic and body length.
const HEADER_BYTES: usize = 10;

/// The truncated SHA-256 at the end.
const CHECK_BYTES: usize = 16;

/// Longest server address, `host:port`.
pub const SERVER_MAX_BYTES: usize = 64;

/// How much of the region a device reads at most: the largest identity, as a test shows, rounded up.
pub const IDENTITY_MAX_BYTES: usize = 640;

/// A device's private key: the 32-byte seed of Ed25519 (RFC 8032, section 5.1.5). Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub [u8; 32]);

wire! { newtype Seed }

impl Seed {
    /// The public half, as it stands in the inventory.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(ed25519::public_key(&self.0))
    }

    /// Signs `message`, as this device signs its reports.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        ed25519::sign(&self.0, message)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What `steadfast flash` wrote about this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// Its fleet.
    pub fleet: FleetId,
    /// Itself.
    pub device: DeviceId,
    /// Its private key.
    pub seed: Seed,
    /// The keyring that it believes until it has recorded a later one.
    pub keyring: Keyring,
    /// The lowest position that it takes until it has recorded a higher one.
    pub floor: Position,
    /// Where to ask while no configuration says it, `host:port`; empty when the firmware knows.
    pub server: String<SERVER_MAX_BYTES>,
}

wire! {
    struct Provisioned { fleet, device, seed, keyring, floor, server }
}

impl Provisioned {
    /// Reads the start of the region; bytes behind the check are passed over.
    ///
    /// # Errors
    /// [`Refusal::MALFORMED`] for a region that was never written, is of another version, damaged, or names no device;
    /// [`Refusal::KEYRING_INVALID`].
    pub fn decode(region: &[u8]) -> Result<Self, Refusal> {
        let (magic, rest) = region.split_first_chunk::<8>().ok_or(Refusal::MALFORMED)?;
        let (length, _) = rest.split_first_chunk::<2>().ok_or(Refusal::MALFORMED)?;
        let end = HEADER_BYTES.saturating_add(usize::from(u16::from_le_bytes(*length)));
        let (checked, rest) = region.split_at_checked(end).ok_or(Refusal::MALFORMED)?;
        let check = rest.first_chunk::<CHECK_BYTES>().ok_or(Refusal::MALFORMED)?;
        if *magic != MAGIC || *check != self::check(checked) {
            return Err(Refusal::MALFORMED);
        }
        let identity: Self = codec::decode(checked.get(HEADER_BYTES..).unwrap_or_default())?;
        if identity.device == DeviceId::NONE {
            return Err(Refusal::MALFORMED);
        }
        if identity.keyring.is_sound() { Ok(identity) } else { Err(Refusal::KEYRING_INVALID) }
    }

    /// Encodes the region's start into `buffer` and returns that part.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] when the buffer is shorter than [`IDENTITY_MAX_BYTES`] and too short.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
        let body = buffer.get_mut(HEADER_BYTES..).ok_or(Refusal::TOO_LARGE)?;
        let length = codec::encode(self, body)?.len();
        let end = HEADER_BYTES.saturating_add(length);
        let length = u16::try_from(length).map_err(|_| Refusal::TOO_LARGE)?.to_le_bytes();
        let header = MAGIC.iter().chain(&length);
        buffer.iter_mut().zip(header).for_each(|(to, from)| *to = *from);
        let check = check(buffer.get(..end).ok_or(Refusal::TOO_LARGE)?);
        let whole = end.saturating_add(CHECK_BYTES);
        buffer.get_mut(end..whole).ok_or(Refusal::TOO_LARGE)?.copy_from_slice(&check);
        buffer.get(..whole).ok_or(Refusal::TOO_LARGE)
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    first(&Digest::of(bytes).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::{Director, Role};

    fn keys<const N: usize>(from: u8, count: u8) -> heapless::Vec<PublicKey, N> {
        let mut keys: heapless::Vec<_, N> = (from..from + count).map(|seed| Seed([seed; 32]).public_key()).collect();
        keys.sort_unstable();
        keys
    }

    fn identity(count: u8, number: u32, server: &str) -> Provisioned {
        Provisioned {
            fleet: FleetId([1; 16]),
            device: DeviceId([2; 16]),
            seed: Seed([3; 32]),
            keyring: Keyring {
                version: number,
                root: Role { threshold: count, keys: keys(10, count) },
                publisher: Role { threshold: count, keys: keys(20, count) },
                director: Director::Assignments(keys(30, count.min(2))),
                publisher_epoch: number,
            },
            floor: Position { epoch: number, sequence: number },
            server: String::try_from(server).unwrap(),
        }
    }

    fn encode(identity: &Provisioned) -> Vec<u8> {
        identity.encode(&mut [0; IDENTITY_MAX_BYTES]).unwrap().to_vec()
    }

    #[test]
    fn an_identity_reads_back_whatever_follows_it() {
        let identity = identity(1, 1, "10.0.2.2:8440");
        let mut region = encode(&identity);
        assert_eq!(Provisioned::decode(&region), Ok(identity.clone()));
        region.resize(IDENTITY_MAX_BYTES, 0xFF);
        assert_eq!(Provisioned::decode(&region), Ok(identity));
    }

    #[test]
    fn the_largest_identity_fits_its_bound() {
        let largest = identity(5, u32::MAX, &"x".repeat(SERVER_MAX_BYTES));
        assert_eq!(Provisioned::decode(&encode(&largest)), Ok(largest));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let bytes = encode(&identity(1, 1, ""));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Provisioned::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Provisioned::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert_eq!(Provisioned::decode(&[0xFF; IDENTITY_MAX_BYTES]), Err(Refusal::MALFORMED));
    }

    #[test]
    fn a_device_without_an_id_and_an_unsound_keyring_are_refused() {
        let nobody = Provisioned { device: DeviceId::NONE, ..identity(1, 1, "") };
        assert_eq!(Provisioned::decode(&encode(&nobody)), Err(Refusal::MALFORMED));
        let mut unsound = identity(1, 1, "");
        unsound.keyring.root.threshold = 2;
        assert_eq!(Provisioned::decode(&encode(&unsound)), Err(Refusal::KEYRING_INVALID));
    }

    #[test]
    fn a_seed_is_never_printed() {
        assert!(format!("{:?}", identity(1, 1, "")).contains("seed: Seed(..)"));
    }
}
