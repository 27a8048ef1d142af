//! Finds the files of the data, reads them, and says what it did not understand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use super::{Source, Vars};

/// Where hosts and networks stand, a file for each site.
const SITES: &str = "locations";
/// Where shared variables stand, a file or folder for each group.
const GROUPS: &str = "group_vars";
/// The largest file that is taken for YAML; the real ones have a few kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why the data cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// Nothing is there.
    #[error("there is no folder {}: give the one that holds {SITES}/ and {GROUPS}/ to --data", .0.display())]
    Missing(PathBuf),
    /// Something else is there.
    #[error("{} is not the data of such a network: {why}. Give the folder that holds {SITES}/ and {GROUPS}/ to --data", folder.display())]
    SomethingElse { folder: PathBuf, why: String },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A file is larger than such a file can be.
    #[error("{} has {bytes} bytes: no file of such a network has more than {FILE_BYTES_MAX}", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    /// A file is no YAML, or holds another type than a variable has.
    #[error("{}: {why}", path.display())]
    Yaml { path: PathBuf, why: String },
}

/// A key that no struct names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    /// The file, relative to the folder.
    pub(crate) file: String,
    /// The path of keys inside it.
    pub(crate) key: String,
}

/// Reads the data in `folder`, or in its only sub-folder that has such data.
///
/// # Errors
/// [`SourceError`] names the folder or file and what to do.
pub(crate) fn read(folder: &Path) -> Result<Source, SourceError> {
    let folder = find(folder)?;
    let mut source = Source::default();
    for path in files(&folder.join(GROUPS))? {
        let Some((kind, name)) = group(&path, &folder) else { continue };
        let vars = read_file(&path, &folder, &mut source)?;
        let groups = match kind {
            Kind::Role => &mut source.roles,
            Kind::Target => &mut source.targets,
            Kind::Model => &mut source.models,
        };
        if groups.insert(name.clone(), vars).is_some() {
            let why = format!("the group {name} has two files, and this converter takes one");
            return Err(SourceError::Yaml { path, why });
        }
    }
    for path in files(&folder.join(SITES))? {
        let site = read_file(&path, &folder, &mut source)?;
        source.sites.push(site);
    }
    if source.sites.iter().all(|site| site.hosts.is_empty()) {
        return Err(SourceError::SomethingElse { folder, why: format!("{SITES}/ has no hosts") });
    }
    Ok(source)
}

fn find(folder: &Path) -> Result<PathBuf, SourceError> {
    if !folder.is_dir() {
        return Err(SourceError::Missing(folder.to_owned()));
    }
    let fits = |folder: &Path| folder.join(SITES).is_dir() && folder.join(GROUPS).is_dir();
    if fits(folder) {
        return Ok(folder.to_owned());
    }
    let mut below: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| fits(path)).collect();
    match (below.pop(), below.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => {
            Err(SourceError::SomethingElse { folder: folder.to_owned(), why: "it holds several of them".to_owned() })
        }
        (None, _) => Err(SourceError::SomethingElse {
            folder: folder.to_owned(),
            why: format!("it has no {SITES}/ and {GROUPS}/"),
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Role,
    Target,
    Model,
}

/// Which group a file speaks of: `model_x.yml`, `target_x`, `role_x/anything.yml`.
fn group(path: &Path, folder: &Path) -> Option<(Kind, String)> {
    let relative = path.strip_prefix(folder.join(GROUPS)).ok()?;
    let first = relative.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".yml").unwrap_or(first);
    let kinds = [("role_", Kind::Role), ("target_", Kind::Target), ("model_", Kind::Model)];
    kinds.into_iter().find_map(|(prefix, kind)| Some((kind, name.strip_prefix(prefix)?.to_owned())))
}

/// Every file below a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let io = |source| SourceError::Io { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(io)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>().map_err(io)?;
    paths.sort();
    Ok(paths)
}

fn read_file(path: &Path, folder: &Path, source: &mut Source) -> Result<Vars, SourceError> {
    let io = |source| SourceError::Io { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(SourceError::TooLarge { path: path.to_owned(), bytes });
    }
    let text = fs::read_to_string(path).map_err(io)?;
    let file = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let yaml = |error: serde_saphyr::Error| SourceError::Yaml { path: path.to_owned(), why: error.to_string() };
    let (vars, ignored) = parse(&text).map_err(yaml)?;
    source.ignored.extend(ignored.into_iter().map(|key| Ignored { file: file.clone(), key }));
    source.values += count(&text).map_err(yaml)?;
    Ok(vars)
}

/// Booleans are `true` and `false` and nothing else: a profile called `no` must stay a name.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true }
}

/// The variables of a text, and the keys that mean nothing.
fn parse(text: &str) -> Result<(Vars, Vec<String>), serde_saphyr::Error> {
    let mut ignored = Vec::new();
    let vars: Vars = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |yaml| {
        serde_ignored::deserialize(yaml, |path| ignored.push(path.to_string()))
    })?;
    Ok((vars, ignored))
}

/// How many scalars a text holds, keys not counted.
fn count(text: &str) -> Result<usize, serde_saphyr::Error> {
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), |yaml| Count.deserialize(yaml))
}

struct Count;

impl<'de> DeserializeSeed<'de> for Count {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_str<E>(self, _: &str) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut sum = 0;
        while let Some(count) = items.next_element_seed(Self)? {
            sum += count;
        }
        Ok(sum)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<usize, A::Error> {
        let mut sum = 0;
        while entries.next_key::<IgnoredAny>()?.is_some() {
            sum += entries.next_value_seed(Self)?;
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_given_back() {
        let text = "location: north\nnetworks:\n- role: uplink\n  vid: 50\n  egres: 10\n";
        let (vars, ignored) = parse(text).unwrap();
        assert_eq!(vars.networks[0].vid, Some(50));
        assert_eq!(ignored, ["networks.0.egres"]);
        assert_eq!(count(text).unwrap(), 4);
    }

    #[test]
    fn words_that_look_like_booleans_stay_words() {
        assert_eq!(parse("wireless_profile: no\n").unwrap().0.wireless_profile.as_deref(), Some("no"));
        assert!(parse("wifi_roaming: yes\n").is_err());
    }

    #[test]
    fn another_folder_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let here = |path: &Path| read(path).unwrap_err().to_string();
        assert!(here(&folder.path().join("absent")).contains("there is no folder"));
        assert!(here(folder.path()).contains("has no locations/ and group_vars/"));
        fs::create_dir_all(folder.path().join(SITES)).unwrap();
        fs::create_dir_all(folder.path().join(GROUPS)).unwrap();
        assert!(here(folder.path()).contains("has no hosts"));
        fs::write(folder.path().join(SITES).join("north.yml"), "hosts: 7\n").unwrap();
        assert!(here(folder.path()).contains("north.yml"));
    }
}
