//! Written values against a schema: all faults at once, each with its field's path and place.
//!
//! What comes out is complete: defaults are filled in, options are present or absent, maps are in order.

use std::cmp::Ordering;
use std::sync::Arc;

use super::cell::typed_cell;
use super::path::item_key;
use super::scalar::{scalar, wrong_type};
use super::{Node, Table, Typed, Value};
use crate::diagnostics::{Code, Finding, Place, closest};
use crate::schema::{Field, Literal, Type, Variant};
use crate::words::counted;

/// Checks the fields of a section, whose name starts every path in a message; an empty one for a whole file.
///
/// # Errors
/// Every fault.
pub fn check_fields<'s>(
    section: &str,
    fields: &'s [Field],
    node: &Node,
) -> Result<Vec<(&'s str, Typed<'s>)>, Vec<Finding>> {
    run(section, |checker| match node.table() {
        Some(table) => checker.fields(fields, table, node.place),
        None => {
            checker.report(no_table(fields, &node.value), node.place);
            Vec::new()
        }
    })
}

/// Checks one value of any type.
///
/// # Errors
/// Every fault.
pub fn check_value<'s>(name: &str, ty: &'s Type, node: &Node) -> Result<Typed<'s>, Vec<Finding>> {
    // Without a value there is a fault.
    run(name, |checker| checker.value(ty, node)).map(|value| value.unwrap_or(Typed::Option(None)))
}

/// Checks what one layer says of a value: fields that it leaves to others are no fault.
///
/// # Errors
/// Every fault.
pub fn check_part(name: &str, ty: &Type, node: &Node) -> Result<(), Vec<Finding>> {
    let mut checker = Checker { extent: Extent::Part, faults: Vec::new() };
    checker.value(ty, node);
    checker.finish(name, ())
}

fn run<T>(name: &str, check: impl FnOnce(&mut Checker) -> T) -> Result<T, Vec<Finding>> {
    let mut checker = Checker { extent: Extent::Whole, faults: Vec::new() };
    let value = check(&mut checker);
    checker.finish(name, value)
}

fn no_table(fields: &[Field], value: &Value) -> Finding {
    wrong_type(&Type::Struct { name: String::new(), fields: fields.to_vec(), removed: Vec::new() }, value)
}

/// Walks a value and its type together. A fault's path grows on the way back up, so that values without faults cost
/// nothing for it.
struct Checker {
    extent: Extent,
    faults: Vec<(String, Finding)>,
}

/// How much of a value is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it: what is missing is a fault.
    Whole,
    /// What one layer says of it.
    Part,
}

impl Checker {
    /// The value, or the faults with their whole paths.
    fn finish<T>(self, name: &str, value: T) -> Result<T, Vec<Finding>> {
        if self.faults.is_empty() {
            return Ok(value);
        }
        let path = |below: String| format!("{name}{below}").trim_start_matches('.').to_owned();
        Err(self.faults.into_iter().map(|(below, finding)| finding.about(&path(below))).collect())
    }

    fn report(&mut self, finding: Finding, place: Place) {
        self.faults.push((String::new(), finding.at(place)));
    }

    /// One level down; `step` gives the step's name with its separator.
    fn within<T>(&mut self, step: impl Fn() -> String, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.faults.len();
        let out = f(self);
        self.faults[before..].iter_mut().for_each(|(path, _)| path.insert_str(0, &step()));
        out
    }

