//! Several firmware versions of one model in one fleet: one change, and each gets what its schema can express.

#[path = "authoring_skew/pumps.rs"]
mod pumps;

use std::collections::BTreeSet;

use pumps::{Pumps, v1, v2, v3};
use steadfast::compile::explain;
use steadfast::diagnostics::{Code, Diagnostic, Severity};
use steadfast::plan::{Alarm, Side, Standing, plan};
use steadfast::schema::from_toml;
use steadfast_core::config::Duration;

/// What the fleet says at first.
const COMMON: &str = "layers/common.toml";
const SITE: &str = "layers/site/berlin.toml";

#[test]
fn three_firmware_versions_take_one_change() {
    let fleet = Pumps::new();
    fleet.folder.write(
        COMMON,
        "[uplink]\naddress = \"10.0.0.1:80\"\n[sampling]\ninterval_ms = 5000\nburst = 1\nmode = { window = { upper = 9, wait = \"2s\" } }\n[display]\nbrightness = 5\n",
    );
    let pack = fleet.pack();
    for device in 1..=pumps::DEVICES {
        let contents = pack.of(device);
        assert_eq!(contents.len(), 3);
        let first: v1::Net = pack.section(&contents[0], "net");
        assert_eq!(&*first.server, "10.0.0.1:80");
        let first: v1::Sampling = pack.section(&contents[0], "sampling");
        let (limit, wait) = (9, Duration::literal("2s"));
        assert_eq!(first, v1::Sampling { period: 5000, mode: v1::Mode::Window { limit, wait } });
        let second: v2::Network = pack.section(&contents[1], "network");
        assert_eq!(&*second.server, "10.0.0.1:80");
        let second: v2::Sampling = pack.section(&contents[1], "sampling");
        assert_eq!(second, v2::Sampling { period_ms: 5000, burst: 1, mode: v2::Mode::Window { limit, wait } });
        let third: v3::Uplink = pack.section(&contents[2], "uplink");
        assert_eq!(third.address.as_deref(), Some("10.0.0.1:80"));
        let third: v3::Sampling = pack.section(&contents[2], "sampling");
        assert_eq!(third, v3::Sampling { interval_ms: 5000, burst: 1, mode: v3::Mode::Window { upper: limit, wait } });
        let third: v3::Display = pack.section(&contents[2], "display");
        assert_eq!(third, v3::Display { brightness: 5 });
    }
}

/// The only fault: how many devices, and its line in the site's layer.
fn only_fault(fleet: &Pumps) -> Diagnostic {
    let diagnostics = fleet.folder.compile().unwrap_err();
    assert_eq!(diagnostics.list().len(), 1, "{diagnostics}");
    let one = diagnostics.list()[0].clone();
    assert_eq!(one.position().map(|at| (&*at.path, at.line)), Some((SITE, 2)), "{diagnostics}");
    one
}

#[test]
fn what_an_older_schema_cannot_express_names_field_schema_and_devices() {
    let (old, middle) = (v1::schema().short_id(), v2::schema().short_id());
    let cases = [
        ("[sampling]\nburst = 4\n", format!("the live schema {old} has no `sampling.burst`")),
        ("[sampling]\ninterval_ms = 90000\n", format!("the live schema {old} cannot express this: `sampling.period`")),
        ("[sampling]\nmode = \"idle\"\n", format!("the live schema {middle} cannot express this: `sampling.mode`")),
    ];
    for (layer, expected) in cases {
        let fleet = Pumps::new();
        fleet.folder.write(SITE, layer);
        let diagnostics = fleet.folder.compile().unwrap_err();
        let found = diagnostics.list().iter().find(|one| one.message().starts_with(&expected));
        let one = found.unwrap_or_else(|| panic!("{expected}: {diagnostics}"));
        assert!(diagnostics.list().iter().all(|one| one.code() == Code::SchemaSkew), "{diagnostics}");
        assert_eq!((one.devices(), one.position().map(|at| (&*at.path, at.line))), (2, Some((SITE, 2))));
        assert!(one.help().contains("on_unsupported = \"hold\""), "{}", one.help());
    }
}

