//! The inventory: which devices there are, their models, labels, keys and values of their own.
//!
//! `inventory/**/*.csv` and `*.toml`, one file a batch. Both say the same things: `device`, `name`, `model`,
//! `public_key`, values as `set.SECTION.FIELD`, and anything else is a label.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use steadfast_core::id::DeviceId;

use super::csv::{BadQuote, Cell, Records};
use super::labels::{LabelSets, Labels, OwnLabels};
use super::unique::{Index, id_of, key_of, name_of};
use crate::diagnostics::{Code, FileId, Finding, Findings, Place, closest};
use crate::value::{Entry, FieldPath, Node, Table, Value, read_toml};
use crate::words::counted;

/// Longest name of a device, and longest label, in bytes.
const NAME_BYTES: usize = 64;

/// What a column or key of this name means, labels apart.
const COLUMNS: [&str; 4] = ["device", "name", "model", "public_key"];

/// What starts a value's column.
const SET: &str = "set.";

/// A device as the inventory has it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The device's id.
    pub(super) id: DeviceId,
    /// Its name, unique in the fleet.
    pub(super) name: Arc<str>,
    /// Its model's name and where it stands.
    pub(super) model: (Arc<str>, Place),
    /// The labels that the row itself gives.
    pub(super) labels: OwnLabels,
    /// The key with which it signs reports.
    pub(super) public_key: Option<[u8; 32]>,
    /// Values of its own.
    pub(super) own: Option<Arc<Table>>,
    /// Where its name stands.
    pub(super) place: Place,
}

/// Reads inventories into rows.
pub(super) struct Inventory<'f> {
    /// The rows without faults, in the order of the files.
    pub(super) rows: Vec<Row>,
    /// Their labels.
    pub(super) label_sets: LabelSets,
    findings: &'f mut Findings,
    names: Index,
    ids: Index,
    keys: Index,
    /// Models and labels, each text once: most rows repeat those of others.
    words: HashSet<Arc<str>>,
}

/// What a row says under one name: a cell with its column, or a key with its value.
struct Part<'a> {
    name: Cow<'a, str>,
    key: Place,
    given: Given<'a>,
    place: Place,
}

/// A cell's text, or a value of a TOML file.
#[derive(Clone, Copy)]
enum Given<'a> {
    Cell(&'a str),
    Written(&'a Value),
}

impl<'a> Part<'a> {
    fn of(entry: &'a Entry) -> Self {
        let given = Given::Written(&entry.node.value);
        Self { name: Cow::Borrowed(&entry.name), key: entry.key, given, place: entry.node.place }
    }

    fn is_label(&self) -> bool {
        !self.name.starts_with(SET) && !COLUMNS.contains(&&*self.name)
    }

    fn text(&self) -> Option<&'a str> {
        match self.given {
            Given::Cell(text) => Some(text),
            Given::Written(Value::Text(text)) => Some(text),
            Given::Written(_) => None,
        }
    }

    fn node(&self) -> Node {
        let value = match self.given {
            Given::Cell(text) => Value::Cell(text.into()),
            Given::Written(value) => value.clone(),
        };
        Node { value, place: self.place }
    }
}

impl<'f> Inventory<'f> {
    /// Without rows yet.
    pub(super) fn new(findings: &'f mut Findings) -> Self {
        Self {
            rows: Vec::new(),
            label_sets: LabelSets::default(),
            findings,
            names: Index::default(),
            ids: Index::default(),
            keys: Index::default(),
            words: HashSet::new(),
        }
    }

    /// Makes room for so many rows at once, instead of growing by copying what is there.
    pub(super) fn expect(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.names.reserve(rows, (&self.rows, name_of));
        self.ids.reserve(rows, (&self.rows, id_of));
    }

    /// Takes in a file of comma-separated values whose first record names the columns.
    pub(super) fn csv(&mut self, file: FileId, text: &str) {
        let mut records = Records::new(text);
        let header = match records.next() {
            Some(Ok(header)) => header,
            Some(Err(quote)) => return self.bad_quote(file, &quote),
            None => return,
        };
        let header: Vec<(Arc<str>, Place)> =
            header.iter().map(|cell| (cell.text.as_ref().into(), Place::new(file, cell.span.clone()))).collect();
        if !self.header_is_sound(&header) {
            return;
        }
        for record in records {
            match record {
                Ok(cells) if cells.len() == header.len() => self.row(&cells_to_parts(&header, (file, &cells))),
                Ok(cells) => self.findings.add(wrong_width(file, &cells, header.len())),
                Err(quote) => self.bad_quote(file, &quote),
            }
        }
    }

