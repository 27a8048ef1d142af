//! The chip's SPI controller (SmartFusion2 microcontroller subsystem, UG0331, chapter 12), as far as a flash needs it.
//!
//! The controller selects the flash by itself, for exactly the frames that a transaction announces. A frame is a byte. Each one that is
//! sent brings one back, so both queues stay in step, and waiting for one is bounded.

use steadfast_emulated::flash::FlashError;
use steadfast_emulated::register::Register;

use crate::board;

/// Frames that one transaction can announce.
pub(crate) const FRAMES_MAX: usize = 0xFFFF;
/// Reads of the status before a frame is given up: milliseconds, where a frame takes microseconds.
const PATIENCE_READS: u32 = 100_000;

const ENABLE: u32 = 1;
const MASTER: u32 = 1 << 1;
const FRAMES_SHIFT: u32 = 8;
/// Selected for the whole transaction, not for each frame.
const KEEP_SELECTED: u32 = 1 << 26;
const LARGE_QUEUES: u32 = 1 << 29;
const BITS_PER_FRAME: u32 = 8;
const FIRST_DEVICE: u32 = 1;
/// Status: nothing has come back.
const RECEIVED_NOTHING: u32 = 1 << 6;

// SAFETY: the controller's registers, 4-byte aligned, from board.toml.
const CONTROL: Register<u32> = unsafe { Register::new(board::spi::BASE) };
// SAFETY: as above.
const FRAME_SIZE: Register<u32> = unsafe { Register::new(board::spi::BASE + 0x04) };
// SAFETY: as above.
const STATUS: Register<u32> = unsafe { Register::new(board::spi::BASE + 0x08) };
// SAFETY: as above.
const RECEIVE: Register<u32> = unsafe { Register::new(board::spi::BASE + 0x10) };
// SAFETY: as above.
const TRANSMIT: Register<u32> = unsafe { Register::new(board::spi::BASE + 0x14) };
// SAFETY: as above.
const SELECT: Register<u32> = unsafe { Register::new(board::spi::BASE + 0x1C) };

/// One transaction: sends `head` and `body`, then takes as many bytes as `answer` holds. At most [`FRAMES_MAX`] bytes in all.
///
/// # Errors
/// [`FlashError::Timeout`] when the controller does not answer.
pub(crate) fn transact(head: &[u8], body: &[u8], answer: &mut [u8]) -> Result<(), FlashError> {
    let frames = head.len() + body.len() + answer.len();
    debug_assert!((1..=FRAMES_MAX).contains(&frames));
    // The size of a frame is taken only while the controller is off.
    CONTROL.write(0);
    FRAME_SIZE.write(BITS_PER_FRAME);
    SELECT.write(FIRST_DEVICE);
    CONTROL.write(ENABLE | MASTER | KEEP_SELECTED | LARGE_QUEUES | (frames as u32) << FRAMES_SHIFT);
    for byte in head.iter().chain(body) {
        exchange(*byte)?;
    }
    for byte in answer {
        *byte = exchange(0)?;
    }
    Ok(())
}

fn exchange(byte: u8) -> Result<u8, FlashError> {
    TRANSMIT.write(byte.into());
    let answered = (0..PATIENCE_READS).any(|_| STATUS.read() & RECEIVED_NOTHING == 0);
    if answered { Ok(RECEIVE.read() as u8) } else { Err(FlashError::Timeout) }
}
