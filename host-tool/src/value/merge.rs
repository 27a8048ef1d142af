//! One layer on top of what earlier layers gave.
//!
//! Tables merge by field, maps by key, lists with a key by that key; everything else is replaced. The schema decides
//! which is which: an enum written as a table is a value, not a place for fields.

use std::sync::Arc;

use super::path::{child, item_key, strip_option};
use super::{Entry, FieldPath, Node, Table, Value};
use crate::diagnostics::{Code, Finding};
use crate::schema::Type;

/// What a list of the upper layer does to the lower one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Lists without a key replace.
    Set,
    /// Lists add to what is there.
    Append,
}

/// Merges values and collects what cannot be merged.
#[derive(Debug)]
pub struct Merger {
    mode: Mode,
    /// What went wrong.
    pub faults: Vec<Finding>,
}

impl Merger {
    /// A merger without faults.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, faults: Vec::new() }
    }

    /// Merges `over` onto `base`; `ty` gives the type behind a name, where it is known.
    pub fn tables<'t>(&mut self, base: &Table, over: &Table, ty: impl Fn(&str) -> Option<&'t Type>) -> Table {
        let mut merged = base.clone();
        for entry in over.entries() {
            let ty = ty(&entry.name);
            let node = match (base.node(&entry.name), self.mode) {
                (Some(lower), _) => self.nodes(lower, &entry.node, ty),
                (None, Mode::Set) => entry.node.clone(),
                (None, Mode::Append) => self.fresh(&entry.node, ty),
            };
            merged.insert(Entry { name: entry.name.clone(), key: entry.key, node });
        }
        merged
    }

    /// Merges one value onto another.
    fn nodes(&mut self, base: &Node, over: &Node, ty: Option<&Type>) -> Node {
        let ty = ty.map(strip_option);
        let value = match (&base.value, &over.value, ty) {
            (Value::Table(lower), Value::Table(upper), _) if fields_merge(ty, lower, upper) => {
                let merged = self.tables(lower, upper, |name| ty.and_then(|ty| child(ty, name)));
                // Where the table was opened first: a field that nobody sets is then missing in one place for all.
                return Node { value: Value::Table(Arc::new(merged)), place: base.place };
            }
            (Value::List(lower), Value::List(upper), Some(Type::List { item, key: Some(key), .. })) => {
                Value::List(Arc::new(self.keyed(lower, upper, (item, key))))
            }
            (Value::List(lower), Value::List(upper), _) if self.mode == Mode::Append => {
                Value::List(Arc::new(lower.iter().chain(upper.iter()).cloned().collect()))
            }
            (_, over_value, _) if self.mode == Mode::Append => {
                self.faults.push(bad_append(base, over));
                over_value.clone()
            }
            (_, value, _) => value.clone(),
        };
        Node { value, place: over.place }
    }

    /// What `append` puts where nothing was: lists, and the tables that lead to them.
    fn fresh(&mut self, node: &Node, ty: Option<&Type>) -> Node {
        let ty = ty.map(strip_option);
        match &node.value {
            Value::Table(table) => {
                let inner = self.tables(&Table::default(), table, |name| ty.and_then(|ty| child(ty, name)));
                Node { value: Value::Table(Arc::new(inner)), place: node.place }
            }
            Value::List(_) => node.clone(),
            _ => {
                self.faults.push(bad_append(node, node));
                node.clone()
            }
        }
    }

    /// Items with the key of an earlier one merge onto it, others go to the end. Of two items with one key in the same
    /// layer the second goes to the end, too, where the check finds it.
    fn keyed(&mut self, lower: &[Node], upper: &[Node], (ty, key): (&Type, &str)) -> Vec<Node> {
        let mut merged = lower.to_vec();
        let mut taken = vec![false; lower.len()];
        for item in upper {
            let name = item_key(item, key);
            let found = lower.iter().position(|earlier| name.is_some() && item_key(earlier, key) == name);
            match found.filter(|at| !taken[*at]) {
                Some(at) => {
                    taken[at] = true;
                    merged[at] = Self::new(Mode::Set).nodes(&merged[at], item, Some(ty));
                }
                None => merged.push(item.clone()),
            }
        }
        merged
    }
}

/// Whether two tables merge by field. Two tables of an enum do so only for the same alternative.
fn fields_merge(ty: Option<&Type>, lower: &Table, upper: &Table) -> bool {
    let alternative = |table: &Table| table.entries().first().map(|entry| entry.name.clone());
    !matches!(ty, Some(Type::Enum { .. })) || alternative(lower) == alternative(upper)
}

fn bad_append(base: &Node, over: &Node) -> Finding {
    let finding = Finding::new(Code::BadAppend, "`append` adds to lists only").at(over.place);
    let finding = finding.label(format!("this is {}", over.value.kind()));
    let finding = if base.place == over.place { finding } else { finding.note(base.place, base.value.kind()) };
    finding.help("to set another value, write it outside of `append`")
}

/// Takes the value at `path` out. Tables on the way stay, even when nothing is left in them.
#[must_use]
pub fn remove<'t>(table: &Table, path: &FieldPath, ty: impl Fn(&str) -> Option<&'t Type>) -> Table {
    remove_steps(table, path.steps(), &|name| ty(name))
}

fn remove_steps<'t>(table: &Table, steps: &[Arc<str>], ty: &dyn Fn(&str) -> Option<&'t Type>) -> Table {
    let mut out = table.clone();
    let Some((first, rest)) = steps.split_first() else { return out };
    if rest.is_empty() {
        out.remove(first);
    } else if let Some(entry) = table.entry(first) {
        let node = remove_below(&entry.node, rest, ty(first).map(strip_option));
        out.insert(Entry { node, ..entry.clone() });
    }
    out
}

fn remove_below(node: &Node, steps: &[Arc<str>], ty: Option<&Type>) -> Node {
    let below = |name: &str| ty.and_then(|ty| child(ty, name));
    let value = match (&node.value, ty) {
        (Value::Table(table), _) => Value::Table(Arc::new(remove_steps(table, steps, &below))),
        (Value::List(items), Some(Type::List { key: Some(key), item, .. })) => {
            Value::List(Arc::new(remove_items(items, steps, (item, key))))
        }
        (value, _) => value.clone(),
    };
    Node { value, place: node.place }
}

fn remove_items(items: &[Node], steps: &[Arc<str>], (ty, key): (&Type, &str)) -> Vec<Node> {
    let Some((first, rest)) = steps.split_first() else { return items.to_vec() };
    let named = |item: &Node| item_key(item, key).as_deref() == Some(&**first);
    if rest.is_empty() {
        return items.iter().filter(|item| !named(item)).cloned().collect();
    }
    items.iter().map(|item| if named(item) { remove_below(item, rest, Some(ty)) } else { item.clone() }).collect()
}