    /// Takes in a TOML file of `[[device]]` tables.
    pub(super) fn toml(&mut self, file: FileId, text: &str) {
        let table = read_toml(file, text, self.findings);
        for entry in table.entries() {
            if &*entry.name != "device" || !matches!(entry.node.value, Value::List(_)) {
                let finding = Finding::new(Code::UnknownKey, "an inventory holds `[[device]]` tables and nothing else");
                self.findings.add(finding.at(entry.key).help("begin each device with the line [[device]]"));
                continue;
            }
            for item in entry.node.items() {
                self.device_table(item);
            }
        }
    }

    fn device_table(&mut self, item: &Node) {
        let Some(table) = item.table() else {
            self.findings.add(Finding::new(Code::WrongType, "a device is a table").at(item.place));
            return;
        };
        for entry in table.entries() {
            if let Some(finding) = nearly_a_key(&entry.name) {
                self.findings.add(finding.at(entry.key));
            }
        }
        let (own, parts): (Vec<_>, Vec<_>) = table.entries().iter().partition(|entry| &*entry.name == "set");
        let mut parts: Vec<Part<'_>> = parts.into_iter().map(Part::of).collect();
        for entry in own {
            let values = entry.node.table().map(|table| table.entries()).unwrap_or_default();
            let named = |value: &Entry| Cow::Owned(format!("{SET}{}", quoted(&value.name)));
            parts.extend(values.iter().map(|value| Part { name: named(value), ..Part::of(value) }));
        }
        if let Some(name) = COLUMNS[..3].iter().find(|name| table.node(name).is_none()) {
            self.findings.add(missing_key(name).at(item.place));
            return;
        }
        self.row(&parts);
    }

    fn header_is_sound(&mut self, header: &[(Arc<str>, Place)]) -> bool {
        let mut sound = true;
        for (index, (name, place)) in header.iter().enumerate() {
            if let Some((_, first)) = header[..index].iter().find(|(other, _)| other == name) {
                let finding = Finding::new(Code::DuplicateKey, format!("two columns are called `{name}`"));
                self.findings.add(finding.at(*place).note(*first, "the first").help("keep one of the two"));
                sound = false;
            }
            if !name.starts_with(SET) && !is_label_name(name) {
                self.findings.add(bad_label_name(name).at(*place));
                sound = false;
            }
            if let Some(finding) = nearly_a_key(name) {
                self.findings.add(finding.at(*place));
                sound = false;
            }
        }
        for name in &COLUMNS[..3] {
            if !header.iter().any(|(other, _)| &**other == *name) {
                let place = header.first().map_or(Place::new(FileId(0), 0..0), |(_, place)| *place);
                let near = closest(name, header.iter().map(|(name, _)| &**name));
                let finding = missing_key(name).at(place);
                self.findings.add(match near {
                    Some(near) => finding.help(format!("is the column `{near}` meant to be `{name}`?")),
                    None => finding,
                });
                sound = false;
            }
        }
        sound
    }

    fn bad_quote(&mut self, file: FileId, quote: &BadQuote) {
        let finding = Finding::new(Code::Syntax, "a quoted cell ends with a quote before the next comma or line end");
        let place = Place::new(file, quote.0..quote.0 + 1);
        self.findings.add(finding.at(place).help("a quote inside a quoted cell is written twice"));
    }

