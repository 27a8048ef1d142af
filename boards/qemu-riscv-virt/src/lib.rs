//! QEMU's `virt` machine (riscv32imac): drivers for its network card, flash, timer, watchdog and log.
//!
//! Two programs use them: the sample application (`main.rs`) and the board's test of itself (`bin/selftest.rs`). All addresses
//! come from `board.toml`.

#![no_std]

pub mod board;
mod clock;
mod flash;
mod interrupts;
mod network;
mod reset;
pub mod virt;
mod virtqueue;

use steadfast_emulated::log::{self, Uart};
use steadfast_emulated::register::Register;
use steadfast_emulated::stack::Stack;

pub use clock::wall_clock_ns;
pub use flash::Flash;
pub use network::Card;

unsafe extern "C" {
    // The linker script's names: the stack grows down from `_stack_start` to `__estack`.
    static __estack: u8;
    static _stack_start: u8;
}

/// Paints the stack, starts the log, lets the timer and the devices interrupt. Called once, first of all.
pub fn start() -> Stack {
    // SAFETY: the linker script keeps everything else out of this memory.
    let stack = unsafe { Stack::new(&raw const __estack, &raw const _stack_start) };
    stack.paint();
    // SAFETY: two byte registers of the 16550 UART, from board.toml.
    let (transmit, line_status) =
        unsafe { (Register::new(board::uart::BASE), Register::new(board::uart::BASE + board::uart::LINE_STATUS)) };
    log::start(Uart { transmit, line_status });
    clock::enable();
    // SAFETY: all handlers are in place, and no critical section is open.
    unsafe { riscv::interrupt::enable() };
    stack
}
