//! Sections as objects: checked against a schema, encoded or rendered, named by their digest. A section that many devices
//! share is worked out once.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use steadfast_core::content::ObjectRef;
use steadfast_core::digest::Digest;

use super::project::{project, skewed};
use crate::diagnostics::{Code, Finding, Place};
use crate::fleet::Model;
use crate::schema::Section;
use crate::value::{Node, Table, Typed, Value, check_fields, encode_fields, render};

/// Sections remembered before all are forgotten: a bound on memory for fleets whose devices share nothing.
const REMEMBERED: usize = 16_384;

/// A section of one schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Which {
    pub(crate) schema: usize,
    pub(crate) section: usize,
}

/// A section's bytes by reference, or what is wrong with it.
pub(crate) type Outcome = Result<ObjectRef, Rc<Vec<Finding>>>;

/// A section's fields in the schema's order, or what is wrong with them.
type Checked<'s> = Result<Vec<(&'s str, Typed<'s>)>, Vec<Finding>>;

/// What is remembered of a section: its values, so that their address stays theirs, and what came of them.
type Known = (Option<Arc<Table>>, Outcome);

/// Remembers sections of one model by the address of their values, which it keeps alive.
#[derive(Default)]
pub(crate) struct Sections {
    known: HashMap<(Which, usize), Known>,
    /// How many sections were encoded, for tests that count work instead of time.
    pub(crate) encoded: usize,
}

impl Sections {
    /// Forgets everything, before another model.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    /// The object of a section with these values; `keep` takes its bytes.
    pub(crate) fn object(
        &mut self,
        (model, which): (&Model, Which),
        values: &Table,
        keep: &mut impl FnMut(Digest, Vec<u8>),
    ) -> Outcome {
        let section = &model.schemas[which.schema].sections[which.section];
        let name = newest_name(model, which, section);
        let node = values.node(name);
        let table = node.and_then(Node::table).cloned();
        let address = table.as_ref().map_or(0, |table| Arc::as_ptr(table).addr());
        // A section that is no table has no address to be known by; it is an error anyway.
        let memorable = table.is_some() || node.is_none();
        if let Some((_, known)) = self.known.get(&(which, address)).filter(|_| memorable) {
            return known.clone();
        }
        let outcome = bytes((model, which), section, node).map_err(Rc::new).map(|bytes| {
            let object = ObjectRef { digest: Digest::of(&bytes), size: u32::try_from(bytes.len()).unwrap_or(u32::MAX) };
            keep(object.digest, bytes);
            object
        });
        self.encoded += 1;
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        if memorable {
            self.known.insert((which, address), (table, outcome.clone()));
        }
        outcome
    }
}

/// What layers call the section: the name that the newest schema has for it.
fn newest_name<'m>(model: &'m Model, which: Which, section: &'m Section) -> &'m str {
    model.successor(which.schema, which.section).map_or(&section.name, |newest| &newest.name)
}

fn bytes((model, which): (&Model, Which), section: &Section, node: Option<&Node>) -> Result<Vec<u8>, Vec<Finding>> {
    let place = node.map_or(model.place, |node| node.place);
    if section.secret {
        return Err(vec![secret(section, place)]);
    }
    let fields = fields((model, which), section, node)?;
    match model.render {
        None => Ok(encode_fields(&fields)),
        Some(format) => render(&fields, format).map_err(|why| vec![unrenderable(section, why, place)]),
    }
}

/// The section's values as its schema has them, in the names of that schema.
fn fields<'m>((model, which): (&'m Model, Which), section: &'m Section, node: Option<&Node>) -> Checked<'m> {
    let empty = Node { value: Value::Table(Arc::default()), place: model.place };
    let node = node.unwrap_or(&empty);
    let projected = project((model, which), section, node)?;
    let checked = check_fields(&section.name, &section.fields, projected.as_ref().unwrap_or(node));
    checked.map_err(|faults| skewed((model, which.schema), faults))
}

/// The values of a section of one schema out of a device's merged layers.
///
/// # Errors
/// Every fault; none where the fleet compiles.
pub(crate) fn values<'m>((model, which): (&'m Model, Which), merged: &Table) -> Checked<'m> {
    let section = &model.schemas[which.schema].sections[which.section];
    fields((model, which), section, merged.node(newest_name(model, which, section)))
}

fn secret(section: &Section, place: Place) -> Finding {
    let message = format!("`{}` is secret, and this version cannot seal secrets yet", section.name);
    Finding::new(Code::SecretSection, message).at(place).help("leave secrets out of git until it can")
}

fn unrenderable(section: &Section, why: String, place: Place) -> Finding {
    let message = format!("`{}` cannot be written in the model's format: {why}", section.name);
    Finding::new(Code::BadValue, message).at(place).help("choose render = \"json\" for this model")
}
