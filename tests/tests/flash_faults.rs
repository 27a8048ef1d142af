//! A flash that fails otherwise than by a power cut, in every phase of a life: each has its own claim.
//!
//! Whatever rots, fails or changes, the device never runs a mixture and keeps every promise of the oracle. After rot and
//! failures it comes to the configuration that it should have, even if it has to run its defaults until the server has
//! given it another.

use steadfast_tests::flash::{Cases, Change, Failure, Geometry, Ills, Operation, Random, Rates, Silence, Tear};
use steadfast_tests::life::{Ailment, Cuts, Phase, Undisturbed};
use steadfast_tests::on_geometries;

/// Rotten bits and changing bytes tried in a phase.
const TRIED: u64 = 120;

/// Bytes of a record block and of a slot that hold something.
const RECORD_USED: usize = 1536;
const SLOT_USED: usize = 3400;

/// After so many reads a flash is awake. None takes as long as a device waits before it gives up a block.
const AWAKE_AFTER: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 20, 30, 50];

/// Most reads in a row that fail later.
const SILENT_READS_MAX: usize = 12;

fn suffer<const R: usize, const W: usize>(
    what: &'static str,
    geometry: Geometry,
    plan: impl Fn(&Phase, &Undisturbed) -> Vec<Ailment>,
) {
    let Some(cases) = Cases::new((what, geometry.name), Rates::single(24)) else { return };
    let mut cuts = Cuts::new(cases);
    cuts.suffer::<R, W>(geometry, plan);
    cuts.cases.finish();
}

/// One seeded bit of what is in use.
fn rotten(geometry: &Geometry, random: &mut Random) -> (usize, u8) {
    let layout = geometry.layout;
    let (start, used) = match random.below(4) {
        0 => (layout.a.start as usize, SLOT_USED),
        1 => (layout.b.start as usize, SLOT_USED),
        _ => (layout.record.block(random.below(layout.record.blocks() as usize) as u32) as usize, RECORD_USED),
    };
    (start + random.below(used), 1 << random.below(8))
}

fn rot<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("rot", geometry, |phase, _| {
        let mut random = Random::new(u64::from(phase.assigned));
        (0..TRIED).map(|_| Ailment { rot: Some(rotten(&geometry, &mut random)), ..Ailment::default() }).collect()
    });
}

/// What a failing operation may leave.
fn remains(operation: &Operation) -> [Tear; 4] {
    match operation {
        Operation::Erase { .. } => [Tear::Before, Tear::After, Tear::Bits(1), Tear::Weak],
        Operation::Write { .. } => [Tear::Before, Tear::After, Tear::Bits(1), Tear::Spent(0)],
    }
}

fn failing(operations: std::ops::Range<usize>, leaves: Tear) -> Ailment {
    let ills = Ills::failing(Failure { operations, addresses: 0..u32::MAX, leaves });
    Ailment { ills, ..Ailment::default() }
}

fn fail_once<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("failing", geometry, |_, undisturbed| {
        let numbered = undisturbed.operations.iter().enumerate();
        numbered.flat_map(|(at, operation)| remains(operation).map(|leaves| failing(at..at + 1, leaves))).collect()
    });
}

fn fail_on<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("failing-on", geometry, |_, undisturbed| {
        let numbered = undisturbed.operations.iter().enumerate();
        numbered.map(|(at, operation)| failing(at..usize::MAX, remains(operation)[at % 4])).collect()
    });
}

fn change<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("changing", geometry, |phase, undisturbed| {
        let mut random = Random::new(u64::from(phase.assigned));
        let reads = &undisturbed.reads;
        let one = |_| {
            // Somewhere in what was read already, or is about to be.
            let before_read = random.below(reads.len());
            let range = reads[random.below(before_read + 1)].clone();
            let at = range.start + random.below(range.len());
            let ills = Ills::changing(Change { before_read, at, bits: 1 << random.below(8) });
            Ailment { ills, ..Ailment::default() }
        };
        (0..TRIED).map(one).collect()
    });
}

fn silent(reads: std::ops::Range<usize>, addresses: std::ops::Range<usize>) -> Ailment {
    Ailment { ills: Ills::silent(Silence { reads, addresses }), ..Ailment::default() }
}

/// Everything is silent at the start, or one block of the record region.
fn silent_at_start<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("silent-start", geometry, |_, _| {
        let record = geometry.layout.record;
        let block = |index| record.block(index) as usize..record.block(index + 1) as usize;
        let places = (0..record.blocks().min(3)).map(block).chain([0..usize::MAX]);
        places.flat_map(|place| AWAKE_AFTER.map(|reads| silent(0..reads, place.clone()))).collect()
    });
}

fn silent_later<const R: usize, const W: usize>(geometry: Geometry) {
    suffer::<R, W>("silent", geometry, |phase, undisturbed| {
        let mut random = Random::new(u64::from(phase.assigned));
        let one = |_| {
            let from = random.below(undisturbed.reads.len());
            silent(from..from + 1 + random.below(SILENT_READS_MAX), 0..usize::MAX)
        };
        (0..TRIED).map(one).collect()
    });
}

on_geometries!(flash_that_wakes_up_late_costs_no_record, silent_at_start, every one);

on_geometries!(reads_that_fail_bring_no_older_record_into_force, silent_later, every one);

on_geometries!(a_bit_that_rots_at_rest_is_made_good, rot, every one);

on_geometries!(an_operation_that_fails_is_made_good, fail_once, every one);

on_geometries!(a_flash_that_fails_on_and_on_is_left_in_peace_until_it_works_again, fail_on, every one);

on_geometries!(bytes_that_change_between_check_and_use_are_never_used, change, every one);