    fn fields<'s>(&mut self, fields: &'s [Field], table: &Table, place: Place) -> Vec<(&'s str, Typed<'s>)> {
        for entry in table.entries() {
            if !fields.iter().any(|field| field.name == *entry.name) {
                let unknown = unknown_field(fields, &entry.name);
                self.within(|| format!(".{}", entry.name), |this| this.report(unknown, entry.key));
            }
        }
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            let absent = table.node(&field.name).is_none();
            if absent && (self.extent == Extent::Part || misspelt(field, fields, table)) {
                continue;
            }
            let value = self.within(|| format!(".{}", field.name), |this| this.field(field, table, place));
            values.extend(value.map(|value| (field.name.as_str(), value)));
        }
        values
    }

    fn field<'s>(&mut self, field: &'s Field, table: &Table, place: Place) -> Option<Typed<'s>> {
        match (table.node(&field.name), &field.default, &field.ty) {
            (Some(node), _, ty) => self.value(ty, node),
            (None, Some(default), ty) => self.value(ty, &Node { value: literal_value(ty, default), place }),
            (None, None, Type::Option(_)) => Some(Typed::Option(None)),
            (None, None, Type::Struct { fields, .. }) => {
                Some(Typed::Struct(self.fields(fields, &Table::default(), place)))
            }
            (None, None, _) => {
                self.report(missing(field), place);
                None
            }
        }
    }

    fn value<'s>(&mut self, ty: &'s Type, node: &Node) -> Option<Typed<'s>> {
        if let Value::Cell(text) = &node.value {
            let Some(value) = typed_cell(ty, text) else {
                self.report(wrong_type(ty, &node.value), node.place);
                return None;
            };
            return self.value(ty, &Node { value, place: node.place });
        }
        match (ty, &node.value) {
            (Type::Option(inner), _) => Some(Typed::Option(Some(Box::new(self.value(inner, node)?)))),
            (Type::Struct { fields, .. }, Value::Table(table)) => {
                Some(Typed::Struct(self.fields(fields, table, node.place)))
            }
            (Type::List { max, item, key }, Value::List(items)) => {
                self.count(items.len(), *max, node.place);
                self.distinct(items, key.as_deref());
                // Items that do not merge must be whole, wherever they are written.
                let outer = self.extent;
                self.extent = if key.is_some() { outer } else { Extent::Whole };
                // No index in the path: one layer's first item is the fleet's third, and the excerpt shows which it is.
                let check = |node| self.within(|| "[]".to_owned(), |this| this.value(item, node));
                let items = items.iter().filter_map(check).collect();
                self.extent = outer;
                Some(Typed::List(items))
            }
            (Type::Map { max, key, value }, Value::Table(table)) => {
                self.count(table.entries().len(), *max, node.place);
                Some(Typed::Map(self.map((key, value), table)))
            }
            (Type::Enum { variants, .. }, value) => self.variant(ty, variants, (value, node.place)),
            (Type::List { .. } | Type::Map { .. } | Type::Struct { .. }, value) => {
                self.report(wrong_type(ty, value), node.place);
                None
            }
            _ => match scalar(ty, node) {
                Ok(value) => Some(value),
                Err(finding) => {
                    self.report(finding, node.place);
                    None
                }
            },
        }
    }

    fn count(&mut self, entries: usize, max: u32, place: Place) {
        if entries > max as usize {
            let finding = Finding::new(Code::WrongCount, format!("takes at most {max} entries"));
            let help = "the bound belongs to the firmware's schema; set fewer, or unset some of an earlier layer";
            self.report(finding.label(counted(entries, "entry")).help(help), place);
        }
    }

    /// Items of a keyed list must differ in their key.
    fn distinct(&mut self, items: &[Node], key: Option<&str>) {
        let Some(key) = key else { return };
        let mut seen: Vec<(String, Place)> = Vec::new();
        for item in items {
            let Some(name) = item_key(item, key) else { continue };
            match seen.iter().find(|(other, _)| *other == name) {
                Some((_, first)) => {
                    let finding = Finding::new(Code::DuplicateEntry, format!("has two items with {key} = {name}"));
                    let help = format!("items of this list are told apart by `{key}`; merge the two into one");
                    self.report(finding.note(*first, "the first").help(help), item.place);
                }
                None => seen.push((name, item.place)),
            }
        }
    }

    fn map<'s>(&mut self, (key, value): (&'s Type, &'s Type), table: &Table) -> Vec<(Typed<'s>, Typed<'s>)> {
        let mut entries = Vec::with_capacity(table.entries().len());
        for entry in table.entries() {
            let pair = self.within(
                || format!(".{}", entry.name),
                |this| {
                    let name = Node { value: typed_cell(key, &entry.name)?, place: entry.key };
                    let name = this.value(key, &name);
                    Some((name?, this.value(value, &entry.node)?, entry.key))
                },
            );
            entries.extend(pair);
        }
        entries.sort_by(|a, b| order(&a.0, &b.0));
        for pair in entries.windows(2).filter(|pair| order(&pair[0].0, &pair[1].0) == Ordering::Equal) {
            let finding = Finding::new(Code::DuplicateEntry, "has one key twice, written in two ways");
            self.report(finding.note(pair[0].2, "the first").help("keep one of the two"), pair[1].2);
        }
        entries.into_iter().map(|(key, value, _)| (key, value)).collect()
    }

    fn variant<'s>(
        &mut self,
        ty: &Type,
        variants: &'s [Variant],
        (value, place): (&Value, Place),
    ) -> Option<Typed<'s>> {
        let (name, key, payload) = match value {
            Value::Text(name) => (name.clone(), place, None),
            Value::Table(table) if table.entries().len() == 1 => {
                let entry = table.entries().first()?;
                (entry.name.clone(), entry.key, Some(&entry.node))
            }
            _ => {
                self.report(wrong_type(ty, value), place);
                return None;
            }
        };
        let found = variants.iter().enumerate().find(|(_, variant)| variant.name == *name);
        let Some((index, variant)) = found else {
            self.report(unknown_variant(variants, &name), key);
            return None;
        };
        let index = u32::try_from(index).ok()?;
        let payload = match (&variant.payload, payload) {
            (None, None) => None,
            (Some(ty), Some(node)) => Some(Box::new(self.within(|| format!(".{name}"), |this| this.value(ty, node))?)),
            (expected, _) => {
                self.report(payload_mismatch(&name, expected.as_ref()), key);
                return None;
            }
        };
        Some(Typed::Variant(index, &variant.name, payload))
    }
}

