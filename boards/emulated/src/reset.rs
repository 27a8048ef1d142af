//! The note that tells the next boot why this one ended.
//!
//! A reset keeps flash and, in QEMU, RAM: the note lies in memory that start-up does not clear. It is taken once, and only a note
//! with its tag is believed, since after power-on the memory holds anything.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use steadfast_core::ports::ResetCause;

/// Why the last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Cause {
    /// Power, or a debugger: nobody left a note.
    Power,
    /// The firmware asked for it, to activate a configuration.
    Asked,
    /// A panic.
    Panic,
    /// A fault of the processor.
    Fault,
    /// Nobody fed the watchdog.
    Watchdog,
}

/// Marks a note as written by this program; any unlikely number does.
const TAG: u32 = 0x5AFE_B000;

#[unsafe(link_section = ".uninit.reset")]
static NOTE: AtomicU32 = AtomicU32::new(0);

/// Crashes in a row, as the firmware counts them.
#[unsafe(link_section = ".uninit.crashes")]
pub static CRASHES: AtomicU32 = AtomicU32::new(0);

impl Cause {
    /// Leaves this for the next boot. The caller resets the machine.
    pub fn leave(self) {
        NOTE.store(TAG | self as u32, Ordering::SeqCst);
    }

    /// Why the last run ended; says `Power` from the second call on.
    #[must_use]
    pub fn take() -> Self {
        let note = NOTE.load(Ordering::SeqCst);
        NOTE.store(0, Ordering::SeqCst);
        let causes = [Self::Asked, Self::Panic, Self::Fault, Self::Watchdog];
        causes.into_iter().find(|cause| note == TAG | *cause as u32).unwrap_or(Self::Power)
    }

    /// What core makes of it.
    #[must_use]
    pub const fn for_core(self) -> ResetCause {
        match self {
            Self::Power | Self::Asked => ResetCause::Ordinary,
            Self::Panic | Self::Fault | Self::Watchdog => ResetCause::Crash,
        }
    }
}

/// Logs a panic. The caller resets the machine: the trial's count of boots does the rest.
pub fn tell(info: &PanicInfo<'_>) {
    // File and line only: the words of a panic would pull in the whole of core::fmt.
    match info.location() {
        Some(place) => defmt::error!("panic at {=str}:{=u32}", place.file(), place.line()),
        None => defmt::error!("panic"),
    }
}
