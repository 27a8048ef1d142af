//! A fleet of forty sensors in memory: real keys, real releases, and the real server's answers without its network.
//!
//! Everything comes from fixed seeds, so that the same question gets the same bytes in every run.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast::compile::{Compiled, CompiledLeaf, RosterEntry, Source};
use steadfast::diagnostics::Diagnostics;
use steadfast::keys::{Chain, KeyFile, KeyringFile, Purpose, Signer, entries};
use steadfast::release::{Issue, build};
use steadfast::serve::challenge::Challenger;
use steadfast::serve::world::{Newest, Shelf, World};
use steadfast::sign;
use steadfast_core::codec;
use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::Seed;
use steadfast_core::keyring::{Director, KEYRING_MAX_BYTES, Keyring, Role};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::release::CommitId;
use steadfast_core::statement::{self, Message};

/// Devices in the fleet.
pub const DEVICES: u32 = 40;

/// The fleet.
pub const FLEET: FleetId = FleetId([7; 16]);

/// The schema of every device.
pub const SCHEMA: SchemaId = SchemaId([0x5C; 32]);

const EPOCH: u32 = 1;

/// What a release says.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Its number.
    pub sequence: u32,
    /// Its floor.
    pub floor: u32,
    /// The sections of every device, ascending by name.
    pub sections: &'a [(&'a str, Vec<u8>)],
}

/// The fleet's keys.
pub struct Sensors {
    root: KeyFile,
    publisher: KeyFile,
    director: KeyFile,
}

impl Default for Sensors {
    fn default() -> Self {
        let key = |purpose, byte| KeyFile::from_seed(purpose, Seed([byte; 32]));
        Self { root: key(Purpose::Root, 1), publisher: key(Purpose::Publisher, 2), director: key(Purpose::Director, 3) }
    }
}

/// The id of the device of that number, from 1 on.
#[must_use]
pub fn device(number: u32) -> DeviceId {
    let digest = Digest::of(&number.to_be_bytes()).0;
    DeviceId(std::array::from_fn(|place| digest[place]))
}

/// That device's key.
#[must_use]
pub fn seed(number: u32) -> Seed {
    Seed(Digest::of(&device(number).0).0)
}

impl Sensors {
    /// The keyring of that version; they differ in nothing else.
    #[must_use]
    pub fn keyring(&self, version: u32) -> Keyring {
        let keys = |key: &KeyFile| std::iter::once(key.public_key()).collect();
        let role = |key: &KeyFile| Role { threshold: 1, keys: std::iter::once(key.public_key()).collect() };
        Keyring {
            version,
            root: role(&self.root),
            publisher: role(&self.publisher),
            director: Director::Assignments(keys(&self.director)),
            publisher_epoch: EPOCH,
        }
    }

    /// Builds and signs a release.
    ///
    /// # Panics
    /// When the plan breaks a rule.
    #[must_use]
    pub fn release(&self, plan: &Plan<'_>) -> Newest {
        self.release_of(&compiled(plan))
    }

    /// Builds and signs a release of whatever was compiled.
    ///
    /// # Panics
    /// When its parts break a rule.
    #[must_use]
    pub fn release_of(&self, compiled: &Compiled) -> Newest {
        let pack = build(compiled, Issue { fleet: FLEET, epoch: EPOCH }).expect("a sound fleet");
        let signatures = sign::sign(&pack, [&self.publisher as &dyn Signer]).expect("a key in memory signs");
        Newest::new(pack, signatures)
    }

    /// What the server knows once it has taken in these releases, the newest last, and so many keyrings.
    ///
    /// # Panics
    /// Without a release.
    #[must_use]
    pub fn world(&self, mut releases: Vec<Newest>, keyrings: u32) -> World {
        let mut shelf = Shelf::default();
        releases.iter().for_each(|release| shelf.add(&release.pack));
        let release = |newest: &Newest| (newest.pack.release().position(), newest.pack.release().floor());
        let floors: BTreeMap<_, _> = releases.iter().map(release).collect();
        World {
            director: self.director.clone(),
            challenger: Challenger::new(self.director.seed()),
            chain: Arc::new(self.chain(keyrings)),
            newest: releases.pop().map(Arc::new),
            floors: Arc::new(floors),
            shelf: Arc::new(shelf),
        }
    }

    fn chain(&self, keyrings: u32) -> Chain {
        let first = Chain::start(self.keyring_file(1)).expect("a sound keyring");
        (2..=keyrings).fold(first, |mut chain, version| {
            chain.extend(self.keyring_file(version)).expect("the next version");
            chain
        })
    }

    fn keyring_file(&self, version: u32) -> KeyringFile {
        let mut buffer = [0; KEYRING_MAX_BYTES];
        let statement = codec::encode(&self.keyring(version), &mut buffer).expect("it fits").to_vec();
        let message = Message::new(statement::Kind::Keyring, &FLEET, &[], &statement).expect("it fits");
        let signatures = entries([&self.root as &dyn Signer], &message).expect("a key in memory signs");
        KeyringFile { fleet: FLEET, statement, signatures }
    }
}

fn compiled(plan: &Plan<'_>) -> Compiled {
    let commit = CommitId::Sha1([plan.sequence as u8; 20]);
    let mut numbers: Vec<u32> = (1..=DEVICES).collect();
    numbers.sort_by_key(|number| device(*number));
    let leaf = |number: &u32| CompiledLeaf { device: device(*number), schema: SCHEMA, manifest: 0 };
    Compiled {
        source: Source { commit, sequence: plan.sequence, floor: plan.floor, worktree: false },
        leaves: numbers.iter().map(leaf).collect(),
        held: Vec::new(),
        manifests: vec![manifest(plan.sections)],
        objects: plan.sections.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.clone())).collect(),
        roster: numbers.iter().map(|number| listed(*number)).collect(),
        warnings: Diagnostics::default(),
    }
}

fn listed(number: u32) -> RosterEntry {
    RosterEntry {
        device: device(number),
        name: format!("sensor-{number}").into(),
        model: "sensor".into(),
        labels: Arc::default(),
        public_key: Some(seed(number).public_key().0),
    }
}

fn manifest(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let object = |bytes: &[u8]| ObjectRef { digest: Digest::of(bytes), size: bytes.len() as u32 };
    let flags = Flags::new(Restart::Task, Risk::Low);
    let entries: Vec<Entry<'_>> =
        sections.iter().map(|(section, bytes)| Entry { section, kind: Kind::Config(object(bytes)), flags }).collect();
    let draft = Draft {
        settings: Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 0 },
        policy: Policy { reach: Reach::Server, trial_seconds: 30, boots: 3 },
        checks: &["sensor"],
        objects: &entries,
    };
    draft.encode(&mut [0; 2048]).expect("a sound manifest").to_vec()
}
