//! Values in the newest schema's names, for an older schema that is still in the field.
//!
//! A field that was renamed goes by its old name, through as many renames as the live schemas between the two know of. A value that the older
//! schema cannot express is a fault, unless it is what the older firmware does anyway (`absent_means`). A field whose kind of value or unit
//! is another one is another field, whatever it is called.

use std::sync::Arc;

use super::section::Which;
use crate::diagnostics::{Code, Finding};
use crate::fleet::Model;
use crate::schema::{Field, Schema, Section, Type, between, lineage};
use crate::value::{Entry, Node, Table, Typed, Value, check_fields, check_value, literal_value, strip_option};

/// The section's values in the words of the older schema; `None` where nothing differs because it is the newest.
///
/// # Errors
/// What it cannot express.
pub(super) fn project(
    (model, which): (&Model, Which),
    section: &Section,
    node: &Node,
) -> Result<Option<Node>, Vec<Finding>> {
    if is_newest(model, which.schema) {
        return Ok(None);
    }
    let Some(newest) = model.successor(which.schema, which.section) else { return Ok(None) };
    // What is wrong under the newest schema is wrong, whatever the older one says.
    check_fields(&newest.name, &newest.fields, node)?;
    let (_, forebears) = lineage(newest, &between(&model.schemas, which.schema));
    let between = forebears.iter().map(|section| section.fields.as_slice()).collect();
    let places = Versions { newest: newest.fields.as_slice(), between, old: section.fields.as_slice() };
    let mut projection = Projection::new(&model.schemas[which.schema], &newest.name);
    let projected = projection.fields(&places, node);
    if projection.faults.is_empty() { Ok(Some(projected)) } else { Err(projection.faults) }
}

/// Faults of a projected section, told as what they are: the newest schema takes these values.
pub(super) fn skewed((model, schema): (&Model, usize), faults: Vec<Finding>) -> Vec<Finding> {
    if is_newest(model, schema) {
        return faults;
    }
    let id = model.schemas[schema].short_id();
    let skewed = |fault: Finding| match fault.code() {
        Code::MissingValue => {
            let message = format!("the live schema {id} needs a value that the newest gives none: {}", fault.message());
            fault.recast(Code::SchemaSkew, message, HELP_MISSING)
        }
        _ => {
            let message = format!("the live schema {id} cannot express this: {}", fault.message());
            fault.recast(Code::SchemaSkew, message, HELP)
        }
    };
    faults.into_iter().map(skewed).collect()
}

/// What layers say of sections that an older schema does not have at all.
pub(super) fn unsupported((model, schema): (&Model, usize), values: &Table) -> Vec<Finding> {
    if is_newest(model, schema) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for newest in model.newcomers(schema) {
        let Some(node) = values.node(&newest.name) else { continue };
        let mut projection = Projection::new(&model.schemas[schema], &newest.name);
        projection.fields(&Versions { newest: &newest.fields, between: Vec::new(), old: &[] }, node);
        faults.extend(projection.faults);
    }
    faults
}

/// What to do about a value that the older firmware cannot take.
const HELP: &str = "set it only for devices whose firmware knows it; or say on_unsupported = \"hold\" at the head of this layer, so that the others keep \
    what they have; or retire the older schema in steadfast.toml";

/// What to do about a value that only the older firmware needs.
const HELP_MISSING: &str = "give the older schema's field a new name with `was` in the firmware; or say on_unsupported = \"hold\" under the model in steadfast.toml; \
    or retire the older schema there";

fn is_newest(model: &Model, schema: usize) -> bool {
    schema + 1 == model.schemas.len()
}

/// Something in the newest schema, what it was in those between, newest first, and in the older one.
struct Versions<'m, T: ?Sized> {
    newest: &'m T,
    between: Vec<&'m T>,
    old: &'m T,
}

struct Projection<'m> {
    schema: String,
    path: Vec<&'m str>,
    faults: Vec<Finding>,
}

impl<'m> Projection<'m> {
    fn new(old: &Schema, section: &'m str) -> Self {
        Self { schema: old.short_id(), path: vec![section], faults: Vec::new() }
    }

