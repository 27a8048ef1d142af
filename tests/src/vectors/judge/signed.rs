//! Keys, signatures, keyrings, releases, trees.

use steadfast_core::answer::Head;
use steadfast_core::codec;
use steadfast_core::digest::Digest;
use steadfast_core::identity::Provisioned;
use steadfast_core::keyring::{Director, Keyring};
use steadfast_core::refusal::Refusal;
use steadfast_core::release::Release;
use steadfast_core::statement::{Kind, Message, PublicKey, Signed};
use steadfast_core::tree::{self, Leaf};

use super::super::Vector;
use super::{Fault, Known, Says, hex, pair, says};

pub(super) fn signature(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let signature = bytes.try_into().expect("a signature has 64 bytes");
    PublicKey(vector.array("public_key")).verify(&vector.bytes("message"), signature)?;
    Ok(Says::new())
}

pub(super) fn identity(bytes: &[u8]) -> Result<Says, Fault> {
    let identity = Provisioned::decode(bytes)?;
    Ok(says([
        ("fleet", hex(&identity.fleet.0)),
        ("device", hex(&identity.device.0)),
        ("public_key", hex(&identity.seed.public_key().0)),
        ("keyring_version", identity.keyring.version.into()),
        ("floor", pair(identity.floor)),
        ("server", identity.server.as_str().into()),
    ]))
}

pub(super) fn keyring(bytes: &[u8]) -> Result<Says, Fault> {
    let keyring = Keyring::decode(bytes)?;
    let role = |role: &steadfast_core::keyring::Role| vec![usize::from(role.threshold), role.keys.len()];
    Ok(says([
        ("version", keyring.version.into()),
        ("root", role(&keyring.root).into()),
        ("publisher", role(&keyring.publisher).into()),
        ("director_keys", keyring.director.keys().len().into()),
        ("publisher_epoch", keyring.publisher_epoch.into()),
    ]))
}

pub(super) fn successor(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let signed: Signed<'_> = codec::decode(bytes)?;
    let next = vector.keyring().verify_next(&vector.fleet(), &signed)?.accept();
    Ok(says([("version", next.version.into()), ("publisher_epoch", next.publisher_epoch.into())]))
}

pub(super) fn release(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let release = Release::decode(bytes)?;
    let keyring = vector.keyring();
    if release.publisher_epoch != keyring.publisher_epoch {
        return Err(Refusal::WRONG_EPOCH.into());
    }
    let message = Message::new(Kind::Release, &vector.fleet(), &[], bytes)?;
    message.verify(&keyring.publisher.keys, keyring.publisher.threshold, &vector.bytes("signatures"))?;
    Ok(says([
        ("digest", hex(&Digest::of(bytes).0)),
        ("position", pair(release.position())),
        ("floor", pair(release.floor())),
        ("commit", hex(release.commit.as_bytes())),
        ("leaves", release.leaves.into()),
        ("root", hex(&release.root.0)),
    ]))
}

pub(super) fn head(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let Director::Heads(keys) = vector.keyring().director else { return Err(Refusal::NO_DIRECTOR.into()) };
    Message::new(Kind::Head, &vector.fleet(), &[], bytes)?.verify(&keys, 1, &vector.bytes("signatures"))?;
    let head: Head = codec::decode(bytes)?;
    let (counter, not_after) = (head.counter.into(), head.not_after.into());
    Ok(says([("counter", counter), ("release", hex(&head.release.0)), ("not_after", not_after)]))
}

pub(super) fn leaf(bytes: &[u8]) -> Result<Says, Fault> {
    let leaf: Leaf = codec::decode(bytes)?;
    let (device, schema) = (hex(&leaf.device.0), hex(&leaf.schema.0));
    Ok(says([("hash", hex(&leaf.hash().0)), ("device", device), ("schema", schema)]))
}

pub(super) fn path(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let (leaf, wanted) = (Digest(vector.array("leaf_hash")), Digest(vector.array("root")));
    if tree::root(leaf, vector.number("index"), vector.number("leaves"), bytes)? != wanted {
        return Err(Refusal::NOT_IN_RELEASE.into());
    }
    Ok(says([("hashes", (bytes.len() / 32).into())]))
}
