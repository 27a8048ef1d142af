//! The document that rules see as `input`: the plan as `--format json` has it, less its lists of devices, and with what else a rule can
//! want to know. `docs/guide-policy.md` describes it.
//!
//! It stays small for a large fleet without hiding a device: where a plan lists a group's devices, this counts them by equal labels
//! (`classes`), all of them. Their names, and what is renamed, are in it only if some rule file has the word in it, because a million names
//! cost a second.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use steadfast_core::manifest::Manifest;

use super::Question;
use super::source::Rules;
use crate::compile::slot_bytes;
use crate::fleet::{Device, PlainLabels};
use crate::git::CommitInfo;
use crate::plan::{Group, Kind, Named, Side, Warning};

/// The document's format. Another number is another format.
const FORMAT: u32 = 1;

/// Every name in the document's first level, and below it where those are always the same: what is misspelt there is an error.
pub(super) const NAMES: &[(&str, &[&str])] = &[
    ("format", &[]),
    ("base", &["state", "revision", "commit", "author", "email", "time", "message"]),
    ("head", &["revision", "commit", "worktree", "author", "email", "time", "message"]),
    (
        "counts",
        &["devices", "changed", "unchanged", "new", "gone", "moved", "relabelled", "renamed", "rekeyed", "bytes"],
    ),
    ("fleet", &["id", "name", "devices", "classes"]),
    ("warnings", &[]),
    ("groups", &[]),
    ("relabelled", &[]),
    ("renamed", &[]),
    ("rekeyed", &[]),
    ("policy", &["changed"]),
    ("rollout", &[]),
    ("approvals", &[]),
];

/// What is in the document only where it is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// The names of all devices that change.
    pub(super) names: bool,
    /// The devices with another name.
    pub(super) renamed: bool,
}

/// The document, with everything.
#[must_use]
pub fn document(question: &Question<'_>) -> Json {
    value(question, Wanted { names: true, renamed: true })
}

/// The document, with what is wanted.
pub(super) fn value(question: &Question<'_>, wanted: Wanted) -> Json {
    let Question { base, head, plan, ends, approvals, .. } = question;
    let mut side = Sides::new(*base, *head, wanted.names);
    let warning = |one: &Warning| {
        let devices = one.devices.as_ref().map(|named| named.count);
        json!({ "kind": one.kind, "message": one.message, "devices": devices })
    };
    let warnings: Vec<Json> = plan.warnings.iter().map(warning).collect();
    let groups: Vec<Json> = plan.groups.iter().map(|group| side.group(group)).collect();
    let relabelled: Vec<Json> = plan
        .relabelled
        .iter()
        .map(|one| json!({ "labels": one.labels, "devices": side.head.devices(&one.devices) }))
        .collect();
    let rekeyed = plan.rekeyed.as_ref().map(|devices| side.head.devices(devices));
    let old = base.map(|base| Rules::of(base.fleet)).unwrap_or_default();
    json!({
        "format": FORMAT,
        "base": merged(&json!(ends.base), question.commits[0]),
        "head": merged(&json!(ends.head), question.commits[1]),
        "counts": plan.counts,
        "fleet": {
            "id": head.fleet.settings.id.to_string(),
            "name": head.fleet.settings.name,
            "devices": head.fleet.devices.len(),
            "classes": side.head.whole(),
        },
        "warnings": warnings,
        "groups": groups,
        "relabelled": relabelled,
        "renamed": wanted.renamed.then_some(&plan.renamed),
        "rekeyed": rekeyed,
        "policy": { "changed": Rules::of(head.fleet).differences(&old) },
        "rollout": head.fleet.rollout,
        "approvals": approvals,
    })
}

