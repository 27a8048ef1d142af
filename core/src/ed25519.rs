//! Ed25519 (RFC 8032) out of curve25519-dalek's parts: the same answers as ed25519-dalek's, in less code.
//!
//! Curve, field and scalars are dalek's, and so is their care for constant time. What is here is the order of the steps, and one trick:
//! all arithmetic modulo the group's order goes through dalek's reduction of 512-bit numbers. ed25519-dalek uses three more routines
//! for it, unrolled each, which are a third of the cryptography on riscv32imac.
//!
//! Verification is strict: a point of small order, a number that is not reduced, or another encoding of R is refused, so nobody but
//! the key's owner can change a signature into another that verifies.

use core::ops::{Add as _, Neg as _};

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use sha2::{Digest as _, Sha512};

/// Bytes of half a signature or half an expanded key.
const HALF: usize = 32;

/// Whether `public` is, in its one canonical form, a point of the curve whose order is not small. Others would verify what nobody signed.
#[must_use]
pub fn is_usable(public: &[u8; 32]) -> bool {
    point(public).is_some()
}

/// Whether the owner of `public` signed `message` (RFC 8032, section 5.1.7, without the cofactor).
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (Some(r), Some(s)) = (signature.first_chunk::<HALF>(), signature.last_chunk::<HALF>()) else { return false };
    let (Some(key), Some(_)) = (point(public), point(r)) else { return false };
    let scalar = reduced(s, &[0; HALF]);
    if scalar.as_bytes() != s {
        return false;
    }
    let challenge = hash(&[r, public, message]);
    EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &key.neg(), &scalar).compress().as_bytes() == r
}

/// The public key of a seed (RFC 8032, section 5.1.5).
#[must_use]
pub fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    let (scalar, _) = expand(seed);
    EdwardsPoint::mul_base_clamped(scalar).compress().to_bytes()
}

/// Signs `message` (RFC 8032, section 5.1.6); `public` must be the seed's own [`public_key`].
#[must_use]
pub fn sign(seed: &[u8; 32], public: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let (secret, prefix) = expand(seed);
    let nonce = hash(&[&prefix, message]);
    let r = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    let challenge = hash(&[&r, public, message]);
    let (low, high) = product(challenge.as_bytes(), &clamp_integer(secret));
    let s = reduced(&low, &high).add(nonce);
    let mut signature = [0; 64];
    signature.iter_mut().zip(r.iter().chain(s.as_bytes())).for_each(|(to, from)| *to = *from);
    signature
}

/// A point whose order is not small. RFC 8032, section 5.1.3, wants y below 2^255 - 19; dalek takes y above as well.
fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let [low, middle @ .., high] = bytes;
    let is_canonical = *low < 0xED || high & 0x7F != 0x7F || middle.iter().any(|byte| *byte != 0xFF);
    let point = CompressedEdwardsY(*bytes).decompress().filter(|_| is_canonical);
    point.filter(|point| !point.is_small_order())
}

/// The secret number, not clamped yet, and the prefix from which nonces are made.
fn expand(seed: &[u8; 32]) -> ([u8; HALF], [u8; HALF]) {
    halves(&Sha512::digest(seed).into())
}

/// A hash of parts as a number modulo the group's order.
fn hash(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Sha512::new();
    parts.iter().for_each(|part| hasher.update(part));
    let (low, high) = halves(&hasher.finalize().into());
    reduced(&low, &high)
}

/// A 512-bit number modulo the group's order.
fn reduced(low: &[u8; HALF], high: &[u8; HALF]) -> Scalar {
    let mut wide = [0; 64];
    wide.iter_mut().zip(low.iter().chain(high)).for_each(|(to, from)| *to = *from);
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The product of two 256-bit numbers, as at school, byte by byte and always the same steps: both are secret or from a secret.
fn product(a: &[u8; HALF], b: &[u8; HALF]) -> ([u8; HALF], [u8; HALF]) {
    let mut wide = [0_u8; 64];
    for (place, digit) in a.iter().enumerate() {
        let mut carry = 0_u32;
        for (sum, other) in wide.iter_mut().skip(place).zip(b.iter().chain(&[0])) {
            // At most 255 + 255 * 255 + 255, so the carry stays a byte.
            carry = carry.wrapping_add(u32::from(*sum)).wrapping_add(u32::from(*digit).wrapping_mul(u32::from(*other)));
            *sum = carry as u8;
            carry >>= u8::BITS;
        }
    }
    halves(&wide)
}

/// The two halves of 64 bytes.
fn halves(wide: &[u8; 64]) -> ([u8; HALF], [u8; HALF]) {
    let (mut low, mut high) = ([0; HALF], [0; HALF]);
    low.iter_mut().chain(&mut high).zip(wide).for_each(|(to, from)| *to = *from);
    (low, high)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
    use proptest::prelude::*;

    use super::*;

    /// The order of the group, least byte first.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    /// What ed25519-dalek says.
    fn judged(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    proptest! {
        #[test]
        fn keys_and_signatures_are_those_of_ed25519_dalek(seed: [u8; 32], message: Vec<u8>) {
            let key = SigningKey::from_bytes(&seed);
            let public = public_key(&seed);
            prop_assert_eq!(public, key.verifying_key().to_bytes());
            let signature = sign(&seed, &public, &message);
            prop_assert_eq!(signature, key.sign(&message).to_bytes());
            prop_assert!(verify(&public, &message, &signature));
        }

        #[test]
        fn any_bytes_are_judged_as_ed25519_dalek_judges_them(public: [u8; 32], r: [u8; 32], s: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            prop_assert_eq!(verify(&public, b"message", &signature), judged(&public, b"message", &signature));
            prop_assert_eq!(is_usable(&public), VerifyingKey::from_bytes(&public).is_ok_and(|key| !key.is_weak()));
        }
    }

    #[test]
    fn a_number_that_is_not_reduced_is_refused() {
        let public = public_key(&[7; 32]);
        let signature = sign(&[7; 32], &public, b"message");
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
        let signature = sign(&[7; 32], &public, b"message");
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
