//! Schemas written by hand, in TOML: for gateways and for firmware in other languages. The form is in `docs/spec/schema.md`.
//!
//! The text compiles to the same description as a firmware's own types. Sections, fields and variants count in the order in which they stand in the
//! file. Errors carry the stretch of text that they are about.

mod table;
mod types;

use std::collections::HashMap;
use std::ops::Range;

use steadfast_core::schema::{MAX_DESCRIPTION_BYTES, Restart, Risk};
use thiserror::Error;
use toml::de::DeTable;

use self::table::Table;
use self::types::Types;
use super::check::Place;
use super::{Draft, Schema, SchemaError, Section};

/// Fields of all sections together, types expanded: named types may use each other, and the text must not explode.
const MAX_EXPANDED_FIELDS: usize = 4096;

/// What is wrong with a hand-written schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct TextError {
    /// The bytes that it is about.
    pub span: Range<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl TextError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// Line and column in `text`, both from 1; columns in characters.
    pub fn position(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// Compiles a hand-written schema; `fallback_name` is its name when it gives none.
///
/// # Errors
/// [`TextError`] at the first thing that is wrong.
pub fn from_toml(text: &str, fallback_name: &str) -> Result<Schema, TextError> {
    if text.len() > MAX_DESCRIPTION_BYTES * 4 {
        return Err(TextError::new(0..0, "this file is too large for a schema"));
    }
    let document = DeTable::parse(text)
        .map_err(|error| TextError::new(error.span().unwrap_or_default(), error.message().to_owned()))?;
    let root = Table::new(document.get_ref(), document.span());
    root.only(&["name", "removed", "section", "type"])?;
    let mut types = Types::new(&root)?;
    let sections =
        root.table("section")?.ok_or_else(|| TextError::new(0..0, "a schema needs at least one `[section.NAME]`"))?;
    let mut spans = Spans::new();
    let sections = sections
        .named()?
        .into_iter()
        .map(|(name, span, value)| section(name, &Table::of(value, span)?, &mut types, &mut spans))
        .collect::<Result<_, _>>()?;
    let name = root.text("name")?.unwrap_or_else(|| fallback_name.to_owned());
    let draft = Draft { name, sections, removed: root.texts("removed")? };
    Schema::new(draft).map_err(|error| locate(error, &spans))
}

/// Where each place that a rule can name stands in the text.
type Spans = HashMap<String, Range<usize>>;

fn locate(error: SchemaError, spans: &Spans) -> TextError {
    match error {
        SchemaError::Rule { place, rule } => {
            let span = spans.get(&place).cloned().unwrap_or_default();
            TextError::new(span, format!("{place}: {rule}"))
        }
        other => TextError::new(0..0, other.to_string()),
    }
}

fn section<'a>(name: &str, table: &Table<'a>, types: &mut Types<'a>, spans: &mut Spans) -> Result<Section, TextError> {
    table.only(&["doc", "restart", "risk", "secret", "checks", "was", "removed", "fields"])?;
    let place = Place::section(name);
    spans.insert(place.to_string(), table.span());
    let words = [("nothing", Restart::Nothing), ("task", Restart::Task), ("device", Restart::Device)];
    let risks = [("low", Risk::Low), ("connectivity", Risk::Connectivity), ("safety", Risk::Safety)];
    Ok(Section {
        name: name.to_owned(),
        doc: table.text("doc")?.unwrap_or_default(),
        restart: table.word("restart", &words)?.unwrap_or(Restart::Task),
        risk: table.word("risk", &risks)?.unwrap_or(Risk::Low),
        secret: table.flag("secret")?,
        checks: table.texts("checks")?,
        was: table.text("was")?,
        fields: match table.table("fields")? {
            Some(fields) => types.fields(&fields, &place, spans)?,
            None => Vec::new(),
        },
        removed: table.texts("removed")?,
    })
}