    /// Takes in one device; whatever is wrong with it is reported, all of it, and the device left out.
    fn row(&mut self, parts: &[Part<'_>]) {
        let mut labels = Labels::default();
        let mut own = Table::default();
        let mut sound = true;
        for part in parts {
            sound &= match &*part.name {
                _ if part.is_label() => self.label(&mut labels, part),
                name if name.starts_with(SET) => self.own_value(&mut own, part),
                _ => true,
            };
        }
        let (Some(id), Some(name), Some(model), Some(public_key)) =
            (self.id(parts), self.name(parts), self.model(parts), self.public_key(parts))
        else {
            return;
        };
        if sound {
            let (name, place) = name;
            let labels = self.label_sets.keep(labels);
            let own = (!own.entries().is_empty()).then(|| Arc::new(own));
            self.enter(Row { id, name, model, labels, public_key, own, place });
        }
    }

    fn id(&mut self, parts: &[Part<'_>]) -> Option<DeviceId> {
        let (text, place) = self.required(parts, "device", Code::BadId)?;
        let id = DeviceId::from_hex(text).filter(|id| *id != DeviceId::NONE);
        if id.is_none() {
            let finding = Finding::new(Code::BadId, "a device's id is 32 hexadecimal digits, not all zero");
            self.findings.add(finding.at(place).help("`steadfast device enroll` makes one at random"));
        }
        id
    }

    fn name(&mut self, parts: &[Part<'_>]) -> Option<(Arc<str>, Place)> {
        let (name, place) = self.required(parts, "name", Code::BadName)?;
        if is_file_name(name) {
            return Some((name.into(), place));
        }
        let finding = Finding::new(Code::BadName, format!("`{name}` cannot be a device's name"));
        let help = format!("letters, digits, `-`, `_` and `.`, at most {NAME_BYTES}, not starting with `.` or `-`");
        self.findings.add(finding.at(place).help(help));
        None
    }

    fn model(&mut self, parts: &[Part<'_>]) -> Option<(Arc<str>, Place)> {
        let (name, place) = self.required(parts, "model", Code::MissingModel)?;
        Some((self.word(name), place))
    }

    /// `Some(None)` without a key, `None` for one that is wrong.
    fn public_key(&mut self, parts: &[Part<'_>]) -> Option<Option<[u8; 32]>> {
        let Some(part) = parts.iter().find(|part| &*part.name == "public_key") else { return Some(None) };
        let text = part.text().unwrap_or("no text");
        if text.is_empty() {
            return Some(None);
        }
        let key = steadfast_core::id::SchemaId::from_hex(text).map(|id| id.0);
        if key.is_none() {
            let finding = Finding::new(Code::BadId, "a public key is 64 hexadecimal digits").at(part.place);
            self.findings.add(finding.help("leave it empty until the device is enrolled"));
        }
        key.map(Some)
    }

    /// A text that must not be empty.
    fn required<'a>(&mut self, parts: &[Part<'a>], name: &str, code: Code) -> Option<(&'a str, Place)> {
        let part = parts.iter().find(|part| &*part.name == name)?;
        let text = part.text().filter(|text| !text.is_empty());
        if text.is_none() {
            let finding = Finding::new(code, format!("this device has no {name}")).at(part.place);
            self.findings.add(finding.help(format!("every device needs a {name}, as text")));
        }
        text.map(|text| (text, part.place))
    }

    /// The one copy of a text that many rows have.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return known.clone();
        }
        let word: Arc<str> = text.into();
        self.words.insert(word.clone());
        word
    }

    fn label(&mut self, labels: &mut Labels, part: &Part<'_>) -> bool {
        if !is_label_name(&part.name) {
            self.findings.add(bad_label_name(&part.name).at(part.key));
            return false;
        }
        let value = match part.given {
            Given::Cell(text) => Cow::Borrowed(text),
            Given::Written(Value::Text(text)) => Cow::Borrowed(&**text),
            Given::Written(Value::Int(number)) => Cow::Owned(number.to_string()),
            Given::Written(other) => {
                let finding = Finding::new(Code::WrongType, format!("a label is text, this is {}", other.kind()));
                self.findings.add(finding.at(part.place).help("write it in quotes"));
                return false;
            }
        };
        if value.len() > NAME_BYTES || value.chars().any(char::is_control) {
            let finding = Finding::new(Code::BadName, format!("a label is at most {NAME_BYTES} printable bytes"));
            self.findings.add(finding.at(part.place));
            return false;
        }
        if !value.is_empty() {
            let (name, value) = (self.word(&part.name), self.word(&value));
            labels.insert((name, value), part.place);
        }
        true
    }

    fn own_value(&mut self, own: &mut Table, part: &Part<'_>) -> bool {
        if matches!(part.given, Given::Cell("")) {
            return true;
        }
        let path = FieldPath::parse(part.name.strip_prefix(SET).unwrap_or_default());
        let set = path.as_ref().and_then(|path| set_at(own, path.steps(), part));
        if let Some(table) = set {
            *own = table;
            return true;
        }
        let finding = Finding::new(Code::BadPath, format!("`{}` names no field", part.name)).at(part.key);
        self.findings.add(finding.help("a column of values is called `set.SECTION.FIELD`, and each field has one"));
        false
    }

    /// Takes in a row, unless the fleet has its name, id or key already.
    fn enter(&mut self, row: Row) {
        let Self { rows, names, ids, keys, .. } = self;
        let same_name = names.find(rows, &row, name_of).map(|first| (format!("called `{}`", row.name), first));
        let same_id = || ids.find(rows, &row, id_of).map(|first| (format!("with the id {}", row.id), first));
        let same_key = || keys.find(rows, &row, key_of).map(|first| ("with this public key".to_owned(), first));
        if let Some((what, first)) = same_name.or_else(same_id).or_else(same_key) {
            let finding = Finding::new(Code::DuplicateDevice, format!("there are two devices {what}"));
            let finding = finding.at(row.place).note(first.place, "the first");
            return self.findings.add(finding.help("remove one, or give it its own"));
        }
        rows.push(row);
        names.add_last(rows, name_of);
        ids.add_last(rows, id_of);
        keys.add_last(rows, key_of);
    }
}

/// The table with the part's value at `steps`; `None` when another value is in the way.
fn set_at(table: &Table, steps: &[Arc<str>], part: &Part<'_>) -> Option<Table> {
    let (first, rest) = steps.split_first()?;
    let mut table = table.clone();
    let below = table.node(first);
    let node = match (rest.is_empty(), below) {
        (true, None) => part.node(),
        (true, Some(_)) => return None,
        (false, None) => nested(&set_at(&Table::default(), rest, part)?, part),
        (false, Some(below)) => nested(&set_at(below.table()?, rest, part)?, part),
    };
    table.insert(Entry { name: first.clone(), key: part.key, node });
    Some(table)
}

fn nested(table: &Table, part: &Part<'_>) -> Node {
    Node { value: Value::Table(Arc::new(table.clone())), place: part.place }
}

fn cells_to_parts<'a>(header: &'a [(Arc<str>, Place)], (file, cells): (FileId, &'a [Cell<'_>])) -> Vec<Part<'a>> {
    let parts = header.iter().zip(cells).map(|((name, key), cell)| Part {
        name: Cow::Borrowed(&**name),
        key: *key,
        given: Given::Cell(&cell.text),
        place: Place::new(file, cell.span.clone()),
    });
    parts.collect()
}

