//! Enrolling a device: a row in the inventory with an id and the public half of a key, and the private half in a file.
//!
//! The user's file is kept as it is, to the byte, but for what is added. A device that the inventory knows already without a key gets
//! one; its id stays.

mod csv;
mod toml;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use steadfast_core::id::DeviceId;
use thiserror::Error;

use crate::fleet::{is_file_name, is_label};
use crate::hex;
use crate::keys::{KeyError, KeyFile, Purpose};
use crate::whole::{self, Over};

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
    /// A name that the inventory would refuse.
    #[error(
        "`{0}` cannot be a device's name: use letters, digits, `-`, `_` and `.`, at most 64, not starting with `.` or `-`"
    )]
    Name(String),
    /// A label that the inventory would not take for one.
    #[error(
        "`{0}` cannot be a label: its name has lower-case letters, digits, `_` and `-` and is none of device, name, model and \
         public_key; its value is not empty and has at most 64 bytes"
    )]
    Label(String),
    /// A file that nobody reads.
    #[error("{} is not below {INVENTORY}/, so no command would read it; name a file there with --file", .0.display())]
    Elsewhere(PathBuf),
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

/// What enrolling comes to; nothing is written yet. Whoever enrolls next waits until it is dropped.
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
    /// Keeps others from enrolling at the same time: one of the two rows would be lost.
    _turn: Arc<File>,
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
    check(request)?;
    let turn = File::open(fleet).and_then(|folder| folder.lock().map(|()| Arc::new(folder)));
    let turn = turn.map_err(|error| EnrollError::File(fleet.to_owned(), error))?;
    let key = KeyFile::generate(Purpose::Device)?;
    let public_key = hex::encode(&key.public_key().0);
    for file in inventories(&fleet.join(INVENTORY), 0)? {
        let text = read(&file)?;
        if let Some(found) = find(&file, &text, &request.name)? {
            let device = give_key(&file, &found, request)?;
            let text = with_key(&file, &text, (&request.name, &public_key))?;
            return Ok(Enrolled { file, text, device, key, _turn: turn });
        }
    }
    let model = request.model.as_deref().ok_or_else(|| EnrollError::NoModel(request.name.clone()))?;
    let file = fleet.join(request.file.as_deref().unwrap_or(Path::new(FILE_DEFAULT)));
    let device = DeviceId(random()?);
    let new = New { id: device.to_string(), name: &request.name, model, public_key, labels: &request.labels };
    let text = with_device(&file, &if file.exists() { read(&file)? } else { String::new() }, &new)?;
    Ok(Enrolled { file, text, device, key, _turn: turn })
}

/// Refuses what would be written and then not be read, or be read as something else.
fn check(request: &Request) -> Result<(), EnrollError> {
    if !is_file_name(&request.name) {
        return Err(EnrollError::Name(request.name.clone()));
    }
    if let Some((name, value)) = request.labels.iter().find(|(name, value)| !is_label(name, value)) {
        return Err(EnrollError::Label(format!("{name}={value}")));
    }
    let below = |file: &PathBuf| {
        file.starts_with(INVENTORY) && file.components().all(|part| matches!(part, Component::Normal(_)))
    };
    match &request.file {
        Some(file) if !below(file) => Err(EnrollError::Elsewhere(file.clone())),
        _ => Ok(()),
    }
}

impl Enrolled {
    /// Writes the key, then the inventory: a key without a row can be deleted, a row without its key is a device that nobody can
    /// flash.
    ///
    /// # Errors
    /// [`EnrollError::Key`], [`EnrollError::File`].
    pub fn write(&self, key: &Path) -> Result<(), EnrollError> {
        self.key.save(key)?;
        let mode = fs::metadata(&self.file).map_or(whole::PUBLIC, |before| before.permissions().mode());
        whole::write(&self.file, self.text.as_bytes(), (mode, Over::File)).map_err(|error| {
            // No row names it. The error that counts is the first.
            drop(fs::remove_file(key));
            EnrollError::File(self.file.clone(), error)
        })
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
        drop(enrolled);
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
    fn what_the_inventory_would_read_otherwise_is_refused() {
        let folder = fleet("steadfast.toml", "");
        let refused = |request: Request| enroll(folder.path(), &request).unwrap_err().to_string();
        let device = request("roof", Some("sensor"));
        for name in ["", "a b", "../x", ".hidden"] {
            assert!(refused(request(name, Some("sensor"))).contains("device's name"), "{name}");
        }
        for (name, value) in
            [("model", "x"), ("name", "x"), ("Site", "x"), ("set.a.b", "1"), ("site", ""), ("site", "a\nb")]
        {
            let labels = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert!(refused(Request { labels, ..device.clone() }).contains("cannot be a label"), "{name}");
        }
        for file in ["devices.csv", "inventory/../devices.csv", "/tmp/devices.csv"] {
            let file = Some(file.into());
            assert!(refused(Request { file, ..device.clone() }).contains("is not below inventory/"));
        }
    }

    #[test]
    fn a_key_without_its_row_does_not_stay() {
        let folder = fleet("inventory/file", "");
        let wanted = Request { file: Some("inventory/file/devices.csv".into()), ..request("roof", Some("sensor")) };
        let key = folder.path().join("roof.key");
        assert!(enroll(folder.path(), &wanted).unwrap().write(&key).is_err());
        assert!(!key.exists());
    }

    #[test]
    fn two_who_enroll_at_once_both_get_their_row() {
        let folder = fleet("steadfast.toml", "");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let folder = folder.path();
                scope.spawn(move || {
                    let wanted = request(&format!("device-{number}"), Some("sensor"));
                    enroll(folder, &wanted).unwrap().write(&folder.join(format!("{number}.key"))).unwrap();
                });
            }
        });
        assert_eq!(fs::read_to_string(folder.path().join(FILE_DEFAULT)).unwrap().lines().count(), 9);
    }

    #[test]
    fn a_toml_inventory_keeps_its_comments() {
        let text = "# ours\n[[device]] # the gateway\ndevice = \"0123456789abcdef0123456789abcdef\"\nname = \"gw\"\nmodel = \"gateway\"\n";
        let folder = fleet("inventory/gateways.toml", text);
        let enrolled = enroll(folder.path(), &request("gw", None)).unwrap();
        assert!(enrolled.text.starts_with(text), "{}", enrolled.text);
        drop(enrolled);
        let wanted = Request { file: Some("inventory/gateways.toml".into()), ..request("gw-2", Some("gateway")) };
        let enrolled = enroll(folder.path(), &wanted).unwrap();
        assert!(enrolled.text.starts_with(text) && enrolled.text.contains("name = \"gw-2\""), "{}", enrolled.text);
    }
}
