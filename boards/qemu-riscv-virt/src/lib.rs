//! QEMU's `virt` machine (riscv32imac): drivers for its network card, flash, timer, watchdog and log.
//!
//! Two programs use them: the sample application (`main.rs`) and the board's test of itself (`bin/selftest.rs`). All addresses
//! come from `board.toml`.

#![no_std]

pub mod app;
pub mod board;
pub mod clock;
pub mod flash;
mod interrupts;
mod log;
pub mod network;
mod register;
pub mod reset;
pub mod stack;
pub mod virt;
mod virtqueue;

/// Paints the stack, lets the timer and the devices interrupt. Called once, first of all.
pub fn start() {
    stack::paint();
    clock::enable();
    // SAFETY: all handlers are in place, and no critical section is open.
    unsafe { riscv::interrupt::enable() };
}
