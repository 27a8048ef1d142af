//! Enrolling a device: a row in the inventory with an id and the public half of a key, and the private half in a file.
//!
//! The user's file is kept as it is, to the byte, but for what is added. A device that the inventory knows already without a key gets
//! one; its id stays.

mod csv;
mod toml;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_core::id::DeviceId;
use thiserror::Error;

use crate::hex;
use crate::keys::{KeyError, KeyFile, Purpose};

/// The folder of inventories in a fleet's folder.
const INVENTORY: &str = "inventory";

/// Where a new device goes, unless a file is named.
const FILE_DEFAULT: &str = "inventory/devices.csv";

/// How deep folders under the inventory are looked into.
const DEPTH_MAX: usize = 16;

/// Why a device was not enrolled.
#[derive(Debug, Error)]
pub enum EnrollError {
    /// The file system said no.
    #[error("{} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// An inventory that cannot be read.
    #[error("{} is no inventory that can be added to: {}; `steadfast check --worktree` shows where", .0.display(), .1)]
    Malformed(PathBuf, String),
    /// It has a key.
    #[error("{name} has a key already, in {path}; take its row out to enroll it anew", path = .path.display())]
    Enrolled {
        /// The device.
        name: String,
        /// The file that has it.
        path: PathBuf,
    },
    /// A new device of no model.
    #[error("the inventory has no device {0}; to add it, say of which model it is with --model")]
    NoModel(String),
    /// Another model than the inventory's.
    #[error("{name} is a {found} in {path}; leave --model and --label out to give it a key", path = .path.display())]
    Differs {
        /// The device.
        name: String,
        /// What it is there.
        found: String,
        /// The file that has it.
        path: PathBuf,
    },
    /// Neither form.
    #[error("{} must end with .csv or .toml", .0.display())]
    Form(PathBuf),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Which device, and what to write of it when it is new.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Its model.
    pub model: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The inventory file, relative to the fleet's folder.
    pub file: Option<PathBuf>,
}

/// What enrolling comes to; nothing is written yet.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The inventory file.
    pub file: PathBuf,
    /// Its new content.
    pub text: String,
    /// The device's id.
    pub device: DeviceId,
    /// Its key.
    pub key: KeyFile,
}

/// A device as it stands in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    id: String,
    model: String,
    public_key: String,
}

/// A device to be added.
struct New<'a> {
    id: String,
    name: &'a str,
    model: &'a str,
    public_key: String,
    labels: &'a BTreeMap<String, String>,
}

/// Makes a key for a device and finds out what its inventory will say.
///
/// # Errors
/// [`EnrollError`]; nothing was written then.
pub fn enroll(fleet: &Path, request: &Request) -> Result<Enrolled, EnrollError> {
    let key = KeyFile::generate(Purpose::Device)?;
    let public_key = hex::encode(&key.public_key().0);
    for file in inventories(&fleet.join(INVENTORY), 0)? {
        let text = read(&file)?;
        if let Some(found) = find(&file, &text, &request.name)? {
            let device = give_key(&file, &found, request)?;
            let text = with_key(&file, &text, (&request.name, &public_key))?;
            return Ok(Enrolled { file, text, device, key });
        }
    }
    let model = request.model.as_deref().ok_or_else(|| EnrollError::NoModel(request.name.clone()))?;
    let file = fleet.join(request.file.as_deref().unwrap_or(Path::new(FILE_DEFAULT)));
    let device = DeviceId(random()?);
    let new = New { id: device.to_string(), name: &request.name, model, public_key, labels: &request.labels };
    let text = with_device(&file, &if file.exists() { read(&file)? } else { String::new() }, &new)?;
    Ok(Enrolled { file, text, device, key })
}

