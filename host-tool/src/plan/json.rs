//! A plan for programs: one document with a format version. `docs/plan.schema.json` describes it.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use steadfast_core::manifest::{Restart, Risk};

use super::Plan;
use super::told::{Ends, restart_word, risk_word};

/// The document's format. Another number is another format.
pub const FORMAT: u32 = 1;

/// The whole plan, and what was compared.
///
/// # Panics
/// Never: everything in a plan has a form in JSON.
#[must_use]
pub fn document(plan: &Plan, ends: &Ends) -> Json {
    let mut document = serde_json::to_value(plan).expect("a plan is plain data");
    document["format"] = json!(FORMAT);
    document["base"] = serde_json::to_value(&ends.base).expect("a point is plain data");
    document["head"] = serde_json::to_value(&ends.head).expect("a point is plain data");
    document
}

/// An id as its hexadecimal digits.
pub(super) fn id<S: Serializer>(id: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

pub(super) fn risk<S: Serializer>(risk: &Risk, serializer: S) -> Result<S::Ok, S::Error> {
    risk_word(*risk).serialize(serializer)
}

pub(super) fn restart<S: Serializer>(restart: &Restart, serializer: S) -> Result<S::Ok, S::Error> {
    restart_word(*restart).serialize(serializer)
}
