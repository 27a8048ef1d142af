//! Identity regions and keyrings: whom a device believes first, and whom next.

use steadfast_core::digest::Digest;
use steadfast_core::id::DeviceId;
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::keyring::{Director, Keyring};
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::{Kind, PublicKey, Signed};

use super::cast::{DEVICE, FLEET, OTHER_FLEET, encode, flipped, key, keyring, longer, overlong, replaced, role};
use super::cast::{seed, shorter, sign, sign_for, sorted};
use super::{Vector, hex};

const OLD_ROOTS: [&str; 2] = ["root a", "root b"];

/// Vectors of the identity region.
pub(super) fn identities() -> Vec<Vector> {
    let provisioned = Provisioned {
        fleet: FLEET,
        device: DEVICE,
        seed: seed("device"),
        keyring: keyring(),
        floor: Position { epoch: 3, sequence: 7 },
        server: "10.0.2.2:8440".try_into().expect("it is short"),
    };
    let whole = region(&provisioned);
    let good = |name, bytes: &[u8]| identity_says(Vector::good("identity", name, bytes));
    let bad = |name, bytes: &[u8], refusal| Vector::bad("identity", name, bytes, refusal);
    let nobody = region(&Provisioned { device: DeviceId::NONE, ..provisioned.clone() });
    let unsound = Provisioned { keyring: Keyring { version: 0, ..keyring() }, ..provisioned.clone() };
    let body = encode(&provisioned);
    vec![
        good("a region with nothing behind it", &whole),
        good("what follows in the region is not read", &[&whole[..], &[0xFF; 40]].concat()),
        bad("erased flash", &[0xFF; 640], Refusal::MALFORMED),
        bad("another magic", &framed(b"SFIDENX\x01", &body), Refusal::MALFORMED),
        bad("another version", &framed(b"SFIDENT\x02", &body), Refusal::MALFORMED),
        bad("cut off inside the check", &shorter(&whole), Refusal::MALFORMED),
        bad("a flipped bit of the body", &flipped(&whole, 20), Refusal::MALFORMED),
        bad("a flipped bit of the check", &flipped(&whole, whole.len() - 1), Refusal::MALFORMED),
        bad("an over-long varint in the body", &framed(MAGIC, &overlong(&body, 64)), Refusal::MALFORMED),
        bad("a byte behind the fields of the body", &framed(MAGIC, &longer(&body)), Refusal::MALFORMED),
        bad("the device id of nobody", &nobody, Refusal::MALFORMED),
        bad("a keyring of version 0", &region(&unsound), Refusal::KEYRING_INVALID),
    ]
}

const MAGIC: &[u8; 8] = b"SFIDENT\x01";

fn identity_says(vector: Vector) -> Vector {
    vector
        .gives("fleet", hex(&FLEET.0))
        .gives("device", hex(&DEVICE.0))
        .gives("public_key", hex(&key("device").0))
        .gives("keyring_version", 1)
        .gives("floor", vec![3, 7])
        .gives("server", "10.0.2.2:8440")
}

fn region(provisioned: &Provisioned) -> Vec<u8> {
    provisioned.encode(&mut [0; IDENTITY_MAX_BYTES]).expect("an identity fits").to_vec()
}

/// Any body in a whole frame.
fn framed(magic: &[u8; 8], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a short body").to_le_bytes();
    let checked = [&magic[..], &length, body].concat();
    [&checked[..], &Digest::of(&checked).0[..16]].concat()
}

/// Vectors of keyring statements and of keyrings that follow one another.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = statements();
    vectors.extend(unsound());
    vectors.extend(successors());
    vectors.extend(wrong_successors());
    vectors.extend(files());
    vectors
}

fn statements() -> Vec<Vector> {
    let good = |name, keyring: &Keyring| says(Vector::good("keyring", name, &encode(keyring)), keyring);
    let bad = |name, bytes: &[u8], refusal| Vector::bad("keyring", name, bytes, refusal);
    let whole = encode(&keyring());
    vec![
        good("two of three roots, two of three publishers, one director", &keyring()),
        good("no director", &Keyring { director: Director::None, ..keyring() }),
        good(
            "a head key",
            &Keyring { director: Director::Heads(sorted(&["head"]).into_iter().collect()), ..keyring() },
        ),
        good("the largest numbers of keys", &crowded()),
        bad("an over-long varint", &overlong(&whole, 0), Refusal::MALFORMED),
        bad("a byte behind it", &longer(&whole), Refusal::MALFORMED),
        bad("cut off", &shorter(&whole), Refusal::MALFORMED),
        bad("nothing", &[], Refusal::MALFORMED),
        bad("six root keys", &replaced(&whole, 2, 6), Refusal::MALFORMED),
        bad("a director of no known kind", &replaced(&whole, 2 + 97 + 98, 3), Refusal::MALFORMED),
        bad("longer than 400 bytes", &[&whole[..], &[0; 400]].concat(), Refusal::TOO_LARGE),
    ]
}

