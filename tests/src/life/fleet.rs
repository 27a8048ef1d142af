//! A fleet of one device and its releases, with real keys and signatures.

use ed25519_dalek::{Signer, SigningKey};
use steadfast_core::codec::{self, Wire};
use steadfast_core::content::Content;
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::id::{ContentId, DeviceId, FleetId, KeyId, SchemaId};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Restart, Settings};
use steadfast_core::ports::Identity;
use steadfast_core::position::Position;
use steadfast_core::release::{self, CommitId};
use steadfast_core::statement::{Kind, Message, PublicKey, Signed};
use steadfast_core::tree::{self, Leaf};

use crate::samples::{Configuration, bytes};

/// The keyring, and with it the publisher epoch, with which a life begins.
const FIRST: u32 = 1;

/// Which of two firmwares runs on the device; the second has another schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that it was made with.
    Former,
    /// The one that follows.
    Next,
}

impl Which {
    /// The schema of its configuration.
    #[must_use]
    pub const fn schema(self) -> SchemaId {
        match self {
            Self::Former => SchemaId([3; 32]),
            Self::Next => SchemaId([4; 32]),
        }
    }
}

/// Contact counts as lost after half an hour.
const SETTINGS: Settings =
    Settings { poll_seconds: 60, freshness_seconds: 600, lost_contact_seconds: 1800, attempt: 0 };

const FLEET: FleetId = FleetId([7; 16]);
const DEVICE: DeviceId = DeviceId([9; 16]);

/// The keys of all roles. Two of root and publisher: the keyring is changed once.
pub struct Fleet {
    roots: [SigningKey; 2],
    publishers: [SigningKey; 2],
    director: SigningKey,
    device: SigningKey,
    /// The second keyring and its signatures.
    rotation: (Vec<u8>, Vec<u8>),
}

/// One release as the server has it.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its number.
    pub sequence: u32,
    /// The epoch of its publishers.
    pub epoch: u32,
    /// Its floor, a sequence.
    pub floor: u32,
    /// What it binds to the device, for the former firmware and for the next.
    pub configurations: [Configuration; 2],
    contents: [Content; 2],
    ids: [ContentId; 2],
    statement: Vec<u8>,
    signatures: Vec<u8>,
    leaves: [Digest; 2],
}

impl Default for Fleet {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    /// The fleet with its keys, the same in every run.
    #[must_use]
    pub fn new() -> Self {
        let key = |role: u8| SigningKey::from_bytes(&[role; 32]);
        let mut fleet = Self {
            roots: [key(1), key(5)],
            publishers: [key(2), key(6)],
            director: key(3),
            device: key(4),
            rotation: Default::default(),
        };
        let statement = encode(&fleet.keyring(FIRST + 1));
        let sign = |key: &SigningKey| fleet.sign(key, Kind::Keyring, &[], &statement);
        let mut signatures = [sign(&fleet.roots[0]), sign(&fleet.roots[1])];
        signatures.sort();
        fleet.rotation = (statement, signatures.concat());
        fleet
    }

    /// The keyring of that version; its epoch is the same number. The device is flashed with the first.
    #[must_use]
    pub fn keyring(&self, version: u32) -> Keyring {
        let index = (version - FIRST) as usize;
        let role = |key: &SigningKey| Role { threshold: 1, keys: [public(key)].into_iter().collect() };
        Keyring {
            version,
            root: role(&self.roots[index]),
            publisher: role(&self.publishers[index]),
            director: Director::Assignments([public(&self.director)].into_iter().collect()),
            publisher_epoch: version,
        }
    }

