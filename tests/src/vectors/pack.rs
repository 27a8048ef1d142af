//! Packs and signature files: a small real release, and everything that can be wrong with one.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast::compile::{Compiled, CompiledLeaf, RosterEntry, Source};
use steadfast::diagnostics::Diagnostics;
use steadfast::pack::{Draft, Pack, encode as encode_pack};
use steadfast::release::leaves::roster_leaf;
use steadfast::release::tree::Tree;
use steadfast::release::{Issue, NO_COMMIT, build};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::manifest::{self, Entry, Flags, Kind as ObjectKind, Restart, Risk};
use steadfast_core::release::{CommitId, Release};
use steadfast_core::statement::Kind;
use steadfast_core::tree::Leaf;

use super::cast::{FLEET, OTHER_FLEET, SCHEMA, encode, entry, flipped, key, keyring, longer, replaced, shorter, sign};
use super::manifest::{POLICY, SETTINGS, object};
use super::{Vector, hex};

const TWO: [&str; 2] = ["publisher a", "publisher b"];
const OLD_SCHEMA: SchemaId = SchemaId(*b"the schema of the former devices");

/// Vectors of packs and signature files.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = good();
    vectors.extend(damaged());
    vectors.extend(unsound());
    vectors.extend(unsigned());
    vectors.extend(signature_files());
    vectors
}

/// A manifest of these sections, whose objects are put beside.
fn manifest(sections: &[(&str, &[u8])], objects: &mut BTreeMap<Digest, Vec<u8>>) -> Vec<u8> {
    let flags = Flags::new(Restart::Task, Risk::Low);
    let entry =
        |(section, bytes): &(&'static str, &[u8])| Entry { section, kind: ObjectKind::Config(object(bytes)), flags };
    let sections: Vec<(&'static str, &[u8])> =
        sections.iter().map(|(name, bytes)| (&*name.to_string().leak(), *bytes)).collect();
    objects.extend(sections.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.to_vec())));
    let entries: Vec<Entry<'_>> = sections.iter().map(entry).collect();
    let draft = manifest::Draft { settings: SETTINGS, policy: POLICY, checks: &["sensor"], objects: &entries };
    draft.encode(&mut [0; 1024]).expect("a sound manifest").to_vec()
}

fn listed(number: u8) -> RosterEntry {
    let label = |key: &str, value: &str| (key.into(), value.into());
    let labels = [label("ring", if number == 1 { "canary" } else { "rest" }), label("site", "north")];
    RosterEntry {
        device: DeviceId([number; 16]),
        name: format!("sensor-{number}").into(),
        model: "sensor".into(),
        labels: Arc::new(labels.into()),
        public_key: (number != 4).then(|| key("device").0),
    }
}

/// Three devices, one of them with two schemas, two manifests; a fourth device that the release leaves out.
fn compiled() -> Compiled {
    let mut objects = BTreeMap::new();
    let alarms: (&str, &[u8]) = ("alarms", b"\x01\x50");
    let manifests =
        [&b"every second"[..], b"every minute"].map(|period| manifest(&[alarms, ("sampling", period)], &mut objects));
    let leaf = |number: u8, schema, manifest| CompiledLeaf { device: DeviceId([number; 16]), schema, manifest };
    Compiled {
        source: Source { commit: CommitId::Sha1([0xC0; 20]), sequence: 50, floor: 20, worktree: false },
        leaves: vec![leaf(1, OLD_SCHEMA, 0), leaf(1, SCHEMA, 1), leaf(2, SCHEMA, 1), leaf(3, SCHEMA, 0)],
        held: Vec::new(),
        manifests: manifests.to_vec(),
        objects,
        roster: (1..=4).map(listed).collect(),
        warnings: Diagnostics::default(),
    }
}

fn real() -> Pack {
    let mut compiled = compiled();
    compiled.leaves.sort_unstable();
    build(&compiled, Issue { fleet: FLEET, epoch: 3 }).expect("a sound fleet")
}

fn known(vector: Vector, statement: &[u8]) -> Vector {
    let signatures = sign(Kind::Release, &[], statement, &TWO);
    let vector = vector.with("fleet", hex(&FLEET.0)).with("keyring", hex(&encode(&keyring())));
    vector.with("signatures", hex(&signatures))
}

fn says(vector: Vector, pack: &Pack) -> Vector {
    let vector = vector
        .gives("release", hex(&pack.digest().0))
        .gives("leaves", pack.release().leaves)
        .gives("manifests", pack.manifests().len())
        .gives("objects", pack.objects().len())
        .gives("devices", pack.roster().len());
    known(vector, pack.statement())
}

