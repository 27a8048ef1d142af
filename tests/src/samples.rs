//! Samples of what devices store: boot records and configurations, the same in every run.

use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::flash::stage::{Finish, Target, Wanted};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Manifest, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::statement::PublicKey;

/// The record of a device that accepted this sequence last.
#[must_use]
pub fn record(sequence: u32) -> BootRecord {
    let role = |byte| Role { threshold: 1, keys: core::iter::once(PublicKey([byte; 32])).collect() };
    let keyring =
        Keyring { version: 1, root: role(1), publisher: role(2), director: Director::None, publisher_epoch: 0 };
    let mut record = BootRecord::new(keyring, Position::ZERO);
    record.accepted = Position { epoch: 0, sequence };
    record
}

/// A configuration: the bytes of a manifest and of all that it names.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The objects in the manifest's order; `None` stands for a section that is private.
    pub objects: Vec<Option<Vec<u8>>>,
    /// The private object.
    pub private: Option<Vec<u8>>,
}

impl Configuration {
    /// A configuration of these named objects and of a section `wifi`, which is private if there is something private.
    #[must_use]
    pub fn new(objects: &[(&str, Vec<u8>)], private: Option<Vec<u8>>) -> Self {
        Self::with(Settings::DEFAULT, Restart::Task, objects, private)
    }

    /// The same with these settings of the agent, and sections that restart so much.
    #[must_use]
    pub fn with(settings: Settings, restart: Restart, objects: &[(&str, Vec<u8>)], private: Option<Vec<u8>>) -> Self {
        let flags = Flags::new(restart, Risk::Low);
        let entry =
            |(section, bytes): &(&'static str, Vec<u8>)| Entry { section, kind: Kind::Config(reference(bytes)), flags };
        let objects: Vec<(&'static str, Vec<u8>)> =
            objects.iter().map(|(name, bytes)| (&*name.to_string().leak(), bytes.clone())).collect();
        let mut entries: Vec<Entry<'_>> = objects.iter().map(entry).collect();
        entries.extend(private.as_ref().map(|_| Entry { section: "wifi", kind: Kind::Private, flags }));
        let draft = Draft {
            settings,
            policy: Policy { reach: Reach::Server, trial_seconds: 60, boots: 3 },
            checks: &["link", "sensor"],
            objects: &entries,
        };
        let manifest = draft.encode(&mut [0; 4096]).expect("objects in ascending order").to_vec();
        let secret = private.as_ref().map(|_| None);
        let objects = objects.into_iter().map(|(_, bytes)| Some(bytes)).chain(secret).collect();
        Self { manifest, objects, private }
    }

    /// What it is called.
    #[must_use]
    pub fn content(&self) -> Content {
        Content { manifest: Digest::of(&self.manifest), private: self.private.as_deref().map(reference) }
    }

    /// What to ask of [`stage`](steadfast_core::flash::slot::Store::stage).
    #[must_use]
    pub fn wanted<'a>(&'a self, target: Target<'a>) -> Wanted<'a> {
        let manifest = Manifest::parse(&self.manifest).expect("made by Draft");
        Wanted { content: self.content(), manifest, target, finish: Finish::Known }
    }

    /// The bytes that [`ObjectSource`](steadfast_core::flash::stage::ObjectSource) calls by this index.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &[u8] {
        let objects = self.objects.iter().map(Option::as_deref);
        objects.chain([self.private.as_deref()]).nth(index).flatten().expect("an index that stands for bytes")
    }
}

/// The digest and size of some bytes.
#[must_use]
pub fn reference(bytes: &[u8]) -> ObjectRef {
    ObjectRef { digest: Digest::of(bytes), size: bytes.len() as u32 }
}

/// Bytes that no other seed gives, none of them erased flash.
#[must_use]
pub fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in 0_u32.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend_from_slice(&Digest::of(&[&[seed][..], &block.to_le_bytes()].concat()).0);
    }
    bytes.truncate(length);
    bytes
}
