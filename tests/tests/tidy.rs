//! What a machine can check of the house style: who may depend on whom, and how files look. Each message names the
//! rule and the remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines beyond which a file holds more than one idea.
const FILE_LINES_MAX: usize = 500;

/// Which crates of this project each crate may name in its ordinary dependencies.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("core", &["steadfast-derive"]),
    ("core/derive", &[]),
    ("firmware", &["steadfast-core"]),
    ("boards/board-file", &[]),
    ("boards/emulated", &["steadfast-core", "steadfast-firmware", "steadfast-signatures"]),
    ("boards/thermometer", &["steadfast-core", "steadfast-firmware"]),
    ("boards/qemu-riscv-virt", BARE_METAL),
    ("boards/qemu-emcraft-sf2", BARE_METAL),
    ("boards/linux-gateway", &["steadfast-core"]),
    ("boards/signatures", &["steadfast-core"]),
    ("host-tool", &["steadfast-core"]),
    ("tests", &["steadfast", "steadfast-core", "steadfast-gateway", "steadfast-derive", "steadfast-signatures"]),
    ("tests/real", &["steadfast", "steadfast-core", "steadfast-gateway", "steadfast-tests"]),
    ("tests/fuzz", &["steadfast", "steadfast-core", "steadfast-firmware", "steadfast-tests"]),
    ("tests/cycles", &["steadfast-core"]),
    ("tests/size", &[]),
    ("tests/size-probe", &["steadfast-core"]),
    ("tests/xtask", &[]),
];

/// What a board of bare metal is made of.
const BARE_METAL: &[&str] = &["steadfast-core", "steadfast-emulated", "steadfast-firmware", "steadfast-thermometer"];

/// Names that say nothing about what a thing does.
const EMPTY_WORDS: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

/// Marks of work that is not done.
const UNFINISHED: &[&str] = &["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_path_buf()
}

/// Every file below `folder` with that ending, target folders and hidden ones left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is readable").map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if name.starts_with('.') || name.starts_with("target") {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| (path.strip_prefix(root()).unwrap().to_path_buf(), fs::read_to_string(&path).unwrap());
    files(&root(), ".rs").into_iter().map(read).collect()
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let read = |path: PathBuf| {
        let folder = path.parent().unwrap().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        (folder, fs::read_to_string(&path).unwrap().parse().unwrap())
    };
    files(&root(), "Cargo.toml").into_iter().map(read).collect()
}

fn report(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n  {}", found.join("\n  "));
}

#[test]
fn dependencies_point_one_way() {
    let manifests = manifests();
    let ours: BTreeSet<&str> =
        manifests.values().filter_map(|manifest| manifest.get("package")?.get("name")?.as_str()).collect();
    let allowed: BTreeMap<_, _> = MAY_DEPEND_ON.iter().copied().collect();
    let mut wrong = Vec::new();
    for (folder, manifest) in manifests.iter().filter(|(folder, _)| !folder.is_empty()) {
        let Some(may) = allowed.get(folder.as_str()) else {
            wrong.push(format!("{folder} is not in the list of this test: add it with what it may depend on"));
            continue;
        };
        let named =
            manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
        wrong.extend(
            named
                .filter(|name| ours.contains(name.as_str()) && !may.contains(&name.as_str()))
                .map(|name| format!("{folder} names {name}")),
        );
    }
    report(
        "Dependencies go boards -> firmware -> core <- host-tool <- tests. Move the code, or turn the dependency round.",
        &wrong,
    );
}

#[test]
fn every_version_stands_once() {
    let mut wrong = Vec::new();
    for (folder, manifest) in manifests().iter().filter(|(folder, _)| !folder.is_empty()) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(kind).and_then(toml::Value::as_table);
            for (name, value) in table.into_iter().flatten() {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    wrong.push(format!("{folder}: {name}"));
                }
            }
        }
    }
    report(
        "Versions stand in [workspace.dependencies] of the root Cargo.toml; write `name = { workspace = true }`.",
        &wrong,
    );
}

#[test]
fn every_file_says_what_it_is() {
    let silent =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path.display().to_string());
    report(
        "Open each file with `//!`: what it is in a sentence, why it is so, its invariants.",
        &silent.collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_holds_two_ideas() {
    let long = sources().into_iter().map(|(path, text)| (path, text.lines().count()));
    let long = long
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()));
    report("A file beyond 500 lines usually holds two ideas: split it by idea.", &long.collect::<Vec<_>>());
}

#[test]
fn names_say_what_things_do() {
    let mut empty = Vec::new();
    for (path, text) in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().to_lowercase();
        if EMPTY_WORDS.contains(&stem.as_str()) || EMPTY_WORDS.contains(&folder.as_str()) {
            empty.push(path.display().to_string());
        }
        let getter = |line: &&str| line.trim_start().trim_start_matches("pub ").starts_with("fn get_");
        empty.extend(text.lines().filter(getter).map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    report("Name a thing by what it does; no `get_`, Manager, Helper, util, common.", &empty);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut found = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.ends_with("tests/tests/tidy.rs")) {
        for (number, line) in text.lines().enumerate() {
            if UNFINISHED.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    report("Finish it, or take it out.", &found);
}

#[test]
fn unsafe_stays_at_the_hardware() {
    let mut found = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.ends_with("tests/tests/tidy.rs")) {
        let allowed = path.starts_with("firmware") || path.starts_with("boards");
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !(code.contains("unsafe {") || code.contains("unsafe impl") || code.contains("unsafe fn")) {
                continue;
            }
            let place = format!("{}:{}", path.display(), number + 1);
            let explained = lines[number.saturating_sub(6)..=number]
                .iter()
                .any(|line| line.contains("SAFETY:") || line.contains("# Safety"));
            if !allowed {
                found.push(format!("{place}: unsafe outside firmware and boards"));
            } else if !explained {
                found.push(format!("{place}: say why it is sound, in `// SAFETY:` just above"));
            }
        }
    }
    report("`unsafe` only in firmware and boards, in the smallest block, with its reason.", &found);
}
