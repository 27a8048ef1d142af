//! `board.toml`, as far as an image needs it: how large the flash is and where its regions lie.
//!
//! Invariants of a [`Board`]: regions are whole erase blocks inside the flash and do not overlap; the record has two or
//! three blocks.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use steadfast_core::flash::layout::{Layout, Region};
use thiserror::Error;

/// Erase blocks of the record that core makes use of.
const RECORD_BLOCKS: RangeInclusive<u32> = 2..=3;

/// Largest flash that an image is made of, 1 GiB: more is a slip of the pen.
const FLASH_MAX_BYTES: u32 = 1 << 30;

/// A board's flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The flash's size in bytes.
    pub bytes: u32,
    /// Where the identity lies.
    pub identity: Region,
    /// What core writes.
    pub layout: Layout,
}

/// Why a board's description cannot be used.
#[derive(Debug, Error)]
pub enum BoardError {
    /// The file system said no.
    #[error("the board {} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// Not the TOML of a board.
    #[error("the board {} does not parse: {}", .0.display(), .1)]
    Malformed(PathBuf, Box<toml::de::Error>),
    /// Its numbers do not go together.
    #[error("the board {}: {}", .0.display(), .1)]
    Unsound(PathBuf, String),
}

#[derive(Deserialize)]
struct File {
    flash: Flash,
}

/// Keys that only a firmware's build reads are known, so that a misspelt one is not passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flash {
    #[serde(default, rename = "base")]
    _base: IgnoredAny,
    #[serde(default, rename = "program_bytes")]
    _program_bytes: IgnoredAny,
    #[serde(default, rename = "buffer_bytes")]
    _buffer_bytes: IgnoredAny,
    #[serde(default, rename = "worst_erase_ms")]
    _worst_erase_ms: IgnoredAny,
    bytes: u32,
    erase_bytes: u32,
    #[serde(default = "erased")]
    erased: u8,
    identity: Part,
    record: Part,
    slot_a: Part,
    slot_b: Part,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    offset: u32,
    bytes: u32,
    /// Where it differs from the flash's.
    erase_bytes: Option<u32>,
}

const fn erased() -> u8 {
    0xFF
}

impl Board {
    /// Reads a `board.toml`.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let text = fs::read_to_string(path).map_err(|error| BoardError::Unreadable(path.into(), error))?;
        let file: File = toml::from_str(&text).map_err(|error| BoardError::Malformed(path.into(), Box::new(error)))?;
        file.flash.board().map_err(|what| BoardError::Unsound(path.into(), what))
    }
}

impl Flash {
    fn board(&self) -> Result<Board, String> {
        if self.bytes > FLASH_MAX_BYTES {
            return Err(format!("flash.bytes is {}, more than {FLASH_MAX_BYTES}", self.bytes));
        }
        let identity = self.region("identity", &self.identity)?;
        let record = self.region("record", &self.record)?;
        let a = self.region("slot_a", &self.slot_a)?;
        let b = self.region("slot_b", &self.slot_b)?;
        if !RECORD_BLOCKS.contains(&record.blocks()) {
            return Err(format!("flash.record has {} erase blocks; it takes two or three", record.blocks()));
        }
        let mut all = [("identity", identity), ("record", record), ("slot_a", a), ("slot_b", b)];
        all.sort_by_key(|(_, region)| region.start);
        for pair in all.windows(2) {
            if let [(first, before), (second, after)] = pair
                && before.end() > after.start
            {
                return Err(format!("flash.{first} and flash.{second} overlap"));
            }
        }
        Ok(Board { bytes: self.bytes, identity, layout: Layout { record, a, b, erased: self.erased } })
    }

    fn region(&self, name: &str, part: &Part) -> Result<Region, String> {
        let erase_bytes = part.erase_bytes.unwrap_or(self.erase_bytes);
        let whole = |number: u32| erase_bytes > 0 && number.is_multiple_of(erase_bytes);
        if part.bytes == 0 || !whole(part.offset) || !whole(part.bytes) {
            return Err(format!("flash.{name} must be whole erase blocks of {erase_bytes} bytes"));
        }
        match part.offset.checked_add(part.bytes) {
            Some(end) if end <= self.bytes => Ok(Region { start: part.offset, length: part.bytes, erase_bytes }),
            _ => Err(format!("flash.{name} ends beyond flash.bytes, {}", self.bytes)),
        }
    }
}
