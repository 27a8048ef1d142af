//! What a pair of configurations means for a device: which schemas, sections and fields differ, what restarts, how many bytes come.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use steadfast_core::content::ObjectRef;
use steadfast_core::id::SchemaId;
use steadfast_core::manifest::{Entry, Manifest, Restart, Risk};

use super::change::{self, Fields};
use super::pairs::{Config, Pair};
use super::{Change, Explained, Side, Worth, json};
use crate::compile::{Merged, Stack, Which, values};
use crate::fleet::{AGENT, Device, HEALTH, Model, reserved_sections};
use crate::schema::Section;
use crate::value::{Node, Render, Value, check_fields};

/// What happens to each device of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Their model.
    pub model: Arc<str>,
    /// The model that they had before, where it was another one.
    pub moved_from: Option<Arc<str>>,
    /// The highest risk of a section that changes.
    #[serde(serialize_with = "json::risk")]
    pub risk: Risk,
    /// The widest restart of a section that changes.
    #[serde(serialize_with = "json::restart")]
    pub restart: Restart,
    /// Sections that change, by name.
    pub sections: Vec<SectionChange>,
    /// Field by field, in the order of the schema, `agent` and `health` first.
    pub fields: Vec<Change>,
    /// Under each live schema, oldest first, then under those that are live no more.
    pub schemas: Vec<SchemaChange>,
}

/// A section that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionChange {
    /// Its name.
    pub name: String,
    /// What restarts.
    #[serde(serialize_with = "json::restart")]
    pub restart: Restart,
    /// How dangerous a wrong value is.
    #[serde(serialize_with = "json::risk")]
    pub risk: Risk,
}

/// What a schema's devices get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    /// The schema.
    #[serde(serialize_with = "json::id")]
    pub schema: SchemaId,
    /// What people call it.
    pub name: String,
    /// What they get.
    pub change: Standing,
}

/// A schema in two fleets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Live in both, with another configuration.
    Differs,
    /// Live in both, with the same configuration.
    Same,
    /// Live only in the head.
    Added,
    /// Live only in the base.
    Removed,
    /// Live in the head, and cannot express what the device is to have: it keeps what it has.
    Held,
}

impl Default for Effect {
    fn default() -> Self {
        Self {
            model: "".into(),
            moved_from: None,
            risk: Risk::Low,
            restart: Restart::Nothing,
            sections: Vec::new(),
            fields: Vec::new(),
            schemas: Vec::new(),
        }
    }
}

impl Effect {
    /// Whether the device is to run something else under some schema.
    pub(super) fn changes(&self) -> bool {
        self.schemas.iter().any(|schema| matches!(schema.change, Standing::Differs | Standing::Added))
    }

    /// Equal for equal effects.
    ///
    /// # Panics
    /// Never: everything in it has a form in JSON.
    pub(super) fn key(&self) -> String {
        serde_json::to_string(self).expect("an effect is plain data")
    }

    /// Whether no schema of the base is live any more for these devices.
    pub(super) fn replaced(&self) -> bool {
        let lives = |change| matches!(change, Standing::Differs | Standing::Same | Standing::Held);
        !self.schemas.iter().any(|schema| lives(schema.change))
    }
}

