//! Small fleets before and after a change.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};
use steadfast_core::manifest::{Restart, Risk};

use super::change::{Fields, section};
use super::*;
use crate::compile::compile;
use crate::diagnostics::Color;
use crate::fleet::At;
use crate::schema::from_toml;

const SETTINGS: &str = "layers = [\"common\", \"site/{site}\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n[models.m]\nslot_bytes = 65536\n";

const SCHEMA: &str = r#"
[type.peer.fields]
name = { type = "text", max = 64 }
port = { type = "u16", default = 80 }

[section.network]
restart = "device"
risk = "connectivity"
checks = ["link"]
[section.network.fields]
server = { type = "text", max = 64, default = "" }

[section.values]
restart = "task"
[section.values.fields]
period = { type = "u32", unit = "ms", default = 1000 }
span = { type = "duration", min = "1s", max = "1d", default = "10m" }
maybe = { type = "u8", optional = true }
plain = { type = "list", max = 8, item = { type = "text", max = 80 }, default = [] }
peers = { type = "list", max = 8, key = "name", item = "peer", default = [] }
by_id = { type = "map", max = 8, key = "u16", value = { type = "text", max = 16 }, default = [] }
"#;

const ROWS: &str = "device,name,model,site\n00000000000000000000000000000001,a1,m,a\n00000000000000000000000000000002,a2,m,a\n00000000000000000000000000000003,b1,m,b\n";

