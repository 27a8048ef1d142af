//! Where a board keeps its record and slots. `board.toml` is the home of these numbers.

use serde::{Deserialize, Serialize};

use crate::codec::wire;

/// One of the two places for a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

wire! {
    enum Slot { 0 = A, 1 = B }
}

impl Slot {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A range of flash, in bytes; both numbers are multiples of the erase size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address.
    pub start: u32,
    /// Its length.
    pub length: u32,
    /// The size of its erase blocks, a multiple of the flash's own erase size. Regions may differ.
    pub erase_bytes: u32,
}

impl Region {
    /// The first address after it.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.start.saturating_add(self.length)
    }

    /// How many erase blocks it has.
    #[must_use]
    pub const fn blocks(&self) -> u32 {
        match self.length.checked_div(self.erase_bytes) {
            Some(blocks) => blocks,
            None => 0,
        }
    }

    /// The number of the block in which `offset`, counted from the start, lies.
    #[must_use]
    pub const fn block_of(&self, offset: u32) -> u32 {
        match offset.checked_div(self.erase_bytes) {
            Some(block) => block,
            None => 0,
        }
    }

    /// The address of its block number `index`.
    #[must_use]
    pub const fn block(&self, index: u32) -> u32 {
        self.start.saturating_add(index.saturating_mul(self.erase_bytes))
    }
}

/// The regions that core writes, and what an erased byte reads as. The identity region is not among them: core never writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The boot record: two blocks, or three.
    pub record: Region,
    /// Slot A.
    pub a: Region,
    /// Slot B.
    pub b: Region,
    /// What an erased byte reads as: 0xFF, on some flashes 0x00.
    pub erased: u8,
}

impl Layout {
    /// The region of a slot.
    #[must_use]
    pub const fn slot(&self, slot: Slot) -> Region {
        match slot {
            Slot::A => self.a,
            Slot::B => self.b,
        }
    }
}
