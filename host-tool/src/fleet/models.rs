//! Models: kinds of devices, each with the schemas of the firmwares that are in the field.

use std::sync::Arc;

use super::files::Files;
use super::settings::ModelSettings;
use super::shape;
use crate::diagnostics::{Code, Finding, Findings, Place, closest};
use crate::schema::{Field, FileError, Schema, Section, Type, from_file, successors};
use crate::value::{FieldPath, Render, child};

/// A kind of device.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name.
    pub name: Arc<str>,
    /// Where `steadfast.toml` has it.
    pub place: Place,
    /// Whether its sections become files.
    pub render: Option<Render>,
    /// How many bytes a slot of its board holds.
    pub slot_bytes: u32,
    /// Its live schemas, oldest first; at least one.
    pub schemas: Vec<Schema>,
    /// The types behind `agent`, `health` and the newest schema's sections, for layers to be merged by.
    shapes: Vec<(String, Type)>,
    /// For each live schema and section the newest schema's section that it has become.
    successors: Vec<Vec<Option<usize>>>,
    /// Whether devices whose older firmware cannot express a value keep what they have, whichever layer sets it.
    pub holds: bool,
}

impl Model {
    /// Reads the model's schemas; `None` when there is none to work with.
    pub(super) fn read(settings: &ModelSettings, files: &mut Files, findings: &mut Findings) -> Option<Self> {
        let mut schemas = Vec::new();
        for (path, place) in schema_paths(settings, files, findings)? {
            match read_schema(&path, files) {
                Ok(schema) => schemas.push(schema),
                Err(finding) => findings.add(finding.asked_at(place)),
            }
        }
        let newest = schemas.last()?;
        let sections = shape::reserved_sections().into_iter().chain(newest.sections.iter().cloned());
        let shapes = sections.map(|section| (section.name, fields_type(section.fields))).collect();
        let successors = (0..schemas.len()).map(|schema| successors(&schemas, schema)).collect();
        let ModelSettings { name, place, render, slot_bytes, holds, .. } = settings.clone();
        Some(Self { name, place, render, slot_bytes, schemas, shapes, successors, holds })
    }

    /// The schema whose names layers use.
    #[must_use]
    pub fn newest(&self) -> &Schema {
        &self.schemas[self.schemas.len() - 1]
    }

    /// The newest schema's section that a section of a live schema has become; both are given by index.
    #[must_use]
    pub(crate) fn successor(&self, schema: usize, section: usize) -> Option<&Section> {
        let index = (*self.successors.get(schema)?.get(section)?)?;
        self.newest().sections.get(index)
    }

    /// Sections of the newest schema that a live one has under no name.
    pub(crate) fn newcomers(&self, schema: usize) -> impl Iterator<Item = &Section> {
        let known = self.successors.get(schema).map(Vec::as_slice).unwrap_or_default();
        let sections = self.newest().sections.iter().zip(0..);
        sections.filter(|(_, index)| !known.contains(&Some(*index))).map(|(section, _)| section)
    }

    /// The type of a section, `agent` and `health` included.
    #[must_use]
    pub fn shape(&self, section: &str) -> Option<&Type> {
        self.shapes.iter().find(|(name, _)| name == section).map(|(_, ty)| ty)
    }

    /// Names of all sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a path leads to a field of this model.
    ///
    /// # Errors
    /// The step that leads nowhere, and what is nearest to it. A path whose section the model lacks is no error.
    pub(crate) fn check_path(&self, path: &FieldPath) -> Result<(), Finding> {
        let Some((section, steps)) = path.steps().split_first() else { return Ok(()) };
        let Some(mut ty) = self.shape(section) else { return Ok(()) };
        for step in steps {
            ty = child(ty, step).ok_or_else(|| no_such_field(path, ty, step))?;
        }
        Ok(())
    }
}

fn no_such_field(path: &FieldPath, ty: &Type, step: &str) -> Finding {
    let finding = Finding::new(Code::UnknownField, format!("`{path}` names no field: there is no `{step}`"));
    let names: Vec<&str> = match ty {
        Type::Struct { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
        _ => Vec::new(),
    };
    match closest(step, names.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => finding.help("nothing lies below this value; name the value itself"),
        None => finding.help(format!("the fields here are {}", names.join(", "))),
    }
}

fn fields_type(fields: Vec<Field>) -> Type {
    Type::Struct { name: String::new(), fields, removed: Vec::new() }
}

/// The files of a model's schemas, in the order of their age.
fn schema_paths(settings: &ModelSettings, files: &Files, findings: &mut Findings) -> Option<Vec<(String, Place)>> {
    let folder = format!("schemas/{}/", settings.name);
    if !settings.schemas.is_empty() {
        return Some(settings.schemas.iter().map(|(name, place)| (format!("{folder}{name}"), *place)).collect());
    }
    let found = files.under(&folder);
    let finding = match found.len() {
        1 => return Some(found.into_iter().map(|path| (path, settings.place)).collect()),
        0 => Finding::new(Code::NoSchema, format!("there is no schema in {folder}"))
            .help(format!("export the firmware's: steadfast schema add --model {} FIRMWARE.elf", settings.name)),
        several => {
            let quoted = |path: &String| format!("\"{}\"", path.strip_prefix(&folder).unwrap_or(path));
            let names = found.iter().map(quoted).collect::<Vec<_>>().join(", ");
            let message = format!("there are {several} schemas in {folder}, and none is named as live");
            let help = format!("name the live ones, oldest first, or remove the others: schemas = [{names}]");
            Finding::new(Code::AmbiguousSchema, message).help(help)
        }
    };
    findings.add(finding.at(settings.place));
    None
}

fn read_schema(path: &str, files: &mut Files) -> Result<Schema, Finding> {
    let bytes = files.bytes(path)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    from_file(name, &bytes).map_err(|error| match &error {
        // A hand-written one is text, and has places to point at.
        FileError::Text(fault) => match files.text(path) {
            Ok(file) => bad(path, &fault.message).at(Place::new(file, fault.span.clone())),
            Err(finding) => finding,
        },
        _ => bad(path, &error.to_string()),
    })
}

fn bad(path: &str, why: &str) -> Finding {
    let finding = Finding::new(Code::BadSchema, format!("{path} is no schema: {why}"));
    finding.help("add the firmware's own again with `steadfast schema add`, or correct a hand-written one")
}
