//! Ed25519 (RFC 8032) by ed25519-dalek: the one place that calls it.
//!
//! Verification is strict: a point of small order, a number that is not reduced, or another encoding of a key or of R is refused, so
//! nobody but the key's owner can change a signature into another that verifies.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Whether `public` is, in its one canonical form, a point of the curve whose order is not small. Others would verify what nobody signed.
#[must_use]
pub fn is_usable(public: &[u8; 32]) -> bool {
    key(public).is_some_and(|key| !key.is_weak())
}

/// Whether the owner of `public` signed `message` (RFC 8032, section 5.1.7, without the cofactor).
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    key(public).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
}

/// The public key of a seed (RFC 8032, section 5.1.5).
#[must_use]
pub fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// Signs `message` with a seed (RFC 8032, section 5.1.6).
#[must_use]
pub fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(seed).sign(message).to_bytes()
}

/// The key, if its form is canonical. RFC 8032, section 5.1.3, wants y below 2^255 - 19; the library takes y above as well.
fn key(public: &[u8; 32]) -> Option<VerifyingKey> {
    let [low, middle @ .., high] = public;
    let is_canonical = *low < 0xED || high & 0x7F != 0x7F || middle.iter().any(|byte| *byte != 0xFF);
    if is_canonical { VerifyingKey::from_bytes(public).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of the group, least byte first.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    #[test]
    fn a_number_that_is_not_reduced_is_refused() {
        let public = public_key(&[7; 32]);
        let signature = sign(&[7; 32], b"message");
        let mut other = signature;
        let mut carry = 0;
        for (byte, order) in other[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry as u8;
            carry >>= 8;
        }
        assert!(verify(&public, b"message", &signature) && !verify(&public, b"message", &other));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let public = public_key(&[7; 32]);
        let signature = sign(&[7; 32], b"message");
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&public, b"message", &flipped), "bit {bit}");
        }
    }

    #[test]
    fn points_of_small_order_sign_nothing() {
        // As key and as R, with s = 0: without the check every message would verify for the neutral one.
        let order_four = [0; 32];
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for weak in [order_four, neutral] {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&weak);
            assert!(!is_usable(&weak) && !verify(&weak, b"message", &signature));
        }
    }
}