impl Enrolled {
    /// Writes the key, then the inventory: a key without a row can be deleted, a row without its key is a device that nobody can
    /// flash.
    ///
    /// # Errors
    /// [`EnrollError::Key`], [`EnrollError::File`].
    pub fn write(&self, key: &Path) -> Result<(), EnrollError> {
        self.key.save(key)?;
        let failed = |error| EnrollError::File(self.file.clone(), error);
        let folder = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut whole = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        io::Write::write_all(&mut whole, self.text.as_bytes()).map_err(failed)?;
        if let Ok(before) = fs::metadata(&self.file) {
            fs::set_permissions(whole.path(), before.permissions()).map_err(failed)?;
        } else {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(whole.path(), fs::Permissions::from_mode(0o644)).map_err(failed)?;
        }
        whole.persist(&self.file).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The id of a device that is to get a key.
fn give_key(file: &Path, found: &Found, request: &Request) -> Result<DeviceId, EnrollError> {
    let (name, path) = (request.name.clone(), file.to_owned());
    if !found.public_key.is_empty() {
        return Err(EnrollError::Enrolled { name, path });
    }
    if request.model.as_ref().is_some_and(|model| *model != found.model) || !request.labels.is_empty() {
        return Err(EnrollError::Differs { name, found: found.model.clone(), path });
    }
    DeviceId::from_hex(&found.id).ok_or_else(|| EnrollError::Malformed(path, format!("{name} has no id")))
}

fn find(file: &Path, text: &str, name: &str) -> Result<Option<Found>, EnrollError> {
    match form(file)? {
        Form::Csv => csv::find(text, name),
        Form::Toml => toml::find(text, name),
    }
    .map_err(|why| EnrollError::Malformed(file.to_owned(), why))
}

fn with_key(file: &Path, text: &str, (name, key): (&str, &str)) -> Result<String, EnrollError> {
    match form(file)? {
        Form::Csv => csv::with_key(text, name, key),
        Form::Toml => toml::with_key(text, name, key),
    }
    .map_err(|why| EnrollError::Malformed(file.to_owned(), why))
}

fn with_device(file: &Path, text: &str, new: &New<'_>) -> Result<String, EnrollError> {
    match form(file)? {
        Form::Csv => csv::with_device(text, new),
        Form::Toml => toml::with_device(text, new),
    }
    .map_err(|why| EnrollError::Malformed(file.to_owned(), why))
}

enum Form {
    Csv,
    Toml,
}

fn form(file: &Path) -> Result<Form, EnrollError> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(Form::Csv),
        Some("toml") => Ok(Form::Toml),
        _ => Err(EnrollError::Form(file.to_owned())),
    }
}

/// Every inventory file, in the order of their names.
fn inventories(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, EnrollError> {
    if depth > DEPTH_MAX || !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| EnrollError::File(folder.to_owned(), error);
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(failed)?.iter().map(fs::DirEntry::path).collect();
    paths.sort_unstable();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(inventories(&path, depth + 1)?);
        } else if form(&path).is_ok() {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(file: &Path) -> Result<String, EnrollError> {
    fs::read_to_string(file).map_err(|error| EnrollError::File(file.to_owned(), error))
}

fn random() -> Result<[u8; 16], EnrollError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::NoRandom(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(path: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        folder
    }

    fn request(name: &str, model: Option<&str>) -> Request {
        Request { name: name.to_owned(), model: model.map(str::to_owned), ..Request::default() }
    }

    #[test]
    fn a_known_device_gets_a_key_and_keeps_its_id() {
        let id = "0123456789abcdef0123456789abcdef";
        let folder = fleet("inventory/a/b.csv", &format!("device,name,model,site\n{id},roof,sensor,x\n"));
        let enrolled = enroll(folder.path(), &request("roof", None)).unwrap();
        assert_eq!(enrolled.device.to_string(), id);
        let key = hex::encode(&enrolled.key.public_key().0);
        assert_eq!(enrolled.text, format!("device,name,model,site,public_key\n{id},roof,sensor,x,{key}\n"));
        enrolled.write(&folder.path().join("roof.key")).unwrap();
        let again = enroll(folder.path(), &request("roof", None));
        assert!(matches!(again, Err(EnrollError::Enrolled { .. })));
    }

    #[test]
    fn a_new_device_needs_a_model_and_gets_a_row() {
        let folder = fleet("steadfast.toml", "");
        assert!(matches!(enroll(folder.path(), &request("roof", None)), Err(EnrollError::NoModel(_))));
        let mut wanted = request("roof", Some("sensor"));
        wanted.labels.insert("site".to_owned(), "a, b".to_owned());
        let enrolled = enroll(folder.path(), &wanted).unwrap();
        enrolled.write(&folder.path().join("keys/roof.key")).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE_DEFAULT)).unwrap();
        let key = hex::encode(&KeyFile::load(&folder.path().join("keys/roof.key")).unwrap().public_key().0);
        assert_eq!(
            text,
            format!("device,name,model,public_key,site\n{},roof,sensor,{key},\"a, b\"\n", enrolled.device)
        );
    }

    #[test]
    fn a_toml_inventory_keeps_its_comments() {
        let text = "# ours\n[[device]] # the gateway\ndevice = \"0123456789abcdef0123456789abcdef\"\nname = \"gw\"\nmodel = \"gateway\"\n";
        let folder = fleet("inventory/gateways.toml", text);
        let enrolled = enroll(folder.path(), &request("gw", None)).unwrap();
        assert!(enrolled.text.starts_with(text), "{}", enrolled.text);
        let wanted = Request { file: Some("inventory/gateways.toml".into()), ..request("gw-2", Some("gateway")) };
        let enrolled = enroll(folder.path(), &wanted).unwrap();
        assert!(enrolled.text.starts_with(text) && enrolled.text.contains("name = \"gw-2\""), "{}", enrolled.text);
    }
}
