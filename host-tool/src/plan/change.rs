//! Two values side by side, down to the fields, entries and items that differ.
//!
//! Values are compared as people read them, so that a wider integer in a newer schema is no change. Whether a value is the
//! schema's default is said by the schema and not by who set it: that holds for every device with the value.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Change, Worth};
use crate::diagnostics::{FileId, Place};
use crate::schema::{Field, Section, Type, Variant};
use crate::value::{Node, Typed, check_value, literal_value, plain, spelled, step_text, strip_option};

/// A section with its checked fields; none of them for one with secrets.
pub(super) struct Fields<'s> {
    pub(super) section: &'s Section,
    pub(super) values: Vec<(&'s str, Typed<'s>)>,
}

impl<'s> Fields<'s> {
    fn named(&self) -> Named<'_, 's> {
        (&self.values, &self.section.fields)
    }
}

/// A value, its type, and the field that it is, for its default and unit.
#[derive(Clone, Copy)]
struct Part<'v, 's> {
    value: &'v Typed<'s>,
    ty: &'s Type,
    field: Option<&'s Field>,
}

/// Adds what differs in a section, before and after.
pub(super) fn section(name: &str, (old, new): (Option<Fields<'_>>, Option<Fields<'_>>), changes: &mut Vec<Change>) {
    let secret = |fields: &Option<Fields<'_>>| fields.as_ref().is_some_and(|fields| fields.section.secret);
    if secret(&old) || secret(&new) {
        let worth = |fields: &Option<Fields<'_>>| if fields.is_some() { Worth::Secret } else { Worth::Missing };
        changes.push(Change { path: name.to_owned(), old: worth(&old), new: worth(&new), unit: None });
        return;
    }
    let named = (old.as_ref().map(Fields::named), new.as_ref().map(Fields::named));
    let mut difference = Difference { path: vec![name.to_owned()], changes };
    difference.fields(named.0.unwrap_or_default(), named.1.unwrap_or_default());
}

/// Walks two values together.
struct Difference<'c> {
    path: Vec<String>,
    changes: &'c mut Vec<Change>,
}

/// Named values and the fields that they belong to.
type Named<'v, 's> = (&'v [(&'s str, Typed<'s>)], &'s [Field]);