/// An end of the plan with what git knows of it.
fn merged(end: &Json, commit: Option<&CommitInfo>) -> Json {
    let mut end = end.as_object().cloned().unwrap_or_default();
    end.insert("author".to_owned(), json!(commit.map(|commit| &commit.author)));
    end.insert("email".to_owned(), json!(commit.map(|commit| &commit.email)));
    end.insert("time".to_owned(), json!(commit.map(|commit| time(commit.seconds))));
    end.insert("message".to_owned(), json!(commit.map(|commit| &commit.message)));
    Json::Object(end)
}

/// A moment in UTC.
fn time(seconds: i64) -> Json {
    const DAY_SECONDS: i64 = 86_400;
    const WEEKDAYS: [&str; 7] = ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];
    let (day, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, date) = civil(day);
    json!({
        "seconds": seconds,
        "date": format!("{year:04}-{month:02}-{date:02}"),
        "weekday": WEEKDAYS[usize::try_from(day.rem_euclid(7)).unwrap_or_default()],
        "hour": second / 3600,
        "minute": second / 60 % 60,
    })
}

/// Year, month and day of month, for days since 1970-01-01: counted in eras of 400 years that begin in March, so that the leap day
/// is the last of its year.
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    // Days from 0000-03-01 to 1970-01-01.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

/// Both fleets.
struct Sides<'q> {
    base: Option<Members<'q>>,
    head: Members<'q>,
}

impl<'q> Sides<'q> {
    fn new(base: Option<Side<'q>>, head: Side<'q>, names: bool) -> Self {
        Self { base: base.map(|side| Members::new(side, names)), head: Members::new(head, names) }
    }

    /// A group as the plan has it, each field with its section's risk and restart, and what slots hold.
    fn group(&mut self, group: &Group) -> Json {
        let mut json = json!(group.effect);
        json["kind"] = json!(group.kind);
        json["bytes"] = json!(group.bytes);
        let (base, head) = (&mut self.base, &mut self.head);
        let mut old = Held::default();
        if let Some(base) = base.as_mut().filter(|_| group.kind != Kind::New) {
            old = base.held(&group.devices);
        }
        let new = if group.kind == Kind::Gone { Held::default() } else { head.held(&group.devices) };
        let pairs = old.each.iter().zip(&new.each);
        let growth = pairs.filter_map(|(old, new)| Some(i64::from((*new)?) - i64::from((*old)?)));
        json["size"] = json!({
            "old": old.range(),
            "new": new.range(),
            "growth": growth.max(),
            "slot": if group.kind == Kind::Gone { old.slot } else { new.slot },
        });
        for (field, change) in json["fields"].as_array_mut().into_iter().flatten().zip(&group.effect.fields) {
            let section = group.effect.sections.iter().find(|section| {
                change
                    .path
                    .strip_prefix(&section.name)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            let section = section.map_or(Json::Null, |section| json!(section));
            for (name, from) in [("section", "name"), ("risk", "risk"), ("restart", "restart")] {
                field[name] = section[from].clone();
            }
        }
        let members = match (base, group.kind) {
            (Some(base), Kind::Gone) => base,
            _ => head,
        };
        json["devices"] = members.devices(&group.devices);
        json
    }
}

/// What slots hold, in bytes.
#[derive(Default)]
struct Held {
    /// In the order of the group's devices.
    each: Vec<Option<u32>>,
    /// What a slot of the model has room for.
    slot: Option<u32>,
}

impl Held {
    fn range(&self) -> Json {
        let known = || self.each.iter().flatten();
        match (known().min(), known().max()) {
            (Some(least), Some(most)) => json!({ "least": least, "most": most }),
            _ => Json::Null,
        }
    }
}

/// Devices with the same model and labels.
#[derive(Default)]
struct Class<'q> {
    count: usize,
    names: Vec<&'q str>,
}

/// The devices of one fleet.
struct Members<'q> {
    side: Side<'q>,
    names: bool,
    /// What a manifest and its objects take of a slot, once somebody has asked.
    sizes: HashMap<u32, u32>,
}

