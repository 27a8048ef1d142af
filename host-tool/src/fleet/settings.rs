//! `steadfast.toml`: what the fleet is called, which models it has, in which order its layers come.

use std::sync::Arc;

use steadfast_core::id::FleetId;

use super::files::SETTINGS_FILE;
use super::shape;
use crate::diagnostics::{Code, FileId, Finding, Findings, Place};
use crate::schema::ON_UNSUPPORTED;
use crate::value::{Node, Render, Table, Value, check_fields, read_toml};

/// The version of this program, as `tool` pins it.
const TOOL: &str = env!("CARGO_PKG_VERSION");

/// What `steadfast.toml` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What people call the fleet.
    pub name: String,
    /// What every signature covers.
    pub id: FleetId,
    /// Added to the count of commits.
    pub sequence_offset: u32,
    /// The file of those who may sign commits, seen from the fleet's folder, and where it stands.
    pub allowed_signers: Option<(Arc<str>, Place)>,
    /// The full id of the floor's commit, and where it stands.
    pub floor: Option<(Arc<str>, Place)>,
    /// The levels of layers as they are written.
    pub levels: Vec<(Arc<str>, Place)>,
    /// Where layers come from besides the fleet's own folder.
    pub imports: Vec<Import>,
    /// The models, ascending by name.
    pub models: Vec<ModelSettings>,
}

/// A folder whose layers a fleet takes over, at a commit.
#[derive(Clone, Debug)]
pub struct Import {
    /// The folder, seen from the fleet's, and where it stands.
    pub path: (Arc<str>, Place),
    /// The commit, and where it stands.
    pub rev: (Arc<str>, Place),
}

/// A model as `steadfast.toml` has it.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// Its name.
    pub name: Arc<str>,
    /// Where its table begins.
    pub place: Place,
    /// Its live schemas' files, oldest first; none named means the only one there is.
    pub schemas: Vec<(Arc<str>, Place)>,
    /// Whether its sections become files.
    pub render: Option<Render>,
    /// How many bytes a slot of its board holds.
    pub slot_bytes: u32,
    /// `on_unsupported = "hold"`: values that an older live schema cannot express hold its devices.
    pub holds: bool,
}

/// Reads and checks the file; `None` when nothing can be made of it.
pub(super) fn read(file: FileId, text: &str, findings: &mut Findings) -> Option<Settings> {
    let mut here = Findings::default();
    let table = Arc::new(read_toml(file, text, &mut here));
    let fields = shape::settings();
    let whole = Node { value: Value::Table(table.clone()), place: Place::new(file, 0..0) };
    if here.has_errors() {
        findings.extend(here);
        return None;
    }
    if let Err(faults) = check_fields("", &fields, &whole) {
        faults.into_iter().for_each(|fault| here.add(fault));
    }
    let settings = if here.has_errors() { None } else { extract(&table, &mut here) };
    findings.extend(here);
    settings
}

fn extract(table: &Table, findings: &mut Findings) -> Option<Settings> {
    check_tool(table, findings);
    let fleet = table.node("fleet")?.table()?;
    let id = fleet.node("id")?;
    let fleet_id = id.text().and_then(|text| FleetId::from_hex(text));
    if fleet_id.is_none() {
        let finding = Finding::new(Code::BadId, "a fleet's id is 32 hexadecimal digits").at(id.place);
        findings.add(finding.help("`steadfast init` makes one at random; never take another fleet's"));
    }
    let models = table
        .node("models")?
        .table()?
        .entries()
        .iter()
        .map(|entry| model(&entry.name, (entry.key, &entry.node), findings));
    Some(Settings {
        name: fleet.node("name")?.text()?.to_string(),
        sequence_offset: fleet.node("sequence_offset").and_then(number).unwrap_or(0),
        allowed_signers: fleet.node("allowed_signers").and_then(placed),
        floor: fleet.node("floor").and_then(placed),
        levels: table.node("layers")?.items().iter().filter_map(placed).collect(),
        imports: table.node("import").map(Node::items).unwrap_or_default().iter().filter_map(import).collect(),
        models: models.collect::<Option<_>>()?,
        id: fleet_id?,
    })
}

fn check_tool(table: &Table, findings: &mut Findings) {
    let Some((pinned, place)) = table.node("tool").and_then(placed) else { return };
    if &*pinned != TOOL {
        let message = format!("this fleet is built with steadfast {pinned}, this is {TOOL}");
        let help = format!("install {pinned}, or change `tool` in {SETTINGS_FILE} in a commit of its own");
        findings.add(Finding::new(Code::WrongTool, message).at(place).help(help));
    }
}

fn model(name: &Arc<str>, (place, node): (Place, &Node), findings: &mut Findings) -> Option<ModelSettings> {
    if !super::inventory::is_file_name(name) {
        let finding = Finding::new(Code::BadName, format!("`{name}` cannot be a model's name")).at(place);
        findings.add(finding.help("a model is called by letters, digits, `-`, `_` and `.`"));
        return None;
    }
    let table = node.table()?;
    let render = table.node("render").and_then(Node::text).map(|text| match &**text {
        "toml" => Render::Toml,
        _ => Render::Json,
    });
    Some(ModelSettings {
        name: name.clone(),
        place,
        schemas: table.node("schemas").map(Node::items).unwrap_or_default().iter().filter_map(placed).collect(),
        render,
        slot_bytes: table.node("slot_bytes").and_then(number)?,
        holds: table.node(ON_UNSUPPORTED).is_some(),
    })
}

fn import(node: &Node) -> Option<Import> {
    let table = node.table()?;
    Some(Import { path: placed(table.node("path")?)?, rev: placed(table.node("rev")?)? })
}

fn placed(node: &Node) -> Option<(Arc<str>, Place)> {
    Some((node.text()?.clone(), node.place))
}

fn number(node: &Node) -> Option<u32> {
    u32::try_from(node.int()?).ok()
}
