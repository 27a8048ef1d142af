//! What the record's code promises for itself; how it stands power cuts is shown from outside.

use super::*;
use crate::content::{Content, ObjectRef};
use crate::digest::Digest;
use crate::flash::layout::Slot;
use crate::id::{ContentId, SchemaPrefix};
use crate::keyring::{Director, Keyring, Role};
use crate::outcome::{Detail, Ending, Outcome};
use crate::position::Position;
use crate::record::{Cause, REJECTED_MAX, Rejected, SlotRecord, Stage, Standing, Trial};
use crate::statement::PublicKey;

const FAR: Position = Position { epoch: u32::MAX, sequence: u32::MAX };

fn largest() -> BootRecord {
    let key = PublicKey([0xff; 32]);
    let role = || Role { threshold: u8::MAX, keys: core::iter::repeat_n(key, 5).collect() };
    let keyring = Keyring {
        version: u32::MAX,
        root: role(),
        publisher: role(),
        director: Director::Heads(core::iter::repeat_n(key, 2).collect()),
        publisher_epoch: u32::MAX,
    };
    let private = Some(ObjectRef { digest: Digest([0xff; 32]), size: u32::MAX });
    let content = Content { manifest: Digest([0xff; 32]), private };
    let schema = SchemaPrefix([0xff; 8]);
    let slot = Some(SlotRecord { content, schema, position: FAR, standing: Standing::Prepared });
    let trial = Trial {
        slot: Slot::B,
        stage: Stage::Suspended,
        boots_left: u8::MAX,
        unreachable: u8::MAX,
        crashed: true,
        spent: true,
        cause: Cause::Repair,
        floor: u32::MAX,
    };
    let rejected = Rejected { content: [0xff; 8], firmware: [0xff; 4], reason: Refusal(u16::MAX) };
    let detail = Detail::try_from("an explanation that is cut at 40 bytes..").unwrap();
    assert_eq!(detail.len(), detail.capacity());
    BootRecord {
        generation: u32::MAX,
        a: slot,
        b: slot,
        confirmed: Some(Slot::B),
        trial: Some(trial),
        accepted: FAR,
        floor: FAR,
        keyring,
        rejected: core::iter::repeat_n(rejected, REJECTED_MAX).collect(),
        outcome: Outcome {
            ending: Ending::RecordLost,
            content: ContentId([0xff; 16]),
            reason: Refusal(u16::MAX),
            detail,
        },
    }
}

#[test]
fn the_largest_record_fits_a_copy_and_reads_back() {
    let mut copy = [0; RECORD_BYTES];
    largest().encode_copy(&mut copy).unwrap();
    assert_eq!(BootRecord::decode_copy(&copy), Some(largest()));
    let used = codec::encode(&largest(), &mut [0; 1024]).unwrap().len();
    std::println!("largest record: {used} of {} bytes", RECORD_BYTES - CHECK_BYTES);
}

#[test]
fn any_flipped_bit_makes_a_copy_count_for_nothing() {
    let mut copy = [0; RECORD_BYTES];
    largest().encode_copy(&mut copy).unwrap();
    for bit in 0..RECORD_BYTES * 8 {
        copy[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(BootRecord::decode_copy(&copy), None, "bit {bit}");
        copy[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn bytes_behind_the_record_make_a_copy_count_for_nothing() {
    let mut copy = [0; RECORD_BYTES];
    largest().encode_copy(&mut copy).unwrap();
    *copy.last_mut().unwrap() = 1;
    let check = check_of(&copy[CHECK_BYTES..]);
    copy[..CHECK_BYTES].copy_from_slice(&check);
    assert_eq!(BootRecord::decode_copy(&copy), None);
}

#[test]
fn generations_stay_in_order_when_they_wrap() {
    assert!(is_younger(0, u32::MAX) && !is_younger(u32::MAX, 0) && !is_younger(7, 7));
}

#[test]
fn the_block_to_overwrite_is_never_the_one_in_force() {
    use Found::{Begun, Failed, Nothing, One, Pair};
    let oldest = |length, blocks, current| {
        RecordStore { region: Region { start: 0, length, erase_bytes: 2048 }, blocks, current }.oldest()
    };
    assert_eq!(oldest(4096, [Pair(4), Pair(5), Nothing], Some(1)), Some(0));
    assert_eq!(oldest(4096, [One(9), Pair(5), Nothing], Some(0)), Some(1));
    assert_eq!(oldest(4096, [Nothing; 3], None), Some(0));
    assert_eq!(oldest(6144, [Pair(4), Pair(5), Nothing], Some(1)), Some(2));
    assert_eq!(oldest(6144, [Pair(4), Pair(5), Pair(3)], Some(1)), Some(2));
    assert_eq!(oldest(6144, [Pair(4), Pair(5), Begun(6)], Some(1)), Some(2));
    assert_eq!(oldest(6144, [Nothing, Pair(5), Begun(6)], Some(1)), Some(2));
    assert_eq!(oldest(6144, [Pair(u32::MAX), Pair(0), Pair(1)], Some(2)), Some(0));
    assert_eq!(oldest(6144, [Pair(4), Pair(5), Failed(6)], Some(1)), Some(0));
    assert_eq!(oldest(6144, [Failed(7), Pair(5), Failed(6)], Some(1)), None);
    assert_eq!(oldest(2048, [Nothing; 3], None), None);
}
