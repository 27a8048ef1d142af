//! The boot record under power cuts: every operation of a row of commits, every tear, and the cut of every recovery.

use embassy_futures::block_on;
use steadfast_core::flash::layout::Region;
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore, Unread};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::refusal::Refusal;
use steadfast_tests::flash::{
    Case, Cases, Failure, Geometry, INTERNAL, Ills, Image, Internal, Nor, Operation, Rates, SERIAL, SMALL3, Serial,
    Silence, Small3, Tear, WIDE, Wide,
};
use steadfast_tests::{on_geometries, samples};

/// Commits in the row: every block of the largest geometry is written twice, and erased once while it holds a record.
const COMMITS: u32 = 6;

/// Most flash operations of a recovery: each of three blocks is erased and written once.
const RECOVERY_OPERATIONS_MAX: usize = 9;

/// So often a load is tried where a block is dead.
const LOADS_MAX: usize = 4;

/// So often is a record loaded again where a bit reads differently each time.
const AGAIN: usize = 4;

type Loaded = (RecordStore, Option<u32>);

fn load<const R: usize, const W: usize>(flash: &mut Nor<R, W>) -> Loaded {
    let layout = flash.geometry.layout;
    // A scant copy that goes in its place may flicker so that a load gives up; a device tries again then.
    let attempts = if flash.ills.failure.is_some() { LOADS_MAX } else { 1 };
    let mut loads = (0..attempts).map(|_| block_on(RecordStore::load(flash, &layout, &mut [0; RECORD_BYTES])));
    let (store, record) = loads.find_map(Result::ok).expect("flash works");
    (store, record.map(|record| record.accepted.sequence))
}

/// What a start finds; whatever is wrong with the flash is wrong with it still.
fn restart<const R: usize, const W: usize>(flash: &Nor<R, W>, image: Image) -> Nor<R, W> {
    let mut next = flash.restart(image);
    next.ills = flash.ills.clone();
    next
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
                    let Recovered { loaded, again, committed, may: [found, after] } =
                        Cases::check(&case, number, || recover(restart(flash, image), may));
                    self.cut_all(&loaded, &case, may);
                    let phase = format!("{}+{}", case.phase.split('+').next().unwrap_or_default(), found.unwrap_or(0));
                    // What a load returned was acted on: whatever a later load writes, nothing else may be found.
                    let acted = Case { phase: format!("{phase}+again"), ..case.clone() };
                    self.cut_all(&again, &acted, [found, found]);
                    self.cut_all(&committed, &Case { phase, ..case }, [found, after]);
                }
            }
        }
    }
}

/// A flash after each step of a recovery, with that step's journal.
struct Recovered<const R: usize, const W: usize> {
    loaded: Nor<R, W>,
    again: Nor<R, W>,
    committed: Nor<R, W>,
    /// What was found, and what was written after.
    may: May,
}

/// Loads the record, which must be one of these; loads it again; and commits another one.
fn recover<const R: usize, const W: usize>(mut flash: Nor<R, W>, may: May) -> Recovered<R, W> {
    let (mut store, found) = load(&mut flash);
    assert!(may.contains(&found), "found {found:?}, neither the old nor the new of {may:?}");
    assert!(flash.journal.len() <= RECOVERY_OPERATIONS_MAX, "{} operations", flash.journal.len());
    let loaded = flash.clone();
    flash.journal.clear();
    let again = load_again(flash.clone(), found);

    let after = Some(COMMITS + 2);
    commit(&mut flash, &mut store, COMMITS + 2);
    assert_eq!(load(&mut restart(&flash, flash.image.clone())).1, after, "no further commit possible");
    assert_eq!(flash.image.sins, Vec::<String>::new());
    Recovered { loaded, again, committed: flash, may: [found, after] }
}

/// Loads until a load writes: a copy that reads right only now and then may be seen, and made good, at any time.
/// Where there was no record yet, the first may still come.
fn load_again<const R: usize, const W: usize>(mut flash: Nor<R, W>, found: Option<u32>) -> Nor<R, W> {
    let loads = match found {
        None => 0,
        Some(_) if flash.image.is_unstable() => AGAIN,
        Some(_) => 1,
    };
    for _ in 0..loads {
        let was_unstable = flash.image.is_unstable();
        assert_eq!(load(&mut flash).1, found, "loading again finds another record");
        if !flash.journal.is_empty() {
            assert!(was_unstable || only_the_dead(&flash), "loading again writes");
            break;
        }
    }
    flash
}

