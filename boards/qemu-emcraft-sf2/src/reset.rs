//! Leaving: system reset, with the note that tells the next boot why.

use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use steadfast_emulated::reset::{self, Cause};

/// Resets the machine and leaves `cause` for the next boot.
pub(crate) fn now(cause: Cause) -> ! {
    cause.leave();
    SCB::sys_reset()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    reset::tell(info);
    now(Cause::Panic)
}

/// A fault of the processor is a crash like any other. No interrupt gets through here, the watchdog's neither.
#[exception]
// SAFETY: called by the hardware alone; it returns to nothing.
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("fault at {=u32:#x}", frame.pc());
    now(Cause::Fault)
}
