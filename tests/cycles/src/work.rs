//! What is counted: one device's part of a release with a million leaves, verified, staged and booted.

use core::hint::black_box;

use embassy_futures::block_on;
use steadfast_core::codec;
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::{Digest, Hasher};
use steadfast_core::ed25519;
use steadfast_core::envelope::{ENVELOPE_MAX_BYTES, Envelope, Proof, Trust};
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::flash::slot::Store;
use steadfast_core::flash::stage::{Finish, ObjectSource, Target, Wanted};
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::Seed;
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Manifest, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::refusal::Refusal;
use steadfast_core::release::{CommitId, RELEASE_MAX_BYTES, Release};
use steadfast_core::statement::{self, Message};
use steadfast_core::tree::{self, LEAF_MAX_BYTES, Leaf};

use crate::flash::{LAYOUT, Ram};

/// Leaves of the release, and the hashes of a path in it.
const LEAVES: u32 = 1_000_000;
const PATH: usize = 20;
/// What an inner node of the tree hashes: a tag and two digests.
const NODE_BYTES: usize = 65;
/// A leaf in the middle, whose path has no gap.
const INDEX: u32 = 314_159;

const FLEET: FleetId = FleetId([1; 16]);
const DEVICE: DeviceId = DeviceId([2; 16]);
const SCHEMA: SchemaId = SchemaId([3; 32]);
const PUBLISHER: Seed = Seed([4; 32]);
/// Sections and their sizes: 4 KiB of configuration.
const SECTIONS: [(&str, usize); 3] = [("alarms", 300), ("network", 1200), ("sampling", 2596)];

/// Hands each piece of work with its name to `count`, which does it once.
pub(crate) fn measure(count: &mut dyn FnMut(&str, &mut dyn FnMut())) {
    let mut buffer = [0; 1024];
    let manifest = manifest(&mut buffer);
    let path = [0x55; PATH * 32];
    let content = Content { manifest: Digest::of(manifest), private: None };
    let leaf = Leaf::new(DEVICE, SCHEMA, content);
    let mut buffer = [0; RELEASE_MAX_BYTES];
    let statement = statement(&leaf, &path, &mut buffer);
    let message = Message::new(statement::Kind::Release, &FLEET, &[], statement).expect("it fits");
    let signature = PUBLISHER.sign(message.bytes());
    let mut entry = [0; 68];
    entry[..4].copy_from_slice(&PUBLISHER.public_key().id().0);
    entry[4..].copy_from_slice(&signature);
    let proof = Proof { release: statement, signatures: &entry, index: INDEX, path: &path };
    let mut buffer = [0; ENVELOPE_MAX_BYTES];
    let envelope = Envelope { proof, private: None, manifest };
    let envelope = codec::encode(&envelope, &mut buffer).expect("it fits");

    let keyring = keyring();
    let trust = Trust {
        fleet: FLEET,
        device: DEVICE,
        schema: SCHEMA,
        keyring: &keyring,
        accepted: Position::ZERO,
        floor: Position::ZERO,
    };
    count("verify", &mut || assert!(trust.verify(black_box(envelope), None).is_ok()));
    let public = PUBLISHER.public_key().0;
    let leaf_bytes = codec::encode(&leaf, &mut [0; LEAF_MAX_BYTES]).expect("it fits").len();
    count("primitives", &mut || {
        assert!(ed25519::verify(&public, black_box(message.bytes()), &signature));
        black_box(Digest::of(black_box(manifest)));
        black_box(Digest::of(black_box(&[0; 1 + LEAF_MAX_BYTES]).get(..=leaf_bytes).unwrap_or_default()));
        for _ in 0..PATH {
            black_box(Digest::of(black_box(&[0; NODE_BYTES])));
        }
    });

    let mut flash = Ram::new();
    let mut chunk = [0; RECORD_BYTES];
    let parsed = Manifest::parse(manifest).expect("it is sound");
    let target = Target::Slot(Slot::A);
    let wanted = Wanted { content, manifest: parsed, target, finish: Finish::Unknown };
    count("stage", &mut || {
        let mut store = Store { flash: &mut flash, layout: &LAYOUT, chunk: &mut chunk };
        assert!(block_on(store.stage(&wanted, &mut Sections)).is_ok());
    });
    let mut record = BootRecord::new(keyring.clone(), Position::ZERO);
    let (mut records, _) = block_on(RecordStore::load(&mut flash, &LAYOUT, &mut chunk)).expect("it reads");
    block_on(records.commit(&mut flash, &mut record, &mut chunk)).expect("it is kept");
    count("boot", &mut || {
        let loaded = block_on(RecordStore::load(&mut flash, &LAYOUT, &mut chunk));
        assert!(loaded.is_ok_and(|(_, record)| record.is_some()));
        let mut store = Store { flash: &mut flash, layout: &LAYOUT, chunk: &mut chunk };
        assert!(block_on(store.read_back(Slot::A, &content)).is_some());
    });
}

/// A manifest of three sections, the usual way.
fn manifest(buffer: &mut [u8]) -> &[u8] {
    let flags = Flags::new(Restart::Device, Risk::Low);
    let objects = SECTIONS.map(|(section, bytes)| {
        let object = ObjectRef { digest: zeros(bytes), size: bytes as u32 };
        Entry { section, kind: Kind::Config(object), flags }
    });
    let policy = Policy { reach: Reach::Server, trial_seconds: 120, boots: 3 };
    let draft = Draft { settings: Settings::DEFAULT, policy, checks: &["sensor"], objects: &objects };
    draft.encode(buffer).expect("it is sound")
}

/// The digest of so many zeros, all that the sections hold.
fn zeros(bytes: usize) -> Digest {
    let mut hasher = Hasher::new();
    (0..bytes).for_each(|_| hasher.update(&[0]));
    hasher.finish()
}

/// A release in whose tree `leaf` has that path.
fn statement<'b>(leaf: &Leaf, path: &[u8], buffer: &'b mut [u8]) -> &'b [u8] {
    let root = tree::root(leaf.hash(), INDEX, LEAVES, path).expect("the path has every hash");
    let commit = CommitId::Sha1([5; 20]);
    let release = Release { publisher_epoch: 1, sequence: 1000, floor: 900, commit, leaves: LEAVES, root };
    codec::encode(&release, buffer).expect("it fits")
}

fn keyring() -> Keyring {
    let role = |seed: &Seed| Role { threshold: 1, keys: [seed.public_key()].into_iter().collect() };
    let (root, publisher) = (role(&Seed([6; 32])), role(&PUBLISHER));
    Keyring { version: 1, root, publisher, director: Director::None, publisher_epoch: 1 }
}

/// Serves the sections.
struct Sections;

impl ObjectSource for Sections {
    async fn read(&mut self, _: usize, _: ObjectRef, _: u32, buffer: &mut [u8]) -> Result<usize, Refusal> {
        buffer.fill(0);
        Ok(buffer.len())
    }
}
