//! Single signatures, among them those on which Ed25519 libraries disagree. Verification here is strict.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::PublicKey;

use super::cast::{flipped, key, seed};
use super::{Vector, hex};

/// y = 2^255 - 19 + 3: the point of y = 3, not written canonically. Its order is not small.
pub const NOT_CANONICAL: [u8; 32] = {
    let mut y = [0xFF; 32];
    (y[0], y[31]) = (0xF0, 0x7F);
    y
};

/// The neutral element, and the same with y = 2^255 - 19 + 1.
const NEUTRAL: [u8; 32] = {
    let mut y = [0; 32];
    y[0] = 1;
    y
};
const NEUTRAL_NOT_CANONICAL: [u8; 32] = {
    let mut y = [0xFF; 32];
    (y[0], y[31]) = (0xEE, 0x7F);
    y
};

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

const MESSAGE: &[u8] = b"a message";

/// Signature entries whose first one has the order of the group added to its s.
pub(super) fn with_large_s(entries: &[u8]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    add_order(&mut entries[36..68]);
    entries
}

fn add_order(s: &mut [u8]) {
    let mut carry = 0;
    for (byte, add) in s.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// A signature made by hand: any R and any key, whoever holds the scalars.
struct Forged {
    key: [u8; 32],
    r: [u8; 32],
    s: [u8; 32],
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// The private scalar of that name, and a scalar that nothing else is used for.
fn scalar(name: &str) -> Scalar {
    Scalar::from_bytes_mod_order(seed(name).0)
}

fn compressed(point: EdwardsPoint) -> [u8; 32] {
    point.compress().to_bytes()
}

impl Forged {
    /// For a key a * B + `torsion` and R = r * B + `r_torsion`, with s = r + k * a.
    fn new(torsion: EdwardsPoint, r_torsion: EdwardsPoint, message: &[u8]) -> Self {
        let (a, r) = (scalar("a"), scalar("r"));
        let key = compressed(EdwardsPoint::mul_base(&a) + torsion);
        let point = compressed(EdwardsPoint::mul_base(&r) + r_torsion);
        let s = r + challenge(&point, &key, message) * a;
        Self { key, r: point, s: s.to_bytes() }
    }

    /// With a key of small order, anyone signs anything: R = s * B.
    fn by_anyone(key: [u8; 32]) -> Self {
        let s = scalar("s");
        Self { key, r: compressed(EdwardsPoint::mul_base(&s)), s: s.to_bytes() }
    }

    /// With R the neutral element, however written.
    fn without_r(r: [u8; 32]) -> Self {
        let a = scalar("a");
        let key = compressed(EdwardsPoint::mul_base(&a));
        let s = challenge(&r, &key, MESSAGE) * a;
        Self { key, r, s: s.to_bytes() }
    }

    fn signature(&self) -> Vec<u8> {
        [self.r, self.s].concat()
    }
}

/// The first of many messages under which [k]T is, or is not, the neutral element, for a key with torsion T.
fn mixed(vanishes: bool) -> (Forged, Vec<u8>) {
    let torsion = EIGHT_TORSION[1];
    for number in 0_u32.. {
        let message = format!("message {number}").into_bytes();
        let forged = Forged::new(torsion, EIGHT_TORSION[0], &message);
        let k = challenge(&forged.r, &forged.key, &message);
        let left_over = k * torsion;
        if (compressed(left_over) == NEUTRAL) == vanishes {
            return (forged, message);
        }
    }
    unreachable!("one message in eight will do")
}

fn with(vector: Vector, key: &[u8; 32], message: &[u8]) -> Vector {
    vector.with("public_key", hex(key)).with("message", hex(message))
}

/// Vectors of signatures.
pub(super) fn vectors() -> Vec<Vector> {
    let by = |name: &str, message: &[u8]| seed(name).sign(message);
    let honest = key("signer").0;
    let right = by("signer", MESSAGE);
    let good = |name, message: &[u8]| with(Vector::good("ed25519", name, &by("signer", message)), &honest, message);
    let bad = |name, signature: &[u8], key: &[u8; 32]| {
        with(Vector::bad("ed25519", name, signature, Refusal::BAD_SIGNATURE), key, MESSAGE)
    };
    let mut large = right.to_vec();
    add_order(&mut large[32..]);
    let (whole, whole_message) = mixed(true);
    let (torn, torn_message) = mixed(false);
    let torn = with(
        Vector::bad(
            "ed25519",
            "only the cofactor makes it hold, by the key",
            &torn.signature(),
            Refusal::BAD_SIGNATURE,
        ),
        &torn.key,
        &torn_message,
    );
    let vanishing = Vector::good("ed25519", "a key with a part of small order that cancels out", &whole.signature());
    let mut vectors = vec![
        good("an ordinary signature", MESSAGE),
        good("an empty message", b""),
        good("a long message", &[0x5A; 600]),
        with(vanishing, &whole.key, &whole_message),
        torn,
        bad("a flipped bit of R", &flipped(&right, 0), &honest),
        bad("a flipped bit of s", &flipped(&right, 32), &honest),
        bad("another message", &by("signer", b"another"), &honest),
        bad("another key", &right, &key("nobody").0),
        bad("s with the order of the group added", &large, &honest),
        bad("s with its top bits set", &super::cast::replaced(&right, 63, right[63] | 0xE0), &honest),
    ];
    vectors.extend(of_small_order());
    vectors
}

fn of_small_order() -> Vec<Vector> {
    let bad = |name: &str, forged: &Forged| {
        let vector = Vector::bad("ed25519", name, &forged.signature(), Refusal::BAD_SIGNATURE);
        with(vector, &forged.key, MESSAGE)
    };
    let torsion = compressed(EIGHT_TORSION[4]);
    let r_torsion = Forged::new(EIGHT_TORSION[0], EIGHT_TORSION[1], MESSAGE);
    vec![
        bad("the key is the neutral element", &Forged::by_anyone(NEUTRAL)),
        bad("the key is the neutral element, not canonical", &Forged::by_anyone(NEUTRAL_NOT_CANONICAL)),
        bad("the key has order 2", &Forged::by_anyone(torsion)),
        bad("R is the neutral element", &Forged::without_r(NEUTRAL)),
        bad("R is the neutral element, not canonical", &Forged::without_r(NEUTRAL_NOT_CANONICAL)),
        bad("only the cofactor makes it hold, by R", &r_torsion),
        bad("the key is not canonical", &Forged { key: NOT_CANONICAL, ..Forged::by_anyone(NEUTRAL) }),
    ]
}

/// Whether the bytes are a point of the curve for a reader that does not ask for the canonical form.
#[must_use]
pub fn is_lax_point(key: &PublicKey) -> bool {
    CompressedEdwardsY(key.0).decompress().is_some()
}
