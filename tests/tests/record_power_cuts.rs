//! The boot record under power cuts: every operation of a row of commits, every tear, and the cut of every recovery.

use embassy_futures::block_on;
use steadfast_core::flash::layout::Region;
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::refusal::Refusal;
use steadfast_tests::flash::{
    Case, Cases, Geometry, INTERNAL, Image, Internal, Nor, Rates, SERIAL, Serial, WIDE, Wide,
};
use steadfast_tests::{on_geometries, samples};

/// Commits in the row: every block of the largest geometry is written twice, and erased once while it holds a record.
const COMMITS: u32 = 6;

/// More flash operations than any recovery needs: one commit.
const RECOVERY_OPERATIONS_MAX: usize = 3;

type Loaded = (RecordStore, Option<u32>);

fn load<const R: usize, const W: usize>(flash: &mut Nor<R, W>) -> Loaded {
    let layout = flash.geometry.layout;
    let (store, record) = block_on(RecordStore::load(flash, &layout, &mut [0; RECORD_BYTES])).expect("flash works");
    (store, record.map(|record| record.accepted.sequence))
}

fn commit<const R: usize, const W: usize>(flash: &mut Nor<R, W>, store: &mut RecordStore, sequence: u32) {
    let mut record = samples::record(sequence);
    block_on(store.commit(flash, &mut record, &mut [0; RECORD_BYTES])).expect("flash works");
}

/// The records that a load may find after power failed in the middle of something.
type May = [Option<u32>; 2];

struct Explorer {
    cases: Cases,
}

impl Explorer {
    /// Cuts power in every operation in the flash's journal.
    fn cut_all<const R: usize, const W: usize>(&mut self, flash: &Nor<R, W>, case: &Case, may: May) {
        if !self.cases.goes_to(case.cuts.len() + 1) {
            return;
        }
        for (index, step) in flash.journal.iter().enumerate() {
            for tear in flash.tears(&step.operation) {
                let case = case.and(index, tear);
                if !self.cases.draws(&case) {
                    continue;
                }
                let image = flash.torn(step, tear);
                if let Some(number) = self.cases.admit(&case, &step.operation, &image) {
                    let (loaded, next) = Cases::check(&case, number, || recover(flash.restart(image), may));
                    self.cut_all(&loaded, &case, may);
                    let (found, after) = next.may;
                    let phase = format!("{}+{}", case.phase.split('+').next().unwrap_or_default(), found.unwrap_or(0));
                    self.cut_all(&next.flash, &Case { phase, ..case }, [found, Some(after)]);
                }
            }
        }
    }
}

/// A commit after a recovery, in its flash's journal.
struct Committed<const R: usize, const W: usize> {
    flash: Nor<R, W>,
    /// What was found before, and what was written.
    may: (Option<u32>, u32),
}

/// Loads the record, which must be one of these; loads it again; and commits another one. Returns the flash after loading,
/// with its journal, and after the commit.
fn recover<const R: usize, const W: usize>(mut flash: Nor<R, W>, may: May) -> (Nor<R, W>, Committed<R, W>) {
    let (mut store, found) = load(&mut flash);
    assert!(may.contains(&found), "found {found:?}, neither the old nor the new of {may:?}");
    assert!(flash.journal.len() <= RECOVERY_OPERATIONS_MAX, "{} operations", flash.journal.len());
    let mut again = flash.restart(flash.image.clone());
    assert_eq!(load(&mut again).1, found, "loading again finds another record");
    // A copy that reads right only now and then may be seen, and made good, at any time.
    assert!(again.journal.is_empty() || again.image.is_unstable(), "loading again writes");

    let loaded = flash.clone();
    flash.journal.clear();
    let after = COMMITS + 1;
    commit(&mut flash, &mut store, after);
    assert_eq!(load(&mut flash.restart(flash.image.clone())).1, Some(after), "no further commit possible");
    assert_eq!(flash.image.sins, Vec::<String>::new());
    (loaded, Committed { flash, may: (found, after) })
}