/// The two manifests that are compared, each with its schema.
struct Compared<'m> {
    old: (SchemaId, Manifest<'m>),
    new: (SchemaId, Manifest<'m>),
}

/// Explains one pair after the other.
pub(super) struct Explainer<'f> {
    base: Side<'f>,
    head: Side<'f>,
    stacks: [Stack<'f>; 2],
    reserved: [Section; 2],
}

impl<'f> Explainer<'f> {
    pub(super) fn new(base: Side<'f>, head: Side<'f>) -> Self {
        let stacks = [Stack::new(&base.fleet.layers), Stack::new(&head.fleet.layers)];
        Self { base, head, stacks, reserved: reserved_sections() }
    }

    pub(super) fn explain<'p>(&mut self, pair: &'p Pair) -> Explained<'p> {
        let (base, head) = (self.base, self.head);
        let old = &base.fleet.devices[pair.old as usize];
        let new = &head.fleet.devices[pair.head[0] as usize];
        let models = (base.fleet.model(old), head.fleet.model(new));
        let schemas = standings(pair, models, (base, head));
        let mut effect = Effect { model: models.1.name.clone(), schemas, ..Effect::default() };
        effect.moved_from = (models.0.name != models.1.name).then(|| models.0.name.clone());
        let mut bytes = 0;
        if let Some(compared) = self.compared(pair, &effect, models) {
            effect.sections = sections(&compared);
            effect.risk = effect.sections.iter().map(|section| section.risk).max().unwrap_or(Risk::Low);
            effect.restart = effect.sections.iter().map(|section| section.restart).max().unwrap_or(Restart::Nothing);
            effect.fields = self.fields(&compared, &effect.sections, (old, new));
            effect.fields.extend(rendering(models));
            let differing = effect.schemas.iter().filter(|schema| schema.change == Standing::Differs);
            let downloads = differing.map(|schema| {
                let manifests =
                    (manifest(&pair.before, base, schema.schema), manifest(&pair.after, head, schema.schema));
                download(&manifests.0, &manifests.1)
            });
            // Where nothing is live in both, what comes with the next firmware.
            bytes = downloads.max().unwrap_or_else(|| download(&compared.old.1, &compared.new.1));
        }
        Explained { pair, effect, bytes }
    }

    /// The newest live schema under which something differs, or the newest of each where no schema is live in both.
    fn compared(&self, pair: &Pair, effect: &Effect, models: (&Model, &Model)) -> Option<Compared<'f>> {
        let differing = effect.schemas.iter().rfind(|schema| schema.change == Standing::Differs);
        let (old, new) = match differing {
            Some(schema) => (schema.schema, schema.schema),
            None if effect.replaced() => (models.0.newest().id, models.1.newest().id),
            None => return None,
        };
        let old = (old, manifest(&pair.before, self.base, old));
        Some(Compared { old, new: (new, manifest(&pair.after, self.head, new)) })
    }

    fn fields(
        &mut self,
        compared: &Compared<'_>,
        sections: &[SectionChange],
        (old, new): (&Device, &Device),
    ) -> Vec<Change> {
        let models = (self.base.fleet.model(old), self.head.fleet.model(new));
        let [before, after] = &mut self.stacks;
        let merged = (before.of_device(models.0, old), after.of_device(models.1, new));
        let order = sections_of(&self.reserved, (models.1, compared.new.0));
        let gone = sections_of(&self.reserved, (models.0, compared.old.0));
        let mut names: Vec<&str> = order.iter().chain(&gone).map(|(section, _)| section.name.as_str()).collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name) && sections.iter().any(|section| section.name == *name));
        let mut changes = Vec::new();
        for name in names {
            let old = section_values((models.0, &merged.0), &gone, name);
            let new = section_values((models.1, &merged.1), &order, name);
            change::section(name, (old, new), &mut changes);
        }
        changes
    }
}

/// A section and its place in its schema; none for `agent` and `health`.
type Placed<'s> = (&'s Section, Option<Which>);

