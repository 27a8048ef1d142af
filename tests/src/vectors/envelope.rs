//! Envelopes: whether a configuration is meant for this device, and may run there now.

use steadfast_core::answer::{Assignment, Challenge, Unchanged};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::id::DeviceId;
use steadfast_core::manifest::{Draft, Entry, Flags, Restart, Risk};
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use steadfast_core::release::{CommitId, Release};
use steadfast_core::statement::{Kind, Signed};
use steadfast_core::tree::{Leaf, node};

use super::cast::sign_for;
use super::cast::{DEVICE, FLEET, OTHER_FLEET, SCHEMA, encode, flipped, keyring, longer, overlong, replaced, sign};
use super::manifest::{POLICY, SETTINGS, entry, object};
use super::poll::poll;
use super::{Vector, hex};

const TWO: [&str; 2] = ["publisher a", "publisher b"];

/// A release of two leaves, the second one the device's, and the envelope's other parts. Each vector changes a field.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) release: Vec<u8>,
    pub(super) signatures: Vec<u8>,
    pub(super) index: u32,
    pub(super) path: Vec<u8>,
    pub(super) private: Option<ObjectRef>,
    pub(super) manifest: Vec<u8>,
}

impl Parts {
    pub(super) fn proof(&self) -> Proof<'_> {
        Proof { release: &self.release, signatures: &self.signatures, index: self.index, path: &self.path }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        encode(&Envelope { proof: self.proof(), private: self.private, manifest: &self.manifest })
    }

    pub(super) fn content(&self) -> Content {
        Content { manifest: Digest::of(&self.manifest), private: self.private }
    }

    /// The same with other statement bytes, signed again.
    fn stating(&self, release: Vec<u8>) -> Self {
        let signatures = sign(Kind::Release, &[], &release, &TWO);
        Self { release, signatures, ..self.clone() }
    }
}

/// The manifest that the device is offered.
pub(super) fn manifest() -> Vec<u8> {
    let sections = [
        entry("alarms", Flags::new(Restart::Nothing, Risk::Low)),
        entry("network", Flags::new(Restart::Device, Risk::Connectivity)),
    ];
    let draft = Draft { settings: SETTINGS, policy: POLICY, checks: &["sensor"], objects: &sections };
    draft.encode(&mut [0; 1024]).expect("a sound manifest").to_vec()
}

/// A release at this place, with this floor, that binds a content to the device.
pub(super) fn parts(sequence: u32, floor: u32, private: Option<ObjectRef>) -> Parts {
    bound(sequence, floor, private, manifest())
}

fn bound(sequence: u32, floor: u32, private: Option<ObjectRef>, manifest: Vec<u8>) -> Parts {
    let content = Content { manifest: Digest::of(&manifest), private };
    let leaf = Leaf::new(DEVICE, SCHEMA, content).hash();
    let neighbour = Leaf::new(DeviceId([0x11; 16]), SCHEMA, content).hash();
    let release = encode(&statement(sequence, floor, node(&neighbour, &leaf)));
    let signatures = sign(Kind::Release, &[], &release, &TWO);
    Parts { release, signatures, index: 1, path: neighbour.0.to_vec(), private, manifest }
}

fn statement(sequence: u32, floor: u32, root: Digest) -> Release {
    Release { publisher_epoch: 3, sequence, floor, commit: CommitId::Sha1([0xC0; 20]), leaves: 2, root }
}

/// What the device knows: it has accepted sequence 40, and its floor is 30.
pub(super) fn known(vector: Vector) -> Vector {
    vector
        .with("fleet", hex(&FLEET.0))
        .with("device", hex(&DEVICE.0))
        .with("schema", hex(&SCHEMA.0))
        .with("keyring", hex(&encode(&keyring())))
        .with("accepted", vec![3, 40])
        .with("floor", vec![3, 30])
}

/// The order to run a release, as it travels.
pub(super) fn order(release: &[u8], poll: &[u8]) -> Vec<u8> {
    let statement = assignment(release);
    let signatures = sign(Kind::Assignment, poll, &statement, &["director"]);
    encode(&Signed { statement: &statement, signatures: &signatures })
}