/// A fleet of three devices at two sites, with these files beside or instead of its own.
fn read(files: &[(&str, &str)]) -> (Fleet, Compiled) {
    let folder = tempfile::tempdir().unwrap();
    let own = [
        ("steadfast.toml", SETTINGS),
        ("schemas/m/m.toml", SCHEMA),
        ("inventory/all.csv", ROWS),
        ("layers/common.toml", "[values]\nperiod = 5\n"),
        ("layers/site/a.toml", "network.server = \"a\"\n"),
        ("layers/site/b.toml", "network.server = \"b\"\n"),
    ];
    own.iter().chain(files).for_each(|(path, text)| write(&folder.path().join(path), text));
    let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
    let compiled = compile(&fleet).unwrap();
    (fleet, compiled)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn compare(before: &[(&str, &str)], after: &[(&str, &str)]) -> Plan {
    let (before, after) = (read(before), read(after));
    let [base, head] = [&before, &after].map(|(fleet, compiled)| Side { fleet, compiled });
    let plan = plan(Some(base), head);
    let ids = |kinds: &[Kind]| {
        let groups = plan.groups.iter().filter(|group| kinds.contains(&group.kind));
        groups.flat_map(|group| group.devices.list.iter().map(|member| member.device)).collect::<Vec<_>>()
    };
    let all = ids(&[Kind::Changed, Kind::New, Kind::Gone]);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no device is in two groups");
    assert_eq!(plan.counts.changed, ids(&[Kind::Changed]).len());
    plan
}

/// The changes of the only group: path, before, after.
fn fields(plan: &Plan) -> Vec<(String, Json, Json)> {
    assert_eq!(plan.groups.len(), 1, "{plan:?}");
    let worth = |worth: &Worth| match worth {
        Worth::Set(value) => value.clone(),
        Worth::Default(value) => json!({ "default": value }),
        other => json!(format!("{other:?}").to_lowercase()),
    };
    plan.groups[0].effect.fields.iter().map(|one| (one.path.clone(), worth(&one.old), worth(&one.new))).collect()
}

fn change(path: &str, old: Json, new: Json) -> (String, Json, Json) {
    (path.to_owned(), old, new)
}

#[test]
fn devices_with_different_configurations_and_an_equal_change_are_one_group() {
    let plan = compare(&[], &[("layers/common.toml", "[values]\nperiod = 6\n")]);
    assert_eq!(fields(&plan), [change("values.period", json!(5), json!(6))]);
    let group = &plan.groups[0];
    assert_eq!((group.devices.count, group.devices.labels.as_ref().map(BTreeMap::len)), (3, Some(0)));
    assert_eq!((group.effect.restart, group.effect.risk), (Restart::Task, Risk::Low));
    assert_eq!(group.effect.fields[0].unit.as_deref(), Some("ms"));
}

#[test]
fn devices_are_called_by_their_labels_only_when_that_is_exact() {
    let plan = compare(&[], &[("layers/site/a.toml", "network.server = \"x\"\n")]);
    let expected = BTreeMap::from([("site".into(), "a".into())]);
    assert_eq!((plan.groups[0].devices.count, plan.groups[0].devices.labels.clone()), (2, Some(expected)));
    assert_eq!((plan.counts.changed, plan.counts.unchanged), (2, 1));
    assert_eq!(plan.groups[0].effect.risk, Risk::Connectivity);
    let head = read(&[]);
    let mut naming = Naming::new(Side { fleet: &head.0, compiled: &head.1 });
    assert_eq!(naming.name(&[0, 2]).labels, None, "a1 and b1: no label has both and not a2");
}

#[test]
fn a_value_tells_default_from_set_from_unset_from_absent() {
    let plan = compare(&[], &[("layers/common.toml", "[values]\nmaybe = 3\nspan = \"1h\"\n")]);
    let expected = [
        change("values.period", json!(5), json!({ "default": 1000 })),
        change("values.span", json!({ "default": "10m" }), json!("1h")),
        change("values.maybe", json!("unset"), json!(3)),
    ];
    assert_eq!(fields(&plan), expected);
}

#[test]
fn lists_and_maps_are_told_by_item() {
    let before = "[values]\nplain = [\"x\", \"y\", \"z\"]\npeers = [{ name = \"p\" }, { name = \"q.r\", port = 2 }]\nby_id = { 1 = \"one\", 2 = \"two\" }\n";
    let after = "[values]\nplain = [\"z\", \"y\", \"new\"]\npeers = [{ name = \"q.r\", port = 3 }, { name = \"s\" }]\nby_id = { 1 = \"uno\", 3 = \"three\" }\n";
    let plan = compare(&[("layers/common.toml", before)], &[("layers/common.toml", after)]);
    let expected = [
        change("values.plain[]", json!("x"), json!("missing")),
        change("values.plain[]", json!("missing"), json!("new")),
        change("values.plain", json!(["y", "z"]), json!(["z", "y"])),
        change("values.peers.\"q.r\".port", json!(2), json!(3)),
        change("values.peers.s", json!("missing"), json!({ "name": "s", "port": 80 })),
        change("values.peers.p", json!({ "name": "p", "port": 80 }), json!("missing")),
        change("values.by_id.1", json!("one"), json!("uno")),
        change("values.by_id.3", json!("missing"), json!("three")),
        change("values.by_id.2", json!("two"), json!("missing")),
    ];
    assert_eq!(fields(&plan), expected);
}

#[test]
fn saying_a_default_aloud_changes_nothing() {
    let plan = compare(&[], &[("layers/common.toml", "[values]\nperiod = 5\nspan = \"10m\"\n")]);
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!((plan.counts.changed, plan.counts.unchanged, plan.counts.bytes), (0, 3, 0));
}

#[test]
fn who_comes_goes_moves_and_is_relabelled_is_told() {
    let rows = ROWS
        .replace("00000000000000000000000000000002,a2,m,a", "00000000000000000000000000000009,c9,m,a")
        .replace("b1,m,b", "bee,m,a");
    let plan = compare(&[], &[("inventory/all.csv", &rows), ("layers/site/b.toml", "")]);
    let counts = &plan.counts;
    assert_eq!((counts.devices, counts.new, counts.gone, counts.changed), (3, 1, 1, 1));
    assert_eq!((counts.relabelled, counts.renamed, counts.unchanged), (1, 1, 1));
    let site = Relabel { old: Some("b".into()), new: Some("a".into()) };
    assert_eq!(plan.relabelled[0].labels, BTreeMap::from([("site".into(), site)]));
    let (old, new) = ("b1".into(), "bee".into());
    assert_eq!((&plan.renamed[0].old, &plan.renamed[0].new), (&old, &new));
}

#[test]
fn without_a_base_everything_is_new() {
    let head = read(&[]);
    let plan = plan(None, Side { fleet: &head.0, compiled: &head.1 });
    assert_eq!((plan.counts.new, plan.counts.changed, plan.groups.len()), (3, 0, 1));
}

#[test]
fn settings_of_the_agent_count_as_changes_and_cost_a_manifest() {
    let plan = compare(&[], &[("layers/common.toml", "agent.poll_seconds = 61\n[values]\nperiod = 5\n")]);
    assert_eq!(fields(&plan), [change("agent.poll_seconds", json!({ "default": 60 }), json!(61))]);
    let head = read(&[]);
    assert_eq!(plan.groups[0].bytes.least, head.1.manifests[0].len() as u64);
}

#[test]
fn a_file_in_another_format_is_a_change_without_values() {
    let [json, toml] = ["json", "toml"].map(|format| format!("{SETTINGS}render = \"{format}\"\n"));
    let plan = compare(&[("steadfast.toml", &json)], &[("steadfast.toml", &toml)]);
    assert_eq!(fields(&plan), [change("models.m.render", json!("json"), json!("toml"))]);
}

#[test]
fn secrets_are_said_to_change_and_never_shown() {
    let schema =
        from_toml("[section.keys]\nsecret = true\n[section.keys.fields]\nword = { type = \"text\", max = 9 }\n", "s");
    let schema = schema.unwrap();
    let fields = |word: &str| {
        let values = vec![("word", crate::value::Typed::Text(word.into()))];
        Some(Fields { section: &schema.sections[0], values })
    };
    let mut changes = Vec::new();
    section("keys", (fields("hush"), fields("quiet")), &mut changes);
    assert_eq!(changes, [Change { path: "keys".to_owned(), old: Worth::Secret, new: Worth::Secret, unit: None }]);
}

#[test]
fn ways_back_that_are_late_or_unwatched_are_warned_of() {
    let kinds = |plan: &Plan| plan.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>();
    let site = ("layers/site/a.toml", "network.server = \"x\"\n");
    assert_eq!(kinds(&compare(&[], &[site])), []);
    let late = ("layers/common.toml", "agent.lost_contact_seconds = 172800\n[values]\nperiod = 5\n");
    let plan = compare(&[late], &[late, site]);
    assert_eq!(kinds(&plan), [Alarm::LateWayBack]);
    assert!(plan.warnings[0].message.contains("48 h"), "{plan:?}");
    assert_eq!(plan.warnings[0].devices.as_ref().unwrap().count, 2);
    let unwatched = ("layers/common.toml", "health.checks = []\n[values]\nperiod = 5\n");
    assert_eq!(kinds(&compare(&[unwatched], &[unwatched, site])), [Alarm::Unwatched]);
    assert_eq!(kinds(&compare(&[late], &[late, ("layers/common.toml", "agent.lost_contact_seconds = 172800\n")])), []);
}

#[test]
fn firmware_that_a_change_does_not_reach_is_warned_of() {
    let old = "[section.network]\nrisk = \"connectivity\"\n[section.network.fields]\nserver = { type = \"text\", max = 64, default = \"\" }\n";
    let live = |schemas: &str| format!("{SETTINGS}schemas = [{schemas}]\n");
    let (both, newest, oldest) = (live("\"old.toml\", \"m.toml\""), live("\"m.toml\""), live("\"old.toml\""));
    let with = |settings: &str, common: &str| {
        let files = [("steadfast.toml", settings), ("schemas/m/old.toml", old), ("layers/common.toml", common)];
        files.map(|(path, text)| (path.to_owned(), text.to_owned()))
    };
    let compare = |before: [(String, String); 3], after: [(String, String); 3]| {
        let [before, after] = [&before, &after].map(|files| files.each_ref().map(|(p, t)| (p.as_str(), t.as_str())));
        compare(&before, &after)
    };
    let kinds = |plan: &Plan| plan.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>();
    let common = "[values]\nperiod = 5\n";
    let behind = compare(with(&both, common), with(&both, "[values]\nperiod = 6\n"));
    assert_eq!((kinds(&behind), behind.counts.changed), (vec![Alarm::SchemaBehind], 3));
    let retired = compare(with(&both, common), with(&newest, common));
    assert_eq!((kinds(&retired), retired.counts.changed), (vec![Alarm::SchemaRetired], 0));
    let added = compare(with(&newest, common), with(&both, common));
    assert_eq!((added.counts.changed, added.counts.bytes, added.groups[0].effect.fields.len()), (3, 0, 0));
    let replaced = compare(with(&oldest, ""), with(&newest, common));
    assert_eq!((kinds(&replaced), replaced.counts.changed), (vec![Alarm::SchemaReplaced], 3));
}

fn ends() -> Ends {
    let commit = Some("0123456789".to_owned());
    Ends {
        base: Base { state: BaseState::Compared, revision: Some("main".to_owned()), commit },
        head: Head { revision: "HEAD".to_owned(), commit: "ab".repeat(20), worktree: false },
    }
}

/// A plan in which many devices change in different ways, with values as wide as they can be.
fn large() -> Plan {
    let mut rows = "device,name,model,site\n".to_owned();
    (1..=700).for_each(|device| rows += &format!("{device:032x},d{device},m,a\n"));
    let value = |device: usize| format!("<b>@team{device} ```</b>{}", "ö".repeat(20));
    let layers: Vec<(String, String)> = (1..=700)
        .map(|device| (format!("layers/name/d{device}.toml"), format!("[values]\nplain = [\"{}\"]\n", value(device))))
        .collect();
    let levels = SETTINGS.replace("\"site/{site}\"", "\"site/{site}\", \"name/{name}?\"");
    let unused =
        [("inventory/all.csv", rows.as_str()), ("steadfast.toml", levels.as_str()), ("layers/site/b.toml", "")];
    let own: Vec<(&str, &str)> = layers.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    compare(&unused, &[&unused[..], &own].concat())
}

#[test]
fn a_screenful_and_a_comment_keep_their_bounds_and_say_what_they_left_out() {
    let plan = large();
    assert_eq!(plan.groups.len(), 700);
    let screen = text(&plan, &ends(), (Length::Screen, Color::Never));
    assert!(screen.lines().count() <= 50 && screen.lines().all(|line| line.chars().count() <= 120), "{screen}");
    assert!(screen.contains("more groups with 6"), "{screen}");
    assert!(!screen.contains('\u{1b}') && text(&plan, &ends(), (Length::Screen, Color::Always)).contains('\u{1b}'));
    let all = text(&plan, &ends(), (Length::All, Color::Never));
    assert!((1..=700).all(|device| all.contains(&format!("@team{device} "))));
    let comment = markdown(&plan, &ends());
    assert!(comment.len() <= MARKDOWN_BYTES && comment.len() > MARKDOWN_BYTES - 2000, "{}", comment.len());
    assert!(comment.starts_with("### 700 of 700 devices change\n") && comment.contains("Left out for want of room"));
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    assert_eq!(comment.matches("\n```").count(), 2 * comment.matches("<details>").count(), "no value ends a block");
}

#[test]
fn names_from_the_fleet_are_no_markup_in_a_comment() {
    let rows = ROWS.replace("site\n", "site,note\n").replace(",a\n", ",a,a*b_\n").replace(",b\n", ",b,\n");
    let plan = compare(&[], &[("inventory/all.csv", rows.as_str())]);
    let comment = markdown(&plan, &ends());
    assert!(!comment.contains("a*b_") && comment.contains("a&#42;b&#95;"), "{comment}");
}

#[test]
fn a_plan_of_folded_pairs_is_the_plan_of_the_pairs() {
    let rows: String = (1..=60).map(|n| format!("{n:032x},d{n},m,{}\n", ["a", "b"][n % 2])).collect();
    let rows = format!(
        "device,name,model,site,set.values.period\n{}",
        rows.replace(",a\n", ",a,7\n").replace(",b\n", ",b,\n")
    );
    let own = |text: &str| {
        (1..=60).map(|n| (format!("layers/device/d{n}.toml"), text.replace('#', &n.to_string()))).collect::<Vec<_>>()
    };
    let settings = SETTINGS.replace("\"site/{site}\"", "\"site/{site}\", \"device/{name}?\"");
    let unlike = own("[values]\nplain = [\"#\"]\n");
    let changes = [
        "[values]\nmaybe = 3\n",
        "[agent]\npoll_seconds = 90\n",
        "[health]\nchecks = []\n",
        "[network]\nserver = \"other\"\n[values]\nspan = \"1h\"\nperiod = 8\n",
        "[values]\nplain = [\"3\"]\n",
    ];
    for change in changes {
        let with = |common: &str| {
            let mut files: Vec<(&str, &str)> = vec![("steadfast.toml", &settings), ("inventory/all.csv", &rows)];
            let common = common.to_owned();
            files.extend(unlike.iter().map(|(path, text)| (path.as_str(), text.as_str())));
            files.push(("layers/common.toml", &common));
            read(&files)
        };
        let (before, after) = (with("[values]\nperiod = 5\n"), with(change));
        let [base, head] = [&before, &after].map(|(fleet, compiled)| Side { fleet, compiled });
        let folded = serde_json::to_value(plan(Some(base), head)).unwrap();
        let plain = serde_json::to_value(plan_of(Some(base), head, |pairs, _| pairs)).unwrap();
        assert_eq!(folded, plain, "{change}");
        assert_ne!(folded["counts"]["changed"], 0, "{change}");
    }
}
