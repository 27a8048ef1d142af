//! `init` and `fmt` as somebody meets them who starts: what is written holds together, and one form of it changes nothing.

mod rig;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rig::{git, steadfast};
use serde_json::Value;

/// A folder with all that `init` writes, committed.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    steadfast(folder.path(), &["init", "--name", "trial"]).fine();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "first"]);
    folder
}

/// Every TOML file below a folder, by its path.
fn toml_files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
        let path = entry.path();
        if path.is_dir() {
            found.extend(toml_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[test]
fn what_init_writes_passes_check_fmt_and_its_own_rules_unedited() {
    let folder = repository();
    let check = steadfast(folder.path(), &["check"]);
    assert_eq!(check.err, "policy: 6 rules asked (the head's alone): none denies\n");
    assert!(check.fine().contains("devices: 4"));
    steadfast(folder.path(), &["fmt", "--check"]).fine();
    let cases = steadfast(folder.path(), &["policy", "test"]).fine();
    assert!(cases.ends_with("0 failed\n"), "{cases}");
}

#[test]
fn below_the_top_of_a_repository_init_writes_no_jobs() {
    let folder = repository();
    let written = steadfast(folder.path(), &["init", "fleets/prod"]);
    assert!(written.err.contains("top of the repository"), "{}", written.err);
    assert!(!written.fine().contains(".gitlab-ci.yml"));
    steadfast(folder.path(), &["check", "--worktree", "--fleet", "fleets/prod"]).fine();
}

#[test]
fn the_simulated_gateway_knows_the_schema_that_the_fleet_has_for_it() {
    let folder = repository();
    let shown = steadfast(folder.path(), &["schema", "list", "--format", "json"]).fine();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let gateway = shown["schemas"].as_array().unwrap().iter().find(|schema| schema["model"] == "gateway").unwrap();
    let config = fs::read_to_string(folder.path().join("simulator/gateway.toml")).unwrap();
    assert!(config.contains(&format!("schema = {}", gateway["id"])), "{config}");
}

#[test]
fn the_rollout_file_ends_with_a_wave_for_all_and_says_what_an_abort_does() {
    let folder = repository();
    let text = fs::read_to_string(folder.path().join("rollout.toml")).unwrap();
    let rollout: toml::Table = text.parse().unwrap();
    let waves = rollout["wave"].as_array().unwrap();
    assert!(waves.len() > 1 && waves.iter().all(|wave| wave.get("name").is_some()), "{text}");
    assert_eq!(waves.last().unwrap()["percent"].as_integer(), Some(100));
    assert_eq!(rollout["on_abort"]["devices"].as_str(), Some("return"));
}

/// What GitHub and GitLab would be told, as data.
fn jobs(folder: &Path) -> Vec<(&'static str, Value)> {
    let files = [".github/workflows/steadfast.yml", ".github/workflows/steadfast-comment.yml", ".gitlab-ci.yml"];
    let read = |path| (path, serde_saphyr::from_str(&fs::read_to_string(folder.join(path)).unwrap()).unwrap());
    files.into_iter().map(read).collect()
}

/// Every script line of a document.
fn scripts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let lines = match value {
                    Value::String(line) => vec![line.clone()],
                    Value::Array(lines) => lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect(),
                    _ => Vec::new(),
                };
                if ["run", "script", "before_script"].contains(&key.as_str()) {
                    found.extend(lines);
                }
                scripts(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| scripts(item, found)),
        _ => {}
    }
}

#[test]
fn jobs_see_the_whole_history_and_paste_nothing_into_scripts() {
    let folder = repository();
    for (path, document) in jobs(folder.path()) {
        let mut lines = Vec::new();
        scripts(&document, &mut lines);
        assert!(lines.len() > 1 || path.contains("comment"), "{path}");
        for line in &lines {
            assert!(!line.contains("${{"), "{path}: an expression in a script runs what its author wrote: {line}");
        }
        let text = document.to_string();
        if path == ".gitlab-ci.yml" {
            assert_eq!(document["variables"]["GIT_DEPTH"], "0");
        } else if !path.contains("comment") {
            assert_eq!(text.matches("actions/checkout@").count(), text.matches("\"fetch-depth\":0").count());
            assert_eq!(document["permissions"], serde_json::json!({ "contents": "read" }));
        } else {
            assert!(!text.contains("actions/checkout"), "what may write must not see what strangers send");
        }
        assert!(!text.contains("pull_request_target"), "{path}");
    }
}

#[test]
fn jobs_use_only_commands_that_there_are() {
    let folder = repository();
    for (path, document) in jobs(folder.path()) {
        let mut scripts_of = Vec::new();
        scripts(&document, &mut scripts_of);
        for line in scripts_of.iter().flat_map(|script| script.lines()) {
            let Some(words) = line.trim().strip_prefix("steadfast ") else { continue };
            let words = words.split_whitespace().take_while(|word| ![">", "||"].contains(word));
            let mut command: Vec<&str> = words.collect();
            command.push("--help");
            let done = steadfast(folder.path(), &command);
            assert_eq!(done.code, Some(0), "{path}: {line}: {}", done.err);
        }
    }
}

#[test]
fn shell_in_jobs_is_shell() {
    let folder = repository();
    for (path, document) in jobs(folder.path()) {
        let mut found = Vec::new();
        scripts(&document, &mut found);
        for script in found {
            let parsed = std::process::Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(parsed.status.success(), "{path}: {script}\n{}", String::from_utf8_lossy(&parsed.stderr));
        }
    }
}

#[test]
fn formatting_changes_no_byte_of_what_is_built() {
    let folder = repository();
    let path = folder.path();
    steadfast(path, &["keys", "new"]).fine();
    for (file, text) in toml_files(path) {
        // Everything that does not change what a line says; nothing has texts of several lines.
        let messy = text.replace(" = ", "=").replace("\n[", "\n\n\n  [").replace("]\n", "]   \n");
        fs::write(file, messy).unwrap();
    }
    let build = |name: &str| {
        steadfast(path, &["build", "--worktree", "--out", name]).fine();
        fs::read(path.join(name)).unwrap()
    };
    let before = build("before.pack");
    let told = steadfast(path, &["fmt", "--check"]);
    assert!(told.out.contains("layers/common.toml:") && told.err.contains("of another form"), "{}", told.out);
    assert_eq!(told.code, Some(2));
    let messy = toml_files(path);
    assert_eq!(build("between.pack"), before, "--check wrote something");
    steadfast(path, &["fmt"]).fine();
    assert_ne!(toml_files(path), messy);
    assert!(build("after.pack") == before, "formatting changed what devices get");
    steadfast(path, &["fmt", "--check"]).fine();
}

#[test]
fn the_example_fleet_has_the_one_form() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/fleet");
    steadfast(Path::new(example), &["fmt", "--check"]).fine();
}

#[test]
fn where_one_file_is_no_toml_none_is_written() {
    let folder = repository();
    let common = folder.path().join("layers/common.toml");
    fs::write(&common, "a=1\n").unwrap();
    fs::write(folder.path().join("layers/site/office.toml"), "b = \n").unwrap();
    let refused = steadfast(folder.path(), &["fmt"]).failed(1);
    assert!(refused.contains("layers/site/office.toml"), "{refused}");
    assert_eq!(fs::read_to_string(common).unwrap(), "a=1\n");
}