#[test]
fn a_layer_that_holds_leaves_the_others_what_they_can_have() {
    let fleet = Pumps::new();
    let before = fleet.read();
    fleet.folder.write(SITE, "on_unsupported = \"hold\"\n[sampling]\nburst = 4\n");
    let pack = fleet.pack();
    let old = v1::schema().id;
    // Two pumps in Berlin, one in Paris, whose layers say nothing of the kind.
    let held: Vec<_> = pack.compiled.held.iter().map(|held| (held.device.0[15], held.schema)).collect();
    assert_eq!(held, [(1, old), (2, old)]);
    assert_eq!([1, 2, 3].map(|device| pack.of(device).len()), [2, 2, 3]);
    let second: v2::Sampling = pack.section(&pack.of(1)[0], "sampling");
    assert_eq!(second.burst, 4);
    let warnings = pack.compiled.warnings.list();
    let [one] = warnings else { panic!("{:?}", pack.compiled.warnings) };
    assert_eq!((one.code(), one.severity(), one.devices()), (Code::SchemaHeld, Severity::Warning, 2));
    assert_eq!(one.position().map(|at| (&*at.path, at.line)), Some((SITE, 3)));

    let after = fleet.read();
    let [base, head] = [&before, &after].map(|(fleet, compiled)| Side { fleet, compiled });
    let plan = plan(Some(base), head);
    let warning = plan.warnings.iter().find(|warning| warning.kind == Alarm::SchemaHeld).unwrap();
    assert_eq!(warning.devices.as_ref().map(|devices| devices.count), Some(2));
    assert!(!plan.warnings.iter().any(|warning| warning.kind == Alarm::SchemaRetired), "{:?}", plan.warnings);
    let standings: Vec<Standing> = plan.groups[0].effect.schemas.iter().map(|schema| schema.change).collect();
    assert_eq!(standings, [Standing::Held, Standing::Differs, Standing::Differs]);
    assert_eq!((plan.groups.len(), plan.groups[0].devices.count), (1, 2));
}

#[test]
fn a_layer_holds_only_what_it_says_itself() {
    let fleet = Pumps::new();
    fleet.folder.write(SITE, "[sampling]\nburst = 4\n");
    fleet.folder.write(COMMON, "on_unsupported = \"hold\"\n");
    assert_eq!(only_fault(&fleet).code(), Code::SchemaSkew);
    // Under the model it holds for everything.
    fleet.folder.write(COMMON, "");
    fleet.folder.replace("steadfast.toml", "slot_bytes", "on_unsupported = \"hold\"\nslot_bytes");
    assert_eq!(fleet.folder.compile().unwrap().held.len(), 2);
    // What is wrong for the newest firmware is wrong, whoever is held.
    fleet.folder.write(SITE, "[sampling]\nburst = 400\n");
    assert_eq!(only_fault(&fleet).code(), Code::OutOfRange);
}

#[test]
fn a_section_that_older_firmware_lacks_is_skipped_unless_its_devices_shall_wait() {
    let fleet = Pumps::new();
    fleet.folder.write(SITE, "[display]\nbrightness = 6\n");
    let pack = fleet.pack();
    assert_eq!((pack.compiled.held.len(), pack.of(1).len()), (0, 3));
    let (read, _) = fleet.read();
    let skipped = explain(&read, read.device("p1").unwrap(), None).behind;
    let skipped: Vec<_> = skipped.iter().map(|one| (one.schema, &*one.section, one.position.line)).collect();
    assert_eq!(skipped, [(v1::schema().id, "display", 1), (v2::schema().id, "display", 1)]);
    fleet.folder.write(SITE, "on_unsupported = \"hold\"\n[display]\nbrightness = 6\n");
    assert_eq!(fleet.pack().compiled.held.len(), 4, "two pumps under two schemas");
    // What the older firmware does anyway is no reason to wait.
    fleet.folder.write(SITE, "on_unsupported = \"hold\"\n[display]\nbrightness = 5\n");
    assert_eq!(fleet.pack().compiled.held, []);
}

#[test]
fn a_hold_of_another_kind_is_an_error() {
    let fleet = Pumps::new();
    fleet.folder.write(SITE, "\non_unsupported = \"skip\"\n");
    assert_eq!(only_fault(&fleet).code(), Code::BadValue);
}

