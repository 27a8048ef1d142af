//! Schema files: `schemas/<model>/<short id>.schema`, exported by a firmware, and `schemas/<model>/<name>.toml`, written by hand.
//!
//! An exported file holds exactly the firmware's description and is named by its id, so that adding it twice, or from two machines, is the
//! same file. It is never edited: a file whose content has another id is refused.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::elf::{ElfError, extract};
use super::text::{TextError, from_toml};
use super::{Schema, SchemaError};

/// The folder of all schemas in a fleet repository.
pub const FOLDER: &str = "schemas";
/// Extension of exported schemas.
pub const EXPORTED: &str = "schema";
/// Extension of schemas written by hand.
pub const WRITTEN: &str = "toml";
/// The largest file that is looked into: a firmware with its debug information.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why a file gives no schema.
#[derive(Debug, Error)]
pub enum FileError {
    /// The description is not right.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The firmware holds none.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// A hand-written schema is not right.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Its content belongs under another name.
    #[error("its content is schema {id}: it was renamed or edited. Delete it, and add the firmware's own again")]
    Name { id: String },
}

/// What went wrong with which file.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    /// Not a fleet repository, or none with schemas.
    #[error("there is no folder `{FOLDER}` in {}: name the fleet repository, or add a first schema to it", fleet.display())]
    NoFolder { fleet: PathBuf },
    /// It is no schema. In a hand-written one, `at` is line and column.
    #[error("{}{}: {error}", path.display(), at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
    File { path: PathBuf, at: Option<(usize, usize)>, error: FileError },
    /// Too large to be a firmware.
    #[error("{}: {bytes} bytes are more than any firmware has. Give the ELF file that the linker wrote", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    /// Would be no folder.
    #[error("`{model}` cannot name a model: letters, digits, `-`, `_` and `.`, at most 64, not beginning with `.`")]
    Model { model: String },
}

/// What adding a schema did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// The file is new.
    New(PathBuf),
    /// Only the documentation differed.
    Redocumented(PathBuf),
    /// The same bytes were there.
    Unchanged(PathBuf),
}

/// A schema of a fleet repository.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The folder it lies in.
    pub model: String,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub schema: Schema,
}

/// The schema in a file of a fleet repository, from the last part of its path and its content, wherever that was read.
///
/// # Errors
/// [`FileError`].
pub fn from_file(name: &str, content: &[u8]) -> Result<Schema, FileError> {
    if let Some(stem) = name.strip_suffix(&format!(".{WRITTEN}")) {
        let text = std::str::from_utf8(content)
            .map_err(|error| TextError::new(error.valid_up_to()..error.valid_up_to(), "this is not UTF-8"))?;
        return Ok(from_toml(text, stem)?);
    }
    let schema = Schema::decode(extract(content)?)?;
    match name.strip_suffix(&format!(".{EXPORTED}")) {
        Some(stem) if stem != schema.short_id() => Err(FileError::Name { id: schema.short_id() }),
        _ => Ok(schema),
    }
}

/// The schema of the file at `path`: a firmware, an exported or a hand-written schema.
///
/// # Errors
/// [`StoreError`] names the file.
pub fn load(path: &Path) -> Result<Schema, StoreError> {
    let io = |error| StoreError::Io { path: path.into(), error };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(StoreError::TooLarge { path: path.into(), bytes });
    }
    let content = fs::read(path).map_err(io)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    from_file(&name, &content).map_err(|error| {
        let at = match &error {
            FileError::Text(text) => Some(text.position(&String::from_utf8_lossy(&content))),
            _ => None,
        };
        StoreError::File { path: path.into(), at, error }
    })
}

/// Where `schema` belongs in the fleet repository at `fleet`.
///
/// # Errors
/// [`StoreError::Model`] when `model` cannot be a folder.
pub fn place(fleet: &Path, model: &str, schema: &Schema) -> Result<PathBuf, StoreError> {
    let plain = model.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !plain || model.is_empty() || model.len() > 64 || model.starts_with('.') {
        return Err(StoreError::Model { model: model.into() });
    }
    Ok(fleet.join(FOLDER).join(model).join(format!("{}.{EXPORTED}", schema.short_id())))
}

/// Puts `schema` where it belongs: whole or not at all.
///
/// # Errors
/// [`StoreError::Model`] or [`StoreError::Io`].
pub fn add(fleet: &Path, model: &str, schema: &Schema) -> Result<Added, StoreError> {
    let path = place(fleet, model, schema)?;
    let description = schema.encode();
    match fs::read(&path) {
        Ok(content) if content == description => Ok(Added::Unchanged(path)),
        Ok(_) => write(&path, &description).map(|()| Added::Redocumented(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(&path, &description).map(|()| Added::New(path)),
        Err(error) => Err(StoreError::Io { path, error }),
    }
}

/// The names of the other schemas that lie beside the one at `path`, in order.
///
/// # Errors
/// [`StoreError::Io`].
pub fn beside(path: &Path) -> Result<Vec<String>, StoreError> {
    let folder = path.parent().filter(|folder| folder.is_dir());
    let mut paths = folder.map_or(Ok(Vec::new()), entries)?;
    paths.retain(|other| other != path && is_schema(other));
    Ok(paths.iter().filter_map(|other| Some(other.file_name()?.to_string_lossy().into_owned())).collect())
}

fn is_schema(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXPORTED || extension == WRITTEN)
}

fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let io = |error| StoreError::Io { path: path.into(), error };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io)?;
    let draft = path.with_extension("tmp");
    let written =
        fs::File::create(&draft).and_then(|mut file| file.write_all(content)).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // What is left of it is in nobody's way; the error that counts is the first.
        let _ = fs::remove_file(&draft);
        io(error)
    })
}

/// Every schema of the fleet repository at `fleet`, by model and file name.
///
/// # Errors
/// [`StoreError`] for the first file that cannot be read.
pub fn list(fleet: &Path) -> Result<Vec<Stored>, StoreError> {
    if !fleet.join(FOLDER).is_dir() {
        return Err(StoreError::NoFolder { fleet: fleet.into() });
    }
    let mut stored = Vec::new();
    for folder in entries(&fleet.join(FOLDER))?.into_iter().filter(|path| path.is_dir()) {
        let model = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in entries(&folder)? {
            if is_schema(&path) {
                let schema = load(&path)?;
                stored.push(Stored { model: model.clone(), path, schema });
            }
        }
    }
    Ok(stored)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let io = |error| StoreError::Io { path: folder.into(), error };
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>())
        .map_err(io)?;
    paths.sort();
    Ok(paths)
}
