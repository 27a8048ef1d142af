//! What lies in a device's flash image, read from outside by core's own code: the record, and whether a slot holds what the record says.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use embassy_futures::block_on;
use steadfast::flash::{Board, Image};
use steadfast_core::flash::layout::{Region, Slot};
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::flash::slot::Store;
use steadfast_core::id::ContentId;
use steadfast_core::record::BootRecord;

/// Bytes through which a slot is read back.
const CHUNK_BYTES: usize = 4096;

/// A copy of everything of a flash that Steadfast uses.
#[derive(Clone)]
pub struct Contents {
    board: Board,
    bytes: Vec<u8>,
}

impl Contents {
    /// Reads an image as it is at this instant.
    ///
    /// # Panics
    /// When it cannot be read, or the board's description is wrong.
    #[must_use]
    pub fn read(image: &Path, board: &Path) -> Self {
        let board = Board::load(board).expect("a board's description");
        let regions = [board.identity, board.layout.record, board.layout.a, board.layout.b];
        let used = regions.iter().map(Region::end).max().unwrap_or(0);
        let mut bytes = Vec::new();
        let file = File::open(image).expect("the image is there");
        file.take(used.into()).read_to_end(&mut bytes).expect("the image is readable");
        assert_eq!(bytes.len(), used as usize, "{} is as long as the board's flash", image.display());
        Self { board, bytes }
    }

    /// Whether every byte is the same, but in those regions.
    #[must_use]
    pub fn equals_outside(&self, other: &Self, regions: &[Region]) -> bool {
        let outside = |at: &usize| !regions.iter().any(|region| (region.start..region.end()).contains(&(*at as u32)));
        (0..self.bytes.len()).filter(outside).all(|at| self.bytes[at] == other.bytes[at])
    }

    /// The region of the record.
    #[must_use]
    pub fn record_region(&self) -> Region {
        self.board.layout.record
    }

    /// The record that a device would start with; none when there is none to be read.
    ///
    /// # Panics
    /// Never: an image in memory does not fail.
    #[must_use]
    pub fn record(&self) -> Option<BootRecord> {
        let mut image = Image::new(self.bytes.clone(), self.board.layout.erased);
        let loaded = block_on(RecordStore::load(&mut image, &self.board.layout, &mut [0; RECORD_BYTES]));
        loaded.expect("an image in memory does not fail").1
    }

    /// The content of a slot, if it is all there and as the record says.
    #[must_use]
    pub fn intact(&self, record: &BootRecord, slot: Slot) -> Option<ContentId> {
        let content = record.slot(slot)?.content;
        let mut image = Image::new(self.bytes.clone(), self.board.layout.erased);
        let mut store = Store { flash: &mut image, layout: &self.board.layout, chunk: &mut [0; CHUNK_BYTES] };
        block_on(store.read_back(slot, &content)).map(|intact| intact.content().id())
    }

    /// Where these bytes first stand in a slot, counted from the start of the flash.
    #[must_use]
    pub fn find(&self, slot: Slot, bytes: &[u8]) -> Option<u32> {
        let region = self.board.layout.slot(slot);
        let held = &self.bytes[region.start as usize..region.end() as usize];
        held.windows(bytes.len()).position(|window| window == bytes).map(|at| region.start + at as u32)
    }

    /// Whether anything was ever programmed in a slot.
    #[must_use]
    pub fn is_blank(&self, slot: Slot) -> bool {
        let region = self.board.layout.slot(slot);
        let bytes = &self.bytes[region.start as usize..region.end() as usize];
        bytes.iter().all(|byte| *byte == self.board.layout.erased)
    }
}