    fn fields(&mut self, places: &Versions<'m, [Field]>, node: &Node) -> Node {
        let Some(table) = node.table() else { return node.clone() };
        let mut projected = Table::default();
        for field in places.newest {
            let (names, forebears) = lineage(field, &places.between);
            let named = names.iter().find_map(|name| places.old.iter().find(|other| other.name == *name));
            let before = named.filter(|before| field.means_what(before));
            match (before, table.entry(&field.name)) {
                (Some(before), Some(entry)) => {
                    let between = forebears.iter().map(|field| &field.ty).collect();
                    let types = Versions { newest: &field.ty, between, old: &before.ty };
                    self.path.push(&field.name);
                    let node = self.value(&types, &entry.node);
                    self.path.pop();
                    projected.insert(Entry { name: before.name.as_str().into(), key: entry.key, node });
                }
                (Some(before), None) => {
                    projected_default(field, before, node).into_iter().for_each(|entry| projected.insert(entry))
                }
                (None, Some(entry)) if !means_absent(field, &entry.node) => self.unknown((field, named), entry),
                (None, _) => {}
            }
        }
        Node { value: Value::Table(Arc::new(projected)), place: node.place }
    }

    fn value(&mut self, types: &Versions<'m, Type>, node: &Node) -> Node {
        let inside = |inner: fn(&'m Type) -> Option<&'m Type>| {
            let between = types.between.iter().filter_map(|ty| inner(strip_option(ty))).collect();
            Some(Versions { newest: inner(strip_option(types.newest))?, between, old: inner(strip_option(types.old))? })
        };
        let value = match (strip_option(types.newest), strip_option(types.old), &node.value) {
            (Type::Struct { fields: newest, .. }, Type::Struct { fields: old, .. }, _) => {
                let between = types.between.iter().filter_map(|ty| fields_of(ty)).collect();
                return self.fields(&Versions { newest, between, old }, node);
            }
            (Type::List { .. }, _, Value::List(items)) => match inside(item_of) {
                Some(types) => Value::List(Arc::new(items.iter().map(|item| self.value(&types, item)).collect())),
                None => node.value.clone(),
            },
            (Type::Map { .. }, _, Value::Table(table)) => match inside(entry_of) {
                Some(types) => self.entries(table, |this, entry| this.value(&types, &entry.node)),
                None => node.value.clone(),
            },
            (Type::Enum { .. }, Type::Enum { .. }, Value::Table(table)) => self.entries(table, |this, entry| {
                let payload = |ty: &'m Type| payload_of(ty, &entry.name);
                let between = types.between.iter().filter_map(|ty| payload(ty)).collect();
                match (payload(types.newest), payload(types.old)) {
                    (Some(newest), Some(old)) => this.value(&Versions { newest, between, old }, &entry.node),
                    _ => entry.node.clone(),
                }
            }),
            (_, _, value) => value.clone(),
        };
        Node { value, place: node.place }
    }

    fn entries(&mut self, table: &Table, mut node: impl FnMut(&mut Self, &Entry) -> Node) -> Value {
        let entries = table.entries().iter().map(|entry| Entry { node: node(self, entry), ..entry.clone() });
        Value::Table(Arc::new(Table::new(entries.collect())))
    }

    /// A value for a field that the older schema lacks. Of a table, whatever in it does not go without saying.
    fn unknown(&mut self, (field, named): (&'m Field, Option<&Field>), entry: &Entry) {
        if let (Some(newest), Some(_)) = (fields_of(&field.ty), entry.node.table()) {
            self.path.push(&field.name);
            self.fields(&Versions { newest, between: Vec::new(), old: &[] }, &entry.node);
            self.path.pop();
            return;
        }
        let (schema, path) = (&self.schema, self.path.join("."));
        let message = match named {
            None => format!("the live schema {schema} has no `{path}.{}`", field.name),
            Some(other) => format!(
                "`{path}.{}` cannot be the `{}` of the live schema {schema}: its type or unit is another one",
                field.name, other.name
            ),
        };
        self.faults.push(Finding::new(Code::SchemaSkew, message).at(entry.key).help(HELP));
    }
}

/// The newest schema's default, for a field that nobody sets and for which the older firmware has none.
fn projected_default(field: &Field, before: &Field, node: &Node) -> Option<Entry> {
    let needed = before.default.is_none() && !matches!(before.ty, Type::Option(_) | Type::Struct { .. });
    let literal = field.default.as_ref().filter(|_| needed)?;
    let value = Node { value: literal_value(&field.ty, literal), place: node.place };
    Some(Entry { name: before.name.as_str().into(), key: node.place, node: value })
}

fn fields_of(ty: &Type) -> Option<&[Field]> {
    match strip_option(ty) {
        Type::Struct { fields, .. } => Some(fields),
        _ => None,
    }
}

fn item_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List { item, .. } => Some(item),
        _ => None,
    }
}

fn entry_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Map { value, .. } => Some(value),
        _ => None,
    }
}

fn payload_of<'m>(ty: &'m Type, variant: &str) -> Option<&'m Type> {
    match strip_option(ty) {
        Type::Enum { variants, .. } => variants.iter().find(|one| one.name == variant)?.payload.as_ref(),
        _ => None,
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
