//! Leaving: machine reset, and the note that tells the next boot why.
//!
//! A reset keeps flash and, on this machine, RAM: the note lies in memory that start-up does not clear. It is taken once, and only a
//! note with its tag is believed, since after power-on the memory holds anything.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::board;
use crate::register::Register;

/// Why the last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Cause {
    /// Power, or a debugger: nobody left a note.
    Power,
    /// The firmware asked for it, to activate a configuration.
    Asked,
    /// A panic.
    Panic,
    /// Nobody fed the watchdog.
    Watchdog,
}

/// Marks a note as written by this program; any unlikely number does.
const TAG: u32 = 0x5AFE_B000;
const MACHINE_RESET: u32 = 0x7777;

// SAFETY: the test device's only register, 4-byte aligned, from board.toml.
const TEST_DEVICE: Register<u32> = unsafe { Register::new(board::test_device::BASE) };

#[unsafe(link_section = ".uninit.reset")]
static NOTE: AtomicU32 = AtomicU32::new(0);

/// Resets the machine and leaves `cause` for the next boot.
pub fn now(cause: Cause) -> ! {
    NOTE.store(TAG | cause as u32, Ordering::SeqCst);
    TEST_DEVICE.write(MACHINE_RESET);
    // QEMU stops the processor a moment after the write.
    loop {
        core::hint::spin_loop();
    }
}

/// Why the last run ended; says `Power` from the second call on.
pub fn take_cause() -> Cause {
    let note = NOTE.swap(0, Ordering::SeqCst);
    [Cause::Asked, Cause::Panic, Cause::Watchdog]
        .into_iter()
        .find(|cause| note == TAG | *cause as u32)
        .unwrap_or(Cause::Power)
}

/// A panic is logged and ends in a reset: the trial's count of boots does the rest.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // File and line only: the words of a panic would pull in the whole of core::fmt.
    match info.location() {
        Some(place) => defmt::error!("panic at {=str}:{=u32}", place.file(), place.line()),
        None => defmt::error!("panic"),
    }
    now(Cause::Panic)
}