    /// The second keyring as it travels, signed by both roots.
    #[must_use]
    pub fn rotation(&self) -> Signed<'_> {
        Signed { statement: &self.rotation.0, signatures: &self.rotation.1 }
    }

    /// Signs a release.
    ///
    /// # Panics
    /// Not with the configurations of the samples.
    #[must_use]
    pub fn release(&self, epoch: u32, (sequence, floor): (u32, u32), configurations: [Configuration; 2]) -> Release {
        let contents = [configurations[0].content(), configurations[1].content()];
        let leaf = |which: Which| Leaf::new(DEVICE, which.schema(), contents[which as usize]).hash();
        let leaves = [leaf(Which::Former), leaf(Which::Next)];
        let release = release::Release {
            publisher_epoch: epoch,
            sequence,
            floor,
            commit: CommitId::Sha1([sequence as u8; 20]),
            leaves: 2,
            root: tree::node(&leaves[0], &leaves[1]),
        };
        let statement = encode(&release);
        let publisher = &self.publishers[(epoch - FIRST) as usize];
        let signatures = self.sign(publisher, Kind::Release, &[], &statement);
        let ids = contents.map(|content| content.id());
        Release { sequence, epoch, floor, configurations, contents, ids, statement, signatures, leaves }
    }

    /// Signs as the director, for one poll.
    #[must_use]
    pub fn direct(&self, kind: Kind, poll: &[u8], statement: &[u8]) -> Vec<u8> {
        self.sign(&self.director, kind, poll, statement)
    }

    /// Whether the device signed that report.
    #[must_use]
    pub fn signed_by_device(&self, statement: &[u8], signature: &[u8]) -> bool {
        let message = Message::new(Kind::Report, &FLEET, &DEVICE.0, statement);
        message.is_ok_and(|message| message.verify(&[public(&self.device)], 1, signature).is_ok())
    }

    fn sign(&self, key: &SigningKey, kind: Kind, context: &[u8], statement: &[u8]) -> Vec<u8> {
        let message = Message::new(kind, &FLEET, context, statement).expect("statements have bounds");
        [&public(key).id().0[..], &key.sign(message.bytes()).to_bytes()].concat()
    }

    /// The device's side of it. `drawn` keeps its random numbers apart from those of other starts.
    #[must_use]
    pub fn identity(&self, drawn: u64) -> DeviceIdentity {
        DeviceIdentity { key: self.device.clone(), keyring: self.keyring(FIRST), drawn: drawn << 32 }
    }
}

impl Release {
    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.sequence }
    }

    /// Its floor, as a device keeps it.
    #[must_use]
    pub fn floor(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.floor }
    }

    /// What it binds for that firmware.
    #[must_use]
    pub fn content(&self, which: Which) -> Content {
        self.contents[which as usize]
    }

    /// Its short name.
    #[must_use]
    pub fn id(&self, which: Which) -> ContentId {
        self.ids[which as usize]
    }

    /// The configuration with that content, if it binds it for any firmware.
    #[must_use]
    pub fn configuration(&self, content: &Content) -> Option<&Configuration> {
        let place = self.contents.iter().position(|known| known == content)?;
        self.configurations.get(place)
    }

    /// SHA-256 of its statement.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.statement)
    }

    /// The proof for that firmware's leaf.
    #[must_use]
    pub fn proof(&self, which: Which) -> Proof<'_> {
        let path = &self.leaves[1 - which as usize].0;
        Proof { release: &self.statement, signatures: &self.signatures, index: which as u32, path }
    }

    /// The envelope for that firmware.
    #[must_use]
    pub fn envelope(&self, which: Which) -> Vec<u8> {
        let configuration = &self.configurations[which as usize];
        let private = self.content(which).private;
        encode(&Envelope { proof: self.proof(which), private, manifest: &configuration.manifest })
    }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

/// Encodes whatever fits an answer.
pub(super) fn encode<'a>(value: &impl Wire<'a>) -> Vec<u8> {
    codec::encode(value, &mut [0; 8192]).expect("it fits").to_vec()
}

/// Who the device is.
pub struct DeviceIdentity {
    key: SigningKey,
    keyring: Keyring,
    drawn: u64,
}

impl Identity for DeviceIdentity {
    fn device(&self) -> DeviceId {
        DEVICE
    }

    fn fleet(&self) -> FleetId {
        FLEET
    }

    fn first_keyring(&self) -> Keyring {
        self.keyring.clone()
    }

    fn first_floor(&self) -> Position {
        Position { epoch: FIRST, sequence: 1 }
    }

    fn key(&self) -> KeyId {
        public(&self.key).id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    fn random(&mut self) -> [u8; 8] {
        self.drawn += 1;
        Digest::of(&self.drawn.to_le_bytes()).0[..8].try_into().expect("a digest is longer")
    }
}

/// A configuration of three sections of which `network` and `sampling` are the same in every one, so that they are copied.
#[must_use]
pub(super) fn configuration(alarms: u8) -> Configuration {
    let objects = [("alarms", bytes(alarms, 700)), ("network", bytes(200, 40)), ("sampling", bytes(201, 2100))];
    // The first ones restart the device, the later ones are hot changes.
    let restart = if alarms < 5 { Restart::Device } else { Restart::Task };
    Configuration::with(SETTINGS, restart, &objects, None)
}
