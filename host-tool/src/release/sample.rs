//! A compiled fleet without a repository, for the tests of what comes after compiling.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::Seed;
use steadfast_core::manifest::{self, Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::release::CommitId;

use super::Issue;
use crate::compile::{Compiled, CompiledLeaf, RosterEntry, Source};
use crate::diagnostics::Diagnostics;

/// The fleet of every sample.
pub(crate) const ISSUE: Issue = Issue { fleet: FleetId([7; 16]), epoch: 1 };

/// The schema of every sample device.
pub(crate) const SCHEMA: SchemaId = SchemaId([0x5C; 32]);

/// The id of the sample device of that number, from 1 on.
pub(crate) fn device(number: u32) -> DeviceId {
    let mut id = [0xD0; 16];
    id[1..5].copy_from_slice(&number.to_be_bytes());
    DeviceId(id)
}

/// That device's key.
pub(crate) fn seed(number: u32) -> Seed {
    Seed(Digest::of(&device(number).0).0)
}

/// A fleet of so many devices in two groups, at sequence 1.
pub(crate) fn compiled(devices: u32) -> Compiled {
    fleet(devices, 1, 1000)
}

/// A fleet at a sequence; the second group's `sampling` section says `period_ms`.
pub(crate) fn fleet(devices: u32, sequence: u32, period_ms: u32) -> Compiled {
    let mut compiled = Compiled {
        source: Source { commit: CommitId::Sha1([sequence as u8; 20]), sequence, floor: 0, worktree: false },
        leaves: Vec::new(),
        held: Vec::new(),
        manifests: Vec::new(),
        objects: BTreeMap::new(),
        roster: (1..=devices).map(entry).collect(),
        warnings: Diagnostics::default(),
    };
    let groups = [1000, period_ms].map(|period| manifest(&mut compiled.objects, period));
    for number in 1..=devices {
        let wanted = &groups[number as usize % 2];
        let place = compiled.manifests.iter().position(|manifest| manifest == wanted).unwrap_or_else(|| {
            compiled.manifests.push(wanted.clone());
            compiled.manifests.len() - 1
        });
        compiled.leaves.push(CompiledLeaf { device: device(number), schema: SCHEMA, manifest: place as u32 });
    }
    let named: Vec<Digest> =
        compiled.manifests.iter().flat_map(|m| crate::pack::named(m)).map(|object| object.digest).collect();
    compiled.objects.retain(|digest, _| named.contains(digest));
    compiled
}

fn entry(number: u32) -> RosterEntry {
    RosterEntry {
        device: device(number),
        name: format!("sensor-{number}").into(),
        model: "sensor".into(),
        labels: Arc::new([("ring".into(), if number == 1 { "canary" } else { "rest" }.into())].into()),
        public_key: Some(seed(number).public_key().0),
    }
}

/// A manifest like those of the sample application: three sections, about 90 bytes of values.
fn manifest(objects: &mut BTreeMap<Digest, Vec<u8>>, period_ms: u32) -> Vec<u8> {
    let sections = [
        ("alarms", b"\x02\x00\x50\x05smoke\x01\x78\x04heat".to_vec()),
        ("network", b"\x0f10.0.2.2:8440\x00\x00\x1egateway.example.com".to_vec()),
        ("sampling", [&b"\x01"[..], &period_ms.to_le_bytes(), b"temperature"].concat()),
    ];
    let entries = sections.each_ref().map(|(section, bytes)| {
        let object = ObjectRef { digest: Digest::of(bytes), size: bytes.len() as u32 };
        Entry { section, kind: Kind::Config(object), flags: Flags::new(Restart::Task, Risk::Low) }
    });
    objects.extend(sections.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.clone())));
    let draft = manifest::Draft {
        settings: Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 0 },
        policy: Policy { reach: Reach::Server, trial_seconds: 120, boots: 3 },
        checks: &["sensor"],
        objects: &entries,
    };
    draft.encode(&mut [0; 1024]).unwrap().to_vec()
}
