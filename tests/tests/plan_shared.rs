//! A plan whose base is read by way of the head is the plan of two commits that are read each by itself, whatever the change.

use serde_json::Value;
use steadfast::compile::{Compiled, compile};
use steadfast::fleet::{At, Fleet};
use steadfast::plan::{Side, plan, read_base};
use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::fleetgen::{Measures, generate};

/// Sites of the fleet.
const SITES: u32 = 12;

/// Changes that are tried, one on top of the other.
const CHANGES: u64 = 60;

const SETTINGS: &str = "steadfast.toml";

/// A kind of change, by a number that says which one exactly.
type Edit = fn(&FleetFolder, u64);

/// Edits that leave the inventory alone, and then those that do not.
const EDITS: [(&str, Edit); 8] = [
    ("common", |fleet, n| fleet.write("layers/common.toml", common(n))),
    ("site", |fleet, n| fleet.write(&site(n), format!("[sampling]\nperiod_ms = {}\n", 500 + n))),
    ("nothing", |fleet, n| fleet.write(&site(n), format!("# {n}\n[sampling]\nperiod_ms = 900\n"))),
    ("agent", |fleet, n| fleet.write("layers/region/r3.toml", format!("[agent]\npoll_seconds = {}\n", 60 + n))),
    ("checks", |fleet, n| {
        let checks = ["[\"sensor\"]", "[\"alarms\"]", "[\"alarms\", \"sensor\"]"][n as usize % 3];
        fleet.write("layers/model/sensor.toml", format!("[health]\nchecks = {checks}\n"));
    }),
    ("patch", |fleet, n| {
        let of = format!("match = 'site == \"s{}\"'\n[alarms]\nhigh = {}\n", n % u64::from(SITES), n % 90);
        fleet.write("layers/patches/now.toml", of);
    }),
    ("moved", |fleet, n| fleet.write("labels/site/s5.toml", format!("region = \"r{}\"\n", n % 10))),
    ("rows", |fleet, n| {
        let rows =
            format!("device,name,model,site,set.alarms.low\n{:032x},extra{n},sensor,s1,-{}\n", 7 + n % 2, n % 40);
        fleet.write("inventory/extra.csv", rows);
    }),
];

fn common(n: u64) -> String {
    let server = format!("[network]\nserver = \"server{}.example:8080\"\n", n % 4);
    let ntp = if n.is_multiple_of(3) { String::new() } else { format!("ntp = \"ntp{}.example\"\n", n % 5) };
    let alarms = if n.is_multiple_of(2) { String::new() } else { format!("[alarms]\nhigh = {}\n", 60 + n % 3) };
    server + &ntp + &alarms
}

fn site(n: u64) -> String {
    format!("layers/site/s{}.toml", n % u64::from(SITES))
}

fn read(folder: &FleetFolder, commit: &str) -> (Fleet, Compiled) {
    let fleet = Fleet::open(folder.path(), &At::Commit(commit.to_owned())).unwrap();
    let compiled = compile(&fleet).unwrap();
    (fleet, compiled)
}

fn planned(before: &(Fleet, Compiled), after: &(Fleet, Compiled)) -> Value {
    let [base, head] = [before, after].map(|(fleet, compiled)| Side { fleet, compiled });
    serde_json::to_value(plan(Some(base), head)).unwrap()
}

/// The next of a row of numbers that looks random, and is the same each time.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn a_base_read_by_way_of_the_head_gives_the_same_plan() {
    let folder = generate(Measures { devices: 300, sites: SITES, own_every: 7 });
    folder.replace(SETTINGS, "\"site/{site}\"", "\"site/{site}\", \"patches/*\"");
    folder.init();
    let mut before = folder.commit("the levels");
    let (mut seed, mut shared, mut changed) = (1, 0, 0);
    for change in 0..CHANGES {
        let (name, edit) = EDITS[next(&mut seed) as usize % EDITS.len()];
        edit(&folder, next(&mut seed) % 1000);
        let after = folder.commit(name);
        let head = read(&folder, &after);
        let plain = planned(&read(&folder, &before), &head);
        assert_eq!(planned(&read_base(&head.0, folder.path(), &before).unwrap(), &head), plain, "{change}: {name}");
        changed += usize::from(plain["counts"]["changed"] != 0);
        let sibling = head.0.sibling(folder.path(), &before);
        shared += usize::from(sibling.is_some());
        let only_values = ["common", "site", "nothing", "agent", "checks"].contains(&name) || after == before;
        assert!(
            sibling.is_some() || !only_values,
            "{change}: {name} changes nothing but values, and all was read again"
        );
        before = after;
    }
    assert!(shared >= 20 && changed >= 20, "{shared} bases were shared, {changed} plans were not empty");
}

#[test]
fn a_base_with_a_fault_is_no_sibling() {
    let folder = generate(Measures { devices: 30, sites: SITES, own_every: 0 });
    folder.write("layers/site/s1.toml", "[sampling]\nperoid_ms = 900\n");
    folder.init();
    let wrong = folder.commit("a field that no schema has");
    folder.write("layers/site/s1.toml", "[sampling]\nperiod_ms = 900\n");
    let head = read(&folder, &folder.commit("mended"));
    let told = read_base(&head.0, folder.path(), &wrong).err().unwrap();
    assert_eq!(told.to_text(steadfast::diagnostics::Color::Never), {
        let plain = Fleet::open(folder.path(), &At::Commit(wrong)).unwrap();
        compile(&plain).unwrap_err().to_text(steadfast::diagnostics::Color::Never)
    });
}
