//! What is printed of each wrong input, kept in text files: a change of wording is seen by whoever reviews it.
//!
//! `STEADFAST_SNAPSHOTS=write cargo test -p steadfast-tests --test authoring_catalogue` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use steadfast::diagnostics::{Code, Color, Diagnostic, Diagnostics};
use steadfast_tests::fleet_folder::FleetFolder;

/// Where the files lie.
const FOLDER: &str = "tests/authoring_catalogue";

/// Stands for the temporary folder of a case.
const MASK: &str = "FOLDER";

/// Faults without a line to show, since no line is wrong: of the repository as such, or of the fleet as a whole.
const WITHOUT_PLACE: &[Code] = &[
    Code::NotARepository,
    Code::NoFleet,
    Code::UnknownCommit,
    Code::ShallowClone,
    Code::RewrittenHistory,
    Code::DirtyTree,
    Code::BrokenRepository,
    Code::NoDevices,
    // Of a link: nothing of it is read.
    Code::UnreadableFile,
];

/// Faults of layers that hit nobody, or of whom nobody knows whom they hit.
const WITHOUT_DEVICES: &[Code] =
    &[Code::UnusedFile, Code::IdlePatch, Code::MissingMatch, Code::BadMatch, Code::UnknownLabel];

/// A wrong input and everything that was said about it.
pub(super) struct Said {
    name: String,
    folder: PathBuf,
    diagnostics: Diagnostics,
}

impl Said {
    pub(super) fn new(name: &str, folder: &FleetFolder, diagnostics: Diagnostics) -> Self {
        Self { name: name.to_owned(), folder: folder.path().to_owned(), diagnostics }
    }

    fn text(&self) -> String {
        let text = self.diagnostics.to_text(Color::Never);
        // The folder may be gone, or lie behind a link.
        let found = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        text.replace(&*self.folder.to_string_lossy(), MASK).replace(&*found.to_string_lossy(), MASK)
    }
}

/// Each has a next step; a place with its excerpt and mark, unless nothing can be pointed at; and the number of devices
/// hit, where devices have what is wrong.
pub(super) fn must_have_its_parts(said: &[Said]) {
    for one in said {
        let text = one.diagnostics.to_text(Color::Never);
        for diagnostic in one.diagnostics.list() {
            if let Some(part) = missing_part(diagnostic, &text) {
                panic!("{}: no {part}:\n{text}", one.name);
            }
        }
    }
}

fn missing_part(one: &Diagnostic, text: &str) -> Option<&'static str> {
    if one.help().is_empty() || !text.contains("help: ") {
        return Some("next step");
    }
    let Some(at) = one.position() else { return (!WITHOUT_PLACE.contains(&one.code())).then_some("place") };
    if !text.contains(&format!("--> {}:{}:{}", at.path, at.line, at.column)) || !text.contains('^') {
        return Some("excerpt with a mark");
    }
    if one.devices() > 0 {
        let counted = format!("note: {} device", one.devices());
        return (!text.contains(&counted)).then_some("count of devices");
    }
    // A device of a row or label that cannot be read is not in the fleet; what settings and schemas say concerns all of it.
    let of_devices = at.path.starts_with("layers/") && !WITHOUT_DEVICES.contains(&one.code());
    of_devices.then_some("count of devices")
}

/// Holds what was said against the file of this group.
pub(super) fn compare(group: &str, said: &[Said]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(format!("{group}.txt"));
    let sections: Vec<String> = said.iter().map(section).collect();
    if std::env::var_os("STEADFAST_SNAPSHOTS").is_some_and(|value| value == "write") {
        std::fs::write(&path, sections.concat()).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<&str> =
        sections.iter().filter(|section| !kept.contains(section.as_str())).map(String::as_str).collect();
    assert!(
        changed.is_empty() && kept.len() == sections.concat().len(),
        "{} is not what is said now; if this is better, write it anew with STEADFAST_SNAPSHOTS=write:\n\n{}",
        path.display(),
        changed.join("\n")
    );
}

/// A heading, then the text without spaces at the ends of its lines.
fn section(said: &Said) -> String {
    let mut section = format!("# {}\n\n", said.name);
    for line in said.text().trim_end().lines() {
        writeln!(section, "{}", line.trim_end()).unwrap();
    }
    section + "\n\n"
}

/// The kinds of fault that there are, by the source of the list itself.
fn all_codes() -> Vec<String> {
    let source = include_str!("../../../host-tool/src/diagnostics/code.rs");
    let list = source.split("pub enum Code {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let lines = list.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.is_empty());
    lines.map(|line| line.trim_end_matches(',').to_owned()).collect()
}

/// Kinds that no small fleet can show, and those of signed commits, which `signing_commands` of the program shows.
const NOT_SHOWN: &[&str] = &["TooManyLeaves", "UnsignedCommit", "BadCommitSignature", "BadAllowedSigners"];

/// The inputs that are kept, over all files: their number, and what they show.
#[test]
fn every_kind_of_fault_is_shown_and_there_are_more_than_sixty_inputs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let paths = |folder: &Path, ending: &'static str| {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect::<Vec<_>>()
    };
    let kept: String = paths(&folder.join("authoring_catalogue"), ".txt").into_iter().map(text).collect();
    let inputs = kept.lines().filter(|line| line.starts_with("# ")).count();
    assert!(inputs >= 60, "{inputs}");
    // What other suites of authoring look at closely is not repeated here.
    let others = paths(&folder, ".rs").into_iter().filter(|path| path.to_string_lossy().contains("authoring_"));
    let others: String = others.filter(|path| !path.ends_with("authoring_catalogue.rs")).map(text).collect();
    let shown = |code: &str| {
        let named = code.chars().fold(String::new(), |mut name, letter| {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
            name
        });
        kept.contains(&format!("[{named}]: ")) || others.contains(&format!("Code::{code}"))
    };
    let codes = all_codes();
    assert!(codes.len() >= 60, "{codes:?}");
    let hidden: Vec<&String> =
        codes.iter().filter(|code| !shown(code) && !NOT_SHOWN.contains(&code.as_str())).collect();
    assert!(hidden.is_empty(), "no wrong input shows {hidden:?}");
}