/// A fleet of one device with two schemas, and what comes of it.
fn two(old: &str, new: &str, layer: &str) -> Result<Vec<Vec<u8>>, String> {
    let folder = steadfast_tests::fleet_folder::FleetFolder::new();
    let settings = "layers = [\"common\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n\
        [models.m]\nslot_bytes = 4096\nschemas = [\"old.toml\", \"new.toml\"]\n";
    folder.write("steadfast.toml", settings);
    folder.write("schemas/m/old.toml", old);
    folder.write("schemas/m/new.toml", new);
    folder.write("inventory/all.csv", format!("device,name,model\n{:032x},a,m\n", 1));
    folder.write(COMMON, layer);
    assert_ne!(from_toml(old, "old").unwrap().id, from_toml(new, "new").unwrap().id);
    let compiled = folder.compile().map_err(|diagnostics| {
        let list = diagnostics.list();
        assert!(list.len() == 1 && list[0].code() == Code::SchemaSkew && list[0].devices() == 1, "{diagnostics}");
        list[0].message().to_owned()
    })?;
    Ok(compiled.objects.into_values().collect())
}

#[test]
fn another_unit_or_kind_is_another_field() {
    let old = "[section.a.fields]\nperiod = { type = \"u16\", unit = \"s\", default = 7 }\n";
    let other = [
        "{ type = \"u16\", unit = \"ms\", default = 8 }",
        "{ type = \"text\", max = 4, unit = \"s\", default = \"\" }",
    ];
    for field in other {
        let new = format!("[section.a.fields]\nperiod = {field}\n");
        // Nobody sets it: each firmware has its own default.
        assert!(two(old, &new, "").unwrap().contains(&vec![7]));
        let value = if field.contains("text") { "\"x\"" } else { "9" };
        let said = two(old, &new, &format!("a.period = {value}\n")).unwrap_err();
        assert!(said.contains("`a.period` cannot be the `period` of the live schema"), "{said}");
    }
    // Wider, and optional: the same field still.
    let new = "[section.a.fields]\nperiod = { type = \"u32\", unit = \"s\", optional = true }\n";
    assert!(two(old, new, "a.period = 9\n").unwrap().contains(&vec![9]));
}

#[test]
fn what_only_the_older_firmware_needs_is_told() {
    let old = "[section.a.fields]\nx = \"u8\"\ny = \"u8\"\n";
    let said = two(old, "[section.a]\nremoved = [\"y\"]\n[section.a.fields]\nx = \"u8\"\n", "a.x = 1\n").unwrap_err();
    assert!(said.contains("needs a value that the newest gives none: `a.y` has no value"), "{said}");
    let objects =
        two(old, "[section.a.fields]\nx = \"u8\"\nz = { type = \"u8\", was = \"y\", default = 5 }\n", "a.x = 1\n");
    // The newest's default serves a firmware that has none.
    assert_eq!(objects.unwrap(), [vec![1, 5]]);
}

#[test]
fn a_check_that_only_the_newest_firmware_can_do_is_told_like_a_value() {
    let with = |checks: &str| {
        format!("[section.a]\nchecks = [{checks}]\n[section.a.fields]\nx = {{ type = \"u8\", default = 1 }}\n")
    };
    let (old, new) = (with("\"one\""), with("\"one\", \"two\""));
    assert!(two(&old, &new, "health.checks = [\"one\"]\n").is_ok());
    let said = two(&old, &new, "health.checks = [\"two\"]\n").unwrap_err();
    assert!(said.contains("cannot express this: the schema has no check `two`"), "{said}");
}

#[test]
fn what_only_a_held_device_would_have_is_not_in_the_release() {
    let old = "[section.a.fields]\nx = \"u8\"\n[section.b.fields]\ny = { type = \"u8\", default = 1 }\n";
    let new = "[section.a.fields]\nx = \"u8\"\nw = { type = \"u8\", default = 9 }\n[section.b.fields]\ny = { type = \"u8\", default = 1 }\n\
        z = { type = \"u8\", default = 2 }\n";
    assert!(two(old, new, "a.x = 5\n").unwrap().contains(&vec![5]));
    let held = two(old, new, "on_unsupported = \"hold\"\na.x = 5\nb.z = 3\n");
    assert_eq!(BTreeSet::from_iter(held.unwrap()), BTreeSet::from([vec![5, 9], vec![1, 3]]));
}

#[test]
fn no_section_is_called_like_a_word_of_layers() {
    for name in ["match", "unset", "append", "final", "on_unsupported", "agent", "health"] {
        let refused = from_toml(&format!("[section.{name}.fields]\nx = \"u8\"\n"), "s").unwrap_err();
        assert!(refused.message.contains("means something else in a layer"), "{refused}");
    }
}
