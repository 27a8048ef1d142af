//! Where a device's values come from: for each field every layer that touched it, with file and line, and who won.

use serde_json::Value as Json;
use steadfast_core::id::SchemaId;

use super::resolve::Merged;
use crate::diagnostics::{Place, Position, Sources};
use crate::fleet::{Device, Fleet, Layer, Model, reserved_sections};
use crate::schema::{Field, Section, Type};
use crate::value::{
    FieldPath, Node, Table, Typed, Value, check_fields, child, plain, spelled, step_text, strip_option,
};

/// Longest piece of a file that is quoted, in characters.
const QUOTE_CHARS: usize = 60;

/// A device's values and their origins.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The files that can set values for the device, first to last.
    pub layers: Vec<String>,
    /// Its fields in the order of its newest schema, `agent` and `health` first.
    pub fields: Vec<Explained>,
    /// The patches among them: what each asks of a device, and where.
    pub patches: Vec<(String, Position)>,
    /// Sections that its layers set and its model lacks, and where.
    pub skipped: Vec<(String, Position)>,
    /// Sections that its layers set and an older firmware of its model lacks.
    pub behind: Vec<Behind>,
}

impl Explanation {
    /// Every place that it quotes.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        let touches = self.fields.iter().flat_map(|field| &field.history).map(|touch| &touch.position);
        let heads = self.patches.iter().chain(&self.skipped).map(|(_, position)| position);
        touches.chain(heads).chain(self.behind.iter().map(|behind| &behind.position))
    }
}

/// A section that does not reach a device as long as it runs an older firmware.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The older firmware's schema.
    pub schema: SchemaId,
    /// The section, as layers call it.
    pub section: String,
    /// Where it is set first.
    pub position: Position,
}

/// One field.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its path.
    pub field: String,
    /// Its value; `None` when it is absent or wrong.
    pub value: Option<Json>,
    /// Whether something is wrong with its section, so that it has no value.
    pub wrong: bool,
    /// Everything that touched it, first to last. Empty for a default.
    pub history: Vec<Touch>,
}

/// A layer's effect on a field.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Where it is written.
    pub position: Position,
    /// What it does.
    pub action: Action,
    /// What is written there.
    pub text: String,
    /// Whether the field's value is still what this made it.
    pub wins: bool,
}

/// What a layer does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Gives it a value.
    Set,
    /// Adds to its list.
    Append,
    /// Takes earlier values away.
    Unset,
    /// Forbids later changes.
    Final,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Append => "append",
            Self::Unset => "unset",
            Self::Final => "final",
        }
    }
}

/// A touch before places become lines.
struct Mark {
    path: Vec<String>,
    place: Place,
    action: Action,
    /// Whether lists are merged here rather than replaced.
    merges: bool,
}

/// Explains the fields of a device; only those at and below `below`, where it is given.
#[must_use]
pub fn explain(fleet: &Fleet, device: &Device, below: Option<&FieldPath>) -> Explanation {
    let model = fleet.model(device);
    let own = device.own.iter().map(|own| Layer { values: (**own).clone(), ..Layer::default() });
    let chain = device.chain.iter().flat_map(|chain| fleet.layers.chain(*chain)).cloned();
    let layers: Vec<Layer> = chain.chain(own).collect();
    let merged = layers.iter().fold(Merged::default(), |merged, layer| merged.with(layer, model));
    let marks: Vec<Mark> = layers.iter().flat_map(|layer| marks(layer, model)).collect();
    let mut fields = Vec::new();
    for section in reserved_sections().iter().chain(&model.newest().sections) {
        explain_section((section, model.place), &merged.table, &mut fields);
    }
    let wanted = |path: &Vec<String>| {
        below.is_none_or(|below| {
            below.steps().iter().zip(path).all(|(a, b)| **a == **b) && below.steps().len() <= path.len()
        })
    };
    let explained = fields.into_iter().filter(|(path, _)| wanted(path)).map(|(path, value)| {
        let (value, wrong) = value;
        Explained { history: history((&path, &marks), &fleet.sources), field: spelled(&path), value, wrong }
    });
    Explanation {
        layers: layers.iter().map(|layer| layer.path.to_string()).filter(|path| !path.is_empty()).collect(),
        fields: explained.collect(),
        patches: layers.iter().filter_map(|layer| patch(layer, &fleet.sources)).collect(),
        skipped: skipped(&layers, model, &fleet.sources),
        behind: behind((&merged.table, below), model, &fleet.sources),
    }
}

/// A field's path, its value, and whether its section is wrong.
type Leaf = (Vec<String>, (Option<Json>, bool));

fn explain_section((section, home): (&Section, Place), table: &Table, leaves: &mut Vec<Leaf>) {
    let empty = Node { value: Value::Table(Default::default()), place: home };
    let node = table.node(&section.name).unwrap_or(&empty);
    match check_fields(&section.name, &section.fields, node) {
        Ok(values) => {
            for (name, value) in &values {
                flatten(vec![section.name.clone(), (*name).to_owned()], value, leaves);
            }
        }
        Err(_) => wrong_fields(&section.name, &section.fields, leaves),
    }
}

