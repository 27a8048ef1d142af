//! The PLIC: which device interrupts, and who is told.

use riscv::interrupt::Interrupt;
use steadfast_emulated::register::Register;

use crate::{board, network};

/// All of hart 0 in machine mode.
const ENABLE: usize = board::interrupts::PLIC + 0x2000;
// SAFETY: PLIC registers of hart 0 in machine mode, 4-byte aligned, from board.toml.
const THRESHOLD: Register<u32> = unsafe { Register::new(board::interrupts::PLIC + 0x20_0000) };
// SAFETY: as above.
const CLAIM: Register<u32> = unsafe { Register::new(board::interrupts::PLIC + 0x20_0004) };

/// Lets a device's interrupt through. Only the network card's is used.
pub(crate) fn enable(number: usize) {
    // SAFETY: the priority register of an interrupt and the word with its enable bit, both in the PLIC's page.
    let (priority, word) = unsafe {
        (Register::<u32>::new(board::interrupts::PLIC + 4 * number), Register::<u32>::new(ENABLE + 4 * (number / 32)))
    };
    priority.write(1);
    word.write(word.read() | 1 << (number % 32));
    THRESHOLD.write(0);
    // SAFETY: the handler below is in place and shares nothing but atomics.
    unsafe { riscv::register::mie::set_mext() };
}

#[riscv_rt::core_interrupt(Interrupt::MachineExternal)]
fn external() {
    let number = CLAIM.read();
    if number != 0 {
        network::interrupt();
        CLAIM.write(number);
    }
}
