//! Rules as a script meets them: what denies ends with 3 in `plan`, `check` and `publish`, and nothing of it is uploaded.

mod rig;

use std::path::Path;

use rig::{Fleet, git};
use serde_json::Value;

const FORBID: &str = "package policy.period\n\ndeny contains answer if {\n\tsome group in input.groups\n\tsome field in group.fields\n\
    \tfield.path == \"sampling.period_ms\"\n\tnot approved\n\tanswer := {\"msg\": sprintf(\"period %d -> %d\", [field.old.value, field.new.value]), \"field\": field.path}\n}\n\n\
    approved if {\n\tsome approval in input.approvals\n\tapproval.role == \"period\"\n}\n";

fn write(fleet: &Fleet, path: &str, text: &str) {
    let path = fleet.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A fleet with a rule that nobody may change the period.
fn ruled() -> Fleet {
    let fleet = Fleet::new();
    write(&fleet, "policy/period.rego", FORBID);
    fleet.commit("a rule");
    fleet
}

fn approved(fleet: &Fleet) -> String {
    let file = fleet.beside("approvals.json");
    let text =
        "{\"format\": 1, \"approvals\": [{\"by\": \"ann\", \"role\": \"period\", \"at\": \"2026-11-24T09:00:00Z\"}]}";
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_denied_plan_ends_with_3_and_says_why_in_every_format() {
    let fleet = ruled();
    fleet.run(&["plan"]).fine();
    fleet.set_period(2000);
    let text = fleet.run(&["plan"]);
    assert_eq!(text.code, Some(3), "{}", text.err);
    assert!(text.out.contains("denied by policy.period: period 5000 -> 2000 (sampling.period_ms)\n"), "{}", text.out);
    let comment = fleet.run(&["plan", "--format", "markdown", "--exit-code"]);
    assert!(
        comment.code == Some(3) && comment.out.contains("> **Denied** by policy.period: period 5000 -&gt; 2000"),
        "{}",
        comment.out
    );
    let machine = fleet.run(&["plan", "--format", "json"]);
    assert_eq!(machine.code, Some(3));
    let verdict = &serde_json::from_str::<Value>(&machine.out).unwrap()["policy"]["denied"][0];
    assert_eq!((&verdict["rule"], &verdict["field"]), (&"policy.period".into(), &"sampling.period_ms".into()));
    let checked = fleet.run(&["check"]).failed(3);
    assert!(checked.contains("denied by policy.period: period 5000 -> 2000"), "{checked}");
    let approvals = approved(&fleet);
    let passed = fleet.run(&["plan", "--approvals", &approvals]).fine();
    assert!(passed.contains("policy: 1 rule asked (the base's and the head's): none denies"), "{passed}");
    fleet.run(&["check", "--approvals", &approvals]).fine();
}

#[test]
fn publish_asks_again_from_the_last_release_and_uploads_nothing_that_is_denied() {
    let fleet = ruled();
    let server = fleet.serve();
    let publish = ["publish", "--server", &server.url, "--key", "keys/publisher.key"];
    fleet.run(&publish).fine();
    fleet.set_period(2000);
    fleet.commit("nothing more");
    fleet.run(&["plan"]).fine();
    let denied = fleet.run(&publish).failed(3);
    assert!(denied.contains("denied by policy.period: period 5000 -> 2000"), "{denied}");
    fleet.run(&[&publish[..], &["--dry-run"]].concat()).failed(3);
    let pack = fleet.pack("a.pack");
    fleet.run(&["publish", "--server", &server.url, "--pack", pack.to_str().unwrap()]).failed(3);
    let newest = || {
        let told = fleet.run(&["status", "--server", &server.url, "--format", "json"]).out;
        serde_json::from_str::<Value>(&told).unwrap()["newest"]["sequence"].clone()
    };
    let before = newest();
    fleet.run(&[&publish[..], &["--approvals", &approved(&fleet)]].concat()).fine();
    assert_ne!(before, newest(), "and nothing before the approval");
}

#[test]
fn a_change_that_deletes_the_rule_that_forbids_it_is_denied() {
    let fleet = ruled();
    let server = fleet.serve();
    let publish = ["publish", "--server", &server.url, "--key", "keys/publisher.key"];
    fleet.run(&publish).fine();
    std::fs::remove_dir_all(fleet.path().join("policy")).unwrap();
    fleet.commit("no rules any more");
    fleet.set_period(2000);
    fleet.run(&["plan", "--base", "HEAD~2"]).failed(3);
    let denied = fleet.run(&publish).failed(3);
    assert!(denied.contains("policy.period, as it was before this change: period 5000 -> 2000"), "{denied}");
    git(&fleet.path(), &["checkout", "-q", "HEAD~1"]);
    fleet.run(&publish).fine();
    git(&fleet.path(), &["checkout", "-q", "main"]);
    fleet.run(&publish).fine();
}

#[test]
fn a_broken_rule_is_an_error_with_file_line_and_column() {
    let fleet = ruled();
    write(&fleet, "policy/period.rego", &FORBID.replace("some group in input.groups", "some group in input.gruops"));
    for command in ["plan", "check"] {
        let told = fleet.run(&[command, "--worktree"]).failed(1);
        assert!(told.contains("policy/period.rego:4:16") && told.contains("did you mean `groups`?"), "{told}");
    }
    let machine = fleet.run(&["plan", "--worktree", "--format", "json"]);
    let found = &serde_json::from_str::<Value>(&machine.out).unwrap()["diagnostics"][0];
    assert_eq!((&found["code"], &found["line"], &found["column"]), (&"bad-rule".into(), &4.into(), &16.into()));
    let dirty = fleet.run(&["plan"]).failed(1);
    assert!(dirty.contains("policy/period.rego"), "a rule that is not committed is not the commit's: {dirty}");
}

#[test]
fn a_base_that_does_not_compile_denies_unless_its_rules_are_left_out() {
    let fleet = ruled();
    write(&fleet, "layers/common.toml", "[sampling]\nperod_ms = 7\n");
    fleet.commit("broken");
    write(&fleet, "layers/common.toml", "[sampling]\nperiod_ms = 7000\n");
    fleet.commit("mended");
    let denied = fleet.run(&["plan"]);
    assert!(denied.code == Some(3) && denied.out.contains("so no rule can say"), "{}", denied.out);
    fleet.run(&["plan", "--new-rules-only"]).fine();
}

#[test]
fn approvals_that_are_none_are_an_error() {
    let fleet = ruled();
    let file = fleet.beside("approvals.json");
    for (text, why) in [
        ("[]", "holds no approvals"),
        ("{\"format\": 2, \"approvals\": []}", "its format is 2"),
        ("{\"format\": 1, \"approvals\": [{\"by\": \"ann\", \"role\": \"\", \"at\": \"now\"}]}", "must not be empty"),
        (
            "{\"format\": 1, \"approvals\": [{\"by\": \"ann\", \"rolle\": \"x\", \"at\": \"now\"}]}",
            "unknown field `rolle`",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = fleet.run(&["plan", "--approvals", file.to_str().unwrap()]).failed(1);
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn policy_test_names_the_case_that_fails() {
    let fleet = ruled();
    assert!(fleet.run(&["policy", "test"]).failed(1).contains("there is no case in policy"));
    let cases = "package policy.period\n\ntest_silent_about_nothing if count(deny) == 0 with input as {\"groups\": []}\n\n\
        test_wrong if count(deny) == 1 with input as {\"groups\": []}\n";
    write(&fleet, "policy/period_test.rego", cases);
    let done = fleet.run(&["policy", "test"]);
    assert_eq!(done.code, Some(1));
    let expected = [
        "held    policy.period.test_silent_about_nothing\n",
        "FAILED  policy.period.test_wrong (policy/period_test.rego:5): it does not hold\n",
        "2 cases, 1 failed\n",
    ];
    assert_eq!(done.out, expected.concat());
    let machine = fleet.run(&["policy", "test", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&machine.out).unwrap()["cases"][1]["held"], false);
    write(&fleet, "policy/period_test.rego", &cases.replace("== 1", "== 0"));
    assert!(fleet.run(&["policy", "test"]).fine().ends_with("2 cases, 0 failed\n"));
}

/// The fleet of `init` with the starter pack, and one device of risk for each rule.
fn with_starter_pack() -> Fleet {
    let fleet = Fleet::new();
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("starter/policy");
    for file in std::fs::read_dir(pack).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        write(&fleet, &format!("policy/{name}"), &std::fs::read_to_string(&file).unwrap());
    }
    let schema = std::fs::read_to_string(fleet.path().join("schemas/sensor/sensor.toml")).unwrap();
    let motor = "\n[section.motor]\nrisk = \"safety\"\n[section.motor.fields]\nlimit = { type = \"u32\", default = 5 }\n\
        [section.notes.fields]\ntext = { type = \"text\", max = 3500, default = \"\" }\n";
    write(&fleet, "schemas/sensor/sensor.toml", &(schema + motor));
    write(
        &fleet,
        "rollout.toml",
        "[[wave]]\nname = \"canary\"\ncount = 1\n\n[[wave]]\nname = \"rest\"\npercent = 100\n",
    );
    for number in 2..12 {
        fleet.run(&["device", "enroll", &format!("sensor-{number}"), "--model", "sensor", "--label", "site=office"]);
    }
    fleet.commit("the starter pack");
    fleet
}

#[test]
fn the_starter_pack_denies_and_allows_real_changes() {
    let fleet = with_starter_pack();
    assert!(fleet.run(&["policy", "test"]).fine().ends_with(" 0 failed\n"));
    let common = std::fs::read_to_string(fleet.path().join("layers/common.toml")).unwrap();
    let denied = |layer: &str, why: &str| {
        write(&fleet, "layers/common.toml", &format!("{common}\n{layer}"));
        let done = fleet.run(&["plan", "--worktree"]);
        assert!(done.code == Some(3) && done.out.contains(why), "{layer}: {:?}\n{}{}", done.code, done.out, done.err);
    };
    denied("[motor]\nlimit = 6\n", "denied by policy.safety: motor.limit changes");
    denied(
        &format!("[notes]\ntext = \"{}\"\n", "x".repeat(3000)),
        "denied by policy.growth: a configuration of sensor grows",
    );
    write(&fleet, "layers/common.toml", &format!("{common}\n[notes]\ntext = \"short\"\n"));
    fleet.run(&["plan", "--worktree"]).fine();
    std::fs::remove_file(fleet.path().join("rollout.toml")).unwrap();
    let bare = fleet.run(&["plan", "--worktree"]);
    assert!(
        bare.code == Some(3) && bare.out.contains("denied by policy.canary: there is no rollout.toml"),
        "{}",
        bare.out
    );
}