/// Five roots, five publishers, two directors.
fn crowded() -> Keyring {
    let roots = ["root a", "root b", "root c", "root d", "root e"];
    let publishers = ["publisher a", "publisher b", "publisher c", "publisher d", "publisher e"];
    let directors = sorted(&["director", "director b"]).into_iter().collect();
    let director = Director::Assignments(directors);
    Keyring {
        version: u32::MAX,
        root: role(5, &roots),
        publisher: role(3, &publishers),
        director,
        publisher_epoch: 300,
    }
}

fn says(vector: Vector, keyring: &Keyring) -> Vector {
    vector
        .gives("version", keyring.version)
        .gives("root", vec![usize::from(keyring.root.threshold), keyring.root.keys.len()])
        .gives("publisher", vec![usize::from(keyring.publisher.threshold), keyring.publisher.keys.len()])
        .gives("director_keys", keyring.director.keys().len())
        .gives("publisher_epoch", keyring.publisher_epoch)
}

/// Keyrings that decode and must not be believed.
fn unsound() -> Vec<Vector> {
    let with_root_key = |spoiled: [u8; 32]| {
        let mut ring = keyring();
        ring.root.keys[0] = PublicKey(spoiled);
        ring.root.keys.sort_unstable();
        ring
    };
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut same_id = key("root b").0;
    same_id[31] ^= 0x80;
    let mut unsorted = keyring();
    unsorted.publisher.keys.swap(0, 1);
    let mut same_twice = keyring();
    same_twice.publisher.keys[1] = same_twice.publisher.keys[0];
    let threshold = |threshold| Keyring { root: role(threshold, &["root a", "root b", "root c"]), ..keyring() };
    let no_keys = Director::Assignments(sorted(&[]).into_iter().collect());
    let cases = [
        ("version 0", Keyring { version: 0, ..keyring() }),
        ("a threshold of 0", threshold(0)),
        ("a threshold above the number of keys", threshold(4)),
        ("a role without keys", Keyring { publisher: role(1, &[]), ..keyring() }),
        ("a director without keys", Keyring { director: no_keys, ..keyring() }),
        ("keys out of order", unsorted),
        ("a key twice in a role", same_twice),
        ("a key in two roles", Keyring { publisher: role(1, &["root a"]), ..keyring() }),
        ("two keys with the same first four bytes", with_root_key(same_id)),
        ("a key of small order: the neutral element", with_root_key(neutral)),
        ("a key of small order: order 4", with_root_key([0; 32])),
        ("a key of small order: order 8", with_root_key(ORDER_8)),
        ("a key that is no point", with_root_key(NO_POINT)),
        ("a key of large order that is not written canonically", with_root_key(super::ed25519::NOT_CANONICAL)),
    ];
    let bad = |(name, ring): (&str, Keyring)| Vector::bad("keyring", name, &encode(&ring), Refusal::KEYRING_INVALID);
    cases.into_iter().map(bad).collect()
}

/// A point of order 8.
const ORDER_8: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
    0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

/// y = 2, for which the curve has no x.
const NO_POINT: [u8; 32] = {
    let mut y = [0; 32];
    y[0] = 2;
    y
};

/// The keyring after [`keyring`]: one root and one publisher key replaced, the epoch raised.
fn next() -> Keyring {
    let publisher = role(2, &["publisher a", "publisher b", "publisher d"]);
    Keyring { version: 2, root: role(2, &["root a", "root b", "root d"]), publisher, publisher_epoch: 4, ..keyring() }
}

/// The one after that: other roots altogether.
fn third() -> Keyring {
    Keyring { version: 3, root: role(1, &["root e", "root f"]), ..next() }
}

fn signed(statement: &[u8], signatures: &[u8]) -> Vec<u8> {
    encode(&Signed { statement, signatures })
}

fn signed_by(ring: &Keyring, names: &[&str]) -> Vec<u8> {
    let statement = encode(ring);
    signed(&statement, &sign(Kind::Keyring, &[], &statement, names))
}

fn after(vector: Vector, present: &Keyring) -> Vector {
    vector.with("fleet", hex(&FLEET.0)).with("keyring", hex(&encode(present)))
}

