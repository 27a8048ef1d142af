//! Where things lie in the image: `board.toml`, built in or read from a file.
//!
//! Invariants of a [`Board`]: every region is whole erase blocks inside the image, no two overlap, and the record has
//! two or three blocks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use steadfast_core::flash::layout::{Layout, Region};
use thiserror::Error;

use crate::image::ERASE_BYTES;

/// The layout that `steadfast flash` uses unless told otherwise.
const BUILT_IN: &str = include_str!("../board.toml");

/// Least and most erase blocks of the record that core makes use of.
const RECORD_BLOCKS: std::ops::RangeInclusive<u32> = 2..=3;

/// The layout of an image.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// The image's size in bytes.
    pub bytes: u32,
    /// Where the identity lies; core never writes there.
    pub identity: Region,
    /// What core writes.
    pub layout: Layout,
}

/// Why a layout is not one.
#[derive(Debug, Error)]
pub enum BoardError {
    /// The file cannot be read.
    #[error("cannot read the layout {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not the TOML of a board.
    #[error("the layout {} does not parse\n{source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected.
        source: Box<toml::de::Error>,
    },
    /// Its numbers do not go together.
    #[error("the layout {}: {what}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// Which number, and what it should be.
        what: String,
    },
}

impl Board {
    /// The layout of this crate's own `board.toml`.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(Path::new("board.toml"), BUILT_IN).expect("a test parses the built-in layout")
    }

    /// Reads a layout from a file.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let text = fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.into(), source })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, BoardError> {
        let file: File =
            toml::from_str(text).map_err(|source| BoardError::Parse { path: path.into(), source: Box::new(source) })?;
        file.flash.board().map_err(|what| BoardError::Unsound { path: path.into(), what })
    }
}

#[derive(Deserialize)]
struct File {
    flash: Flash,
}

/// The parts of `[flash]` that a file needs. Those of a chip are known and mean nothing here; a misspelt one is an error.
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
    erased: u8,
    identity: Extent,
    record: Extent,
    slot_a: Extent,
    slot_b: Extent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extent {
    offset: u32,
    bytes: u32,
}

impl Flash {
    fn board(&self) -> Result<Board, String> {
        if self.erased != 0xFF {
            return Err("flash.erased: a file's erased byte is 0xFF".into());
        }
        if self.erase_bytes == 0 || !self.erase_bytes.is_multiple_of(ERASE_BYTES) {
            return Err(format!("flash.erase_bytes: must be a multiple of {ERASE_BYTES}"));
        }
        let identity = self.region("identity", &self.identity)?;
        let record = self.region("record", &self.record)?;
        let (a, b) = (self.region("slot_a", &self.slot_a)?, self.region("slot_b", &self.slot_b)?);
        if !RECORD_BLOCKS.contains(&record.blocks()) {
            return Err("flash.record.bytes: two or three erase blocks".into());
        }
        let mut sorted = [identity, record, a, b];
        sorted.sort_by_key(|region| region.start);
        if !sorted.is_sorted_by(|lower, upper| lower.end() <= upper.start) {
            return Err("flash: two regions overlap".into());
        }
        Ok(Board { bytes: self.bytes, identity, layout: Layout { record, a, b, erased: self.erased } })
    }

    fn region(&self, name: &str, extent: &Extent) -> Result<Region, String> {
        let whole = |bytes: u32| bytes.is_multiple_of(self.erase_bytes);
        if extent.bytes == 0 || !whole(extent.offset) || !whole(extent.bytes) {
            return Err(format!("flash.{name}: must be whole erase blocks of {} bytes", self.erase_bytes));
        }
        match extent.offset.checked_add(extent.bytes) {
            Some(end) if end <= self.bytes => {
                Ok(Region { start: extent.offset, length: extent.bytes, erase_bytes: self.erase_bytes })
            }
            _ => Err(format!("flash.{name}: ends behind flash.bytes ({})", self.bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(from: &str, to: &str) -> String {
        assert!(BUILT_IN.contains(from), "{from} stands in board.toml");
        Board::parse(Path::new("x.toml"), &BUILT_IN.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_layout_is_sound_and_fills_its_image() {
        let board = Board::built_in();
        assert_eq!(board.layout.b.end(), board.bytes);
        assert_eq!(board.layout.record.blocks(), 3);
    }

    #[test]
    fn a_layout_that_does_not_hold_together_says_which_number_is_wrong() {
        assert!(refusal("bytes = 0x0020_4000", "bytes = 0x0020_3000").contains("flash.slot_b"));
        assert!(refusal("erase_bytes = 4096", "erase_bytes = 512").contains("multiple of 4096"));
        assert!(refusal("offset = 0x0010_4000", "offset = 0x0000_5000").contains("overlap"));
        assert!(refusal("bytes = 0x0000_3000", "bytes = 0x0000_1000").contains("flash.record"));
        assert!(refusal("erased = 0xFF", "erased = 0").contains("erased"));
        let misspelt = refusal("program_bytes = 4", "program_byte = 4");
        assert!(misspelt.contains("unknown field `program_byte`"), "{misspelt}");
        let unparsed = refusal("erased = 0xFF", "erased = \"x\"");
        assert!(unparsed.contains("x.toml") && unparsed.contains("line"), "{unparsed}");
    }
}
