//! A thousand slips of the pen in the example fleet: nobody can make one that is told to nobody.

use std::collections::BTreeMap;
use std::path::Path;

use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::slips::{Ground, KINDS, Tally, Told, slips};

const SEED: u64 = 4;
const SLIPS: usize = 1_000;

#[test]
fn every_slip_in_the_example_gives_an_error_or_a_line_of_the_plan_that_names_it() {
    let folder = FleetFolder::new();
    folder.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fleet"));
    let files: BTreeMap<String, String> = folder.texts();
    let ground = Ground::new(folder.path(), &files).unwrap_or_else(|faults| panic!("{faults}"));
    let slips = slips(&files, SEED, SLIPS);
    assert_eq!(slips.len(), SLIPS, "there are so many");
    let tally = Tally::of(&ground, &slips);
    println!("  measured: {SLIPS} slips with seed {SEED}\n{tally}");
    assert_eq!(tally.silent(), <[String; 0]>::default(), "nobody is told of these");
    assert_eq!(tally.kinds().count(), KINDS.len(), "of every kind:\n{tally}");
    assert!(tally.count(Told::Plan) > 0, "some are values as good as others:\n{tally}");
}
