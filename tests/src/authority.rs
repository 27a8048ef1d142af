//! All keys of a fleet of one device, and what they sign: identity, releases, answers. For tests that need a server that can do anything,
//! wrong things included; it is made of core's own encoders and has no opinion.

use steadfast_core::answer::{Answer, Assignment, Challenge, Unchanged};
use steadfast_core::codec::{self, Wire};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned, Seed};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Settings};
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::release::{CommitId, Release};
use steadfast_core::statement::{self, Message, Signed};
use steadfast_core::tree::Leaf;

/// Seconds between two polls, so short that a test never waits for one.
const POLL_SECONDS: u32 = 1;

/// The least that a poll interval of a second and a freshness interval of ten allow.
const LOST_CONTACT_SECONDS: u32 = 30;

/// More than any statement, signature or answer here.
const BUFFER_BYTES: usize = 4096;

/// The one device and its fleet.
#[derive(Debug, Clone)]
pub struct Authority {
    fleet: FleetId,
    device: DeviceId,
    schema: SchemaId,
    root: Seed,
    publisher: Seed,
    director: Seed,
    own: Seed,
}

/// A configuration to be published: sections ascending by name.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The release's number.
    pub sequence: u32,
    /// Name, flags and bytes of each section.
    pub sections: Vec<(&'static str, Flags, Vec<u8>)>,
    /// The checks that must pass, ascending.
    pub checks: Vec<&'static str>,
    /// How long its trial takes at most.
    pub trial_seconds: u32,
}

/// A release with one leaf, and all that it names.
#[derive(Debug, Clone)]
pub struct Published {
    statement: Vec<u8>,
    signatures: Vec<u8>,
    manifest: Vec<u8>,
    /// The bytes of its objects.
    pub objects: Vec<Vec<u8>>,
}

impl Published {
    /// What runs when this runs.
    #[must_use]
    pub fn content(&self) -> Content {
        Content { manifest: Digest::of(&self.manifest), private: None }
    }
}

impl Authority {
    /// The authority over a device whose firmware has this schema.
    #[must_use]
    pub fn new(schema: SchemaId) -> Self {
        let seed = |byte| Seed([byte; 32]);
        Self {
            fleet: FleetId([7; 16]),
            device: DeviceId([9; 16]),
            schema,
            root: seed(1),
            publisher: seed(2),
            director: seed(3),
            own: seed(4),
        }
    }

    /// The bytes of the device's identity region.
    #[must_use]
    pub fn identity(&self, server: &str) -> Vec<u8> {
        let role = |seed: &Seed| Role { threshold: 1, keys: core::iter::once(seed.public_key()).collect() };
        let provisioned = Provisioned {
            fleet: self.fleet,
            device: self.device,
            seed: self.own.clone(),
            keyring: Keyring {
                version: 1,
                root: role(&self.root),
                publisher: role(&self.publisher),
                director: Director::Assignments(core::iter::once(self.director.public_key()).collect()),
                publisher_epoch: 1,
            },
            floor: Position { epoch: 1, sequence: 0 },
            server: server.try_into().expect("the address fits"),
        };
        provisioned.encode(&mut [0; IDENTITY_MAX_BYTES]).expect("the identity fits").to_vec()
    }

    /// Signs a release that orders `wanted`.
    #[must_use]
    pub fn publish(&self, wanted: &Wanted) -> Published {
        let reference = |bytes: &[u8]| ObjectRef { digest: Digest::of(bytes), size: bytes.len() as u32 };
        let entries: Vec<_> = wanted
            .sections
            .iter()
            .map(|(section, flags, bytes)| Entry { section, kind: Kind::Config(reference(bytes)), flags: *flags })
            .collect();
        let draft = Draft {
            settings: Settings {
                poll_seconds: POLL_SECONDS,
                freshness_seconds: 10,
                lost_contact_seconds: LOST_CONTACT_SECONDS,
                attempt: 0,
            },
            policy: Policy { reach: Reach::Server, trial_seconds: wanted.trial_seconds, boots: 3 },
            checks: &wanted.checks,
            objects: &entries,
        };
        let manifest = draft.encode(&mut [0; BUFFER_BYTES]).expect("a sound manifest").to_vec();
        let content = Content { manifest: Digest::of(&manifest), private: None };
        let statement = encode(&Release {
            publisher_epoch: 1,
            sequence: wanted.sequence,
            floor: 0,
            commit: CommitId::Sha1([wanted.sequence as u8; 20]),
            leaves: 1,
            root: Leaf::new(self.device, self.schema, content).hash(),
        });
        let signatures = self.sign(statement::Kind::Release, &self.publisher, &[], &statement);
        let objects = wanted.sections.iter().map(|(_, _, bytes)| bytes.clone()).collect();
        Published { statement, signatures, manifest, objects }
    }

    /// The answer to a poll when `published` is what the device should run.
    #[must_use]
    pub fn answer(&self, poll: &[u8], published: &Published) -> Vec<u8> {
        let asked = Poll::decode(poll).expect("a device polls in the one format");
        let unchanged = Unchanged {
            poll_after_seconds: POLL_SECONDS,
            report_wanted: true,
            challenge: Challenge { issued_seconds: 1, code: [0; 8] },
        };
        if asked.running == published.content().id() {
            if !asked.flags.has(PollFlags::SIGNED) {
                return Vec::new();
            }
            let statement = encode(&unchanged);
            let signatures = self.sign(statement::Kind::Unchanged, &self.director, poll, &statement);
            return encode(&Answer::Unchanged(Signed { statement: &statement, signatures: &signatures }));
        }
        let order = encode(&Assignment { release: Digest::of(&published.statement), unchanged });
        let signatures = self.sign(statement::Kind::Assignment, &self.director, poll, &order);
        let (release, path) = (published.statement.as_slice(), [].as_slice());
        let proof = Proof { release, signatures: &published.signatures, index: 0, path };
        let envelope = encode(&Envelope { proof, private: None, manifest: &published.manifest });
        let assignment = Signed { statement: &order, signatures: &signatures };
        encode(&Answer::Changed { assignment, envelope: &envelope, inline: &[] })
    }

    fn sign(&self, kind: statement::Kind, seed: &Seed, context: &[u8], statement: &[u8]) -> Vec<u8> {
        let message = Message::new(kind, &self.fleet, context, statement).expect("the statement fits");
        let signature = seed.sign(message.bytes());
        [seed.public_key().id().0.as_slice(), &signature].concat()
    }
}

fn encode<'a>(value: &impl Wire<'a>) -> Vec<u8> {
    codec::encode(value, &mut [0; BUFFER_BYTES]).expect("the buffer is large").to_vec()
}
