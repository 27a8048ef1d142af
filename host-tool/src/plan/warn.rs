//! What in a change deserves a second look: ways back that are closed or late, checks that were taken away, firmware that the
//! change does not reach.

use std::collections::BTreeMap;

use steadfast_core::clamp::LOST_CONTACT_SECONDS_DEFAULT;
use steadfast_core::id::SchemaId;
use steadfast_core::manifest::{Manifest, Reach, Risk};

use super::effect::{Standing, manifest};
use super::names::Naming;
use super::{Alarm, Explained, Side, Warning};
use crate::fleet::Model;

/// A release of another fleet is taken by nobody; another name of the same one is for people.
pub(super) fn fleet((base, head): (Option<Side<'_>>, Side<'_>)) -> Vec<Warning> {
    let Some(base) = base else { return Vec::new() };
    let (old, new) = (&base.fleet.settings, &head.fleet.settings);
    let id = "the fleet's id differs: no device takes a release of another fleet".to_owned();
    let name = format!("the fleet's name was {}, and is {} now", old.name, new.name);
    let warnings = [(old.id != new.id, Alarm::FleetId, id), (old.name != new.name, Alarm::FleetName, name)];
    let differing = warnings.into_iter().filter(|(differs, ..)| *differs);
    differing.map(|(_, kind, message)| Warning { kind, message, devices: None }).collect()
}

/// Devices that get nothing new as long as they run an older firmware, by its schema, whether or not this change is the cause.
pub(super) fn held(head: Side<'_>, naming: &mut Naming<'_>) -> Vec<Warning> {
    let mut found: BTreeMap<SchemaId, Vec<u32>> = BTreeMap::new();
    let devices = &head.fleet.devices;
    for held in &head.compiled.held {
        let index = devices.partition_point(|device| device.id < held.device);
        found.entry(held.schema).or_default().extend(u32::try_from(index));
    }
    let warning = |(schema, indexes): (SchemaId, Vec<u32>)| {
        let model = head.fleet.model(&devices[indexes[0] as usize]);
        let name = model.schemas.iter().find(|live| live.id == schema).map_or("", |live| &live.name);
        let message = format!(
            "held: those that still run schema {} keep what they have, because it cannot express a value (on_unsupported = \"hold\")",
            named(schema, name)
        );
        Warning { kind: Alarm::SchemaHeld, message, devices: Some(naming.name(&indexes)) }
    };
    found.into_iter().map(warning).collect()
}

/// A schema as people compare them.
fn named(schema: SchemaId, name: &str) -> String {
    let id: String = schema.to_string().chars().take(8).collect();
    format!("{name} ({id})")
}

/// Everything that pairs of configurations give cause for: equal warnings of many devices are one.
pub(super) fn pairs(
    (base, head): (Side<'_>, Side<'_>),
    explained: &[Explained<'_>],
    naming: &mut Naming<'_>,
) -> Vec<Warning> {
    let mut found: BTreeMap<(Alarm, String), Vec<u32>> = BTreeMap::new();
    for one in explained {
        let device = &head.fleet.devices[one.pair.head[0] as usize];
        let warnings = ways_back((base, head), one, head.fleet.model(device)).into_iter().chain(skew(one));
        for warning in warnings {
            found.entry(warning).or_default().extend(&one.pair.head);
        }
    }
    let warning = |((kind, message), mut devices): ((Alarm, String), Vec<u32>)| {
        devices.sort_unstable();
        Warning { kind, message, devices: Some(naming.name(&devices)) }
    };
    found.into_iter().map(warning).collect()
}

/// Whether a device that the change cuts off, or does harm with, finds its way back.
fn ways_back((base, head): (Side<'_>, Side<'_>), one: &Explained<'_>, model: &Model) -> Vec<(Alarm, String)> {
    let mut warnings = Vec::new();
    for schema in one.effect.schemas.iter().filter(|schema| schema.change == Standing::Differs) {
        let before = manifest(&one.pair.before, base, schema.schema);
        let after = manifest(&one.pair.after, head, schema.schema);
        let risky = changed(&before, &after);
        let mut add = |warning| {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        };
        if let Some((section, _)) = risky.iter().find(|(_, risk)| *risk == Risk::Connectivity) {
            way_back(&after, section).into_iter().for_each(&mut add);
        }
        for (section, risk) in &risky {
            unwatched(&after, (section, *risk), (model, schema.schema)).into_iter().for_each(&mut add);
        }
    }
    warnings
}

/// Sections of more than low risk that differ or are new.
fn changed<'m>(before: &Manifest<'_>, after: &Manifest<'m>) -> Vec<(&'m str, Risk)> {
    let same = |section: &str| before.objects().find(|entry| entry.section == section);
    let differing = after.objects().filter(|entry| same(entry.section).is_none_or(|old| old.kind != entry.kind));
    differing.map(|entry| (entry.section, entry.flags.risk())).filter(|(_, risk)| *risk > Risk::Low).collect()
}

fn way_back(after: &Manifest<'_>, section: &str) -> Option<(Alarm, String)> {
    if after.policy.reach == Reach::None {
        let message = format!(
            "no way back: `{section}` can cut these devices off, and their trial need not reach the server (health.reach = \"none\")"
        );
        return Some((Alarm::NoWayBack, message));
    }
    let seconds = after.settings.clamped().lost_contact_seconds;
    let hours = seconds / 3600;
    let message = format!(
        "late way back: `{section}` can cut these devices off, and without contact they try their other configuration only after {hours} h"
    );
    (seconds > LOST_CONTACT_SECONDS_DEFAULT).then_some((Alarm::LateWayBack, message))
}

/// The checks of a section exist, and the policy leaves all of them out.
fn unwatched(
    after: &Manifest<'_>,
    (section, risk): (&str, Risk),
    (model, schema): (&Model, SchemaId),
) -> Option<(Alarm, String)> {
    let live = model.schemas.iter().find(|live| live.id == schema)?;
    let checks = &live.section(section)?.checks;
    let watched = after.checks().any(|name| checks.iter().any(|check| check == name));
    let word = super::told::risk_word(risk);
    let message = format!(
        "unwatched: `{section}` ({word}) changes, and health.checks leaves out what vouches for it: {}",
        checks.join(", ")
    );
    (!checks.is_empty() && !watched).then_some((Alarm::Unwatched, message))
}

/// Firmware in the field that gets nothing, or not the change.
fn skew(one: &Explained<'_>) -> Vec<(Alarm, String)> {
    let effect = &one.effect;
    let named = |schema: &super::effect::SchemaChange| named(schema.schema, &schema.name);
    if effect.replaced() {
        let message = "no schema stays live: these devices take it only with another firmware".to_owned();
        return vec![(Alarm::SchemaReplaced, message)];
    }
    let differs = effect.schemas.iter().any(|schema| schema.change == Standing::Differs);
    let mut warnings = Vec::new();
    for schema in &effect.schemas {
        match schema.change {
            Standing::Removed => {
                let message = format!("schema {} is live no more: who still runs it gets nothing new", named(schema));
                warnings.push((Alarm::SchemaRetired, message));
            }
            Standing::Same if differs => {
                let message = format!("the change does not reach devices that still run schema {}", named(schema));
                warnings.push((Alarm::SchemaBehind, message));
            }
            _ => {}
        }
    }
    warnings
}