/// The statement of that order.
pub(super) fn assignment(release: &[u8]) -> Vec<u8> {
    encode(&Assignment { release: Digest::of(release), unchanged: UNCHANGED })
}

/// What every director's statement here says besides.
pub(super) const UNCHANGED: Unchanged = Unchanged {
    poll_after_seconds: 60,
    report_wanted: true,
    challenge: Challenge { issued_seconds: 1_800_000_000, code: [0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8] },
};

fn ordered(vector: Vector, release: &[u8]) -> Vector {
    let poll = encode(&poll());
    known(vector).with("assignment", hex(&order(release, &poll))).with("poll", hex(&poll))
}

fn says(vector: Vector, parts: &Parts, position: Position, floor: Position) -> Vector {
    vector
        .gives("content_id", hex(&parts.content().id().0))
        .gives("manifest", hex(&parts.content().manifest.0))
        .gives("position", vec![position.epoch, position.sequence])
        .gives("floor", vec![floor.epoch, floor.sequence])
}

fn at(sequence: u32) -> Position {
    Position { epoch: 3, sequence }
}

/// Vectors of envelopes.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = good();
    vectors.extend(not_now());
    vectors.extend(not_for_this_device());
    vectors.extend(not_whole());
    vectors
}

fn good() -> Vec<Vector> {
    let secret = Some(object(b"sealed"));
    let cases = [
        ("a newer release without an order", parts(50, 20, None), 50, 20, false),
        ("the accepted release once more, without an order", parts(40, 20, None), 40, 20, false),
        ("a newer release, ordered", parts(50, 45, None), 50, 45, true),
        ("an older release at the floor, ordered", parts(30, 30, None), 30, 30, true),
        ("with a private object", parts(50, 20, secret), 50, 20, true),
    ];
    let good = |(name, parts, sequence, floor, is_ordered): (&str, Parts, u32, u32, bool)| {
        let vector = says(Vector::good("envelope", name, &parts.encode()), &parts, at(sequence), at(floor));
        if is_ordered { ordered(vector, &parts.release) } else { known(vector) }
    };
    cases.into_iter().map(good).collect()
}

fn bad(name: &str, parts: &Parts, refusal: Refusal) -> Vector {
    Vector::bad("envelope", name, &parts.encode(), refusal)
}

fn not_now() -> Vec<Vector> {
    let new = parts(50, 20, None);
    let (old, low) = (parts(39, 20, None), parts(29, 20, None));
    let root = Digest::of(b"any root");
    let epoch = new.stating(encode(&Release { publisher_epoch: 2, ..statement(50, 20, root) }));
    let later_epoch = new.stating(encode(&Release { publisher_epoch: 4, ..statement(50, 20, root) }));
    vec![
        known(bad("an older release without an order", &old, Refusal::DOWNGRADE)),
        known(bad("below the floor", &low, Refusal::BELOW_FLOOR)),
        ordered(bad("below the floor, ordered", &low, Refusal::BELOW_FLOOR), &low.release),
        ordered(bad("another release than the one ordered", &new, Refusal::NOT_ASSIGNED), &old.release),
        known(bad("the epoch of former keys", &epoch, Refusal::WRONG_EPOCH)),
        known(bad("the epoch of keys that are not believed yet", &later_epoch, Refusal::WRONG_EPOCH)),
    ]
}

