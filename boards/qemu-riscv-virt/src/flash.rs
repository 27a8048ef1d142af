//! The flash: two CFI NOR chips with Intel's command set, side by side on a 32-bit bus.
//!
//! Every command goes to both chips at once. QEMU lets a program operation set bits, which no NOR flash can: this driver
//! refuses it, so that what passes here passes on real chips too. Waiting for the chips is always bounded.

use embassy_futures::yield_now;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use steadfast_emulated::flash::{Extent, FlashError};
use steadfast_emulated::register::Register;

use crate::board::flash as chip;

/// Bytes of the bus: both chips' 16 bits.
const WORD: usize = 4;
/// Status reads before an operation counts as failed. QEMU is ready at once; this is far beyond any chip.
const PATIENCE_READS: u32 = 50_000_000;

/// Both chips.
const CHIPS: Extent = Extent { bytes: chip::BYTES };

const READ_ARRAY: u32 = both(0xFF);
const CLEAR_STATUS: u32 = both(0x50);
const ERASE: u32 = both(0x20);
const PROGRAM_BUFFER: u32 = both(0xE8);
const CONFIRM: u32 = both(0xD0);
/// Status: the chip is ready.
const READY: u32 = both(0x80);
/// Status: erase failed, program failed, voltage low, block locked.
const FAILED: u32 = both(0x20 | 0x10 | 0x08 | 0x02);

const fn both(command: u32) -> u32 {
    command << 16 | command
}

/// Both chips as one flash.
#[derive(Debug)]
pub struct Flash {
    /// Only `take` makes one.
    only: (),
}

impl Flash {
    /// The board's flash.
    ///
    /// # Safety
    /// Called once: two drivers would disturb each other's commands.
    pub unsafe fn take() -> Self {
        let flash = Self { only: () };
        flash.word(0).write(READ_ARRAY);
        flash
    }

    fn word(&self, offset: usize) -> Register<u32> {
        debug_assert!(offset.is_multiple_of(WORD) && offset < chip::BYTES);
        let () = self.only;
        // SAFETY: a word of the chips' own address range, from board.toml: every caller has checked offset and alignment.
        unsafe { Register::new(chip::BASE + offset) }
    }

    /// Waits until both chips are ready, then returns them to reading.
    fn finish(&self, offset: usize) -> Result<(), FlashError> {
        let status = (0..PATIENCE_READS).map(|_| self.word(offset).read()).find(|status| status & READY == READY);
        self.word(offset).write(CLEAR_STATUS);
        self.word(offset).write(READ_ARRAY);
        match status {
            None => Err(FlashError::Timeout),
            Some(status) if status & FAILED != 0 => Err(FlashError::Failed),
            Some(_) => Ok(()),
        }
    }

    /// Programs at most one buffer of the chips: `bytes` lies inside one aligned block of that size.
    fn program(&self, offset: usize, bytes: &[u8]) -> Result<(), FlashError> {
        let words = || bytes.chunks_exact(WORD).enumerate().map(|(at, word)| (offset + at * WORD, little_endian(word)));
        if words().any(|(at, word)| self.word(at).read() & word != word) {
            return Err(FlashError::NotErased);
        }
        self.word(offset).write(PROGRAM_BUFFER);
        self.word(offset).write(both((bytes.len() / WORD) as u32 - 1));
        for (at, word) in words() {
            self.word(at).write(word);
        }
        self.word(offset).write(CONFIRM);
        self.finish(offset)
    }
}

fn little_endian(word: &[u8]) -> u32 {
    word.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        CHIPS.check(offset as usize, bytes.len(), Self::READ_SIZE)?;
        // Word by word, whatever the alignment: a word holds the next one to four bytes that are wanted.
        let mut at = offset as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            let skip = at % WORD;
            let word = self.word(at - skip).read().to_le_bytes();
            let (now, later) = rest.split_at_mut((WORD - skip).min(rest.len()));
            now.copy_from_slice(&word[skip..skip + now.len()]);
            at += now.len();
            rest = later;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        chip::BYTES
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = chip::PROGRAM_BYTES;
    const ERASE_SIZE: usize = chip::ERASE_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let (from, to) = (from as usize, to as usize);
        CHIPS.check(from, to.checked_sub(from).ok_or(FlashError::Range)?, Self::ERASE_SIZE)?;
        for block in (from..to).step_by(Self::ERASE_SIZE) {
            self.word(block).write(ERASE);
            self.word(block).write(CONFIRM);
            self.finish(block)?;
            yield_now().await;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        CHIPS.check(offset as usize, bytes.len(), Self::WRITE_SIZE)?;
        let mut at = offset as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = chip::BUFFER_BYTES - at % chip::BUFFER_BYTES;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.program(at, now)?;
            at += now.len();
            rest = later;
            yield_now().await;
        }
        Ok(())
    }
}
