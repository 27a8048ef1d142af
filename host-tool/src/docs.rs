//! What a fleet's schemas say to people and editors: a reference page for each model, and one JSON Schema for all layers.
//!
//! A pure function of the newest schemas, so that committed pages can be compared with what they should be.

use serde_json::Value;

use crate::fleet::{Fleet, reserved_sections};
use crate::schema::{Schema, layer_schema as of_schemas};

/// The file that editors read.
pub const EDITOR_FILE: &str = "layer.schema.json";

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its path in the folder of pages.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// Every page: one for each model, by its newest schema, and the one for editors.
#[must_use]
pub fn pages(fleet: &Fleet) -> Vec<Page> {
    let model = |model: &crate::fleet::Model| Page { path: format!("{}.md", model.name), text: model.newest().page() };
    let mut schema = layer_schema(fleet);
    // Another crate may make serde_json keep the order of insertion; a page must not depend on what else was built.
    schema.sort_all_objects();
    let editor = Page { path: EDITOR_FILE.to_owned(), text: format!("{schema:#}\n") };
    fleet.models.iter().map(model).chain([editor]).collect()
}

/// The JSON Schema of every layer of the fleet.
#[must_use]
pub fn layer_schema(fleet: &Fleet) -> Value {
    let schemas: Vec<&Schema> = fleet.models.iter().map(|model| model.newest()).collect();
    let mut schema = of_schemas(&schemas, &reserved_sections());
    schema["title"] = Value::from(format!("A layer of {}", fleet.settings.name));
    schema
}
