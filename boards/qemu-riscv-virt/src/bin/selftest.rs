//! The board's test of itself.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use qemu_riscv_virt::virt::{LAYOUT, Virt};
use qemu_riscv_virt::{Card, Flash, board, start, wall_clock_ns};
use steadfast_emulated::register::Register;
use steadfast_emulated::reset::Cause;
use steadfast_emulated::selftest::{self, Parts};

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    start();
    let parts = Parts {
        board: &Virt,
        // SAFETY: the only call.
        flash: unsafe { Flash::take() },
        region: LAYOUT.b,
        erased: LAYOUT.erased,
        card: Card::find().expect("the machine has a network card"),
        seed: wall_clock_ns(),
        // SAFETY: nothing is there, from board.toml.
        nothing: unsafe { Register::new(board::memory::NOTHING) },
        cause: Cause::take(),
    };
    selftest::run(parts).await;
}
