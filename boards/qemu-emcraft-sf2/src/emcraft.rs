//! The board as Steadfast sees it: what it declares, and where its flash regions lie.

use core::sync::atomic::AtomicU32;

use defmt::Display2Format;
use steadfast_core::driver::Prepared;
use steadfast_core::flash::layout::{Layout, Region};
use steadfast_emulated::reset::{CRASHES, Cause};
use steadfast_firmware::board::{Board, Source};

use crate::board::{entropy, flash, watchdog};
use crate::flash::Flash;
use crate::{clock, host, reset};

/// Where record and slots lie.
pub const LAYOUT: Layout = Layout {
    record: region(flash::record::OFFSET, flash::record::BYTES),
    a: region(flash::slot_a::OFFSET, flash::slot_a::BYTES),
    b: region(flash::slot_b::OFFSET, flash::slot_b::BYTES),
    erased: flash::ERASED as u8,
};

const fn region(start: usize, length: usize) -> Region {
    Region { start: start as u32, length: length as u32, erase_bytes: flash::ERASE_BYTES as u32 }
}

/// QEMU's `emcraft-sf2` machine.
#[derive(Debug)]
pub struct Emcraft;

impl Board for Emcraft {
    type Flash = Flash;
    const WATCHDOG_MS: u32 = watchdog::TIMEOUT_MS as u32;
    const WORST_ERASE_MS: u32 = flash::WORST_ERASE_MS as u32;
    const WATCHDOG: Source = Source::Exception(watchdog::EXCEPTION);
    const ENTROPY: Source = Source::Exception(entropy::EXCEPTION);

    fn kept_word(&self) -> Option<&AtomicU32> {
        Some(&CRASHES)
    }

    fn feed_watchdog(&self) {
        clock::feed_watchdog();
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        host::fill_random(bytes);
    }

    fn restart(&self) -> ! {
        reset::now(Cause::Asked)
    }

    /// A bootloader would be told here, and would restart. QEMU is given its firmware by whoever starts it.
    fn swap(&self, prepared: &Prepared<'_>) {
        defmt::info!("prepared {}: start the next firmware", Display2Format(&prepared.content().id()));
    }
}