/// Whether an absent field is there after all under a name written wrongly, which was reported.
fn misspelt(field: &Field, fields: &[Field], table: &Table) -> bool {
    let known = |name: &str| fields.iter().any(|field| field.name == name);
    let mut unknown = table.entries().iter().filter(|entry| !known(&entry.name));
    unknown.any(|entry| closest(&entry.name, [field.name.as_str()]).is_some())
}

/// The order of a map's keys, as the firmware's own types have it.
fn order(a: &Typed<'_>, b: &Typed<'_>) -> Ordering {
    match (a, b) {
        (Typed::Text(a), Typed::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Typed::U8(a), Typed::U8(b)) => a.cmp(b),
        (Typed::I8(a), Typed::I8(b)) => a.cmp(b),
        (Typed::Unsigned(a), Typed::Unsigned(b)) => a.cmp(b),
        (Typed::Signed(a), Typed::Signed(b)) => a.cmp(b),
        (Typed::V4(a), Typed::V4(b)) => a.cmp(b),
        (Typed::V6(a), Typed::V6(b)) => a.cmp(b),
        (Typed::Ip(a), Typed::Ip(b)) => a.cmp(b),
        (Typed::Mac(a), Typed::Mac(b)) => a.cmp(b),
        _ => Ordering::Less,
    }
}

/// A schema's own value as if a layer had written it.
#[must_use]
pub fn literal_value(ty: &Type, literal: &Literal) -> Value {
    match (literal, ty) {
        (Literal::Bool(value), _) => Value::Bool(*value),
        (Literal::Int(number), _) => Value::Int(*number),
        (Literal::Float(number), _) => Value::Float(*number),
        (Literal::Text(text), _) => Value::Text(text.as_str().into()),
        (Literal::List(items), Type::Map { .. }) if items.is_empty() => Value::Table(Arc::default()),
        (Literal::List(items), _) => Value::List(Arc::new(items.iter().map(|item| literal_node(ty, item)).collect())),
    }
}

/// Items of a default list. Their place is never shown: a schema's defaults fit its types.
fn literal_node(ty: &Type, item: &Literal) -> Node {
    let item_type = match ty {
        Type::List { item, .. } => item,
        other => other,
    };
    Node { value: literal_value(item_type, item), place: Place::new(crate::diagnostics::FileId(0), 0..0) }
}

fn unknown_field(fields: &[Field], name: &str) -> Finding {
    let finding = Finding::new(Code::UnknownField, "is unknown").label("no such field");
    if let Some(renamed) = fields.iter().find(|field| field.was.as_deref() == Some(name)) {
        return finding.help(format!("it is now called `{}`", renamed.name));
    }
    let names = fields.iter().map(|field| field.name.as_str());
    match closest(name, names.clone()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("the fields here are {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn unknown_variant(variants: &[Variant], name: &str) -> Finding {
    let finding = Finding::new(Code::UnknownVariant, format!("has no alternative `{name}`")).label("unknown");
    let names = variants.iter().map(|variant| variant.name.as_str());
    match closest(name, names.clone()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("the alternatives are {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn payload_mismatch(name: &str, expected: Option<&Type>) -> Finding {
    match expected {
        Some(_) => Finding::new(Code::WrongType, format!("needs the data of `{name}`"))
            .label("no data")
            .help(format!("write it as a table: {{ {name} = … }}")),
        None => Finding::new(Code::WrongType, format!("takes no data with `{name}`"))
            .label("has data")
            .help(format!("write it as text: \"{name}\"")),
    }
}

fn missing(field: &Field) -> Finding {
    let what = field.doc.lines().next().filter(|line| !line.is_empty());
    let help = match what {
        Some(what) => format!("set it, there is no default: {what}"),
        None => "set it, there is no default".to_owned(),
    };
    Finding::new(Code::MissingValue, "has no value").label("not set here or anywhere else").help(help)
}