fn successors() -> Vec<Vector> {
    let good = |name, ring: &Keyring, names: &[&str]| {
        let vector = Vector::good("signed-keyring", name, &signed_by(ring, names));
        vector.gives("version", ring.version).gives("publisher_epoch", ring.publisher_epoch)
    };
    let everyone = ["root a", "root b", "root c", "root d"];
    let strangers = ["root a", "root b", "publisher a", "nobody"];
    let handover = ["root b", "root d", "root f"];
    vec![
        after(good("one root and one publisher replaced, signed by two who stay", &next(), &OLD_ROOTS), &keyring()),
        after(good("signed by all old and new roots", &next(), &everyone), &keyring()),
        after(good("signatures of other keys are passed over", &next(), &strangers), &keyring()),
        after(good("all roots replaced, signed by enough of both sets", &third(), &handover), &next()),
    ]
}

fn wrong_successors() -> Vec<Vector> {
    let bad = |name, bytes: &[u8], refusal| after(Vector::bad("signed-keyring", name, bytes, refusal), &keyring());
    let by = |ring: &Keyring| signed_by(ring, &OLD_ROOTS);
    let statement = encode(&next());
    let good = sign(Kind::Keyring, &[], &statement, &OLD_ROOTS);
    let foreign = sign_for(&OTHER_FLEET, Kind::Keyring, &[], &statement, &OLD_ROOTS);
    let release = sign(Kind::Release, &[], &statement, &OLD_ROOTS);
    let few = Refusal::TOO_FEW_SIGNATURES;
    let not_by_the_new = signed_by(&third(), &["root a", "root b"]);
    let spoiled = longer(&statement);
    let spoiled = signed(&spoiled, &sign(Kind::Keyring, &[], &spoiled, &OLD_ROOTS));
    let unsound = Keyring { root: role(4, &["root a", "root b", "root d"]), ..next() };
    let twice = sign(Kind::Keyring, &[], &statement, &["root a", "root a"]);
    vec![
        bad("the same version again", &by(&keyring()), Refusal::KEYRING_VERSION),
        bad("a version left out", &by(&Keyring { version: 3, ..next() }), Refusal::KEYRING_VERSION),
        bad("a lower epoch", &by(&Keyring { publisher_epoch: 2, ..next() }), Refusal::KEYRING_VERSION),
        bad("below the old threshold", &signed_by(&next(), &["root a", "root d"]), few),
        bad("not signed at all", &signed(&statement, &[]), few),
        bad("a key counted twice", &signed(&statement, &twice), Refusal::UNSORTED_SIGNERS),
        bad("signed by publishers", &signed_by(&next(), &["publisher a", "publisher b"]), few),
        bad("signed for another fleet", &signed(&statement, &foreign), Refusal::BAD_SIGNATURE),
        bad("signed as a release", &signed(&statement, &release), Refusal::BAD_SIGNATURE),
        bad("a flipped bit of a signature", &signed(&statement, &flipped(&good, 40)), Refusal::BAD_SIGNATURE),
        bad("signed with a byte behind the statement", &spoiled, Refusal::MALFORMED),
        bad("an unsound keyring, well signed", &by(&unsound), Refusal::KEYRING_INVALID),
        bad("a byte behind the signatures", &longer(&by(&next())), Refusal::MALFORMED),
        after(Vector::bad("signed-keyring", "below the new threshold", &not_by_the_new, few), &next()),
    ]
}

/// Keyrings as files of a fleet repository.
fn files() -> Vec<Vector> {
    let statement = encode(&keyring());
    let signatures = sign(Kind::Keyring, &[], &statement, &OLD_ROOTS);
    let one_root = sign(Kind::Keyring, &[], &statement, &["root a"]);
    let whole = file(b"SFKEYS\0\x01", &statement, &signatures);
    let later = encode(&next());
    let later = file(b"SFKEYS\0\x01", &later, &sign(Kind::Keyring, &[], &later, &OLD_ROOTS));
    let says = |vector: Vector| vector.gives("fleet", hex(&FLEET.0)).gives("version", 1);
    let refused = |name, bytes: &[u8], why| Vector::refused("keyring-file", name, bytes, why);
    vec![
        says(Vector::good("keyring-file", "the first keyring of a fleet", &whole)),
        refused("another magic", &flipped(&whole, 0), "it does not start as a keyring file"),
        refused("another version", &replaced(&whole, 7, 2), "it does not start as a keyring file"),
        refused("a byte behind it", &longer(&whole), "bytes are left over"),
        refused("another fleet than it was signed for", &flipped(&whole, 8), "a signature does not verify"),
        refused(
            "signed by too few of its own roots",
            &file(b"SFKEYS\0\x01", &statement, &one_root),
            "fewer signatures than the threshold",
        ),
        refused("a later one where the first is wanted", &later, "the first keyring has version 1"),
    ]
}

fn file(magic: &[u8; 8], statement: &[u8], signatures: &[u8]) -> Vec<u8> {
    [&magic[..], &FLEET.0, &signed(statement, signatures)].concat()
}