fn good() -> Vec<Vector> {
    let (real, secret) = (real(), with_a_secret(OneSecret::default()));
    let secret = Pack::parse(secret).expect("a sound pack");
    vec![
        says(Vector::good("pack", "three devices, two schemas, two manifests", real.bytes()), &real),
        says(Vector::good("pack", "a device with a private object", secret.bytes()), &secret),
    ]
}

/// A pack of one device with a private object, put together by hand; each vector changes a part.
struct OneSecret {
    roster: Vec<u8>,
    leaves: Vec<u8>,
    manifests: Vec<Vec<u8>>,
    objects: BTreeMap<Digest, Vec<u8>>,
    commit: CommitId,
    epoch: u32,
}

const DEVICE: DeviceId = DeviceId([1; 16]);

/// A leaf table of one device with these rows: place of the schema, place of the manifest, private object.
fn table(device: DeviceId, rows: &[(u32, u32, Option<ObjectRef>)]) -> Vec<u8> {
    encode(&(&[SCHEMA][..], &[(device, rows)][..]))
}

fn roster(names: &[&str], device: DeviceId) -> Vec<u8> {
    let no_labels: &[(u32, u32)] = &[];
    encode(&(names, &[(device, 0_u32, 1_u32, no_labels, Some(key("device")))][..]))
}

impl Default for OneSecret {
    fn default() -> Self {
        let mut objects = BTreeMap::new();
        let manifest = manifest(&[("alarms", b"alarms")], &mut objects);
        objects.insert(Digest::of(b"sealed"), b"sealed".to_vec());
        Self {
            roster: roster(&["one", "sensor"], DEVICE),
            leaves: table(DEVICE, &[(0, 0, Some(object(b"sealed")))]),
            manifests: vec![manifest],
            objects,
            commit: CommitId::Sha1([0xC0; 20]),
            epoch: 3,
        }
    }
}

/// The root of the tree over the roster's leaf and this device's.
fn statement(parts: &OneSecret) -> Vec<u8> {
    let content = Content { manifest: Digest::of(&parts.manifests[0]), private: Some(object(b"sealed")) };
    let leaf = Leaf::new(DEVICE, SCHEMA, content).hash();
    let tree = Tree::new(vec![roster_leaf(Digest::of(&parts.roster)).hash(), leaf]).expect("there are leaves");
    let (commit, root) = (parts.commit, tree.root());
    encode(&Release { publisher_epoch: parts.epoch, sequence: 50, floor: 20, commit, leaves: 2, root })
}

fn with_a_secret(parts: OneSecret) -> Vec<u8> {
    let statement = statement(&parts);
    let (roster, leaves) = (&parts.roster[..], &parts.leaves[..]);
    let (manifests, objects) = (&parts.manifests[..], &parts.objects);
    encode_pack(&Draft { fleet: FLEET, statement: &statement, roster, leaves, manifests, objects })
}

/// With the digest at the end made right again.
fn resealed(pack: &[u8]) -> Vec<u8> {
    let body = &pack[..pack.len() - 32];
    [body, &Digest::of(body).0].concat()
}

fn refused(name: &str, bytes: &[u8], why: &str) -> Vector {
    known(Vector::refused("pack", name, bytes, why), &statement(&OneSecret::default()))
}

fn damaged() -> Vec<Vector> {
    let whole = with_a_secret(OneSecret::default());
    // The statement's length stands behind magic and fleet.
    let longer_section = resealed(&replaced(&whole, 24, whole[24] + 1));
    let behind = [&whole[..whole.len() - 32], &[0], &[0; 32]].concat();
    vec![
        refused("another magic", &flipped(&whole, 0), "it does not start as a pack"),
        refused("another version", &replaced(&whole, 7, 2), "the version is not 1"),
        refused("a flipped bit", &flipped(&whole, 60), "the digest at the end is another one"),
        refused("cut off", &shorter(&whole), "the digest at the end is another one"),
        refused("a byte behind it", &longer(&whole), "the digest at the end is another one"),
        refused("a section longer than it is, resealed", &longer_section, "the sections do not fit"),
        refused("a byte behind the sections, resealed", &resealed(&behind), "bytes follow the sections"),
        refused("a root that is not the tree's, resealed", &wrong_root(&whole), "the leaves do not make the tree"),
    ]
}

fn wrong_root(whole: &[u8]) -> Vec<u8> {
    // The last byte of the statement, which is 60 bytes long.
    resealed(&flipped(whole, 24 + 8 + statement(&OneSecret::default()).len() - 1))
}

