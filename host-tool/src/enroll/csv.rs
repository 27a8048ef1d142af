//! Adding to an inventory of comma-separated values, with every other byte kept.

use std::ops::Range;

use super::{Found, New};
use crate::fleet::csv::{Cell, Records};

/// The records of a file, the header first.
struct Table<'a> {
    header: Vec<Cell<'a>>,
    rows: Vec<Vec<Cell<'a>>>,
}

impl<'a> Table<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let bad = |_| "a quoted cell does not end".to_owned();
        let mut records = Records::new(text);
        let header = records.next().transpose().map_err(bad)?.unwrap_or_default();
        let rows = records.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        Ok(Self { header, rows })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|cell| cell.text == name)
    }

    fn row(&self, name: &str) -> Option<&[Cell<'a>]> {
        let column = self.column("name")?;
        self.rows.iter().find(|row| row.get(column).is_some_and(|cell| cell.text == name)).map(|row| &row[..])
    }

    fn cell(&self, row: &[Cell<'a>], column: &str) -> String {
        let cell = self.column(column).and_then(|column| row.get(column));
        cell.map(|cell| cell.text.clone().into_owned()).unwrap_or_default()
    }
}

/// The device of that name.
pub(super) fn find(text: &str, name: &str) -> Result<Option<Found>, String> {
    let table = Table::read(text)?;
    Ok(table.row(name).map(|row| Found {
        id: table.cell(row, "device"),
        model: table.cell(row, "model"),
        public_key: table.cell(row, "public_key"),
    }))
}

/// The file with a public key for a device that it has.
pub(super) fn with_key(text: &str, name: &str, key: &str) -> Result<String, String> {
    let text = with_columns(text, &["public_key"])?;
    let table = Table::read(&text)?;
    let place = table.column("public_key").and_then(|column| table.row(name)?.get(column));
    let place = place.ok_or_else(|| format!("the row of {name} is shorter than the header"))?;
    Ok(spliced(&text, [(place.span.clone(), key.to_owned())]))
}

/// The file with one device more.
pub(super) fn with_device(text: &str, new: &New<'_>) -> Result<String, String> {
    let labels: Vec<&str> = new.labels.keys().map(String::as_str).collect();
    let mut text = with_columns(text, &[&["device", "name", "model", "public_key"], &labels[..]].concat())?;
    let table = Table::read(&text)?;
    let cell = |column: &Cell<'_>| match &*column.text {
        "device" => new.id.clone(),
        "name" => quoted(new.name),
        "model" => quoted(new.model),
        "public_key" => new.public_key.clone(),
        label => new.labels.get(label).map(|value| quoted(value)).unwrap_or_default(),
    };
    let row: Vec<String> = table.header.iter().map(cell).collect();
    let row = row.join(",");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(format!("{text}{row}\n"))
}

/// The file with these columns: those that are missing are added at the right, empty.
fn with_columns(text: &str, columns: &[&str]) -> Result<String, String> {
    let table = Table::read(text)?;
    let missing: Vec<&str> = columns.iter().copied().filter(|column| table.column(column).is_none()).collect();
    if table.header.is_empty() {
        return Ok(format!("{}\n", missing.join(",")));
    }
    let mut edits = Vec::new();
    for (record, row) in std::iter::once(&table.header).chain(&table.rows).enumerate() {
        let added = missing.iter().map(|column| if record == 0 { format!(",{column}") } else { ",".to_owned() });
        let end = row.last().map_or(0, |cell| cell.span.end);
        edits.push((end..end, added.collect()));
    }
    Ok(spliced(text, edits))
}

/// The text with some ranges replaced, given in ascending order.
fn spliced(text: &str, edits: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out + &text[at..]
}

/// A cell, in quotes where it needs them (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_stay_as_they_were() {
        let text = "\u{feff}device, name ,model,public_key,note\r\n01,roof,sensor,,\"a \"\"b\"\"\nc\"\r\n\r\n02, cellar ,sensor,,x";
        let text = text.replace("\r\n", "\n");
        let changed = with_key(&text, "cellar", "KEY").unwrap();
        assert_eq!(changed, text.replace("02, cellar ,sensor,,x", "02, cellar ,sensor,KEY,x"));
        assert_eq!(find(&changed, "cellar").unwrap().unwrap().public_key, "KEY");
        assert_eq!(find(&changed, "attic").unwrap(), None);
    }

    #[test]
    fn missing_columns_are_added_to_every_row() {
        let text = "device,name,model\n01,roof,sensor\n02,cellar,sensor\n";
        let changed = with_key(text, "cellar", "KEY").unwrap();
        assert_eq!(changed, "device,name,model,public_key\n01,roof,sensor,\n02,cellar,sensor,KEY\n");
    }
}
