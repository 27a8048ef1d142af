//! What a newcomer meets first works: the example fleet, and the one that `steadfast init` writes.

use std::path::Path;

use steadfast::compile::{Explained, compile, explain};
use steadfast::fleet::starter::Extent;
use steadfast::fleet::{At, Fleet};
use steadfast::schema::from_file;
use steadfast_core::config::Configuration;

/// The firmware's own types, so that the example cannot drift away from them.
#[allow(unreachable_pub, unexpected_cfgs)]
#[path = "../../boards/thermometer/src/config.rs"]
mod sample_application;

fn example() -> Fleet {
    Fleet::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fleet"), &At::Worktree).unwrap()
}

fn explained(fleet: &Fleet, device: &str, field: &str) -> Explained {
    let explanation = explain(fleet, fleet.device(device).unwrap(), None);
    explanation.fields.into_iter().find(|one| one.field == field).unwrap()
}

#[test]
fn the_example_fleet_compiles_without_a_warning() {
    let compiled = compile(&example()).unwrap();
    assert_eq!((compiled.leaves.len(), compiled.warnings.list().len()), (5, 0));
}

#[test]
fn the_examples_schema_is_the_sample_applications() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fleet/schemas/sensor/thermometer.toml");
    let schema = from_file("thermometer.toml", &std::fs::read(path).unwrap()).unwrap();
    assert_eq!(schema.id, sample_application::Thermometer::SCHEMA_ID);
}

#[test]
fn explain_names_every_layer_and_the_winner() {
    let fleet = example();
    let period = explained(&fleet, "berlin-2", "sampling.period_ms");
    assert_eq!(period.value, Some(500.into()));
    let history: Vec<_> =
        period.history.iter().map(|t| (&*t.position.path, t.position.line, &*t.text, t.wins)).collect();
    assert_eq!(history, [("layers/region/eu.toml", 2, "2000", false), ("inventory/sensors.csv", 3, "500", true)]);
    let contacts = explained(&fleet, "berlin-gw", "alarms.contacts");
    let wins: Vec<_> = contacts.history.iter().map(|touch| (&*touch.position.path, touch.wins)).collect();
    assert_eq!(wins, [("layers/common.toml", true), ("layers/site/berlin.toml", true)]);
    let average = explained(&fleet, "boston-1", "sampling.average");
    assert_eq!((average.value, average.history.len()), (Some(4.into()), 0));
}

#[test]
fn what_init_writes_compiles_without_a_warning() {
    // One device, and three gateways to be simulated.
    for (extent, leaves) in [(Extent::Least, 1), (Extent::Below, 4), (Extent::Repository, 4)] {
        let folder = steadfast_tests::fleet_folder::FleetFolder::new();
        for file in steadfast::fleet::starter::files("A new fleet", extent).unwrap() {
            folder.write(&file.path, file.content);
        }
        folder.init();
        let compiled = folder.compile_at(&At::Head).unwrap();
        assert_eq!((compiled.leaves.len(), compiled.warnings.list().len()), (leaves, 0), "{extent:?}");
    }
    assert!(steadfast::fleet::starter::files("a \"fleet\"", Extent::Least).is_err());
}
