//! Levels: the entries of `layers` in `steadfast.toml`, and the files that each of them asks for.

use std::sync::Arc;

use super::inventory::is_file_name;
use crate::diagnostics::{Code, Finding, Place, closest};

/// One entry of `layers` in `steadfast.toml`.
#[derive(Clone, Debug)]
pub(super) struct Level {
    text: Arc<str>,
    place: Place,
    parts: Vec<Part>,
    optional: bool,
    /// The folder of patches, with its `/`, where the level is one.
    folder: Option<String>,
}

#[derive(Clone, Debug)]
enum Part {
    Plain(String),
    Label(Arc<str>),
}

/// Gives a label's value and where it was given.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<(Arc<str>, Place)>;

impl Level {
    /// Reads `site/{site}?` or `patches/*`.
    ///
    /// # Errors
    /// What cannot be understood.
    pub(super) fn parse(text: &Arc<str>, place: Place) -> Result<Self, Finding> {
        let bad = |why: &str| {
            let help = "a level is a path below layers/ without .toml, as in \"site/{site}\"; `?` at the end marks it optional";
            Finding::new(Code::BadLevel, format!("`{text}` {why}")).help(help)
        };
        let (path, optional) = text.strip_suffix('?').map_or((&**text, false), |path| (path, true));
        if path.contains('*') {
            let folder = path.strip_suffix("/*").filter(|folder| !optional && folder.split('/').all(is_file_name));
            let folder = folder.ok_or_else(|| {
                let help = "patches are all files of one folder, as in \"patches/*\"; which devices each is for says its `match`";
                bad("is no folder of patches").help(help)
            })?;
            let folder = Some(format!("layers/{folder}/"));
            return Ok(Self { text: text.clone(), place, parts: Vec::new(), optional, folder });
        }
        let mut parts = Vec::new();
        let mut rest = path;
        while let Some((plain, after)) = rest.split_once('{') {
            let (label, after) = after.split_once('}').ok_or_else(|| bad("has a `{` without its `}`"))?;
            if label.is_empty() {
                return Err(bad("has an empty label"));
            }
            parts.push(Part::Plain(plain.to_owned()));
            parts.push(Part::Label(label.into()));
            rest = after;
        }
        parts.push(Part::Plain(rest.to_owned()));
        let steps = path.replace(['{', '}'], "");
        if rest.contains('}') || !steps.split('/').all(is_file_name) {
            return Err(bad("is no path"));
        }
        Ok(Self { text: text.clone(), place, parts, optional, folder: None })
    }

    /// As it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a device may do without its file.
    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    /// The folder of patches, with its `/`.
    pub(super) fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// Whether devices with the same labels may have different files.
    pub(super) fn by_name(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Label(label) if &**label == "name"))
    }

    /// The path of this level's file for one device.
    ///
    /// # Errors
    /// A label that is missing, or that names no file.
    pub(super) fn path(&self, lookup: Lookup<'_>) -> Result<String, Finding> {
        let mut path = "layers/".to_owned();
        for part in &self.parts {
            match part {
                Part::Plain(text) => path.push_str(text),
                Part::Label(label) => {
                    let (value, place) = lookup(label).ok_or_else(|| self.missing_label(label))?;
                    if !is_file_name(&value) {
                        let message = format!("`{value}` cannot be part of a layer's path");
                        let help = "a label that names a file has letters, digits, `-`, `_` and `.` only";
                        return Err(Finding::new(Code::BadName, message)
                            .at(place)
                            .note(self.place, "asks for it")
                            .help(help));
                    }
                    path.push_str(&value);
                }
            }
        }
        path.push_str(".toml");
        Ok(path)
    }

    /// Whether a device lacks a label that the level asks for.
    pub(super) fn lacks_label(&self, lookup: Lookup<'_>) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Label(label) if lookup(label).is_none()))
    }

    fn missing_label(&self, label: &str) -> Finding {
        let message = format!("the level `{}` needs the label `{label}`, which some devices do not have", self.text);
        let help = match closest(label, ["name", "model"]) {
            Some(near) if label != near => format!("did you mean {{{near}}}?"),
            _ => "give them the label in the inventory or in labels/, or mark the level optional with `?`".to_owned(),
        };
        Finding::new(Code::MissingLabel, message).at(self.place).help(help)
    }

    /// Points at the label's value, which is where a misspelt one is corrected.
    pub(super) fn missing_file(&self, path: &str, lookup: Lookup<'_>) -> Finding {
        let message = format!("there is no {path}");
        let finding = Finding::new(Code::MissingLayer, message);
        let label = self.parts.iter().rev().find_map(|part| match part {
            Part::Label(label) => lookup(label),
            Part::Plain(_) => None,
        });
        let help = "add the file (it may be empty), correct the label, or mark the level optional with `?`";
        match label {
            Some((_, place)) => finding.at(place).note(self.place, "the level that asks for it").help(help),
            None => finding.at(self.place).help(help),
        }
    }

    /// A patch in the place of an ordinary layer.
    pub(super) fn is_patch(&self, path: &str) -> Finding {
        let message = format!("`{}` asks for {path}, which is a patch of another level", self.text);
        let help = "keep patches in a folder of their own, which no other level leads into";
        Finding::new(Code::BadLevel, message).at(self.place).help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FileId;

    fn level(text: &str) -> Result<Level, Finding> {
        Level::parse(&text.into(), Place::new(FileId(0), 0..0))
    }

    #[test]
    fn levels_become_paths() {
        let lookup = |label: &str| (label == "site").then(|| ("berlin".into(), Place::new(FileId(0), 0..0)));
        assert_eq!(level("common").unwrap().path(&lookup).unwrap(), "layers/common.toml");
        assert_eq!(level("site/{site}-x?").unwrap().path(&lookup).unwrap(), "layers/site/berlin-x.toml");
        assert_eq!(level("patches/*").unwrap().folder(), Some("layers/patches/"));
        assert!(level("region/{region}?").unwrap().lacks_label(&lookup));
        assert_eq!(level("region/{region}").unwrap().path(&lookup).unwrap_err().code(), Code::MissingLabel);
    }

    #[test]
    fn levels_that_lead_elsewhere_are_refused() {
        for wrong in [
            "",
            "../x",
            "/x",
            "a//b",
            "a/{b",
            "a/b}",
            "a/{}",
            "*",
            "patches/*?",
            "{site}/*",
            "patches/*/x",
            "../*",
            "a b",
            ".hidden",
        ] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
    }
}
