//! Boot records: one copy of it, and the blocks of a record region.

use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::record::RECORD_BYTES;
use steadfast_core::id::{ContentId, FirmwareId};
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::position::Position;
use steadfast_core::record::{BootRecord, Cause, Rejected, SlotRecord, Stage, Standing, Trial};
use steadfast_core::refusal::Refusal;

use super::cast::{SCHEMA, encode, flipped, keyring, overlong, replaced};
use super::{Vector, hex};

/// Erase blocks of the regions here, in bytes.
const BLOCK_BYTES: usize = 2048;

const NOT_COUNTED: &str = "the copy does not count";

/// Vectors of copies and regions.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = copies();
    vectors.extend(spoiled_copies());
    vectors.extend(regions());
    vectors.extend(worn_regions());
    vectors
}

/// A record that is told from others by its generation and by the sequence accepted last.
fn record(generation: u32, sequence: u32) -> BootRecord {
    let mut record = BootRecord::new(keyring(), Position { epoch: 3, sequence: 7 });
    record.generation = generation;
    record.accepted = Position { epoch: 3, sequence };
    record
}

/// A device in the middle of its life: a trial in slot B, something rejected, something to tell.
fn busy() -> BootRecord {
    let content = |bytes: &[u8], private| Content { manifest: Digest::of(bytes), private };
    let held = |content, sequence, standing| SlotRecord {
        content,
        schema: SCHEMA.prefix(),
        position: Position { epoch: 3, sequence },
        standing,
    };
    let private = Some(ObjectRef { digest: Digest::of(b"sealed"), size: 300 });
    let rejected = Rejected::new(&ContentId([0xAB; 16]), &FirmwareId([0xCD; 8]), Refusal::CHECK_FAILED);
    let mut record = record(300, 40);
    record.a = Some(held(content(b"old", None), 40, Standing::Confirmed));
    record.b = Some(held(content(b"new", private), 50, Standing::Staged));
    record.confirmed = Some(Slot::A);
    record.trial = Some(Trial {
        slot: Slot::B,
        stage: Stage::Asking,
        boots_left: 2,
        unreachable: 1,
        crashed: true,
        spent: false,
        cause: Cause::Ordered,
        floor: 30,
    });
    record.reject(rejected);
    let detail = "sensor: no answer".try_into().expect("it fits");
    let ending = Ending::RolledBack;
    record.outcome = Outcome { ending, content: ContentId([0xAB; 16]), reason: Refusal::CHECK_FAILED, detail };
    record
}

/// The copy of a record, 768 bytes.
fn copy(record: &BootRecord) -> Vec<u8> {
    let mut copy = [0; RECORD_BYTES];
    record.encode_copy(&mut copy).expect("a record fits");
    copy.to_vec()
}

/// A copy of any body, with its check.
fn checked(tag: &[u8], body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(RECORD_BYTES - 16, 0);
    [&Digest::of(&[tag, &body].concat()).0[..16], &body].concat()
}

const TAG: &[u8] = b"steadfast.record.v1\0";

fn says(vector: Vector, record: &BootRecord) -> Vector {
    let slot = |held: &Option<SlotRecord>| held.as_ref().map(|held| hex(&held.content.id().0));
    vector
        .gives("generation", record.generation)
        .gives("a", slot(&record.a))
        .gives("b", slot(&record.b))
        .gives("confirmed", record.confirmed.map(|slot| if slot == Slot::A { "a" } else { "b" }))
        .gives("boots_left", record.trial.map(|trial| trial.boots_left))
        .gives("accepted", vec![record.accepted.epoch, record.accepted.sequence])
        .gives("floor", vec![record.floor.epoch, record.floor.sequence])
        .gives("keyring_version", record.keyring.version)
        .gives("rejected", record.rejected.len())
        .gives("ending", record.outcome.ending as u8)
        .gives("detail", record.outcome.detail.as_str())
}

fn copies() -> Vec<Vector> {
    let good = |name, record: &BootRecord| says(Vector::good("record-copy", name, &copy(record)), record);
    let mut repair = busy();
    repair.trial =
        repair.trial.map(|trial| Trial { stage: Stage::Running, cause: Cause::Repair, spent: true, ..trial });
    let mut lost_contact = repair.clone();
    lost_contact.trial = lost_contact.trial.map(|trial| Trial { cause: Cause::LostContact, ..trial });
    let mut suspended = busy();
    suspended.trial = suspended.trial.map(|trial| Trial { stage: Stage::Suspended, ..trial });
    let mut full = busy();
    for byte in 0..3 {
        full.reject(Rejected::new(&ContentId([byte; 16]), &FirmwareId([byte; 8]), Refusal::CRASH_LOOP));
    }
    let lost = BootRecord { outcome: Outcome { ending: Ending::RecordLost, ..Outcome::none() }, ..record(0, 7) };
    vec![
        good("before anything ran", &record(0, 7)),
        good("a trial that is asking, one rejection, an outcome", &busy()),
        good("a repair", &repair),
        good("a trial for lost contact", &lost_contact),
        good("a suspended trial", &suspended),
        good("four rejections", &full),
        good("a record that was lost", &lost),
        good("the largest generation", &record(u32::MAX, 40)),
    ]
}

