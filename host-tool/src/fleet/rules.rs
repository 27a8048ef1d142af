//! The files that rules are made of, and `rollout.toml`, which rules see as data.

use serde_json::Value as Json;

use super::files::{Files, ROLLOUT_FILE};
use crate::diagnostics::{Code, FileId, Finding, Findings, Sources};
use crate::policy::RULE_ENDING;
use crate::value::{Node, Table, Value, read_toml};

/// Reads what lies in `policy/`. Whether the rules make sense is found by whoever asks them.
pub(super) fn files(files: &mut Files, findings: &mut Findings) -> Vec<FileId> {
    let mut rules = Vec::new();
    for path in files.under("policy/") {
        if !path.ends_with(RULE_ENDING) {
            let message = format!("{path} is no rule, so nobody asks it");
            let help = format!("a rule file ends with {RULE_ENDING} in small letters; notes may end with .md");
            findings.add(Finding::new(Code::UnusedFile, message).help(help));
            continue;
        }
        match files.text(&path) {
            Ok(file) => rules.push(file),
            Err(finding) => findings.add(finding),
        }
    }
    rules
}

/// What `rollout.toml` says.
pub(super) fn rollout(files: &mut Files, findings: &mut Findings) -> Option<Json> {
    if !files.has(ROLLOUT_FILE) {
        return None;
    }
    let file = files.text(ROLLOUT_FILE).map_err(|finding| findings.add(finding)).ok()?;
    let text = files.sources.file(file).text.clone();
    let read = read_toml(file, &text, findings);
    Some(table(&read, &files.sources))
}

fn table(read: &Table, sources: &Sources) -> Json {
    read.entries().iter().map(|entry| (entry.name.to_string(), json(&entry.node, sources))).collect()
}

fn json(node: &Node, sources: &Sources) -> Json {
    match &node.value {
        Value::Bool(flag) => (*flag).into(),
        // What does not fit 64 bits is given as its digits.
        Value::Int(number) => i64::try_from(*number).map_or_else(|_| number.to_string().into(), Json::from),
        Value::Float(number) => (*number).into(),
        Value::Text(text) | Value::Cell(text) => (**text).into(),
        Value::Moment => sources.excerpt(node.place).marked().into(),
        Value::List(items) => items.iter().map(|item| json(item, sources)).collect(),
        Value::Table(inner) => table(inner, sources),
    }
}
