//! `steadfast plan` as a reviewer and a script see it; what it says is held against the packs of both commits.

mod rig;

use std::collections::{BTreeMap, BTreeSet};

use rig::{Fleet, git};
use serde_json::Value;
use steadfast::pack::{Pack, named};
use steadfast_core::content::ObjectRef;

/// A fleet of six devices at three sites, one of which has a value of its own.
fn six() -> Fleet {
    let fleet = Fleet::new();
    let mut rows = "device,name,model,site,set.sampling.period_ms\n".to_owned();
    for (number, site) in ["north", "north", "north", "south", "south", "east"].into_iter().enumerate() {
        let own = if number == 1 { "77" } else { "" };
        rows += &format!("{:032x},s{number},sensor,{site},{own}\n", number + 1);
    }
    write(&fleet, "inventory/devices.csv", &rows);
    for site in ["north", "south", "east"] {
        write(&fleet, &format!("labels/site/{site}.toml"), &format!("land = \"{}\"\n", &site[..1]));
        write(&fleet, &format!("layers/site/{site}.toml"), "[sampling]\nperiod_ms = 5000\n");
    }
    for gone in ["labels/site/office.toml", "layers/site/office.toml"] {
        std::fs::remove_file(fleet.path().join(gone)).unwrap();
    }
    fleet.commit("six devices");
    fleet
}

fn write(fleet: &Fleet, path: &str, text: &str) {
    std::fs::write(fleet.path().join(path), text).unwrap();
}

fn json(fleet: &Fleet, arguments: &[&str]) -> Value {
    let out = fleet.run(&[&["plan", "--format", "json"], arguments].concat()).fine();
    let document = serde_json::from_str(&out).unwrap();
    let faults = faults(&document);
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
    document
}

