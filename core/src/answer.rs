//! What a server answers to a poll, and what makes an answer fresh.
//!
//! An empty answer means nothing new, unsigned. Everything else is one [`Answer`]. Its director statements are signed
//! over the poll's own bytes: the nonce in them makes an answer fresh without any clock.

use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::digest::Digest;
use crate::envelope::Proof;
use crate::id::FleetId;
use crate::keyring::{Director, Keyring};
use crate::refusal::Refusal;
use crate::statement::{Kind, Message, Signed};

/// Longest answer: an assignment, an envelope, and the objects that fit beside it.
pub const ANSWER_MAX_BYTES: usize = 3328;

/// The server's stamp that a report must carry, so that the server keeps no state and the device no counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// When the server issued it, Unix seconds. Only the server reads it.
    pub issued_seconds: u64,
    /// The server's authentication code over the device and `issued_seconds`.
    pub code: [u8; 8],
}

wire! {
    struct Challenge { issued_seconds, code }
}

/// The director's word that nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// Poll again after so many seconds; 0 leaves it to the device.
    pub poll_after_seconds: u32,
    /// Whether a report is wanted now.
    pub report_wanted: bool,
    /// What the report must carry.
    pub challenge: Challenge,
}

wire! {
    struct Unchanged { poll_after_seconds, report_wanted, challenge }
}

/// The director's order to run one release now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// SHA-256 of the release statement.
    pub release: Digest,
    /// As in [`Unchanged`].
    pub unchanged: Unchanged,
}

wire! {
    struct Assignment { release, unchanged }
}

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// Nothing new; a signed [`Unchanged`].
    Unchanged(Signed<'a>),
    /// The same content in a release with a higher floor; a signed [`Assignment`] and where the leaf stands.
    Adopt {
        /// The order.
        #[serde(borrow)]
        assignment: Signed<'a>,
        /// The release and the path of the device's leaf.
        proof: Proof<'a>,
    },
    /// Other content; a signed [`Assignment`] and the envelope.
    Changed {
        /// The order.
        assignment: Signed<'a>,
        /// An encoded [`Envelope`](crate::envelope::Envelope).
        envelope: &'a [u8],
        /// Small objects that come along: the object's place in the manifest (a byte), its bytes, and so on. See [`inline`].
        inline: &'a [u8],
    },
    /// The keyring that follows the device's own, signed by both roots. Poll again at once.
    Keyring(Signed<'a>),
}

wire! {
    enum Answer<'a> {
        0 = Unchanged(signed),
        1 = Adopt { assignment, proof },
        2 = Changed { assignment, envelope, inline },
        3 = Keyring(signed),
    }
}

impl<'a> Answer<'a> {
    /// Decodes an answer that is not empty.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] or [`Refusal::MALFORMED`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > ANSWER_MAX_BYTES { Err(Refusal::TOO_LARGE) } else { codec::decode(bytes) }
    }
}

/// Finds an object among those that came inline. Sizes come from the verified manifest, one for each of its objects
/// (0 for those without bytes of their own).
///
/// Returns `None` when it is not there, or when what is there cannot be followed: then the object is fetched.
#[must_use]
pub fn inline(mut bytes: &[u8], wanted: usize, sizes: impl Fn(usize) -> Option<u32>) -> Option<&[u8]> {
    while let Some((place, rest)) = bytes.split_first() {
        let place = usize::from(*place);
        let size = usize::try_from(sizes(place)?).ok()?;
        let (object, after) = rest.split_at_checked(size)?;
        if place == wanted {
            return Some(object);
        }
        bytes = after;
    }
    None
}

/// Who asked what: the context in which a director's statement is valid.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The fleet.
    pub fleet: &'a FleetId,
    /// The keyring believed when the answer is read.
    pub keyring: &'a Keyring,
    /// The poll's bytes, exactly as sent.
    pub poll: &'a [u8],
}

/// Proof that a director answered this very poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    unchanged: Unchanged,
    release: Option<Digest>,
}

impl Fresh {
    /// What the answer says besides the order.
    #[must_use]
    pub fn unchanged(&self) -> Unchanged {
        self.unchanged
    }

    /// The release that was ordered, if one was.
    #[must_use]
    pub fn release(&self) -> Option<Digest> {
        self.release
    }
}

#[cfg(test)]
impl Fresh {
    /// A proof out of thin air.
    pub(crate) fn forge(unchanged: Unchanged) -> Self {
        Self { unchanged, release: None }
    }
}

impl Asked<'_> {
    /// Verifies a signed [`Unchanged`].
    ///
    /// # Errors
    /// [`Refusal::NO_DIRECTOR`], those of [`Message::verify`], or [`Refusal::MALFORMED`].
    pub fn verify_unchanged(&self, signed: &Signed<'_>) -> Result<Fresh, Refusal> {
        self.verify(Kind::Unchanged, signed)?;
        Ok(Fresh { unchanged: codec::decode(signed.statement)?, release: None })
    }

    /// Verifies a signed [`Assignment`].
    ///
    /// # Errors
    /// As [`Asked::verify_unchanged`].
    pub fn verify_assignment(&self, signed: &Signed<'_>) -> Result<Fresh, Refusal> {
        self.verify(Kind::Assignment, signed)?;
        let assignment: Assignment = codec::decode(signed.statement)?;
        Ok(Fresh { unchanged: assignment.unchanged, release: Some(assignment.release) })
    }

    fn verify(&self, kind: Kind, signed: &Signed<'_>) -> Result<(), Refusal> {
        let Director::Assignments(keys) = &self.keyring.director else {
            return Err(Refusal::NO_DIRECTOR);
        };
        match &Message::new(kind, self.fleet, self.poll, signed.statement) {
            Ok(message) => message.verify(keys, 1, signed.signatures),
            Err(refusal) => Err(*refusal),
        }
    }
}

/// The head of static hosting: the newest release, signed again by a scheduled job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Grows with every signing.
    pub counter: u64,
    /// SHA-256 of the release statement.
    pub release: Digest,
    /// Unix seconds after which it is old; looked at only by a device with a trusted clock.
    pub not_after: Option<u64>,
}

wire! {
    struct Head { counter, release, not_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_object_is_found_by_its_place() {
        let bytes = [0, b'a', b'b', 2, b'c'];
        let sizes = |place: usize| [Some(2), Some(9), Some(1)].get(place).copied().flatten();
        assert_eq!(inline(&bytes, 0, sizes), Some(&b"ab"[..]));
        assert_eq!(inline(&bytes, 2, sizes), Some(&b"c"[..]));
        assert_eq!(inline(&bytes, 1, sizes), None);
        assert_eq!(inline(&[1, 0], 1, sizes), None);
        assert_eq!(inline(&[7, 0], 1, sizes), None);
    }
}
