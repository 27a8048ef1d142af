//! Adding to an inventory in TOML, with comments and order kept.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::{Found, New};

/// What is said of other forms of the same data.
const NOT_TABLES: &str = "its devices are not written as [[device]] tables";

fn read(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())
}

fn text_of(table: &Table, key: &str) -> String {
    table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned()
}

/// The device of that name.
pub(super) fn find(text: &str, name: &str) -> Result<Option<Found>, String> {
    let document = read(text)?;
    let Some(devices) = document.get("device") else { return Ok(None) };
    let devices = devices.as_array_of_tables().ok_or(NOT_TABLES)?;
    let table = devices.iter().find(|table| text_of(table, "name") == name);
    Ok(table.map(|table| Found {
        id: text_of(table, "device"),
        model: text_of(table, "model"),
        public_key: text_of(table, "public_key"),
    }))
}

/// The file with a public key for a device that it has.
pub(super) fn with_key(text: &str, name: &str, key: &str) -> Result<String, String> {
    let mut document = read(text)?;
    let devices = document.get_mut("device").and_then(Item::as_array_of_tables_mut).ok_or(NOT_TABLES)?;
    let table = devices.iter_mut().find(|table| text_of(table, "name") == name);
    table.ok_or_else(|| format!("it has no [[device]] called {name}"))?["public_key"] = value(key);
    Ok(document.to_string())
}

/// The file with one device more.
pub(super) fn with_device(text: &str, new: &New<'_>) -> Result<String, String> {
    let mut document = read(text)?;
    let devices = document.entry("device").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let devices = devices.as_array_of_tables_mut().ok_or(NOT_TABLES)?;
    let mut table = Table::new();
    for (key, text) in [("device", &*new.id), ("name", new.name), ("model", new.model)] {
        table[key] = value(text);
    }
    for (label, text) in new.labels {
        table[label] = value(text);
    }
    table["public_key"] = value(&new.public_key);
    table.decor_mut().set_prefix("\n");
    devices.push(table);
    Ok(document.to_string())
}
