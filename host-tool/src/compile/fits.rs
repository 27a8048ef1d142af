//! Proof that whatever a live schema allows fits the board: the largest configuration against the slot, before any value is written.
//!
//! Every field is bounded, so the largest encoded size of a section is known (`schema::Section::max_bytes`), and with it that of a
//! manifest that names them all. A value that a reviewer merges next year can then not turn out too large for a board in the
//! field. Files of gateways are measured as they are rendered instead.

use steadfast_core::clamp;
use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Settings};

use super::manifest::{MANIFEST_MAX_BYTES, slot_bytes};
use crate::diagnostics::{Code, Finding, Findings};
use crate::fleet::{Fleet, LOST_CONTACT_SECONDS_MAX, Model};
use crate::schema::{Schema, Section};

/// How many sections a message names.
const LARGEST: usize = 3;

/// Reports every live schema whose largest configuration does not fit its model's slot, with all devices of the model.
pub(super) fn prove(fleet: &Fleet, findings: &mut Findings) {
    for (model, index) in fleet.models.iter().zip(0..).filter(|(model, _)| model.render.is_none()) {
        for schema in &model.schemas {
            let Some(bytes) = largest(schema).filter(|bytes| *bytes > u64::from(model.slot_bytes)) else { continue };
            let devices = fleet.devices.iter().zip(0..).filter(|(device, _)| device.model == index);
            findings.hit(too_large((model, schema), bytes), devices.map(|(_, device)| device));
        }
    }
}

/// The bytes of a slot that the largest configuration of a schema takes; `None` where no manifest can name all of its sections, which is told
/// when the first device is compiled.
fn largest(schema: &Schema) -> Option<u64> {
    let entry = |section: &'_ Section| {
        let size = u32::try_from(section.max_bytes()).unwrap_or(u32::MAX);
        let object = ObjectRef { digest: Digest([0xff; 32]), size };
        (section.name.clone(), Kind::Config(object), Flags::new(section.restart, section.risk))
    };
    let mut sections: Vec<_> = schema.sections.iter().map(entry).collect();
    sections.sort_by(|a, b| a.0.cmp(&b.0));
    let entries: Vec<Entry<'_>> =
        sections.iter().map(|(name, kind, flags)| Entry { section: name, kind: *kind, flags: *flags }).collect();
    let settings = Settings {
        poll_seconds: clamp::POLL_SECONDS_MAX,
        freshness_seconds: clamp::FRESHNESS_SECONDS_MAX,
        lost_contact_seconds: LOST_CONTACT_SECONDS_MAX,
        attempt: u32::MAX,
    };
    let policy = Policy { reach: Reach::Server, trial_seconds: clamp::TRIAL_SECONDS_MAX, boots: clamp::BOOTS_MAX };
    let draft = Draft { settings, policy, checks: &schema.checks(), objects: &entries };
    let mut buffer = [0; MANIFEST_MAX_BYTES];
    let manifest = draft.encode(&mut buffer).ok()?;
    Some(slot_bytes(manifest.len(), &entries))
}

fn too_large((model, schema): (&Model, &Schema), bytes: u64) -> Finding {
    let mut sections: Vec<&Section> = schema.sections.iter().collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.max_bytes()));
    let named = sections.iter().take(LARGEST).map(|one| format!("`{}` up to {}", one.name, one.max_bytes()));
    let message = format!(
        "a configuration of the live schema {} can take {bytes} bytes of a slot, `{}` has {}",
        schema.short_id(),
        model.name,
        model.slot_bytes
    );
    let help = format!(
        "lower the bounds in the firmware ({} bytes), or give the board larger slots",
        named.collect::<Vec<_>>().join(", ")
    );
    Finding::new(Code::TooLarge, message).at(model.place).help(help)
}