impl<'q> Members<'q> {
    fn new(side: Side<'q>, names: bool) -> Self {
        Self { side, names, sizes: HashMap::new() }
    }

    fn of(&self, named: &Named) -> impl Iterator<Item = Option<&'q Device>> {
        let devices = &self.side.fleet.devices;
        // Both are ascending by id.
        let mut from = 0;
        named.list.iter().map(move |member| {
            from += devices[from..].partition_point(|device| device.id < member.device);
            devices.get(from).filter(|device| device.id == member.device)
        })
    }

    /// Devices counted by equal labels and model.
    fn devices(&self, named: &Named) -> Json {
        json!({ "count": named.count, "labels": named.labels, "classes": self.classes(self.of(named).flatten(), self.names) })
    }

    fn whole(&self) -> Json {
        self.classes(self.side.fleet.devices.iter(), false)
    }

    fn classes(&self, devices: impl Iterator<Item = &'q Device>, names: bool) -> Json {
        // Devices with the same labels mostly share them; those that do not are brought together by what the labels are.
        let mut shared: HashMap<(u32, usize), (&'q Device, Class<'q>)> = HashMap::new();
        for device in devices {
            let key = (device.model, Arc::as_ptr(&device.labels).addr());
            let (_, class) = shared.entry(key).or_insert((device, Class::default()));
            class.count += 1;
            class.names.extend(names.then_some(&*device.name));
        }
        let mut classes: BTreeMap<(&str, &PlainLabels), Class<'q>> = BTreeMap::new();
        for (device, part) in shared.into_values() {
            let class = classes.entry((&self.side.fleet.model(device).name, &device.labels)).or_default();
            class.count += part.count;
            class.names.extend(part.names);
        }
        let json = |((model, labels), mut class): ((&str, &PlainLabels), Class<'_>)| {
            let mut json = json!({ "model": model, "labels": labels, "count": class.count });
            if names {
                class.names.sort_unstable();
                json["names"] = json!(class.names);
            }
            json
        };
        classes.into_iter().map(json).collect()
    }

    /// What the slots of these devices hold, under the live schema that needs most.
    fn held(&mut self, named: &Named) -> Held {
        let compiled = self.side.compiled;
        let mut held = Held::default();
        let devices: Vec<Option<&Device>> = self.of(named).collect();
        let mut from = 0;
        for device in devices {
            let Some(device) = device else {
                held.each.push(None);
                continue;
            };
            held.slot = Some(self.side.fleet.model(device).slot_bytes);
            from += compiled.leaves[from..].partition_point(|leaf| leaf.device < device.id);
            let own = compiled.leaves[from..].iter().take_while(|leaf| leaf.device == device.id);
            let sizes = own.map(|leaf| {
                let manifest = &compiled.manifests[leaf.manifest as usize];
                *self.sizes.entry(leaf.manifest).or_insert_with(|| size(manifest))
            });
            held.each.push(sizes.max());
        }
        held
    }
}

/// What a manifest and its objects take of a slot.
fn size(manifest: &[u8]) -> u32 {
    let entries: Vec<_> = Manifest::parse(manifest).iter().flat_map(|manifest| manifest.objects()).collect();
    u32::try_from(slot_bytes(manifest.len(), &entries)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar_are_right() {
        for (seconds, date, weekday) in [
            (0, "1970-01-01", "thursday"),
            (951_782_399, "2000-02-28", "monday"),
            (951_782_400, "2000-02-29", "tuesday"),
            (1_767_323_045, "2026-01-02", "friday"),
            (4_107_542_400, "2100-03-01", "monday"),
            (-1, "1969-12-31", "wednesday"),
        ] {
            let time = time(seconds);
            assert_eq!((&time["date"], &time["weekday"]), (&json!(date), &json!(weekday)), "{seconds}");
        }
        assert_eq!((time(1_767_323_045)["hour"].clone(), time(1_767_323_045)["minute"].clone()), (json!(3), json!(4)));
    }
}