fn spoiled_copies() -> Vec<Vector> {
    let bad = |name, bytes: &[u8]| Vector::refused("record-copy", name, bytes, NOT_COUNTED);
    let body = encode(&record(1, 40));
    let whole = copy(&record(1, 40));
    // Behind the generation stand slot A, slot B, the confirmed slot and the trial, each a zero here.
    let confirmed_c = [&body[..3], &[1, 2], &body[4..]].concat();
    let mut padded = body.clone();
    padded.resize(RECORD_BYTES - 16, 0);
    vec![
        bad("erased flash", &[0xFF; RECORD_BYTES]),
        bad("zeros", &[0; RECORD_BYTES]),
        bad("a flipped bit of the check", &flipped(&whole, 0)),
        bad("a flipped bit of the record", &flipped(&whole, 20)),
        bad("a flipped bit of the zeros behind it", &flipped(&whole, RECORD_BYTES - 1)),
        bad("a check under another tag", &checked(b"steadfast.record.v2\0", &body)),
        bad("a check without a tag", &checked(b"", &body)),
        bad("an over-long number, rightly checked", &checked(TAG, &overlong(&body, 0))),
        bad("something behind the record, rightly checked", &checked(TAG, &replaced(&padded, RECORD_BYTES - 17, 1))),
        bad("an option that is neither absent nor present, rightly checked", &checked(TAG, &replaced(&body, 1, 2))),
        bad("a third slot, rightly checked", &checked(TAG, &confirmed_c)),
        bad("a trial of no known cause, rightly checked", &checked(TAG, &fourth_cause())),
    ]
}

/// Slot B, asking, 2 boots left, unreachable once, crashed, not spent, and then the cause, before a floor of 30.
fn fourth_cause() -> Vec<u8> {
    let body = encode(&busy());
    let trial = [1, 1, 1, 2, 1, 1, 0, 0, 30];
    let at = body.windows(trial.len()).position(|bytes| bytes == trial).expect("the trial is there");
    replaced(&body, at + 7, 3)
}

/// What one block of a region holds: what stands in the places of the two copies.
struct Block {
    first: Vec<u8>,
    second: Vec<u8>,
}

impl Block {
    fn pair(generation: u32, sequence: u32) -> Self {
        let copy = copy(&record(generation, sequence));
        Self { first: copy.clone(), second: copy }
    }

    fn blank(erased: u8) -> Self {
        Self { first: vec![erased; RECORD_BYTES], second: vec![erased; RECORD_BYTES] }
    }

    /// Only the first copy was programmed.
    fn begun(generation: u32, sequence: u32) -> Self {
        Self { second: vec![0xFF; RECORD_BYTES], ..Self::pair(generation, sequence) }
    }

    fn encode(&self, erased: u8) -> Vec<u8> {
        let mut bytes = [&self.first[..], &self.second].concat();
        bytes.resize(BLOCK_BYTES, erased);
        bytes
    }
}

fn region(blocks: &[Block], erased: u8) -> Vec<u8> {
    blocks.iter().flat_map(|block| block.encode(erased)).collect()
}

/// `sequence` tells which record is in force; `generation` is the one it has when somebody may act on it.
fn loads(name: &str, blocks: &[Block], sequence: u32, generation: u32) -> Vector {
    let vector = Vector::good("record-region", name, &region(blocks, 0xFF)).gives("accepted", vec![3, sequence]);
    laid_out(vector.gives("generation", generation), blocks.len(), 0xFF)
}

fn laid_out(vector: Vector, blocks: usize, erased: u8) -> Vector {
    vector.with("erase_bytes", BLOCK_BYTES).with("blocks", blocks).with("erased", erased)
}

fn regions() -> Vec<Vector> {
    let pair = Block::pair;
    let three = [pair(4, 40), pair(6, 60), pair(5, 50)];
    let zeros = [Block::blank(0), pair(5, 50)];
    let zeros = Vector::good("record-region", "a flash whose erased bytes are zeros", &region(&zeros, 0));
    vec![
        loads("the younger of two pairs", &[pair(4, 40), pair(5, 50)], 50, 5),
        loads("the youngest of three pairs", &three, 60, 6),
        loads("generations that wrapped", &[pair(u32::MAX, 40), pair(0, 50)], 50, 0),
        loads("almost half of all generations ahead", &[pair(0x8000_0004, 50), pair(5, 40)], 50, 0x8000_0004),
        loads("one block never used", &[pair(0, 7), Block::blank(0xFF)], 7, 0),
        laid_out(zeros.gives("accepted", vec![3, 50]).gives("generation", 5), 2, 0),
    ]
}

fn worn_regions() -> Vec<Vector> {
    let pair = Block::pair;
    let torn = |generation, sequence| {
        let whole = pair(generation, sequence);
        Block { second: flipped(&whole.second, 500), ..whole }
    };
    let first_lost = |generation, sequence| {
        let whole = pair(generation, sequence);
        Block { first: flipped(&whole.first, 500), ..whole }
    };
    let unlike = Block { first: copy(&record(6, 60)), second: copy(&record(6, 61)) };
    let none = |name, blocks: &[Block]| {
        let vector =
            Vector::refused("record-region", name, &region(blocks, 0xFF), "no copy counts: there is no record");
        laid_out(vector, blocks.len(), 0xFF)
    };
    let blank = || Block::blank(0xFF);
    let lost = || Block { first: vec![0; RECORD_BYTES], second: vec![0; RECORD_BYTES] };
    vec![
        loads("a younger one that was only begun", &[pair(5, 50), Block::begun(6, 60)], 50, 7),
        loads("nothing but one that was only begun", &[blank(), Block::begun(6, 60)], 60, 7),
        loads("the younger one has lost its second copy", &[pair(5, 50), torn(6, 60)], 60, 7),
        loads("the younger one has lost its first copy", &[first_lost(6, 60), pair(5, 50)], 60, 7),
        loads("the younger one's copies differ", &[pair(5, 50), unlike], 60, 7),
        loads("an older one half lost, and one begun", &[torn(5, 50), Block::begun(6, 60)], 50, 7),
        none("erased flash", &[blank(), blank()]),
        none("everything is lost", &[lost(), lost()]),
    ]
}