/// Every cut alone; pairs of cuts where words are wide; triples where there are three blocks of them. Elsewhere samples.
fn rates(geometry: &Geometry) -> Rates {
    let pairs = match geometry.word_bytes {
        8.. => 1,
        4 => 16,
        2 => 64,
        _ => 512,
    };
    let triples = if geometry.name == "small3" { 1 } else { 4096 * pairs };
    Rates { full: [Some(1), Some(pairs), Some(triples)], ordinary: [Some(1), Some(128 * pairs), None] }
}

fn survives<const R: usize, const W: usize>(geometry: Geometry) {
    let Some(cases) = Cases::new(("record", geometry.name), rates(&geometry)) else { return };
    let mut explorer = Explorer { cases };
    let mut flash = Nor::<R, W>::new(geometry);
    let (mut store, mut before) = load(&mut flash);
    assert_eq!(before, None);
    for sequence in 0..COMMITS {
        flash.journal.clear();
        commit(&mut flash, &mut store, sequence);
        let case = explorer.cases.base(&format!("commit{sequence}"));
        explorer.cut_all(&flash, &case, [before, Some(sequence)]);
        before = Some(sequence);
    }
    assert_eq!(flash.image.sins, Vec::<String>::new());
    explorer.cases.finish();
}

on_geometries!(every_power_cut_in_a_commit_leaves_the_old_record_or_the_new_one, survives, every one);

/// A flash whose last commit wrote `sequence`, after as many before.
fn settled(sequence: u32) -> Internal {
    let mut flash = Internal::new(INTERNAL);
    let (mut store, _) = load(&mut flash);
    (0..=sequence).for_each(|sequence| commit(&mut flash, &mut store, sequence));
    flash.journal.clear();
    flash
}

fn spoil(image: &mut Image, region: Region, block: u32, copy: u32) {
    image.flip((region.block(block) + copy * RECORD_BYTES as u32 + 100) as usize, 1);
}

#[test]
fn one_rotten_copy_is_made_good_without_a_loss() {
    for (block, copy) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut flash = settled(3);
        spoil(&mut flash.image, INTERNAL.layout.record, block, copy);
        assert_eq!(load(&mut flash).1, Some(3), "block {block}, copy {copy}");
        let mut again = flash.restart(flash.image.clone());
        assert_eq!(load(&mut again).1, Some(3));
        assert!(again.journal.is_empty());
    }
}

#[test]
fn a_record_lost_altogether_is_none_and_a_new_one_can_be_written() {
    let mut flash = settled(3);
    for (block, copy) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        spoil(&mut flash.image, INTERNAL.layout.record, block, copy);
    }
    let (mut store, found) = load(&mut flash);
    assert_eq!(found, None);
    commit(&mut flash, &mut store, 9);
    assert_eq!(load(&mut flash).1, Some(9));
    assert_eq!(flash.image.sins, Vec::<String>::new());
}

#[test]
fn generations_wrap_without_falling_back() {
    let mut flash = Internal::new(INTERNAL);
    let mut old = samples::record(1);
    old.generation = u32::MAX - 1;
    let mut copy = [0; RECORD_BYTES];
    old.encode_copy(&mut copy).unwrap();
    for place in [0, RECORD_BYTES] {
        flash.image.put(place, &copy);
    }
    let (mut store, found) = load(&mut flash);
    assert_eq!(found, Some(1));
    for sequence in 2..6 {
        commit(&mut flash, &mut store, sequence);
        assert_eq!(load(&mut flash.restart(flash.image.clone())).1, Some(sequence));
    }
}

#[test]
fn erases_are_spread_over_the_blocks() {
    let mut flash = Wide::new(WIDE);
    let (mut store, _) = load(&mut flash);
    (0..30).for_each(|sequence| commit(&mut flash, &mut store, sequence));
    assert_eq!(flash.image.wear[..6], [10; 6]);
}

#[test]
fn a_region_too_small_for_two_blocks_is_refused() {
    let mut geometry = SERIAL;
    geometry.layout.record.length = 4096;
    let mut flash = Serial::new(geometry);
    let (mut store, _) = load(&mut flash);
    let mut record: BootRecord = samples::record(0);
    record.floor = Position::ZERO;
    let refused = block_on(store.commit(&mut flash, &mut record, &mut [0; RECORD_BYTES]));
    assert_eq!(refused, Err(Refusal::DOES_NOT_FIT));
    assert!(flash.journal.is_empty());
}
