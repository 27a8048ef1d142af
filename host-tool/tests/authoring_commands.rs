//! The commands of authors as a script sees them: exit codes, what goes to which stream, nothing overwritten.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn steadfast(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steadfast")).current_dir(folder).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with what `init` writes.
fn started() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = steadfast(folder.path(), &["init", "--minimal", "--name", "trial"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    folder
}

fn replace(folder: &Path, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(path)).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(folder.join(path), text.replace(from, to)).unwrap();
}

#[test]
fn init_writes_a_fleet_that_checks_and_never_overwrites() {
    let folder = started();
    let output = steadfast(folder.path(), &["check", "--worktree"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(stdout(&output).contains("devices: 1"));
    let before = std::fs::read(folder.path().join("steadfast.toml")).unwrap();
    let again = steadfast(folder.path(), &["init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("overwrites nothing"), "{}", stderr(&again));
    assert_eq!(std::fs::read(folder.path().join("steadfast.toml")).unwrap(), before);
}

#[test]
fn a_dry_run_of_init_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = steadfast(folder.path(), &["init", "--dry-run", "--name", "trial"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("would write"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_shows_errors_to_people_and_to_programs() {
    let folder = started();
    replace(folder.path(), "layers/site/office.toml", "period_ms", "perod_ms");
    let text = steadfast(folder.path(), &["check", "--worktree"]);
    assert_eq!((text.status.code(), stdout(&text).as_str()), (Some(1), ""));
    for expected in
        ["error[unknown-field]", "layers/site/office.toml:4:1", "1 device: sensor-1", "did you mean `period_ms`?"]
    {
        assert!(stderr(&text).contains(expected), "{expected} in {}", stderr(&text));
    }
    let json = steadfast(folder.path(), &["check", "--worktree", "--format", "json"]);
    assert_eq!((json.status.code(), stderr(&json).as_str()), (Some(1), ""));
    let document: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!((document["format"].as_u64(), &document["compiled"]), (Some(1), &Value::Null));
    let one = &document["diagnostics"][0];
    let place = (one["file"].as_str(), one["line"].as_u64(), one["column"].as_u64());
    assert_eq!(place, (Some("layers/site/office.toml"), Some(4), Some(1)));
    assert_eq!((one["code"].as_str(), one["severity"].as_str()), (Some("unknown-field"), Some("error")));
    assert_eq!((one["devices"].as_u64(), one["examples"][0].as_str()), (Some(1), Some("sensor-1")));
}

#[test]
fn a_schema_that_cannot_express_a_value_has_its_own_exit_code() {
    let folder = started();
    replace(folder.path(), "steadfast.toml", "slot_bytes", "schemas = [\"old.toml\", \"sensor.toml\"]\nslot_bytes");
    let old = "[section.network.fields]\nserver = { type = \"text\", max = 64, default = \"\" }\n[section.sampling.fields]\nother = { type = \"u8\", default = 1 }\n";
    std::fs::write(folder.path().join("schemas/sensor/old.toml"), old).unwrap();
    let output = steadfast(folder.path(), &["check", "--worktree"]);
    assert_eq!(output.status.code(), Some(8), "{}", stderr(&output));
}

#[test]
fn explain_shows_every_layer_and_suggests_names() {
    let folder = started();
    std::fs::create_dir_all(folder.path().join("layers/device")).unwrap();
    std::fs::write(folder.path().join("layers/device/sensor-1.toml"), "sampling.period_ms = 20\n").unwrap();
    let output = steadfast(folder.path(), &["explain", "sensor-1", "sampling", "--worktree"]);
    let expected = "sampling.period_ms = 20\n    layers/site/office.toml:4:13         set 5000\n  * layers/device/sensor-1.toml:1:22     set 20\n";
    assert_eq!(stdout(&output), format!("sensor-1 (sensor, site=office)\n{expected}"));
    let json = steadfast(folder.path(), &["explain", "sensor-1", "--worktree", "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout(&json)).unwrap();
    let fields = document["fields"].as_array().unwrap();
    let period = fields.iter().find(|field| field["field"] == "sampling.period_ms").unwrap();
    assert_eq!((&period["value"], &period["history"][1]["wins"]), (&Value::from(20), &Value::from(true)));
    for (arguments, hint) in [
        (&["explain", "sensr-1", "--worktree"][..], "did you mean `sensor-1`?"),
        (&["explain", "sensor-1", "sampling.perod_ms", "--worktree"], "did you mean `sampling.period_ms`?"),
        (&["explain", "sensor-1", "sampling..x", "--worktree"], "no path"),
    ] {
        let output = steadfast(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(hint), "{}", stderr(&output));
    }
}

#[test]
fn schema_check_ends_with_8_when_a_new_schema_is_unsafe() {
    let folder = started();
    let old = std::fs::read_to_string(folder.path().join("schemas/sensor/sensor.toml")).unwrap();
    let alone = steadfast(folder.path(), &["schema", "check"]);
    assert_eq!(alone.status.code(), Some(0), "{}", stderr(&alone));
    assert!(stdout(&alone).contains("no other schema is live"));
    let new = folder.path().join("new.toml");
    for (text, code, expected) in [
        (old.replace("period_ms", "interval_ms"), 8, "unsafe  sampling.period_ms is gone"),
        (old.clone() + "[section.led.fields]\non = { type = \"bool\", default = true }\n", 0, "safe    led is new"),
    ] {
        std::fs::write(&new, text).unwrap();
        let output = steadfast(folder.path(), &["schema", "check", "new.toml", "--model", "sensor"]);
        assert_eq!(output.status.code(), Some(code), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).contains(expected), "{}", stdout(&output));
    }
    std::fs::write(folder.path().join("schemas/sensor/new.toml"), old.replace("\"ms\"", "\"s\"")).unwrap();
    replace(folder.path(), "steadfast.toml", "slot_bytes", "schemas = [\"sensor.toml\", \"new.toml\"]\nslot_bytes");
    let json = steadfast(folder.path(), &["schema", "check", "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(
        (json.status.code(), &document["compared"][0]["remarks"][0]["verdict"]),
        (Some(8), &Value::from("unsafe"))
    );
}

#[test]
fn schema_docs_writes_pages_and_says_when_they_are_old() {
    let folder = started();
    let check = || steadfast(folder.path(), &["schema", "docs", "--check"]);
    assert_eq!(check().status.code(), Some(1));
    assert!(!folder.path().join("docs").exists());
    assert_eq!(steadfast(folder.path(), &["schema", "docs"]).status.code(), Some(0));
    assert!(folder.path().join("docs/sensor.md").is_file() && folder.path().join("docs/layer.schema.json").is_file());
    assert_eq!(check().status.code(), Some(0));
    // They are no part of the fleet.
    assert_eq!(stderr(&steadfast(folder.path(), &["check", "--worktree"])), "");
}

#[test]
fn nothing_in_a_fleet_is_passed_over_in_silence() {
    let folder = started();
    let files = [
        ("inventory/more.CSV", "is no inventory"),
        ("inventory/old.csv.bak", "is no inventory"),
        ("layers/site/office.yaml", "no device takes values"),
        ("labels/site/office.yaml", "belongs to no label"),
        ("schemas/senso/a.schema", "is of no model"),
        ("inventory/README.md", ""),
    ];
    for (path, expected) in files {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "x").unwrap();
        let said = stderr(&steadfast(folder.path(), &["check", "--worktree"]));
        match expected {
            "" => assert_eq!(said, "", "{path}"),
            _ => assert!(said.contains(path) && said.contains(expected), "{said}"),
        }
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_misspelt_key_column_is_no_label() {
    let folder = started();
    let inventory = folder.path().join("inventory/devices.csv");
    let text = std::fs::read_to_string(&inventory).unwrap();
    for wrong in ["publickey", "public-key", "pubkey", "publik_key"] {
        std::fs::write(&inventory, text.replace("public_key", wrong)).unwrap();
        let output = steadfast(folder.path(), &["check", "--worktree"]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        assert!(stderr(&output).contains("did you mean `public_key`?"), "{}", stderr(&output));
        let table = "[[device]]\ndevice = \"00000000000000000000000000000001\"\nname = \"a\"\nmodel = \"sensor\"\nsite = \"office\"\n";
        std::fs::write(&inventory, &text).unwrap();
        std::fs::write(folder.path().join("inventory/a.toml"), format!("{table}{wrong} = \"\"\n")).unwrap();
        assert!(stderr(&steadfast(folder.path(), &["check", "--worktree"])).contains("did you mean `public_key`?"));
        std::fs::remove_file(folder.path().join("inventory/a.toml")).unwrap();
    }
}
