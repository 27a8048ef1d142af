//! A power cut at every flash operation of a device's whole life, with every tear, on every geometry; every pair of cuts
//! on the small ones; and lives in which power fails again and again.

use steadfast_tests::flash::{Cases, Geometry, Rates};
use steadfast_tests::life::Cuts;
use steadfast_tests::on_geometries;

/// Lives that stumble, in a full run and in an ordinary one.
const STUMBLING_LIVES: (u64, u64) = (200, 2);

/// Every cut alone; pairs where they can be counted, elsewhere some; triples of the smallest with three record blocks, some.
fn rates(geometry: &Geometry) -> Rates {
    let pairs = match geometry {
        Geometry { name: "small" | "small3", .. } => 1,
        Geometry { word_bytes: 8.., .. } => 256,
        _ => 4096,
    };
    let triples = (geometry.name == "small3").then_some(8192);
    let single = if geometry.word_bytes < 8 { 32 } else { 8 };
    Rates { full: [Some(1), Some(pairs), triples], ordinary: [Some(single), Some(1024 * pairs), None] }
}

fn live<const R: usize, const W: usize>(geometry: Geometry) {
    let Some(cases) = Cases::new(("life", geometry.name), rates(&geometry)) else { return };
    let mut cuts = Cuts::new(cases);
    cuts.live::<R, W>(geometry);
    cuts.cases.finish();
}

fn stumble<const R: usize, const W: usize>(geometry: Geometry) {
    let Some(cases) = Cases::new(("stumbling", geometry.name), Rates::single(1)) else { return };
    let lives = if cases.are_all() { STUMBLING_LIVES.0 } else { STUMBLING_LIVES.1 };
    let mut cuts = Cuts::new(cases);
    (0..lives).for_each(|seed| cuts.stumble::<R, W>(geometry, seed));
    cuts.cases.finish();
}

on_geometries!(every_power_cut_of_a_whole_life_recovers, live, every one);

on_geometries!(a_life_in_which_power_fails_again_and_again_comes_to_its_end, stumble, every one);
