//! Manifests.

use serde_json::{Value, json};
use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::refusal::Refusal;

use super::cast::{encode, longer, overlong, replaced, shorter};
use super::{Vector, hex};

pub(super) const SETTINGS: Settings =
    Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 1 };
pub(super) const POLICY: Policy = Policy { reach: Reach::Server, trial_seconds: 300, boots: 3 };
const LOW: Flags = Flags::new(Restart::Task, Risk::Low);

/// Where the checks are counted: behind settings (1 + 2 + 1 + 1 bytes) and policy (1 + 2 + 1).
const CHECKS_AT: usize = 9;

/// An entry whose object is its own name.
pub(super) fn entry(section: &str, flags: Flags) -> Entry<'_> {
    Entry { section, kind: Kind::Config(object(section.as_bytes())), flags }
}

pub(super) fn object(bytes: &[u8]) -> ObjectRef {
    ObjectRef { digest: Digest::of(bytes), size: bytes.len() as u32 }
}

/// A manifest of these parts, sound or not.
fn raw(checks: &[&str], objects: &[Entry<'_>]) -> Vec<u8> {
    encode(&(SETTINGS, POLICY, checks, objects))
}

/// Vectors of manifests.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = good();
    vectors.extend(bad());
    vectors
}

fn says(name: &str, draft: &Draft<'_>) -> Vector {
    let bytes = draft.encode(&mut [0; 4096]).expect("a sound manifest").to_vec();
    let Settings { poll_seconds, freshness_seconds, lost_contact_seconds, attempt } = draft.settings;
    let objects: Vec<Value> = draft.objects.iter().map(shown).collect();
    Vector::good("manifest", name, &bytes)
        .gives("digest", hex(&Digest::of(&bytes).0))
        .gives("settings", vec![poll_seconds, freshness_seconds, lost_contact_seconds, attempt])
        .gives("reach", if draft.policy.reach == Reach::Server { "server" } else { "none" })
        .gives("trial_seconds", draft.policy.trial_seconds)
        .gives("boots", draft.policy.boots)
        .gives("checks", draft.checks.to_vec())
        .gives("objects", objects)
}

/// An entry as it stands in a vector.
pub(super) fn shown(entry: &Entry<'_>) -> Value {
    let (kind, size) = match entry.kind {
        Kind::Config(object) => ("config", Some(object.size)),
        Kind::Private => ("private", None),
        Kind::File(object) => ("file", Some(object.size)),
    };
    let (restart, risk) = (entry.flags.restart() as u8, entry.flags.risk() as u8);
    json!({ "section": entry.section, "kind": kind, "size": size, "restart": restart, "risk": risk })
}

fn good() -> Vec<Vector> {
    let plain = Draft { settings: SETTINGS, policy: POLICY, checks: &[], objects: &[] };
    let some = [
        entry("alarms", LOW),
        entry("network", Flags::new(Restart::Device, Risk::Connectivity)),
        Entry { section: "secrets", kind: Kind::Private, flags: Flags::new(Restart::Nothing, Risk::Safety) },
        Entry { section: "table_2", kind: Kind::File(object(b"a table")), flags: LOW },
    ];
    let names: Vec<String> = (0..32).map(|number| format!("section_{number:02}")).collect();
    let many: Vec<Entry<'_>> = names.iter().map(|name| entry(name, LOW)).collect();
    let checks: Vec<String> = (0..16).map(|number| format!("check_{number:02}")).collect();
    let checks: Vec<&str> = checks.iter().map(String::as_str).collect();
    let longest = "n".repeat(32);
    let wild = Settings { poll_seconds: u32::MAX, freshness_seconds: 0, lost_contact_seconds: 1, attempt: u32::MAX };
    let waived = Policy { reach: Reach::None, trial_seconds: 0, boots: 255 };
    vec![
        says("no checks and no objects", &plain),
        says("two checks and every kind of object", &Draft { checks: &["link", "sensor"], objects: &some, ..plain }),
        says("as many objects and checks as can be", &Draft { checks: &checks, objects: &many, ..plain }),
        says("a name of 32 bytes", &Draft { objects: &[entry(&longest, LOW)], ..plain }),
        says("values that a device brings into its bounds", &Draft { settings: wild, policy: waived, ..plain }),
    ]
}

fn bad() -> Vec<Vector> {
    let refused = |name, bytes: &[u8]| Vector::bad("manifest", name, bytes, Refusal::BAD_MANIFEST);
    let malformed = |name, bytes: &[u8]| Vector::bad("manifest", name, bytes, Refusal::MALFORMED);
    let named = |sections: &[&str]| raw(&[], &sections.iter().map(|name| entry(name, LOW)).collect::<Vec<_>>());
    let whole = raw(&["sensor"], &[entry("alarms", LOW)]);
    let last = whole.len() - 1;
    let kind_at = CHECKS_AT + 1 + 7 + 1 + 7;
    let long = "n".repeat(33);
    vec![
        refused("objects out of order", &named(&["network", "alarms"])),
        refused("an object twice", &named(&["alarms", "alarms"])),
        refused("checks out of order", &raw(&["sensor", "link"], &[])),
        refused("a check twice", &raw(&["link", "link"], &[])),
        refused("a name with a capital letter", &named(&["Alarms"])),
        refused("a name that starts with a digit", &named(&["1alarm"])),
        refused("a name that starts with an underscore", &named(&["_alarm"])),
        refused("a name with a hyphen", &named(&["a-larm"])),
        refused("an empty name", &named(&[""])),
        refused("a name of 33 bytes", &named(&[&long])),
        refused("a check's name that is no name", &raw(&["a check"], &[])),
        refused("a restart of no known kind", &replaced(&whole, last, 3)),
        refused("a risk of no known kind", &replaced(&whole, last, 3 << 2)),
        refused("an unknown flag", &replaced(&whole, last, 0x11)),
        refused("seventeen checks", &replaced(&whole, CHECKS_AT, 17)),
        refused("thirty-three objects", &replaced(&whole, CHECKS_AT + 8, 33)),
        malformed("an object of no known kind", &replaced(&whole, kind_at, 3)),
        malformed("a round trip of no known kind", &replaced(&whole, 5, 2)),
        malformed("an over-long varint", &overlong(&whole, 0)),
        malformed("a byte behind it", &longer(&whole)),
        malformed("cut off", &shorter(&whole)),
        malformed("a count above what follows", &replaced(&whole, CHECKS_AT + 8, 2)),
        malformed("a name that is no text", &replaced(&whole, CHECKS_AT + 2, 0xFF)),
        malformed("nothing", &[]),
    ]
}