impl Difference<'_> {
    fn fields(&mut self, old: Named<'_, '_>, new: Named<'_, '_>) {
        let gone = old.0.iter().filter(|(name, _)| !new.0.iter().any(|(other, _)| other == name));
        let names: Vec<&str> = new.0.iter().chain(gone).map(|(name, _)| *name).collect();
        for name in names {
            self.within(name, |this| this.value(field(old, name), field(new, name)));
        }
    }

    /// One step down.
    fn within(&mut self, step: &str, f: impl FnOnce(&mut Self)) {
        self.path.push(step.to_owned());
        f(self);
        self.path.pop();
    }

    fn value(&mut self, old: Option<Part<'_, '_>>, new: Option<Part<'_, '_>>) {
        let (Some(before), Some(after)) = (old, new) else { return self.leaf(old, new) };
        if same(before.value, after.value) {
            return;
        }
        match (before.bare(), after.bare()) {
            (
                (Typed::Struct(a), Type::Struct { fields: x, .. }),
                (Typed::Struct(b), Type::Struct { fields: y, .. }),
            ) => {
                self.fields((a, x), (b, y));
            }
            ((Typed::Map(a), Type::Map { value: x, .. }), (Typed::Map(b), Type::Map { value: y, .. })) => {
                self.entries((&entry_parts(a), x), (&entry_parts(b), y));
            }
            (
                (Typed::List(a), Type::List { item: x, key, .. }),
                (Typed::List(b), Type::List { item: y, key: k, .. }),
            ) => match (key, k) {
                (Some(key), Some(k)) => self.entries((&by_key(a, key), x), (&by_key(b, k), y)),
                _ => self.items((a, old), (b, new)),
            },
            (
                (Typed::Variant(_, name, Some(a)), Type::Enum { variants: x, .. }),
                (Typed::Variant(_, other, Some(b)), Type::Enum { variants: y, .. }),
            ) if name == other => match (payload(x, name), payload(y, name)) {
                (Some(x), Some(y)) => self.within(name, |this| this.value(part(a, x), part(b, y))),
                _ => self.leaf(old, new),
            },
            _ => self.leaf(old, new),
        }
    }

    /// Entries of a map, or items of a list with a key.
    fn entries(&mut self, (old, x): (&[Entry<'_, '_>], &Type), (new, y): (&[Entry<'_, '_>], &Type)) {
        let before: HashMap<&str, &Typed<'_>> = old.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let after: HashMap<&str, &Typed<'_>> = new.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let gone = old.iter().filter(|(key, _)| !after.contains_key(key.as_str()));
        for (key, _) in new.iter().chain(gone) {
            let old = before.get(key.as_str()).and_then(|value| part(value, x));
            let new = after.get(key.as_str()).and_then(|value| part(value, y));
            self.within(key, |this| this.value(old, new));
        }
        let kept = |all: &[Entry<'_, '_>], other: &HashMap<&str, &Typed<'_>>| {
            all.iter()
                .filter(|(key, _)| other.contains_key(key.as_str()))
                .map(|(key, _)| Json::from(key.as_str()))
                .collect()
        };
        self.order((kept(old, &after), kept(new, &before)));
    }

    /// Items of a list without a key: what goes, what comes, and whether what stays stays in order.
    fn items(
        &mut self,
        (a, old): (&[Typed<'_>], Option<Part<'_, '_>>),
        (b, new): (&[Typed<'_>], Option<Part<'_, '_>>),
    ) {
        let (a, b): (Vec<Json>, Vec<Json>) = (a.iter().map(plain).collect(), b.iter().map(plain).collect());
        if a.is_empty() || b.is_empty() {
            return self.leaf(old, new);
        }
        let ((gone, before), (come, after)) = (split(&a, &b), split(&b, &a));
        let path = format!("{}[]", spelled(&self.path));
        let item = |old, new| Change { path: path.clone(), old, new, unit: None };
        self.changes.extend(gone.into_iter().map(|value| item(Worth::Set(value), Worth::Missing)));
        self.changes.extend(come.into_iter().map(|value| item(Worth::Missing, Worth::Set(value))));
        self.order((before, after));
    }

    /// What both have, when it is in another order.
    fn order(&mut self, (before, after): (Vec<Json>, Vec<Json>)) {
        if before != after {
            let [old, new] = [before, after].map(|items| Worth::Set(Json::Array(items)));
            self.changes.push(Change { path: spelled(&self.path), old, new, unit: None });
        }
    }

    fn leaf(&mut self, old: Option<Part<'_, '_>>, new: Option<Part<'_, '_>>) {
        let unit = new.or(old).and_then(|part| part.field).and_then(|field| field.unit.clone());
        self.changes.push(Change { path: spelled(&self.path), old: worth(old), new: worth(new), unit });
    }
}

/// A value by its key.
type Entry<'v, 's> = (String, &'v Typed<'s>);

fn entry_parts<'v, 's>(entries: &'v [(Typed<'s>, Typed<'s>)]) -> Vec<Entry<'v, 's>> {
    entries.iter().map(|(key, value)| (step_text(key), value)).collect()
}

fn by_key<'v, 's>(items: &'v [Typed<'s>], key: &str) -> Vec<Entry<'v, 's>> {
    let name = |item: &Typed<'_>| match item {
        Typed::Struct(fields) => fields.iter().find(|(name, _)| *name == key).map(|(_, value)| step_text(value)),
        _ => None,
    };
    items.iter().map(|item| (name(item).unwrap_or_default(), item)).collect()
}

fn field<'v, 's>((values, fields): Named<'v, 's>, name: &str) -> Option<Part<'v, 's>> {
    let (_, value) = values.iter().find(|(other, _)| *other == name)?;
    let field = fields.iter().find(|field| field.name == name)?;
    Some(Part { value, ty: &field.ty, field: Some(field) })
}

fn part<'v, 's>(value: &'v Typed<'s>, ty: &'s Type) -> Option<Part<'v, 's>> {
    Some(Part { value, ty, field: None })
}

/// The type of what a variant carries.
fn payload<'s>(variants: &'s [Variant], name: &str) -> Option<&'s Type> {
    variants.iter().find(|variant| variant.name == name)?.payload.as_ref()
}

impl<'v, 's> Part<'v, 's> {
    /// The value and its type without options around them.
    fn bare(self) -> (&'v Typed<'s>, &'s Type) {
        let mut value = self.value;
        while let Typed::Option(Some(inner)) = value {
            value = inner;
        }
        (value, strip_option(self.ty))
    }
}

/// Whether both read the same.
fn same(old: &Typed<'_>, new: &Typed<'_>) -> bool {
    old == new || plain(old) == plain(new)
}

/// Items of `all` that `other` has not, and those that it has: each as often as it lacks or has it.
fn split(all: &[Json], other: &[Json]) -> (Vec<Json>, Vec<Json>) {
    let mut left: HashMap<String, usize> = HashMap::new();
    other.iter().for_each(|item| *left.entry(item.to_string()).or_default() += 1);
    let mut has = |item: &Json| match left.get_mut(&item.to_string()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    let (kept, lacking): (Vec<Json>, Vec<Json>) = all.iter().cloned().partition(|item| has(item));
    (lacking, kept)
}

fn worth(part: Option<Part<'_, '_>>) -> Worth {
    let Some(part) = part else { return Worth::Missing };
    if *part.value == Typed::Option(None) {
        return Worth::Unset;
    }
    let value = plain(part.value);
    let default = part.field.is_some_and(|field| default(field).as_ref() == Some(&value));
    if default { Worth::Default(value) } else { Worth::Set(value) }
}

/// A field's default as people read it.
fn default(field: &Field) -> Option<Json> {
    let value = literal_value(&field.ty, field.default.as_ref()?);
    // Its place is shown nowhere: a schema's defaults fit their types.
    let node = Node { value, place: Place::new(FileId(0), 0..0) };
    check_value(&field.name, &field.ty, &node).ok().map(|value| plain(&value))
}
