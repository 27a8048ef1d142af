//! Values in the newest schema's names, for an older schema that is still in the field.
//!
//! A field that was renamed goes by its old name. A field that the older schema lacks must not be set, unless its
//! value is what the older firmware does anyway.

use std::sync::Arc;

use super::section::Which;
use crate::diagnostics::{Code, Finding};
use crate::fleet::Model;
use crate::schema::{Field, Schema, Section, Type};
use crate::value::{Entry, Node, Table, Typed, Value, check_value, literal_value};

/// The section's values in the words of the older schema; `None` where nothing differs because it is the newest.
///
/// # Errors
/// What it cannot express.
pub(super) fn project(
    (model, which): (&Model, Which),
    section: &Section,
    node: &Node,
) -> Result<Option<Node>, Vec<Finding>> {
    if which.schema + 1 == model.schemas.len() {
        return Ok(None);
    }
    let old: &Schema = &model.schemas[which.schema];
    let is_it = |newer: &&Section| newer.was.as_deref().unwrap_or(&newer.name) == section.name;
    let same = model.newest().section(&section.name).or_else(|| model.newest().sections.iter().find(is_it));
    let Some(newest) = same else { return Ok(None) };
    // What is wrong under the newest schema is wrong, whatever the older one says.
    check_value(&newest.name, &struct_of(&newest.fields), node)?;
    let mut projection = Projection { schema: old.short_id(), path: newest.name.clone(), faults: Vec::new() };
    let projected = projection.fields((&newest.fields, &section.fields), node);
    if projection.faults.is_empty() { Ok(Some(projected)) } else { Err(projection.faults) }
}

fn struct_of(fields: &[Field]) -> Type {
    Type::Struct { name: String::new(), fields: fields.to_vec(), removed: Vec::new() }
}

struct Projection {
    schema: String,
    path: String,
    faults: Vec<Finding>,
}

impl Projection {
    fn fields(&mut self, (newest, old): (&[Field], &[Field]), node: &Node) -> Node {
        let Some(table) = node.table() else { return node.clone() };
        let mut projected = Table::default();
        for entry in table.entries() {
            let Some(field) = newest.iter().find(|field| field.name == *entry.name) else { continue };
            let by_name = |name: &str| old.iter().find(|other| other.name == name);
            let before = by_name(&field.name).or_else(|| by_name(field.was.as_deref()?));
            match before {
                Some(before) => {
                    let node = self.value((&field.ty, &before.ty), &entry.node);
                    projected.insert(Entry { name: before.name.as_str().into(), key: entry.key, node });
                }
                None if means_absent(field, &entry.node) => {}
                None => self.skew(field, entry),
            }
        }
        Node { value: Value::Table(Arc::new(projected)), place: node.place }
    }

    fn value(&mut self, types: (&Type, &Type), node: &Node) -> Node {
        let value = match (types, &node.value) {
            ((Type::Option(newest), Type::Option(old)), _) => return self.value((newest, old), node),
            ((Type::Struct { fields: newest, .. }, Type::Struct { fields: old, .. }), _) => {
                return self.fields((newest, old), node);
            }
            ((Type::List { item: newest, .. }, Type::List { item: old, .. }), Value::List(items)) => {
                Value::List(Arc::new(items.iter().map(|item| self.value((newest, old), item)).collect()))
            }
            ((Type::Map { value: newest, .. }, Type::Map { value: old, .. }), Value::Table(table)) => {
                let entry = |this: &mut Self, entry: &Entry| Entry {
                    node: this.value((newest, old), &entry.node),
                    ..entry.clone()
                };
                Value::Table(Arc::new(Table::new(table.entries().iter().map(|one| entry(self, one)).collect())))
            }
            (_, value) => value.clone(),
        };
        Node { value, place: node.place }
    }

    fn skew(&mut self, field: &Field, entry: &Entry) {
        let message = format!("the live schema {} has no `{}` in `{}`", self.schema, field.name, self.path);
        let help = "set it only for devices whose firmware knows it, or retire the older schema in steadfast.toml";
        self.faults.push(Finding::new(Code::SchemaSkew, message).at(entry.key).help(help));
    }
}

/// Whether the value is the one that a firmware without the field behaves as if it had.
fn means_absent(field: &Field, node: &Node) -> bool {
    let Some(literal) = &field.absent_means else { return false };
    let typed = |value: Value| -> Option<Typed<'_>> {
        check_value(&field.name, &field.ty, &Node { value, place: node.place }).ok()
    };
    let meant = typed(literal_value(&field.ty, literal));
    meant.is_some() && meant == typed(node.value.clone())
}