/// The devices of all groups of a kind, by id.
fn members(document: &Value, kind: &str) -> BTreeSet<String> {
    let groups = document["groups"].as_array().unwrap().iter().filter(|group| group["kind"] == kind);
    let lists = groups.flat_map(|group| group["devices"]["list"].as_array().unwrap());
    lists.map(|member| member["device"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plan_is_what_two_packs_say_device_by_device() {
    let fleet = six();
    let before = Pack::open(&fleet.pack("before.pack")).unwrap();
    write(&fleet, "layers/site/north.toml", "[sampling]\nperiod_ms = 6000\n[network]\nserver = \"n:1\"\n");
    let inventory = fleet.path().join("inventory/devices.csv");
    let rows = std::fs::read_to_string(&inventory).unwrap();
    let rows =
        rows.replace(&format!("{:032x},s4,sensor,south,\n", 5), "").replace("s3,sensor,south,", "s3,sensor,south,99");
    std::fs::write(&inventory, format!("{rows}{:032x},s9,sensor,east,\n", 99)).unwrap();
    fleet.commit("several things");
    let after = Pack::open(&fleet.pack("after.pack")).unwrap();
    let document = json(&fleet, &[]);
    // From the packs alone: what each device is to run, and what it lacks of it.
    let content = |pack: &Pack| -> BTreeMap<(String, String), Vec<u8>> {
        let one = |place: steadfast::release::leaves::Place<'_>| {
            ((place.device.to_string(), place.schema.to_string()), pack.manifest(&place).to_vec())
        };
        pack.leaves().places().map(one).collect()
    };
    let (old, new) = (content(&before), content(&after));
    let devices =
        |all: &BTreeMap<(String, String), Vec<u8>>| all.keys().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
    let (known, wanted) = (devices(&old), devices(&new));
    let changed: BTreeMap<_, _> =
        new.iter().filter(|(key, now)| known.contains(&key.0) && old.get(*key) != Some(*now)).collect();
    let changed_devices: BTreeSet<String> = changed.keys().map(|key| key.0.clone()).collect();
    assert_eq!(members(&document, "changed"), changed_devices);
    assert_eq!(changed_devices.len(), 4);
    assert_eq!(members(&document, "new"), wanted.difference(&known).cloned().collect());
    assert_eq!(members(&document, "gone"), known.difference(&wanted).cloned().collect());
    let lacking = |(key, now): (&&(String, String), &&Vec<u8>)| {
        let held: Vec<ObjectRef> = named(&old[*key]).collect();
        let objects = named(now).filter(|object| !held.contains(object));
        now.len() as u64 + objects.map(|object| u64::from(object.size)).sum::<u64>()
    };
    assert_eq!(document["counts"]["bytes"], changed.iter().map(lacking).sum::<u64>());
    assert_eq!(after.changed_from(&before), 4 + 1, "what publishing says: those that change, and the new one");
}

#[test]
fn people_see_who_changes_from_what_to_what() {
    let fleet = six();
    write(&fleet, "layers/site/north.toml", "[sampling]\nperiod_ms = 6000\n");
    fleet.commit("north samples less often");
    let out = fleet.run(&["plan"]).fine();
    let expected = [
        "2 of 6 devices change\n",
        "s0, s2: 2 devices\n",
        "restarts a task",
        "~ sampling.period_ms = 5000 -> 6000 ms\n",
    ];
    assert!(expected.iter().all(|part| out.contains(part)), "{out}");
    let comment = fleet.run(&["plan", "--format", "markdown"]).fine();
    assert!(comment.starts_with("### 2 of 6 devices change\n") && comment.contains("5000 -> 6000 ms"), "{comment}");
    let field = &json(&fleet, &[])["groups"][0]["fields"][0];
    assert_eq!(
        (&field["old"]["value"], &field["new"]["state"], &field["unit"]),
        (&5000.into(), &"set".into(), &"ms".into())
    );
}

#[test]
fn what_rules_say_is_part_of_the_document() {
    let fleet = six();
    assert_eq!(json(&fleet, &[])["policy"], Value::Null);
    std::fs::create_dir(fleet.path().join("policy")).unwrap();
    let rule =
        "package policy.p\n\nwarn contains {\"msg\": \"look\", \"device\": \"s0\"} if input.counts.devices == 6\n";
    write(&fleet, "policy/p.rego", rule);
    let policy = &json(&fleet, &["--worktree"])["policy"];
    assert_eq!((&policy["warned"][0]["device"], &policy["asked"][0]), (&"s0".into(), &"head".into()));
}

#[test]
fn the_base_is_the_parent_the_checked_out_commit_or_where_branches_parted() {
    let fleet = six();
    assert_eq!(json(&fleet, &["--worktree"])["counts"]["changed"], 0);
    write(&fleet, "layers/site/east.toml", "[sampling]\nperiod_ms = 7000\n");
    assert_eq!(json(&fleet, &["--worktree"])["counts"]["changed"], 1, "against what is checked out");
    let dirty = fleet.run(&["plan"]).failed(1);
    assert!(dirty.contains("layers/site/east.toml"), "{dirty}");
    git(&fleet.path(), &["checkout", "-q", "-b", "topic"]);
    fleet.commit("east");
    write(&fleet, "layers/site/south.toml", "[sampling]\nperiod_ms = 7000\n");
    fleet.commit("south");
    git(&fleet.path(), &["checkout", "-q", "main"]);
    write(&fleet, "layers/site/north.toml", "[sampling]\nperiod_ms = 11\n");
    fleet.commit("north, meanwhile");
    git(&fleet.path(), &["checkout", "-q", "topic"]);
    let changed = |arguments: &[&str]| json(&fleet, arguments)["counts"]["changed"].as_u64().unwrap();
    assert_eq!(changed(&[]), 2, "the last commit, south");
    assert_eq!(changed(&["--base", "main"]), 3, "the whole branch, and nothing of main");
    assert_eq!(changed(&["--base", "main", "--exact"]), 5, "main's north as well");
    assert_eq!(changed(&["--base", "main", "--head", "topic~1"]), 1);
    let first = git(&fleet.path(), &["rev-list", "--max-parents=0", "HEAD"]);
    let document = json(&fleet, &["--head", first.trim()]);
    assert_eq!((&document["base"]["state"], &document["counts"]["new"]), (&"absent".into(), &1.into()));
    assert!(fleet.run(&["plan", "--base", "nowhere"]).failed(1).contains("no commit is called `nowhere`"));
}

#[test]
fn exit_codes_tell_changes_errors_and_wrong_arguments_apart() {
    let fleet = six();
    fleet.commit("nothing");
    fleet.run(&["plan", "--exit-code"]).fine();
    write(&fleet, "layers/site/east.toml", "[sampling]\nperiod_ms = 7000\n");
    fleet.run(&["plan", "--worktree"]).fine();
    fleet.run(&["plan", "--worktree", "--exit-code"]).failed(2);
    fleet.run(&["plan", "--no-such-option"]).failed(1);
    fleet.run(&["plan", "--help"]).fine();
    write(&fleet, "layers/site/east.toml", "[sampling]\nperod_ms = 7000\n");
    let broken = fleet.run(&["plan", "--worktree", "--exit-code"]).failed(1);
    assert!(broken.contains("layers/site/east.toml:2:1") && broken.contains("did you mean `period_ms`?"), "{broken}");
    let comment = fleet.run(&["plan", "--worktree", "--format", "markdown"]);
    assert!(comment.code == Some(1) && comment.out.contains("layers/site/east.toml:2:1"), "{}", comment.out);
    let machine: Value = serde_json::from_str(&fleet.run(&["plan", "--worktree", "--format", "json"]).out).unwrap();
    assert_eq!(machine["diagnostics"][0]["code"], "unknown-field");
}

#[test]
fn a_base_that_does_not_compile_is_said_and_everything_is_shown_as_new() {
    let fleet = six();
    write(&fleet, "layers/site/east.toml", "[sampling]\nperod_ms = 7000\n");
    fleet.commit("broken");
    write(&fleet, "layers/site/east.toml", "[sampling]\nperiod_ms = 7000\n");
    fleet.commit("mended");
    let done = fleet.run(&["plan"]);
    assert_eq!(done.code, Some(0));
    assert!(done.err.contains("perod_ms") && done.err.contains("those of the base"), "{}", done.err);
    assert!(done.out.contains("the base does not compile"), "{}", done.out);
    let document = json(&fleet, &[]);
    assert_eq!((&document["base"]["state"], &document["counts"]["new"]), (&"broken".into(), &6.into()));
}

/// Where a document breaks `docs/plan.schema.json`.
fn faults(document: &Value) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plan.schema.json");
    let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut faults = Vec::new();
    judge((&root, &root), ("", document), &mut faults);
    faults
}

/// As much of JSON Schema as that file uses; a word that is not known here is a fault.
fn judge((root, schema): (&Value, &Value), (path, value): (&str, &Value), faults: &mut Vec<String>) {
    let Some(rules) = schema.as_object() else { return };
    for (word, rule) in rules {
        let sound = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "properties" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).expect("a target");
                judge((root, target), (path, value), faults);
                true
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64() >= rule.as_f64(),
            "type" => match rule.as_array() {
                Some(all) => all.iter().any(|one| is(value, one)),
                None => is(value, rule),
            },
            "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.for_each(|(at, item)| judge((root, rule), (&format!("{path}/{at}"), item), faults));
                true
            }
            "additionalProperties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    let own = rules.get("properties").and_then(|own| own.get(name));
                    match own {
                        Some(own) => judge((root, own), (&format!("{path}/{name}"), inner), faults),
                        None if *rule == Value::Bool(false) => faults.push(format!("{path}/{name} is unknown")),
                        None => judge((root, rule), (&format!("{path}/{name}"), inner), faults),
                    }
                }
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|one| {
                let mut inner = Vec::new();
                judge((root, one), (path, value), &mut inner);
                inner.is_empty()
            }),
            _ => false,
        };
        if !sound {
            faults.push(format!("{path}: {word} {rule} does not hold for {value}"));
        }
    }
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
