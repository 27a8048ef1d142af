//! A change in one role's layer: its plan fits on a screen, and says what an independent reading of the same files says.
//!
//! That reading shares nothing with the compiler: it takes the files apart itself, and looks for each device which of its layers is the last
//! to have a value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::convert::Fleet;
use crate::repository::Repository;
use crate::rollout::Programs;

/// The layer that is changed.
const LAYER: &str = "layers/role/corerouter.toml";

/// What is changed in it: old, new, and the field.
const EDITS: [(&str, &str, &str); 2] = [
    ("profile = \"disable\"", "profile = \"freifunk_default\"", "wireless.profile"),
    ("\nenabled = false", "\nenabled = true", "services.adblock.enabled"),
];

/// The fleet's levels, first to last, each with the label that names its files.
const LEVELS: [(&str, &str); 6] = [
    ("common", ""),
    ("role", "role"),
    ("target", "target"),
    ("hardware", "hardware"),
    ("site", "site"),
    ("host", "name"),
];

/// Most lines of the plan, and most columns of each.
const SCREEN: (usize, usize) = (50, 120);

/// Device, field, old, new.
type Changes = BTreeSet<(String, String, String, String)>;

/// Commits the change, and holds its plan against the other reading.
///
/// # Errors
/// When the plan is too long, or not the same.
pub(crate) fn run(folder: &Path, fleet: &Fleet, programs: &Programs) -> Result<()> {
    let repository = Repository::write(folder, &fleet.files)?;
    repository.commit("before")?;
    let mut after = fleet.files.clone();
    let text = after.get_mut(LAYER).with_context(|| format!("the network has no {LAYER}"))?;
    for (old, new, _) in EDITS {
        ensure!(text.matches(old).count() == 1, "{LAYER} has not {old:?} once");
        *text = text.replace(old, new);
    }
    repository.put(LAYER, text.as_bytes())?;
    repository.commit("a role's layer")?;

    let text = programs.steadfast(folder, &["plan"])?;
    let (lines, columns) = (text.lines().count(), text.lines().map(|line| line.chars().count()).max().unwrap_or(0));
    ensure!(lines <= SCREEN.0 && columns <= SCREEN.1, "{lines} lines of up to {columns} columns:\n{text}");
    let told = told(&serde_json::from_str(&programs.steadfast(folder, &["plan", "--format", "json"])?)?)?;
    let expected = recomputed(&fleet.files, &after)?;
    let devices: BTreeSet<&String> = expected.iter().map(|(device, ..)| device).collect();
    println!("# A change in {LAYER}\n\n{text}");
    println!(
        "{lines} lines of up to {columns} columns; {} changes of {} devices, the same when recomputed\n",
        told.len(),
        devices.len()
    );
    ensure!(!expected.is_empty(), "the other reading finds no change");
    let differing: Vec<_> = told.symmetric_difference(&expected).take(5).collect();
    ensure!(differing.is_empty(), "plan and recomputation differ in {differing:?}");
    Ok(())
}

/// What a plan says as JSON.
fn told(plan: &Json) -> Result<Changes> {
    let list = |value: &Json, name: &str| value[name].as_array().cloned().with_context(|| format!("no list {name}"));
    let word = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut changes = Changes::new();
    for group in list(plan, "groups")? {
        for field in list(&group, "fields")? {
            for device in list(&group["devices"], "list")? {
                let value = |side: &str| word(&field[side]["value"]);
                changes.insert((word(&device["name"]), word(&field["path"]), value("old"), value("new")));
            }
        }
    }
    Ok(changes)
}

/// The same, from the files of both commits.
fn recomputed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Result<Changes> {
    let mut changes = Changes::new();
    for device in devices(before)? {
        for (.., path) in EDITS {
            let (old, new) = (value(before, &device, path)?, value(after, &device, path)?);
            if old != new {
                changes.insert((device["name"].clone(), path.to_owned(), old, new));
            }
        }
    }
    Ok(changes)
}

/// Each device's labels, its name among them.
fn devices(files: &BTreeMap<String, String>) -> Result<Vec<BTreeMap<String, String>>> {
    let mut devices = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("inventory/")) {
        if path.ends_with(".csv") {
            ensure!(!text.contains('"'), "{path} has quotes, which this reading does not know");
            let mut lines = text.lines();
            let heads: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
            let row = |line: &str| {
                heads.iter().zip(line.split(',')).map(|(head, cell)| ((*head).to_owned(), cell.to_owned())).collect()
            };
            devices.extend(lines.map(row).collect::<Vec<BTreeMap<_, _>>>());
        } else {
            let table: Table = text.parse()?;
            for device in table["device"].as_array().context("no [[device]]")? {
                let cells = device.as_table().context("no table")?.iter();
                devices
                    .push(cells.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect());
            }
        }
    }
    for device in &mut devices {
        let implied = format!("labels/hardware/{}.toml", device["hardware"]);
        let table: Table = files.get(&implied).map_or_else(|| Ok(Table::new()), |text| text.parse())?;
        device.extend(table.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))));
    }
    Ok(devices)
}

/// What the last of a device's layers says that says anything.
fn value(files: &BTreeMap<String, String>, device: &BTreeMap<String, String>, path: &str) -> Result<String> {
    let mut found = String::from("nothing");
    for (level, label) in LEVELS {
        let file = match device.get(label) {
            _ if label.is_empty() => format!("layers/{level}.toml"),
            Some(value) => format!("layers/{level}/{value}.toml"),
            None => continue,
        };
        let Some(text) = files.get(&file) else { continue };
        let table: Table = text.parse().with_context(|| file.clone())?;
        let unset = table.get("unset").and_then(Value::as_array).into_iter().flatten();
        ensure!(!unset.filter_map(Value::as_str).any(|gone| path.starts_with(gone)), "{file} unsets {path}");
        let mut parts = path.split('.');
        let first = table.get(parts.next().unwrap_or_default());
        if let Some(value) = parts.fold(first, |at, part| at.and_then(|at| at.get(part))) {
            found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        }
    }
    Ok(found)
}
