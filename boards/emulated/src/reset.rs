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
    Power = 0,
    /// The firmware asked for it, to activate a configuration.
    Asked = 1,
    /// A panic.
    Panic = 2,
    /// A fault of the processor.
    Fault = 3,
    /// Nobody fed the watchdog.
    Watchdog = 4,
    /// A note was left, and says nothing that this program knows.
    Unknown = 5,
}

/// Marks a note as written by this program; any unlikely number does.
const TAG: u32 = 0x5AFE_B000;

/// The bits of a note that are the tag.
const TAG_MASK: u32 = 0xFFFF_FF00;

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
        Self::of(note)
    }

    /// What a note says. Every end but that of power leaves one.
    const fn of(note: u32) -> Self {
        if note & TAG_MASK != TAG {
            return Self::Power;
        }
        match note & !TAG_MASK {
            1 => Self::Asked,
            2 => Self::Panic,
            3 => Self::Fault,
            4 => Self::Watchdog,
            _ => Self::Unknown,
        }
    }

    /// What core makes of it.
    #[must_use]
    pub const fn for_core(self) -> ResetCause {
        match self {
            Self::Power | Self::Asked => ResetCause::Ordinary,
            Self::Panic | Self::Fault | Self::Watchdog | Self::Unknown => ResetCause::Crash,
        }
    }
}

// Only firmware links this crate, so the compiler is its test.
const _: () = {
    assert!(matches!(Cause::of(TAG | Cause::Asked as u32), Cause::Asked));
    assert!(matches!(Cause::of(TAG | Cause::Watchdog as u32).for_core(), ResetCause::Crash));
    assert!(matches!(Cause::of(TAG | 0x77).for_core(), ResetCause::Crash), "a note of another build is no power-on");
    assert!(matches!(Cause::of(0xDEAD_BEEF).for_core(), ResetCause::Ordinary), "after power-on memory holds anything");
};

/// Logs a panic. The caller resets the machine: the trial's count of boots does the rest.
pub fn tell(info: &PanicInfo<'_>) {
    // File and line only: the words of a panic would pull in the whole of core::fmt.
    match info.location() {
        Some(place) => defmt::error!("panic at {=str}:{=u32}", place.file(), place.line()),
        None => defmt::error!("panic"),
    }
}
