//! Who plays in the vectors: keys from fixed seeds, a fleet, a device, keyrings; and the ways to spoil bytes.

use serde::Serialize;
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::Seed;
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::statement::{Kind, Message, PublicKey};

/// The fleet.
pub(super) const FLEET: FleetId = FleetId(*b"vector fleet 001");
/// Another one.
pub(super) const OTHER_FLEET: FleetId = FleetId(*b"vector fleet 002");
/// The device.
pub(super) const DEVICE: DeviceId = DeviceId(*b"vector device 01");
/// The schema of its firmware.
pub(super) const SCHEMA: SchemaId = SchemaId(*b"the schema of the vector device.");

/// The private key of that name: the seed is the SHA-256 of the name.
pub(super) fn seed(name: &str) -> Seed {
    Seed(Digest::of(name.as_bytes()).0)
}

/// Its public half.
pub(super) fn key(name: &str) -> PublicKey {
    seed(name).public_key()
}

/// A role of these keys.
pub(super) fn role(threshold: u8, names: &[&str]) -> Role {
    Role { threshold, keys: sorted(names).into_iter().collect() }
}

/// The public keys of these names, ascending.
pub(super) fn sorted(names: &[&str]) -> Vec<PublicKey> {
    let mut keys: Vec<PublicKey> = names.iter().map(|name| key(name)).collect();
    keys.sort_unstable();
    keys
}

/// The first keyring: 2 of 3 root keys, 2 of 3 publisher keys, one director, epoch 3.
pub(super) fn keyring() -> Keyring {
    Keyring {
        version: 1,
        root: role(2, &["root a", "root b", "root c"]),
        publisher: role(2, &PUBLISHERS),
        director: Director::Assignments(sorted(&["director"]).into_iter().collect()),
        publisher_epoch: 3,
    }
}

/// The publishers of [`keyring`].
pub(super) const PUBLISHERS: [&str; 3] = ["publisher a", "publisher b", "publisher c"];

/// The bytes of any value.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, Vec::new()).expect("a vector takes every byte")
}

/// The signature entries of these keys over a statement, in the order in which they travel.
pub(super) fn sign(kind: Kind, context: &[u8], statement: &[u8], names: &[&str]) -> Vec<u8> {
    sign_for(&FLEET, kind, context, statement, names)
}

/// The same for any fleet.
pub(super) fn sign_for(fleet: &FleetId, kind: Kind, context: &[u8], statement: &[u8], names: &[&str]) -> Vec<u8> {
    let message = Message::new(kind, fleet, context, statement).expect("the statement fits a message");
    let mut entries: Vec<Vec<u8>> = names.iter().map(|name| entry(name, message.bytes())).collect();
    entries.sort_unstable();
    entries.concat()
}

/// One signature entry over exactly these bytes.
pub(super) fn entry(name: &str, message: &[u8]) -> Vec<u8> {
    let signature = seed(name).sign(message);
    [&key(name).id().0[..], &signature].concat()
}

/// The byte at `at`, a number below 128, written as a varint of two bytes.
pub(super) fn overlong(bytes: &[u8], at: usize) -> Vec<u8> {
    assert!(bytes[at] < 0x80, "a number of one byte");
    [&bytes[..at], &[bytes[at] | 0x80, 0], &bytes[at + 1..]].concat()
}

/// With that byte at `at` instead.
pub(super) fn replaced(bytes: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    assert_ne!(bytes[at], byte, "something changes");
    bytes[at] = byte;
    bytes
}

/// With one bit of the byte at `at` turned round.
pub(super) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    replaced(bytes, at, bytes[at] ^ 1)
}

/// With a zero behind.
pub(super) fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// Without the last byte.
pub(super) fn shorter(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}
