//! Rules asked about small fleets, and rules that are broken.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::compile::{Compiled, compile};
use crate::fleet::{At, Fleet};
use crate::plan::{Base, BaseState, Head, plan};

const SETTINGS: &str = "layers = [\"common\", \"site/{site}\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n[models.m]\nslot_bytes = 4096\n";

const SCHEMA: &str = "[section.motor]\nrisk = \"safety\"\n[section.motor.fields]\nlimit = { type = \"u32\", unit = \"rpm\", default = 10 }\n\
    [section.values.fields]\nperiod = { type = \"u32\", default = 1000 }\n";

const ROWS: &str = "device,name,model,site\n00000000000000000000000000000001,a1,m,a\n00000000000000000000000000000002,a2,m,a\n00000000000000000000000000000003,b1,m,b\n";

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A fleet of three devices at two sites, with these files beside or instead of its own.
fn read(files: &[(&str, &str)]) -> (Fleet, Compiled) {
    let folder = tempfile::tempdir().unwrap();
    let own = [
        ("steadfast.toml", SETTINGS),
        ("schemas/m/m.toml", SCHEMA),
        ("inventory/all.csv", ROWS),
        ("layers/common.toml", ""),
        ("layers/site/a.toml", ""),
        ("layers/site/b.toml", ""),
    ];
    own.iter().chain(files).for_each(|(path, text)| write(&folder.path().join(path), text));
    let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
    let compiled = compile(&fleet).unwrap();
    (fleet, compiled)
}

type Side<'f> = crate::plan::Side<'f>;