/// Whether all that was written lies in a block that fails: a load tries it again.
fn only_the_dead<const R: usize, const W: usize>(flash: &Nor<R, W>) -> bool {
    let record = flash.geometry.layout.record;
    let Some(failure) = &flash.ills.failure else { return false };
    let dead = record.block_of(failure.addresses.start - record.start);
    flash.journal.iter().all(|step| {
        let (Operation::Erase { from: at, .. } | Operation::Write { at, .. }) = step.operation;
        record.block_of(at - record.start) == dead
    })
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

/// A flash with a record and a block of which so much fails from now on, each time leaving this.
fn dead(block: u32, from: u32, leaves: Tear) -> Small3 {
    let record = SMALL3.layout.record;
    let addresses = record.block(block) + from..record.block(block + 1);
    let mut flash = Small3::new(SMALL3);
    let (mut store, _) = load(&mut flash);
    commit(&mut flash, &mut store, 0);
    let mut flash = flash.restart(flash.image.clone());
    flash.ills = Ills::failing(Failure { operations: 0..usize::MAX, addresses, leaves });
    flash
}

/// Cuts where one block of three is dead: of its erases, or of the programs of one copy. The other two do what two blocks do.
#[test]
fn a_dead_block_of_three_stops_no_commit() {
    let rates = Rates { full: [Some(1), Some(1), None], ordinary: [Some(1), Some(32), None] };
    let Some(cases) = Cases::new(("record-dead", SMALL3.name), rates) else { return };
    let mut explorer = Explorer { cases };
    let copy = RECORD_BYTES as u32;
    let ways =
        [(0, Tear::Before), (0, Tear::Bits(1)), (32, Tear::Bits(1)), (copy, Tear::Before), (copy + 32, Tear::Spent(0))];
    for (block, (way, (from, leaves))) in
        (0..3).flat_map(|block| ways.into_iter().enumerate().map(move |way| (block, way)))
    {
        let mut flash = dead(block, from, leaves);
        let (mut store, mut before) = load(&mut flash);
        for sequence in 1..=COMMITS {
            flash.journal.clear();
            commit(&mut flash, &mut store, sequence);
            // The store that remembers, and one that has just been loaded.
            let case = explorer.cases.base(&format!("block{block}-way{way}-commit{sequence}"));
            explorer.cut_all(&flash, &case, [before, Some(sequence)]);
            let (loaded, found) = load(&mut flash);
            assert_eq!(found, Some(sequence), "block {block}, way {way}");
            if sequence % 2 == 1 {
                store = loaded;
            }
            before = found;
        }
        assert_eq!(flash.image.sins, Vec::<String>::new());
    }
    explorer.cases.finish();
}

/// A load that gives up what does not read.
fn load_without(flash: &mut Small3) -> Result<Loaded, Refusal> {
    let buffer = &mut [0; RECORD_BYTES];
    let store = block_on(RecordStore::find(flash, &SMALL3.layout, buffer, Unread::Forgone))?;
    let sequence = store.record(buffer).map(|record| record.accepted.sequence);
    Ok((store, sequence))
}

/// Three blocks, each with a record: `newest` is in the block of that number.
fn three(newest: u32) -> Small3 {
    let mut flash = Small3::new(SMALL3);
    let (mut store, _) = load(&mut flash);
    (0..=newest + 3).for_each(|sequence| commit(&mut flash, &mut store, sequence));
    flash.restart(flash.image.clone())
}

/// That block does not read.
fn silence(flash: &mut Small3, block: u32) {
    let record = SMALL3.layout.record;
    let addresses = record.block(block) as usize..record.block(block + 1) as usize;
    flash.ills = Ills::silent(Silence { reads: 0..usize::MAX, addresses });
}

#[test]
fn a_block_that_does_not_read_is_awaited_and_nothing_is_written_meanwhile() {
    for (newest, block) in (0..3).flat_map(|newest| (0..3).map(move |block| (newest, block))) {
        let mut flash = three(newest);
        silence(&mut flash, block);
        let loaded = block_on(RecordStore::load(&mut flash, &SMALL3.layout, &mut [0; RECORD_BYTES]));
        assert_eq!(loaded.map(|_| ()).unwrap_err(), Refusal::FLASH_FAILED);
        assert!(flash.journal.is_empty());
        assert_eq!(load(&mut flash.restart(flash.image.clone())).1, Some(newest + 3));
    }
}

#[test]
fn a_block_of_three_that_never_reads_stops_no_commit_once_it_is_given_up() {
    for (newest, block) in (0..3).flat_map(|newest| (0..3).map(move |block| (newest, block))) {
        let mut flash = three(newest);
        silence(&mut flash, block);
        let (mut store, found) = load_without(&mut flash).unwrap();
        assert_eq!(found, Some(newest + 3 - u32::from(newest == block)));
        assert!(flash.journal.is_empty());
        assert_eq!(load(&mut flash.restart(flash.image.clone())).1, Some(newest + 3), "it may read again");
        for sequence in 10..14 {
            commit(&mut flash, &mut store, sequence);
            let (loaded, found) = load_without(&mut flash).unwrap();
            assert_eq!(found, Some(sequence));
            // Whatever it holds: what was committed without it stays.
            assert_eq!(load(&mut flash.restart(flash.image.clone())).1, Some(sequence));
            store = loaded;
        }
        let touched = flash.journal.iter().any(|step| {
            let (Operation::Erase { from: at, .. } | Operation::Write { at, .. }) = step.operation;
            flash.ills.silence.as_ref().is_some_and(|silence| silence.addresses.contains(&(at as usize)))
        });
        assert!(!touched, "it may be read again, and hold what it held");
        assert_eq!(flash.image.sins, Vec::<String>::new());
    }
}

#[test]
fn a_block_that_never_reads_is_not_given_up_while_no_other_counts() {
    for block in 0..3 {
        let mut flash = Small3::new(SMALL3);
        silence(&mut flash, block);
        assert_eq!(load_without(&mut flash).map(|_| ()).unwrap_err(), Refusal::FLASH_FAILED);
    }
}

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