fn wrong_width(file: FileId, cells: &[Cell<'_>], columns: usize) -> Finding {
    let span = cells.first().map_or(0, |cell| cell.span.start)..cells.last().map_or(0, |cell| cell.span.end);
    let message = format!("this row has {}, the header has {columns}", counted(cells.len(), "cell"));
    let help = "add or remove commas; a cell with a comma in it stands in quotes";
    Finding::new(Code::WrongCount, message).at(Place::new(file, span)).help(help)
}

fn missing_key(name: &str) -> Finding {
    let help = "every device has a device (its id), a name and a model";
    Finding::new(Code::MissingKey, format!("`{name}` is missing")).help(help)
}

fn bad_label_name(name: &str) -> Finding {
    let finding = Finding::new(Code::BadName, format!("`{name}` cannot be a label's name"));
    finding.help("labels are called by lower-case letters, digits, `_` and `-`; values start with `set.`")
}

/// `pubkey` would be a label like any other, and the device one that nobody believes.
fn nearly_a_key(name: &str) -> Option<Finding> {
    let letters = |name: &str| name.replace(['_', '-'], "");
    let near = name != "public_key" && closest(&letters(name), ["publickey", "pubkey"]).is_some();
    let finding = || Finding::new(Code::UnknownKey, format!("`{name}` is no label")).help("did you mean `public_key`?");
    near.then(finding)
}

fn quoted(step: &str) -> String {
    if step.contains('.') { format!("\"{step}\"") } else { step.to_owned() }
}

fn is_label_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(allowed)
}

/// Whether an inventory can say this of a device as a label.
#[must_use]
pub(crate) fn is_label(name: &str, value: &str) -> bool {
    let sound = !value.is_empty() && value.len() <= NAME_BYTES && !value.chars().any(char::is_control);
    sound && is_label_name(name) && !COLUMNS.contains(&name)
}

/// Whether a text can be a part of a path: nothing that leads out of a folder or hides a file.
#[must_use]
pub(crate) fn is_file_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !name.is_empty() && name.len() <= NAME_BYTES && !name.starts_with(['.', '-']) && name.bytes().all(allowed)
}
