//! The twelve edge cases of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020), and what strict verification owes each.
//!
//! Strict means: key and R are canonical and not of small order, s is below the order of the group, and the equation holds without
//! the cofactor. [`Looked::at`] computes each of these by itself, so the table below is held against the curve as well as against core.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest as _, Sha512};

use super::Published;

/// What strict verification owes one case.
#[derive(Clone, Copy, Debug)]
pub struct Owed {
    /// Whether it must be accepted.
    pub is_valid: bool,
    /// Why, in words.
    pub why: &'static str,
}

const fn refuse(why: &'static str) -> Owed {
    Owed { is_valid: false, why }
}

/// The answers, in the order of the published file.
pub const OWED: [Owed; 12] = [
    refuse("key and R have small order, s = 0"),
    refuse("the key has small order"),
    refuse("R has small order"),
    Owed { is_valid: true, why: "mixed orders that cancel out: both equations hold" },
    refuse("holds with the cofactor only"),
    refuse("holds with the cofactor only, if 8k is not reduced first"),
    refuse("s is not below the order of the group"),
    refuse("s is far above the order of the group"),
    refuse("R has small order and is not canonical; k is over its canonical form"),
    refuse("R has small order and is not canonical; k is over the bytes as they are"),
    refuse("the key has small order and is not canonical; k is over its canonical form"),
    refuse("the key has small order and is not canonical; k is over the bytes as they are"),
];

/// The properties of a signature on which libraries disagree.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// The key is in its one form.
    pub key_is_canonical: bool,
    /// The key's order is small.
    pub key_is_small: bool,
    /// R is in its one form.
    pub r_is_canonical: bool,
    /// R's order is small.
    pub r_is_small: bool,
    /// s is below the order of the group.
    pub s_is_canonical: bool,
    /// [s]B = R + [k]A.
    pub holds: bool,
    /// The same, each side eight times.
    pub holds_with_cofactor: bool,
}

impl Looked {
    /// Looks at a signature of 64 bytes whose key and R are points; `None` for others.
    #[must_use]
    pub fn at(published: &Published) -> Option<Self> {
        let (r_bytes, s_bytes) = published.signature.split_first_chunk::<32>()?;
        let s_bytes: [u8; 32] = s_bytes.try_into().ok()?;
        let (key, r) = (point(&published.key)?, point(r_bytes)?);
        let hash = Sha512::new().chain_update(r_bytes).chain_update(published.key).chain_update(&published.message);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let s = Scalar::from_bytes_mod_order(s_bytes);
        let left_over = EdwardsPoint::mul_base(&s) - r - k * key;
        Some(Self {
            key_is_canonical: key.compress().to_bytes() == published.key,
            key_is_small: key.is_small_order(),
            r_is_canonical: r.compress().to_bytes() == *r_bytes,
            r_is_small: r.is_small_order(),
            s_is_canonical: bool::from(Scalar::from_canonical_bytes(s_bytes).is_some()),
            holds: left_over.is_identity(),
            holds_with_cofactor: left_over.mul_by_cofactor().is_identity(),
        })
    }

    /// Whether strict verification accepts it.
    #[must_use]
    pub fn is_strictly_valid(&self) -> bool {
        let canonical = self.key_is_canonical && self.r_is_canonical && self.s_is_canonical;
        canonical && !self.key_is_small && !self.r_is_small && self.holds
    }
}

fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*bytes).decompress()
}