fn sections_of<'s>(reserved: &'s [Section; 2], (model, schema): (&'s Model, SchemaId)) -> Vec<Placed<'s>> {
    let index = model.schemas.iter().position(|live| live.id == schema);
    let own = index.into_iter().flat_map(|schema| {
        let sections = model.schemas[schema].sections.iter().zip(0..);
        sections.map(move |(one, section)| (one, Some(Which { schema, section })))
    });
    reserved.iter().map(|section| (section, None)).chain(own).collect()
}

/// A section's values; `None` when there is no such section.
///
/// # Panics
/// Never: values of a fleet that compiled are sound.
fn section_values<'s>(
    (model, merged): (&'s Model, &Merged),
    sections: &[Placed<'s>],
    name: &str,
) -> Option<Fields<'s>> {
    let (section, which) = sections.iter().find(|(section, _)| section.name == name)?;
    if section.secret {
        return Some(Fields { section, values: Vec::new() });
    }
    let values = match which {
        Some(which) => values((model, *which), &merged.table),
        None => {
            let empty = Node { value: Value::Table(Arc::default()), place: model.place };
            check_fields(&section.name, &section.fields, merged.table.node(name).unwrap_or(&empty))
        }
    };
    Some(Fields { section, values: values.expect("the fleet compiled") })
}

fn standings(pair: &Pair, (old, new): (&Model, &Model), sides: (Side<'_>, Side<'_>)) -> Vec<SchemaChange> {
    let lives = |schema: SchemaId| new.schemas.iter().any(|live| live.id == schema);
    let live = |schema: &crate::schema::Schema| {
        let change = match (place(&pair.before, schema.id), place(&pair.after, schema.id)) {
            (None, Some(_)) => Standing::Added,
            (Some(before), Some(after)) => {
                let manifests = (&sides.0.compiled.manifests[before], &sides.1.compiled.manifests[after]);
                if manifests.0 == manifests.1 { Standing::Same } else { Standing::Differs }
            }
            (_, None) if lives(schema.id) => Standing::Held,
            (_, None) => Standing::Removed,
        };
        SchemaChange { schema: schema.id, name: schema.name.clone(), change }
    };
    let retired = old.schemas.iter().filter(|schema| !lives(schema.id));
    new.schemas.iter().chain(retired).map(live).collect()
}

/// The index of the manifest for a schema.
fn place(config: &Config, schema: SchemaId) -> Option<usize> {
    config.iter().find(|(live, _)| *live == schema).map(|(_, manifest)| *manifest as usize)
}

/// The manifest of a schema that the configuration has.
///
/// # Panics
/// Never: the compiler made a sound manifest for each live schema of a device.
pub(super) fn manifest<'f>(config: &Config, side: Side<'f>, schema: SchemaId) -> Manifest<'f> {
    let place = place(config, schema).expect("a live schema has a manifest");
    Manifest::parse(&side.compiled.manifests[place]).expect("the compiler makes sound manifests")
}

/// The sections that differ between two manifests, by name.
fn sections(compared: &Compared<'_>) -> Vec<SectionChange> {
    let (old, new) = (&compared.old.1, &compared.new.1);
    let mut pairs: BTreeMap<&str, [Option<Entry<'_>>; 2]> = BTreeMap::new();
    for entry in old.objects() {
        pairs.entry(entry.section).or_default()[0] = Some(entry);
    }
    for entry in new.objects() {
        pairs.entry(entry.section).or_default()[1] = Some(entry);
    }
    let quiet = |name: &str| SectionChange { name: name.to_owned(), restart: Restart::Nothing, risk: Risk::Low };
    let mut changed: Vec<SectionChange> = Vec::new();
    changed.extend((old.settings != new.settings).then(|| quiet(AGENT)));
    let checks = old.checks().eq(new.checks());
    changed.extend((old.policy != new.policy || !checks).then(|| quiet(HEALTH)));
    for (name, entries) in pairs.into_iter().filter(|(_, [old, new])| old != new) {
        let flags = || entries.iter().flatten().map(|entry| entry.flags);
        changed.push(SectionChange {
            name: name.to_owned(),
            restart: flags().map(|flags| flags.restart()).max().unwrap_or(Restart::Nothing),
            risk: flags().map(|flags| flags.risk()).max().unwrap_or(Risk::Low),
        });
    }
    changed.sort_by(|a, b| a.name.cmp(&b.name));
    changed
}

/// What a device that has the old configuration downloads for the new one, in bytes.
pub(super) fn download(old: &Manifest<'_>, new: &Manifest<'_>) -> u64 {
    let held: Vec<ObjectRef> = old.objects().filter_map(|entry| entry.object()).collect();
    let lacking = new.objects().filter_map(|entry| entry.object()).filter(|object| !held.contains(object));
    let mut objects: Vec<ObjectRef> = Vec::new();
    for object in lacking {
        // Two sections with equal bytes are one object.
        if !objects.contains(&object) {
            objects.push(object);
        }
    }
    new.bytes().len() as u64 + objects.iter().map(|object| u64::from(object.size)).sum::<u64>()
}

/// Sections that become files of another format differ although no value does.
fn rendering((old, new): (&Model, &Model)) -> Option<Change> {
    let worth = |render: Option<Render>| match render {
        None => Worth::Unset,
        Some(Render::Json) => Worth::Set("json".into()),
        Some(Render::Toml) => Worth::Set("toml".into()),
    };
    let path = format!("models.{}.render", new.name);
    (old.render != new.render).then(|| Change { path, old: worth(old.render), new: worth(new.render), unit: None })
}