/// Structs and maps are followed, everything else is a value.
fn flatten(path: Vec<String>, value: &Typed<'_>, leaves: &mut Vec<Leaf>) {
    match value {
        Typed::Struct(fields) => {
            for (name, value) in fields {
                flatten([path.clone(), vec![(*name).to_owned()]].concat(), value, leaves);
            }
        }
        Typed::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                flatten([path.clone(), vec![step_text(key)]].concat(), value, leaves);
            }
        }
        Typed::Option(None) => leaves.push((path, (None, false))),
        Typed::Option(Some(inner)) => flatten(path, inner, leaves),
        value => leaves.push((path, (Some(plain(value)), false))),
    }
}

fn wrong_fields(section: &str, fields: &[Field], leaves: &mut Vec<Leaf>) {
    leaves.extend(fields.iter().map(|field| (vec![section.to_owned(), field.name.clone()], (None, true))));
}

/// Every place where a layer touches a field.
fn marks(layer: &Layer, model: &Model) -> Vec<Mark> {
    let mut marks = Vec::new();
    let whole = |paths: &[(FieldPath, Place)], action: Action| -> Vec<Mark> {
        let path = |path: &FieldPath| path.steps().iter().map(|step| step.to_string()).collect();
        paths.iter().map(|(p, place)| Mark { path: path(p), place: *place, action, merges: false }).collect()
    };
    marks.extend(whole(&layer.unset, Action::Unset));
    for (table, action) in [(&layer.values, Action::Set), (&layer.append, Action::Append)] {
        for entry in table.entries() {
            if let Some(ty) = model.shape(&entry.name) {
                mark(vec![entry.name.to_string()], (&entry.node, Some(ty)), action, &mut marks);
            }
        }
    }
    marks.extend(whole(&layer.finals, Action::Final));
    marks
}

fn mark(path: Vec<String>, (node, ty): (&Node, Option<&Type>), action: Action, marks: &mut Vec<Mark>) {
    let ty = ty.map(strip_option);
    let followed = !matches!(ty, Some(Type::Enum { .. }));
    if let Some(table) = node.table().filter(|table| followed && !table.entries().is_empty()) {
        for entry in table.entries() {
            let ty = ty.and_then(|ty| child(ty, &entry.name));
            mark([path.clone(), vec![entry.name.to_string()]].concat(), (&entry.node, ty), action, marks);
        }
        return;
    }
    let merges = action == Action::Append || matches!(ty, Some(Type::List { key: Some(_), .. }));
    marks.push(Mark { path, place: node.place, action, merges });
}

/// What touched a field. The last that gives a value wins, together with what its list was merged onto.
fn history((path, marks): (&Vec<String>, &[Mark]), sources: &Sources) -> Vec<Touch> {
    let touching = marks.iter().filter(|mark| path.starts_with(&mark.path) || mark.path.starts_with(path));
    let touching: Vec<&Mark> = touching.collect();
    let mut history: Vec<Touch> = Vec::with_capacity(touching.len());
    let mut open = true;
    for mark in touching.iter().rev() {
        let gives = matches!(mark.action, Action::Set | Action::Append);
        history.push(Touch {
            position: sources.position(mark.place),
            action: mark.action,
            text: quote(mark.place, sources),
            wins: open && gives,
        });
        // A part below the field, like one item of a table, leaves room for its siblings.
        let replaces = !mark.merges && mark.path.len() <= path.len();
        open &= !(mark.action == Action::Unset || gives && replaces);
    }
    history.reverse();
    history
}

fn quote(place: Place, sources: &Sources) -> String {
    let excerpt = sources.excerpt(place);
    let text = excerpt.lines.get(excerpt.span).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= QUOTE_CHARS {
        return line;
    }
    let start: String = line.chars().take(QUOTE_CHARS).collect();
    format!("{start}…")
}

fn patch(layer: &Layer, sources: &Sources) -> Option<(String, Position)> {
    let matching = layer.matching.as_ref()?;
    Some((matching.text.to_string(), sources.position(matching.place)))
}

fn behind((table, below): (&Table, Option<&FieldPath>), model: &Model, sources: &Sources) -> Vec<Behind> {
    let wanted = |section: &str| below.is_none_or(|below| below.section() == section);
    let mut behind = Vec::new();
    for (schema, index) in model.schemas.iter().zip(0..) {
        for section in model.newcomers(index).filter(|section| wanted(&section.name)) {
            let entry = table.entry(&section.name);
            behind.extend(entry.map(|entry| Behind {
                schema: schema.id,
                section: section.name.clone(),
                position: sources.position(entry.key),
            }));
        }
    }
    behind
}

fn skipped(layers: &[Layer], model: &Model, sources: &Sources) -> Vec<(String, Position)> {
    let entries = layers.iter().flat_map(|layer| layer.values.entries().iter().chain(layer.append.entries()));
    let unknown = entries.filter(|entry| model.shape(&entry.name).is_none());
    unknown.map(|entry| (entry.name.to_string(), sources.position(entry.key))).collect()
}
