//! Bits that turn round while the power is off.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use steadfast::flash::Board;
use steadfast_core::flash::layout::{Region, Slot};
use steadfast_core::flash::record::RECORD_BYTES;

use super::script::Rot;
use crate::flash::Random;

/// Most bits at once.
const BITS_MAX: usize = 8;

/// Where a slot of these configurations holds anything; half of all rot is there, for most of a slot is blank.
const USED_BYTES: u32 = 1024;

/// Turns some bits of an image round; says where.
pub(super) fn turn(image: &Path, board: &Board, confirmed: Slot, rot: Rot, random: &mut Random) -> String {
    let region = match rot {
        Rot::Confirmed => part_of_slot(board.layout.slot(confirmed), random),
        Rot::Other => part_of_slot(board.layout.slot(confirmed.other()), random),
        Rot::Record(block) => copy_of_record(board.layout.record, block, random),
    };
    let file = File::options().read(true).write(true).open(image).expect("the image is there");
    let places: Vec<String> = (0..=random.below(BITS_MAX))
        .map(|_| {
            let at = region.start + random.below(region.length as usize) as u32;
            let mut byte = [0];
            file.read_exact_at(&mut byte, at.into()).expect("the image is as long as the flash");
            byte[0] ^= 1 << random.below(8);
            file.write_all_at(&byte, at.into()).expect("the image can be written");
            format!("{at:#x}")
        })
        .collect();
    format!("{rot:?}: {}", places.join(" "))
}

fn part_of_slot(slot: Region, random: &mut Random) -> Region {
    let length = if random.below(2) == 0 { USED_BYTES } else { slot.length };
    Region { length, ..slot }
}

/// One copy, so that the other one still says the same.
fn copy_of_record(record: Region, block: usize, random: &mut Random) -> Region {
    let start = record.block(block as u32 % record.blocks());
    let copy = random.below(2) * RECORD_BYTES;
    Region { start: start + copy as u32, length: RECORD_BYTES as u32, ..record }
}
