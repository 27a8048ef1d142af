//! The flash: a Spansion S25FL128S behind the SPI controller.
//!
//! The chip itself takes a program operation over what is programmed and keeps the bits that both have at 0: this driver refuses it
//! before it happens. Waiting for the chip is always bounded, and others run meanwhile.

use embassy_futures::yield_now;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use steadfast_emulated::flash::{Extent, FlashError};

use crate::board::flash as chip;
use crate::spi;

/// The whole chip.
const CHIP: Extent = Extent { bytes: chip::BYTES };
/// Status reads before an operation counts as failed. QEMU is ready at once; this is far beyond any erase.
const PATIENCE_READS: u32 = 10_000_000;
/// Bytes that one transaction reads, with room for its command.
const READ_MAX_BYTES: usize = 4096;
const _: () = assert!(READ_MAX_BYTES + 4 <= spi::FRAMES_MAX);

const READ: u8 = 0x03;
const PROGRAM_PAGE: u8 = 0x02;
const ERASE_BLOCK: u8 = 0xD8;
const ENABLE_WRITING: u8 = 0x06;
const READ_STATUS: u8 = 0x05;
const CLEAR_STATUS: u8 = 0x30;
/// Status: an operation is under way.
const BUSY: u8 = 0x01;
/// Status: an erase failed, or a program operation.
const FAILED: u8 = 0x20 | 0x40;

/// The board's flash.
#[derive(Debug)]
pub struct Flash {
    /// Only `take` makes one.
    _only: (),
}

impl Flash {
    /// The board's flash.
    ///
    /// # Safety
    /// Called once: two drivers would disturb each other's transactions.
    #[must_use]
    pub unsafe fn take() -> Self {
        Self { _only: () }
    }

    /// Erases one block or programs inside one page, and waits until the chip is done.
    async fn change(&mut self, command: u8, offset: usize, bytes: &[u8]) -> Result<(), FlashError> {
        spi::transact(&[ENABLE_WRITING], &[], &mut [])?;
        spi::transact(&at(command, offset), bytes, &mut [])?;
        for _ in 0..PATIENCE_READS {
            let mut status = [0];
            spi::transact(&[READ_STATUS], &[], &mut status)?;
            if status[0] & FAILED != 0 {
                spi::transact(&[CLEAR_STATUS], &[], &mut [])?;
                return Err(FlashError::Failed);
            }
            if status[0] & BUSY == 0 {
                return Ok(());
            }
            yield_now().await;
        }
        Err(FlashError::Timeout)
    }

    /// Programs `bytes`, which lie inside one page.
    async fn program(&mut self, offset: usize, bytes: &[u8]) -> Result<(), FlashError> {
        let mut page = [0; chip::BUFFER_BYTES];
        let before = &mut page[..bytes.len()];
        spi::transact(&at(READ, offset), &[], before)?;
        if before.iter().zip(bytes).any(|(before, byte)| before & byte != *byte) {
            return Err(FlashError::NotErased);
        }
        self.change(PROGRAM_PAGE, offset, bytes).await
    }
}

/// A command with the three bytes of its address.
const fn at(command: u8, offset: usize) -> [u8; 4] {
    let [_, high, middle, low] = (offset as u32).to_be_bytes();
    [command, high, middle, low]
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        CHIP.check(offset as usize, bytes.len(), Self::READ_SIZE)?;
        let offsets = (offset as usize..).step_by(READ_MAX_BYTES);
        for (offset, piece) in offsets.zip(bytes.chunks_mut(READ_MAX_BYTES)) {
            spi::transact(&at(READ, offset), &[], piece)?;
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
        CHIP.check(from, to.checked_sub(from).ok_or(FlashError::Range)?, Self::ERASE_SIZE)?;
        for block in (from..to).step_by(Self::ERASE_SIZE) {
            self.change(ERASE_BLOCK, block, &[]).await?;
            yield_now().await;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        CHIP.check(offset as usize, bytes.len(), Self::WRITE_SIZE)?;
        let mut at = offset as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = chip::BUFFER_BYTES - at % chip::BUFFER_BYTES;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.program(at, now).await?;
            at += now.len();
            rest = later;
            yield_now().await;
        }
        Ok(())
    }
}
