//! Values as they were written: a tree in which every node knows its file and place, so that whoever reads a value can say
//! where it came from.
//!
//! Trees share what they have in common: merging a small layer into a large tree copies only the path to what
//! changes. Two tables at one address are therefore equal, which is the fast answer to most comparisons.

mod cell;
mod check;
mod encode;
mod merge;
mod path;
mod render;
mod scalar;
mod toml;
mod typed;

use std::sync::Arc;

use crate::diagnostics::Place;

pub use check::{check_fields, check_part, check_value, literal_value};
pub use encode::{encode_fields, encode_value};
pub use merge::{Merger, Mode, remove};
pub(crate) use path::item_key;
pub use path::{FieldPath, Segment, child, spelled, strip_option};
pub use render::{Render, json, plain, render, step_text};
pub use toml::read_toml;
pub use typed::Typed;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The bytes that it was read from.
    pub place: Place,
}

/// What was written, before a schema says what it should be.
#[derive(Clone, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of any size that a field could hold.
    Int(i128),
    /// A number with a point or an exponent.
    Float(f64),
    /// Text in quotes.
    Text(Arc<str>),
    /// A cell of a table without types: the schema decides what it is.
    Cell(Arc<str>),
    /// A date or time, which no field takes.
    Moment,
    /// Items in order.
    List(Arc<Vec<Node>>),
    /// Named values.
    Table(Arc<Table>),
}

/// Named values, ascending by name, each name once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
}

/// A named value of a table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    /// Where the name was written.
    pub key: Place,
    /// Its value.
    pub node: Node,
}

impl Value {
    /// What the value is, in the words of a message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number with a fraction",
            Self::Text(_) => "text",
            Self::Cell(_) => "a cell",
            Self::Moment => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// Whether both say the same, wherever they were written.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) | (Self::Cell(a), Self::Cell(b)) => a == b,
            (Self::Moment, Self::Moment) => true,
            (Self::List(a), Self::List(b)) => {
                Arc::ptr_eq(a, b) || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.value.same(&b.value))
            }
            (Self::Table(a), Self::Table(b)) => Arc::ptr_eq(a, b) || a.same(b),
            _ => false,
        }
    }
}

impl Node {
    /// The table that the value is, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The items of a list, or none.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&Arc<str>> {
        match &self.value {
            Value::Text(text) | Value::Cell(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn int(&self) -> Option<i128> {
        match self.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl Table {
    /// A table of these entries, each name once.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        debug_assert!(entries.windows(2).all(|pair| pair[0].name < pair[1].name));
        Self { entries }
    }

    /// Its entries, ascending by name.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.find(name).ok().map(|at| &self.entries[at])
    }

    /// The value of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// Puts an entry in, in place of one of the same name.
    pub fn insert(&mut self, entry: Entry) {
        match self.find(&entry.name) {
            Ok(at) => self.entries[at] = entry,
            Err(at) => self.entries.insert(at, entry),
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        self.find(name).ok().map(|at| self.entries.remove(at))
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| (*entry.name).cmp(name))
    }

    fn same(&self, other: &Self) -> bool {
        let pairs = self.entries.iter().zip(&other.entries);
        self.entries.len() == other.entries.len()
            && pairs.into_iter().all(|(a, b)| a.name == b.name && a.node.value.same(&b.node.value))
    }
}
