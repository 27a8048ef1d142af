//! What comes out of compiling: the bytes that a firmware's own types would have, the same ones every time.

use std::collections::BTreeMap;

use steadfast::compile::Compiled;
use steadfast::fleet::At;
use steadfast_core::config::heapless::{String as Text, Vec as List};
use steadfast_core::config::{self, Duration};
use steadfast_core::manifest::{Flags, Kind, Manifest, Reach, Restart, Risk};
use steadfast_tests::firmwares::sensor::{Alarms, Mode, Network, Sampling};
use steadfast_tests::fleet_folder::git;
use steadfast_tests::fleetgen::{LIVE, Measures, generate, small};

fn text<const N: usize>(text: &str) -> Text<N> {
    text.try_into().unwrap()
}

/// The objects of a device's only leaf, by section.
fn objects(compiled: &Compiled, name: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = manifest(compiled, name);
    let manifest = Manifest::parse(bytes).unwrap();
    let object = |entry: steadfast_core::manifest::Entry<'_>| {
        let object = entry.object().unwrap();
        let bytes = compiled.objects[&object.digest].clone();
        assert_eq!(object.size as usize, bytes.len());
        (entry.section.to_owned(), bytes)
    };
    manifest.objects().map(object).collect()
}

fn manifest<'a>(compiled: &'a Compiled, name: &str) -> &'a [u8] {
    let device = compiled.roster.iter().find(|entry| &*entry.name == name).unwrap().device;
    let mut leaves = compiled.leaves.iter().filter(|leaf| leaf.device == device);
    let leaf = leaves.next().unwrap();
    assert!(leaves.next().is_none());
    &compiled.manifests[leaf.manifest as usize]
}

#[test]
fn sections_are_the_postcard_of_the_firmwares_own_types() {
    let compiled = small().compile().unwrap();
    let mut buffer = [0; 512];
    let network = Network { server: text("10.0.2.2:8080"), ntp: None, timeout: Duration::literal("10s") };
    let sampling = Sampling { period_ms: 500, mode: Mode::Sleep, gain: 1.0 };
    let recipients = List::from_slice(&[text("ops@example")]).unwrap();
    let alarms = Alarms { enabled: true, low: -30, high: 60, recipients };
    let s1 = objects(&compiled, "s1");
    assert_eq!(s1["network"], postcard::to_slice(&network, &mut buffer).unwrap());
    assert_eq!(s1["sampling"], postcard::to_slice(&sampling, &mut buffer).unwrap());
    assert_eq!(s1["alarms"], postcard::to_slice(&alarms, &mut buffer).unwrap());
    let s4: Sampling = config::decode(&objects(&compiled, "s4")["sampling"]).unwrap();
    assert_eq!(s4, Sampling { period_ms: 1000, mode: Mode::Average(4), gain: 1.0 });
    let s3: Sampling = config::decode(&objects(&compiled, "s3")["sampling"]).unwrap();
    assert_eq!(s3.period_ms, 250);
}

#[test]
fn a_gateways_sections_are_files() {
    let compiled = small().compile().unwrap();
    let r2 = objects(&compiled, "r2");
    let routing: serde_json::Value = serde_json::from_slice(&r2["routing"]).unwrap();
    let vids: Vec<_> = routing["vlans"].as_array().unwrap().iter().map(|vlan| vlan["vid"].as_u64().unwrap()).collect();
    assert_eq!(vids, [10, 20, 30]);
    assert_eq!(routing["vlans"][0]["prefix"], "10.1.0.1/24");
    assert_eq!(routing["vlans"][2]["untagged"], true);
    let network = String::from_utf8(r2["network"].clone()).unwrap();
    assert_eq!(network, "{\n  \"ntp\": \"ntp.example\",\n  \"server\": \"10.0.2.2:8080\",\n  \"timeout\": 5000\n}\n");
    let manifest = Manifest::parse(manifest(&compiled, "r2")).unwrap();
    assert!(manifest.objects().all(|entry| matches!(entry.kind, Kind::File(_))));
}

#[test]
fn manifests_carry_flags_checks_and_settings() {
    let folder = small();
    folder.write("layers/region/us.toml", "[agent]\npoll_seconds = 30\nattempt = 2\n[health]\nboots = 2\n");
    folder.write("layers/device/s4.toml", "[health]\nchecks = [\"sensor\"]\n");
    let compiled = folder.compile().unwrap();
    let s4 = Manifest::parse(manifest(&compiled, "s4")).unwrap();
    assert_eq!((s4.settings.poll_seconds, s4.settings.attempt, s4.settings.lost_contact_seconds), (30, 2, 0));
    assert_eq!((s4.policy.boots, s4.policy.reach), (2, Reach::Server));
    assert_eq!(s4.checks().collect::<Vec<_>>(), ["sensor"]);
    let s1 = Manifest::parse(manifest(&compiled, "s1")).unwrap();
    assert_eq!(s1.checks().collect::<Vec<_>>(), ["alarms", "sensor"]);
    let flags: Vec<_> = s1.objects().map(|entry| (entry.section, entry.flags)).collect();
    let expected = [
        ("alarms", Flags::new(Restart::Nothing, Risk::Low)),
        ("network", Flags::new(Restart::Device, Risk::Connectivity)),
        ("sampling", Flags::new(Restart::Task, Risk::Low)),
    ];
    assert_eq!(flags, expected);
}

#[test]
fn devices_with_equal_values_share_a_manifest() {
    let compiled = small().compile().unwrap();
    assert_eq!(manifest(&compiled, "s1"), manifest(&compiled, "s2"));
    assert_eq!((compiled.leaves.len(), compiled.manifests.len()), (6, 5));
    assert!(compiled.leaves.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn two_clones_at_two_paths_give_the_same_bytes() {
    let folder = small();
    folder.init();
    folder.commit("second");
    let elsewhere = tempfile::tempdir().unwrap();
    let clone = elsewhere.path().join("a/b");
    git(elsewhere.path(), &["clone", "--quiet", folder.path().to_str().unwrap(), clone.to_str().unwrap()]);
    let first = folder.compile_at(&At::Head).unwrap();
    let second = steadfast::compile::compile(&steadfast::fleet::Fleet::open(&clone, &At::Head).unwrap()).unwrap();
    assert_eq!(first.source, second.source);
    assert_eq!((first.source.sequence, first.source.floor, first.source.worktree), (2, 0, false));
    assert_eq!((first.leaves, first.manifests), (second.leaves, second.manifests));
    assert_eq!((first.objects, first.roster), (second.objects, second.roster));
}

#[test]
fn a_fleet_may_lie_below_the_repositorys_top() {
    let folder = small();
    let alone = folder.compile().unwrap();
    let repository = steadfast_tests::fleet_folder::FleetFolder::new();
    let inside = repository.path().join("fleets/prod");
    std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
    assert!(std::process::Command::new("cp").arg("-r").arg(folder.path()).arg(&inside).status().unwrap().success());
    repository.init();
    let fleet = steadfast::fleet::Fleet::open(&inside, &At::Head).unwrap();
    assert_eq!(steadfast::compile::compile(&fleet).unwrap().manifests, alone.manifests);
}

#[test]
fn a_generated_fleet_compiles() {
    let compiled = generate(Measures::of(1000)).compile().unwrap();
    assert_eq!(compiled.leaves.len(), LIVE * 1000);
    // Ten sites, and a hundred devices of their own, each as every live schema has it.
    assert_eq!(compiled.manifests.len(), LIVE * (10 + 100));
}
