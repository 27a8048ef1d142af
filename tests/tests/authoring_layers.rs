//! What layers come to: patches that match, and patches that agree.

use std::collections::BTreeMap;

use steadfast::compile::{Compiled, explain};
use steadfast::diagnostics::Code;
use steadfast::fleet::{At, Fleet};
use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::fleetgen::{Measures, generate, small};

const SETTINGS: &str = "steadfast.toml";

/// The small fleet with a level of patches before that of single devices, and these patches.
fn patched(patches: &[(&str, &str)]) -> FleetFolder {
    let folder = small();
    folder.replace(SETTINGS, "\"device/{name}?\"", "\"patches/*\", \"device/{name}?\"");
    for (name, text) in patches {
        folder.write(&format!("layers/patches/{name}.toml"), text);
    }
    folder
}

/// A field of each device of the fleet that has it, as `explain` prints it.
fn field(folder: &FleetFolder, field: &str) -> BTreeMap<String, String> {
    let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
    steadfast::compile::compile(&fleet).unwrap();
    let value = |device: &steadfast::fleet::Device| {
        let explained = explain(&fleet, device, None).fields.into_iter().find(|one| one.field == field)?;
        Some((device.name.to_string(), explained.value.map_or("absent".to_owned(), |value| value.to_string())))
    };
    fleet.devices.iter().filter_map(value).collect()
}

fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn warnings(compiled: &Compiled) -> Vec<Code> {
    compiled.warnings.list().iter().map(|one| one.code()).collect()
}

#[test]
fn a_patch_is_for_the_devices_that_it_matches() {
    let folder = patched(&[
        ("cold", "match = 'site == \"berlin\" && model == \"sensor\"'\n[alarms]\nlow = -35\n"),
        ("one", "match = 'name == \"s4\" || id.endsWith(\"03\")'\n[alarms]\nlow = -5\n"),
    ]);
    let expected = [("s1", "-35"), ("s2", "-35"), ("s3", "-5"), ("s4", "-5")];
    assert_eq!(field(&folder, "alarms.low"), pairs(&expected));
}

#[test]
fn a_label_that_a_device_lacks_is_empty() {
    let folder = patched(&[
        ("absent", "match = 'zone == \"\" && model == \"sensor\"'\n[alarms]\nlow = -1\n"),
        ("present", "match = 'has(labels.zone) && labels.zone != \"\"'\n[alarms]\nlow = -2\n"),
    ]);
    folder.write("labels/site/boston.toml", "region = \"us\"\nzone = \"dry\"\n");
    let expected = [("s1", "-1"), ("s2", "-1"), ("s3", "-1"), ("s4", "-2")];
    assert_eq!(field(&folder, "alarms.low"), pairs(&expected));
}

#[test]
fn patches_stand_where_their_level_does() {
    let patch = ("a", "match = 'true'\n[sampling]\nperiod_ms = 700\n");
    let later = patched(&[patch]);
    // The inventory's own value, which is s3's, is stronger than every layer.
    let expected = [("s1", "700"), ("s2", "700"), ("s3", "250"), ("s4", "700")];
    assert_eq!(field(&later, "sampling.period_ms"), pairs(&expected));
    let earlier = patched(&[patch]);
    earlier.replace(SETTINGS, ", \"patches/*\"", "");
    earlier.replace(SETTINGS, "\"common\"", "\"common\", \"patches/*\"");
    let expected = [("s1", "500"), ("s2", "500"), ("s3", "250"), ("s4", "700")];
    assert_eq!(field(&earlier, "sampling.period_ms"), pairs(&expected));
}

#[test]
fn patches_that_say_the_same_agree() {
    let berlin = "match = 'site == \"berlin\"'\n";
    let all = "match = 'model == \"sensor\"'\n";
    let agreeing = [
        ("[network]\ntimeout = \"60s\"\n", "[network]\ntimeout = \"1m\"\n"),
        ("[sampling]\ngain = 1\n", "[sampling]\ngain = 1.0\n"),
        ("unset = [\"network.ntp\"]\n", "unset = [\"network.ntp\"]\n"),
        ("final = [\"alarms.low\"]\n[alarms]\nlow = -7\n", "[alarms]\nlow = -7\n"),
        ("[append]\nalarms.recipients = [\"a\"]\n", "[append]\nalarms.recipients = [\"b\"]\n"),
        ("[alarms]\nlow = -7\n", "[alarms]\nhigh = 70\n"),
    ];
    for (first, second) in agreeing {
        let folder = patched(&[("a", &format!("{berlin}{first}")), ("b", &format!("{all}{second}"))]);
        // What Berlin's own layer unsets would be unset of nothing there.
        folder.write("layers/site/berlin.toml", "");
        assert_eq!(folder.compile().map(|compiled| warnings(&compiled)).unwrap(), [], "{first}{second}");
    }
    let apart = [
        ("a", "match = 'site == \"berlin\"'\n[alarms]\nlow = -1\n"),
        ("b", "match = 'site == \"paris\"'\n[alarms]\nlow = -2\n"),
    ];
    assert_eq!(field(&patched(&apart), "alarms.low")["s3"], "-2");
}

