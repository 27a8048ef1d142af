//! What could not be carried over, and why. Nothing of the data disappears without a line here.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A value of the data that is not in the fleet repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dropped {
    /// The site, host or group, and the keys inside it.
    pub(crate) place: String,
    /// Why.
    pub(crate) why: String,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// The list, and where the converter is.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    pub(crate) list: Vec<Dropped>,
    place: String,
}

impl LeftOut {
    /// Goes one step down; the result leads back.
    pub(super) fn enter(&mut self, step: &str) -> usize {
        let before = self.place.len();
        if before > 0 {
            self.place.push('.');
        }
        self.place.push_str(step);
        before
    }

    /// Goes back to where [`enter`](Self::enter) was called.
    pub(super) fn leave(&mut self, before: usize) {
        self.place.truncate(before);
    }

    /// A value here or below that is not carried.
    pub(super) fn add(&mut self, key: &str, why: String) {
        let dot = if key.is_empty() || self.place.is_empty() { "" } else { "." };
        self.list.push(Dropped { place: format!("{}{dot}{key}", self.place), why });
    }

    /// A value that means nothing to the converter. Gives nothing, so that it can stand where a value is wanted.
    pub(super) fn odd<T>(&mut self, key: &str, value: &str) -> Option<T> {
        self.add(key, format!("`{value}` is not understood"));
        None
    }

    /// Whatever is still in a struct after everything useful was taken out, but for the named keys.
    pub(super) fn rest(&mut self, key: &str, rest: &impl Serialize, but: &[&str]) {
        let Ok(Value::Object(fields)) = serde_json::to_value(rest) else { return };
        let before = if key.is_empty() { self.place.len() } else { self.enter(key) };
        for (name, value) in fields {
            let empty = match &value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(entries) => entries.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !empty && !but.contains(&name.as_str()) {
                self.add(&name, "has no use here".to_owned());
            }
        }
        self.leave(before);
    }
}