fn unsound() -> Vec<Vector> {
    let sound = OneSecret::default;
    let case = |name, parts: OneSecret, why| {
        let statement = statement(&parts);
        known(Vector::refused("pack", name, &with_a_secret(parts), why), &statement)
    };
    let without = |bytes: &[u8]| {
        let mut objects = sound().objects;
        objects.remove(&Digest::of(bytes));
        OneSecret { objects, ..sound() }
    };
    let mut more = sound().objects;
    more.insert(Digest::of(b"more"), b"more".to_vec());
    let twice = vec![sound().manifests[0].clone(), sound().manifests[0].clone()];
    let rows = |rows: &[(u32, u32, Option<ObjectRef>)]| OneSecret { leaves: table(DEVICE, rows), ..sound() };
    let sealed = Some(object(b"sealed"));
    let resized = sealed.map(|object| ObjectRef { size: 7, ..object });
    let stranger = OneSecret { roster: roster(&["one", "sensor"], DeviceId([2; 16])), ..sound() };
    let nobody = OneSecret { leaves: table(DeviceId::NONE, &[(0, 0, sealed)]), ..sound() };
    let rules = "objects are exactly those that are named";
    vec![
        case("an object is missing", without(b"alarms"), rules),
        case("the private object is missing", without(b"sealed"), rules),
        case("an object that nobody names", OneSecret { objects: more, ..sound() }, rules),
        case("a private object of another size", rows(&[(0, 0, resized)]), rules),
        case("a manifest twice", OneSecret { manifests: twice, ..sound() }, "manifests are different"),
        case("a manifest that there is not", rows(&[(0, 1, sealed)]), "manifests stand in the order of the leaves"),
        case("a schema that there is not", rows(&[(1, 0, sealed)]), "schemas are those that are used"),
        case("two leaves for one schema", rows(&[(0, 0, sealed), (0, 0, sealed)]), "leaves ascend by schema"),
        case("a device without leaves", rows(&[]), "a device has a leaf"),
        case("a leaf of nobody", nobody, "no device is all zeros"),
        case("a device that is not in the roster", stranger, "every device is in the roster"),
        case("words out of order", OneSecret { roster: roster(&["sensor", "one"], DEVICE), ..sound() }, "words ascend"),
        case("a word that nobody uses", unused_word(), "every word is used"),
    ]
}

fn unused_word() -> OneSecret {
    OneSecret { roster: roster(&["one", "sensor", "unused"], DEVICE), ..OneSecret::default() }
}

fn unsigned() -> Vec<Vector> {
    let whole = with_a_secret(OneSecret::default());
    let statement = statement(&OneSecret::default());
    let by = |names: &[&str]| hex(&sign(Kind::Release, &[], &statement, names));
    let case = |name, why| refused(name, &whole, why);
    let none = OneSecret { commit: NO_COMMIT, ..OneSecret::default() };
    let epoch = OneSecret { epoch: 4, ..OneSecret::default() };
    vec![
        case("one signature of two", "fewer signatures than the threshold").with("signatures", by(&["publisher a"])),
        case("signed by root keys", "fewer signatures than the threshold")
            .with("signatures", by(&["root a", "root b"])),
        case("another fleet", "the fleet is another one").with("fleet", hex(&OTHER_FLEET.0)),
        resigned("built from no commit", none, "no commit stands for it"),
        resigned("another epoch", epoch, "the epoch is not the keyring's"),
    ]
}

fn resigned(name: &str, parts: OneSecret, why: &str) -> Vector {
    let statement = statement(&parts);
    known(Vector::refused("pack", name, &with_a_secret(parts), why), &statement)
}

/// Signature files, each beside `release.pack`.
fn signature_files() -> Vec<Vector> {
    let statement = statement(&OneSecret::default());
    let right = sign(Kind::Release, &[], &statement, &["publisher a"]);
    let id = hex(&key("publisher a").id().0);
    let named = |vector: Vector, id: &str| vector.with("file", format!("release.pack.{id}.sig"));
    let bad = |name, bytes: &[u8], why| named(Vector::refused("signature-file", name, bytes, why), &id);
    let other = entry("publisher b", &statement);
    let good = Vector::good("signature-file", "one entry, under its key's name", &right);
    vec![
        named(good.gives("key", id.clone()), &id),
        bad("an entry by another key than its name says", &other, "the name is another key's"),
        bad("a byte behind it", &longer(&right), "it is not 68 bytes"),
        bad("cut off", &shorter(&right), "it is not 68 bytes"),
    ]
}
