//! Paths to fields, as `unset`, `final` and `explain` name them: `network.servers`, `limits."a.b"`.

use std::fmt;
use std::sync::Arc;

use super::{Node, Table, Value};
use crate::schema::Type;

/// One step of a path: a field, a map's key, or the key of an item in a keyed list.
pub type Segment = Arc<str>;

/// The steps from a section to a field; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// Reads a path. Steps are separated by dots; a step with a dot in it stands in double quotes. `None` for an empty
    /// step, an open quote or an empty path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps: Vec<Segment> = Vec::new();
        let mut rest = text;
        loop {
            let (step, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if step.is_empty() {
                return None;
            }
            steps.push(step.into());
            if after.is_empty() {
                return Some(Self(steps));
            }
            rest = after.strip_prefix('.')?;
        }
    }

    /// A path of these steps.
    #[must_use]
    pub(crate) fn of(steps: &[Segment]) -> Self {
        Self(steps.to_vec())
    }

    /// The path's steps.
    #[must_use]
    pub fn steps(&self) -> &[Segment] {
        &self.0
    }

    /// The first step: the section.
    #[must_use]
    pub fn section(&self) -> &str {
        self.0.first().map_or("", |step| step)
    }

    /// The value at this path, if there is one. `ty` tells how to find items of keyed lists.
    #[must_use]
    pub fn find<'a>(&self, table: &'a Table, ty: impl Fn(&str) -> Option<&'a Type>) -> Option<&'a Node> {
        let (first, rest) = self.0.split_first()?;
        let mut node = table.node(first)?;
        let mut shape = ty(first);
        for step in rest {
            let strip = shape.map(strip_option);
            (node, shape) = match &node.value {
                Value::Table(table) => (table.node(step)?, strip.and_then(|ty| child(ty, step))),
                Value::List(items) => (keyed_item(items, strip?, step)?, strip.and_then(|ty| child(ty, step))),
                _ => return None,
            };
        }
        Some(node)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_steps(f, self.0.iter().map(|step| &**step))
    }
}

/// Steps as text that [`FieldPath::parse`] reads back.
#[must_use]
pub fn spelled(steps: &[String]) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = write_steps(&mut text, steps.iter().map(String::as_str));
    text
}

/// Writes steps so that [`FieldPath::parse`] reads them back.
fn write_steps<'a>(f: &mut impl fmt::Write, steps: impl Iterator<Item = &'a str>) -> fmt::Result {
    for (index, step) in steps.enumerate() {
        let dot = if index > 0 { "." } else { "" };
        let quote = if step.contains('.') { "\"" } else { "" };
        write!(f, "{dot}{quote}{step}{quote}")?;
    }
    Ok(())
}

/// The type inside options.
#[must_use]
pub fn strip_option(mut ty: &Type) -> &Type {
    while let Type::Option(inner) = ty {
        ty = inner;
    }
    ty
}

/// The type of what a step leads to.
#[must_use]
pub fn child<'a>(ty: &'a Type, step: &str) -> Option<&'a Type> {
    match strip_option(ty) {
        Type::Struct { fields, .. } => fields.iter().find(|field| field.name == step).map(|field| &field.ty),
        Type::Map { value, .. } => Some(value),
        Type::List { item, key: Some(_), .. } => Some(item),
        Type::Enum { variants, .. } => {
            variants.iter().find(|variant| variant.name == step).and_then(|variant| variant.payload.as_ref())
        }
        _ => None,
    }
}

/// The item of a keyed list whose key reads `step`.
fn keyed_item<'a>(items: &'a [Node], ty: &Type, step: &str) -> Option<&'a Node> {
    let Type::List { key: Some(key), .. } = ty else { return None };
    items.iter().find(|item| item_key(item, key).as_deref() == Some(step))
}

/// What an item of a keyed list has as its key, as text.
pub(crate) fn item_key(item: &Node, key: &str) -> Option<String> {
    match &item.table()?.node(key)?.value {
        Value::Text(text) | Value::Cell(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back() {
        for text in ["a", "network.servers", "limits.\"a.b\".low"] {
            assert_eq!(FieldPath::parse(text).map(|path| path.to_string()).as_deref(), Some(text));
        }
        for wrong in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b"] {
            assert_eq!(FieldPath::parse(wrong), None, "{wrong}");
        }
    }
}
