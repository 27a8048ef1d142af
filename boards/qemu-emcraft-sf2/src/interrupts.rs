//! The interrupts of devices, of which only the Ethernet MAC's is used.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::exception;

use crate::{board, network};

const ETHERNET: Line = Line(board::ethernet::INTERRUPT as u16);

#[derive(Clone, Copy)]
struct Line(u16);

// SAFETY: always the same number for a value.
unsafe impl InterruptNumber for Line {
    fn number(self) -> u16 {
        self.0
    }
}

/// Lets the Ethernet MAC interrupt.
pub(crate) fn enable_ethernet() {
    // SAFETY: the handler below is in place and shares nothing but atomics.
    unsafe { NVIC::unmask(ETHERNET) };
}

/// Handles whatever has no handler of its own: the devices.
#[exception]
// SAFETY: called by the hardware alone.
unsafe fn DefaultHandler(number: i16) {
    if number == ETHERNET.0 as i16 {
        network::interrupt();
    }
}