fn not_for_this_device() -> Vec<Vector> {
    let parts = parts(50, 20, None);
    let missing = Refusal::NOT_IN_RELEASE;
    let other_manifest = entry("alarms", Flags::new(Restart::Nothing, Risk::Low));
    let draft = Draft { settings: SETTINGS, policy: POLICY, checks: &[], objects: &[other_manifest] };
    let other_manifest = draft.encode(&mut [0; 512]).expect("a sound manifest").to_vec();
    let changed = |change: fn(&mut Parts)| {
        let mut parts = parts.clone();
        change(&mut parts);
        parts
    };
    let other = |name, key: &str, value: String| known(bad(name, &parts, missing)).with(key, value);
    vec![
        other("for another device", "device", hex(&[0x22; 16])),
        other("for another schema", "schema", hex(&[0x33; 32])),
        known(bad("another manifest", &Parts { manifest: other_manifest, ..parts.clone() }, missing)),
        known(bad(
            "a private object that the leaf does not bind",
            &changed(|p| p.private = Some(object(b"x"))),
            missing,
        )),
        known(bad("without the private object that the leaf binds", &unbound_private(), missing)),
        known(bad("a private object of another size", &resized_private(), missing)),
        known(bad("the index of the neighbour", &changed(|p| p.index = 0), missing)),
        known(bad("an index beyond the leaves", &changed(|p| p.index = 2), missing)),
        known(bad("a path cut off", &changed(|p| p.path.truncate(16)), missing)),
        known(bad("no path", &changed(|p| p.path.clear()), missing)),
        known(bad("a path too long", &changed(|p| p.path.extend([0; 32])), missing)),
        known(bad("a flipped bit of the path", &changed(|p| p.path[9] ^= 1), missing)),
    ]
}

fn unbound_private() -> Parts {
    Parts { private: None, ..parts(50, 20, Some(object(b"sealed"))) }
}

fn resized_private() -> Parts {
    let private = object(b"sealed");
    Parts { private: Some(ObjectRef { size: private.size + 1, ..private }), ..parts(50, 20, Some(private)) }
}

fn not_whole() -> Vec<Vector> {
    let parts = parts(50, 20, None);
    let whole = parts.encode();
    let entries = |signatures: Vec<u8>| Parts { signatures, ..parts.clone() };
    let foreign = sign_for(&OTHER_FLEET, Kind::Release, &[], &parts.release, &TWO);
    let malformed = |name, bytes: &[u8]| known(Vector::bad("envelope", name, bytes, Refusal::MALFORMED));
    let misnamed = [Entry { section: "Alarms", ..entry("alarms", Flags::new(Restart::Nothing, Risk::Low)) }];
    let misnamed = encode(&(SETTINGS, POLICY, &[] as &[&str], &misnamed[..]));
    let floor = parts.stating(encode(&statement(50, 51, Digest::of(b"any root"))));
    let large = Parts { manifest: vec![0; 3000], ..parts.clone() };
    let few = sign(Kind::Release, &[], &parts.release, &["publisher a"]);
    vec![
        known(bad("below the threshold", &entries(few), Refusal::TOO_FEW_SIGNATURES)),
        known(bad("signed for another fleet", &entries(foreign), Refusal::BAD_SIGNATURE)),
        known(bad("a changed statement", &changed_statement(&parts), Refusal::BAD_SIGNATURE)),
        known(bad("a floor above the release", &floor, Refusal::FLOOR_ABOVE_RELEASE)),
        known(bad("a statement with a byte behind it", &parts.stating(longer(&parts.release)), Refusal::MALFORMED)),
        known(bad("a manifest that breaks a rule", &bound(50, 20, None, misnamed), Refusal::BAD_MANIFEST)),
        known(bad("longer than 3072 bytes", &large, Refusal::TOO_LARGE)),
        malformed("an over-long length", &overlong(&whole, 0)),
        malformed("a byte behind it", &longer(&whole)),
        malformed("cut off", &whole[..whole.len() - 1]),
        malformed("an option that is neither absent nor present", &replaced(&whole, option_at(&parts), 2)),
    ]
}

fn changed_statement(parts: &Parts) -> Parts {
    // A byte of the commit.
    Parts { release: flipped(&parts.release, 10), ..parts.clone() }
}

/// Where the private object's option stands: before the manifest and its length of two bytes.
fn option_at(parts: &Parts) -> usize {
    let length_bytes = if parts.manifest.len() < 0x80 { 1 } else { 2 };
    parts.encode().len() - parts.manifest.len() - length_bytes - 1
}
