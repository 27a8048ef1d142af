//! Leaving: machine reset, with the note that tells the next boot why.

use core::panic::PanicInfo;

use riscv::register::mepc;
use riscv_rt::TrapFrame;
use steadfast_emulated::register::Register;
use steadfast_emulated::reset::{self, Cause};

use crate::board;

const MACHINE_RESET: u32 = 0x7777;

// SAFETY: the test device's only register, 4-byte aligned, from board.toml.
const TEST_DEVICE: Register<u32> = unsafe { Register::new(board::test_device::BASE) };

/// Resets the machine and leaves `cause` for the next boot.
pub(crate) fn now(cause: Cause) -> ! {
    cause.leave();
    TEST_DEVICE.write(MACHINE_RESET);
    // QEMU stops the processor a moment after the write.
    loop {
        core::hint::spin_loop();
    }
}

/// A fault of the processor is a crash like any other. Interrupts are off here, so no watchdog would end it.
#[unsafe(export_name = "ExceptionHandler")]
fn fault(_frame: &TrapFrame) -> ! {
    defmt::error!("fault at {=usize:#x}", mepc::read());
    now(Cause::Fault)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    reset::tell(info);
    now(Cause::Panic)
}