/// What comes of asking about the way from some files to others.
fn asked<T>(before: &[(&str, &str)], after: &[(&str, &str)], ask: impl FnOnce(&Question<'_>) -> T) -> T {
    let ((old, before), (new, after)) = (read(before), read(after));
    let base = Side { fleet: &old, compiled: &before };
    let head = Side { fleet: &new, compiled: &after };
    let plan = plan(Some(base), head);
    let ends = Ends {
        base: Base { state: BaseState::Compared, revision: None, commit: None },
        head: Head { revision: "HEAD".to_owned(), commit: "0".repeat(40), worktree: false },
    };
    let made = CommitInfo { author: "Ann".into(), email: "a@b".into(), seconds: 1_767_323_045, message: "m\n".into() };
    let commits = [None, Some(&made)];
    ask(&Question { base: Some(base), head, plan: &plan, ends: &ends, commits, approvals: &[] })
}

/// What rules say of a change of the motor's limit at site `a`.
fn said(old: &str, new: &str) -> Result<Option<Verdicts>, Diagnostics> {
    let limit = ("layers/site/a.toml", "motor.limit = 20\n");
    asked(&[("policy/p.rego", old)], &[limit, ("policy/p.rego", new)], |question| judge(question, Whose::Both))
}

fn denials(verdicts: &Verdicts) -> Vec<&str> {
    verdicts.denied.iter().map(|one| one.message.as_str()).collect()
}

const FORBID: &str = "package policy.p\n\ndeny contains answer if {\n\tsome group in input.groups\n\tsome field in group.fields\n\tfield.risk == \"safety\"\n\t\
    answer := {\"msg\": sprintf(\"%d -> %d\", [field.old.value, field.new.value]), \"field\": field.path, \"device\": group.devices.classes[0].labels.site}\n}\n";

#[test]
fn a_rule_sees_old_and_new_values_and_denies_with_field_and_device() {
    let verdicts = said(FORBID, FORBID).unwrap().unwrap();
    let expected = Verdict {
        rule: "policy.p".to_owned(),
        message: "10 -> 20".to_owned(),
        device: Some("a".to_owned()),
        field: Some("motor.limit".to_owned()),
        from: vec![From::Base, From::Head],
    };
    assert_eq!((verdicts.rules, verdicts.denied), (1, vec![expected]));
}

#[test]
fn a_change_cannot_take_away_the_rule_that_forbids_it() {
    let harmless = "package policy.p\nwarn contains \"look\"\n";
    let verdicts = said(FORBID, harmless).unwrap().unwrap();
    assert_eq!((denials(&verdicts), verdicts.warned.len()), (vec!["10 -> 20"], 1));
    assert_eq!(verdicts.denied[0].from, [From::Base]);
    let limit = ("layers/site/a.toml", "motor.limit = 20\n");
    let without = |whose| asked(&[("policy/p.rego", FORBID)], &[limit], |question| judge(question, whose).unwrap());
    assert!(without(Whose::Both).unwrap().denies(), "nor the whole folder");
    assert_eq!(without(Whose::Head), None, "unless that is asked for");
}

#[test]
fn what_cannot_be_evaluated_denies() {
    for (rule, why) in [
        ("deny contains \"x\" if 1 / (count(input.groups) - 1) > 1", "divide by zero (policy/p.rego:2:"),
        ("deny contains \"x\" if startswith(count(input.groups), \"a\")", "expects string argument"),
        ("deny := true", "`deny` is no set of messages"),
        ("deny := \"<undefined>\"", "`deny` is no set of messages"),
        ("deny.x contains \"y\" if false", "`deny` cannot be evaluated: not a valid rule path"),
        ("deny contains 7", "neither text nor has a `msg`"),
        ("warn contains {\"message\": \"x\"}", "neither text nor has a `msg`"),
        ("x := 1\nx := 2\ndeny contains \"y\" if x == 3", "rule conflicts"),
        ("p if q\nq if p\ndeny contains \"y\" if p", "recursion detected"),
    ] {
        let rule = format!("package policy.p\n{rule}\n");
        let verdicts = said(&rule, &rule).unwrap().unwrap();
        assert!(
            verdicts.denied.len() == 1 && verdicts.denied[0].message.contains(why),
            "{rule}: {:?}",
            verdicts.denied
        );
    }
}

#[test]
fn a_broken_rule_is_an_error_with_its_place_even_where_nothing_would_reach_it() {
    for (rule, why, column) in [
        ("deny contains msg if { msg := }", "expecting `}`", 28),
        ("deny contains msg if { false; msg := time.now_ns() }", "there is no function `time.now_ns`", 38),
        ("deny contains \"x\" if { false; cuont(input) > 1 }", "there is no function `cuont`", 31),
        ("deny contains \"x\" if { false; rand.intn(\"x\", 2) == 1 }", "`rand.intn` is not to be had", 31),
        ("deny contains \"x\" if input.gruops[0]", "`input` has no `gruops`", 22),
        ("deny contains \"x\" if input.head.auhtor == \"a\"", "`input.head` has no `auhtor`", 22),
        ("deny contains \"x\" if x == 1", "`x` is unsafe", 22),
        ("dney contains \"x\" if input.groups[0]", "has neither `deny` nor `warn`", 1),
        ("f(x) := f(x + 1)\ndeny contains \"x\" if f(1) == 2", "the function `f` calls itself", 9),
        ("f(x) := g(x)\ng(x) := f(x)\ndeny contains \"x\" if f(1) == 2", "calls itself", 9),
    ] {
        let broken = said("", &format!("package policy.p\n{rule}\n"));
        let broken = broken.expect_err(rule);
        let first = &broken.list()[0];
        assert!(first.message().contains(why), "{rule}: {broken}");
        let at = first.position().unwrap();
        assert_eq!((&*at.path, at.column), ("policy/p.rego", column), "{rule}: {broken}");
    }
}

#[test]
fn rules_of_the_base_that_are_broken_deny() {
    let verdicts = said("package policy.p\ndeny contains\n", FORBID).unwrap().unwrap();
    assert!(denials(&verdicts).iter().any(|why| why.contains("rules of the base cannot be read")), "{verdicts:?}");
}

#[test]
fn a_rule_in_a_loop_is_stopped_and_denies() {
    let rule = "package policy.p\nn := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\ndeny contains \"x\" if {\n\tsome a in n; some b in n; some c in n; some d in n; some e in n; \
        some f in n; some g in n; some h in n; some i in n; some j in n\n\ta + b + c + d + e + f + g + h + i + j < 0\n}\n";
    let limit = ("layers/site/a.toml", "motor.limit = 20\n");
    let verdicts = asked(&[], &[limit, ("policy/p.rego", rule)], |question| judge(question, Whose::Both));
    let verdicts = verdicts.unwrap().unwrap();
    assert!(verdicts.denied[0].message.contains("time limit"), "{verdicts:?}");
}

#[test]
fn every_name_that_rules_may_use_is_in_the_document_and_no_other() {
    let rollout = ("rollout.toml", "[[wave]]\nname = \"canary\"\npercent = 1\nfrom = 2026-01-02\n");
    let files = [("layers/site/a.toml", "motor.limit = 20\n"), rollout];
    let document = asked(&[], &files, document);
    let names = |value: &Json| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    let mut known: Vec<String> = input::NAMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(names(&document).unwrap(), known);
    for (name, below) in input::NAMES.iter().filter(|(_, below)| !below.is_empty()) {
        let mut below: Vec<String> = below.iter().map(|name| (*name).to_owned()).collect();
        below.sort();
        assert_eq!(names(&document[*name]).unwrap(), below, "{name}");
    }
    let group = &document["groups"][0];
    assert_eq!(
        group["devices"]["classes"],
        json!([{ "model": "m", "labels": { "site": "a" }, "count": 2, "names": ["a1", "a2"] }])
    );
    assert_eq!((&group["fields"][0]["risk"], &group["fields"][0]["section"]), (&json!("safety"), &json!("motor")));
    assert_eq!((&group["size"]["slot"], &group["size"]["growth"]), (&json!(4096), &json!(0)));
    assert!(group["size"]["old"]["most"].as_u64().unwrap() > 0, "{group}");
    assert_eq!(document["rollout"]["wave"][0], json!({ "name": "canary", "percent": 1, "from": "2026-01-02" }));
    assert_eq!(document["head"]["time"]["weekday"], "friday");
    assert_eq!(document["fleet"]["classes"].as_array().unwrap().len(), 2);
}

#[test]
fn names_are_given_only_to_rules_that_ask_for_them() {
    let rule = "package policy.p\ndeny contains name if { some name in input.groups[0].devices.classes[0].names }\n";
    assert_eq!(denials(&said(rule, rule).unwrap().unwrap()), ["a1", "a2"]);
    let limit = ("layers/site/a.toml", "motor.limit = 20\n");
    let small = asked(&[], &[limit], |question| input::value(question, Wanted::default()));
    assert!(!small.to_string().contains("names"), "{small}");
}

#[test]
fn the_rules_of_the_guide_are_right() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide-policy.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blocks: Vec<&str> = guide.split("```rego\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    for (block, number) in blocks.iter().zip(0..) {
        write(&folder.path().join(format!("{number}.rego")), block);
    }
    let all = cases(&Rules::in_folder(folder.path()).unwrap()).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].outcome, Outcome::Held);
}

#[test]
fn the_starter_pack_holds_in_each_of_its_cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/starter/policy");
    let rules = Rules::in_folder(Path::new(folder)).unwrap();
    let all = cases(&rules).unwrap();
    let failed: Vec<&Case> = all.iter().filter(|case| case.outcome != Outcome::Held).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for rule in ["safety", "connectivity", "canary", "freeze", "growth"] {
        for word in ["test_denies", "test_allows"] {
            let start = format!("policy.{rule}_test.{word}");
            assert!(all.iter().any(|case| case.name.starts_with(&start)), "{rule} has no case {word}");
        }
    }
}
