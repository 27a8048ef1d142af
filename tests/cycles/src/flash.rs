//! NOR flash in RAM: programming clears bits, erasing sets them. It costs next to nothing, so what is counted is the core's work.

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use steadfast_core::flash::layout::{Layout, Region};

/// Bytes of an erase block.
const ERASE_BYTES: usize = 4096;
/// A record region of two blocks and two slots of four.
const BYTES: usize = 10 * ERASE_BYTES;

const fn region(block: usize, blocks: usize) -> Region {
    Region {
        start: (block * ERASE_BYTES) as u32,
        length: (blocks * ERASE_BYTES) as u32,
        erase_bytes: ERASE_BYTES as u32,
    }
}

/// Where record and slots lie.
pub(crate) const LAYOUT: Layout = Layout { record: region(0, 2), a: region(2, 4), b: region(6, 4), erased: 0xFF };

/// See the module.
pub(crate) struct Ram([u8; BYTES]);

impl Ram {
    /// Erased.
    pub(crate) const fn new() -> Self {
        Self([0xFF; BYTES])
    }

    fn part(&mut self, from: u32, length: usize) -> Result<&mut [u8], NorFlashErrorKind> {
        self.0.get_mut(from as usize..from as usize + length).ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

impl ErrorType for Ram {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Ram {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, from: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        bytes.copy_from_slice(self.part(from, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl NorFlash for Ram {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = ERASE_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.part(from, to.saturating_sub(from) as usize)?.fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.part(at, bytes.len())?.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte);
        Ok(())
    }
}
