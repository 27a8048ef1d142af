//! QEMU's `emcraft-sf2` machine (SmartFusion2, Cortex-M3, thumbv7m): drivers for its Ethernet MAC, SPI flash, timer and watchdog.
//!
//! Two programs use them: the sample application (`main.rs`) and the board's test of itself (`bin/selftest.rs`). All addresses
//! come from `board.toml`.

#![no_std]

pub mod board;
mod clock;
pub mod emcraft;
pub mod executor;
mod flash;
mod host;
mod interrupts;
mod network;
mod reset;
mod ring;
mod spi;

use cortex_m::Peripherals;
use steadfast_emulated::log::{self, Uart};
use steadfast_emulated::register::Register;
use steadfast_emulated::stack::Stack;

pub use flash::Flash;
pub use host::random_u64;
pub use network::Card;

unsafe extern "C" {
    // The linker script's names: the stack grows down from `_stack_start` to `__sheap`, where nothing is allocated.
    static __sheap: u8;
    static _stack_start: u8;
}

/// Paints the stack, starts the log, lets the timer interrupt.
///
/// # Panics
/// When it is called twice.
pub fn start() -> Stack {
    // SAFETY: the linker script keeps everything else out of this memory.
    let stack = unsafe { Stack::new(&raw const __sheap, &raw const _stack_start) };
    stack.paint();
    // SAFETY: two registers of the 16550 UART, from board.toml, which take bytes.
    let (transmit, line_status) =
        unsafe { (Register::new(board::uart::BASE), Register::new(board::uart::BASE + board::uart::LINE_STATUS)) };
    log::start(Uart { transmit, line_status });
    let peripherals = Peripherals::take().expect("the board starts once");
    clock::start(peripherals.SYST);
    stack
}