#[test]
fn a_later_level_of_patches_may_change_an_earlier_one() {
    let folder = patched(&[("a", "match = 'site == \"berlin\"'\n[alarms]\nlow = -1\n")]);
    folder.replace(SETTINGS, "\"patches/*\"", "\"patches/*\", \"hot/*\"");
    folder.write("layers/hot/a.toml", "match = 'name == \"s2\"'\n[alarms]\nlow = -2\n");
    let low = field(&folder, "alarms.low");
    assert_eq!((&*low["s1"], &*low["s2"]), ("-1", "-2"));
}

#[test]
fn a_conflict_names_both_files_the_field_and_the_devices() {
    let folder = patched(&[
        ("a", "match = 'model == \"sensor\"'\n[alarms]\nlow = -1\n"),
        ("b", "match = 'site == \"berlin\"'\n\n[alarms]\nlow = -2\n"),
    ]);
    let text = folder.compile().unwrap_err().to_string();
    let expected = [
        "error[patch-conflict]: layers/patches/a.toml and layers/patches/b.toml disagree about `alarms.low`",
        "layers/patches/b.toml:4:7",
        "layers/patches/a.toml:3:7",
        "2 devices: s1, s2",
    ];
    for part in expected {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn a_patch_for_no_device_is_a_warning() {
    let folder = patched(&[("old", "match = 'site == \"lima\"'\n[alarms]\nlow = -1\n"), ("none", "match = 'false'\n")]);
    let compiled = folder.compile().unwrap();
    assert_eq!(warnings(&compiled), [Code::IdlePatch, Code::IdlePatch]);
    let at = compiled.warnings.list()[0].position().unwrap();
    assert_eq!((&*at.path, at.line, at.column), ("layers/patches/none.toml", 1, 9));
    folder.remove("layers/patches/old.toml");
    folder.remove("layers/patches/none.toml");
    assert_eq!(warnings(&folder.compile().unwrap()), []);
    folder.write("layers/patches/deeper/a.toml", "match = 'true'\n");
    assert_eq!(warnings(&folder.compile().unwrap()), [Code::UnusedFile]);
}

#[test]
fn explain_shows_a_patch_with_its_place_and_its_condition() {
    let folder = patched(&[("cold", "match = 'site == \"berlin\"'\n[alarms]\nlow = -35\n")]);
    let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
    let explanation = explain(&fleet, fleet.device("s1").unwrap(), None);
    let [(condition, at)] = &explanation.patches[..] else { panic!("{:?}", explanation.patches) };
    assert_eq!((condition.as_str(), &*at.path, at.line), ("site == \"berlin\"", "layers/patches/cold.toml", 1));
    let low = explanation.fields.iter().find(|one| one.field == "alarms.low").unwrap();
    let touches: Vec<_> =
        low.history.iter().map(|touch| (&*touch.position.path, touch.position.line, touch.wins)).collect();
    assert_eq!(touches, [("layers/site/berlin.toml", 4, false), ("layers/patches/cold.toml", 3, true)]);
    assert!(explain(&fleet, fleet.device("s3").unwrap(), None).patches.is_empty());
}

#[test]
fn a_generated_fleet_with_patches_compiles() {
    let folder = generate(Measures::of(1000));
    folder.replace(SETTINGS, "\"site/{site}\"", "\"site/{site}\", \"patches/*\"");
    folder.write("layers/patches/a.toml", "match = 'region == \"r3\"'\n[alarms]\nhigh = 70\n");
    folder.write("layers/patches/b.toml", "match = 'name == \"d17\"'\n[sampling]\nperiod_ms = 7\n");
    let compiled = folder.compile_at(&At::Worktree);
    // Seven milliseconds are too few, and the one device says so.
    assert_eq!(
        compiled.unwrap_err().list().iter().map(|one| (one.code(), one.devices())).collect::<Vec<_>>(),
        [(Code::OutOfRange, 1)]
    );
}
