//! The board's test of itself.

#![no_std]
#![no_main]

use qemu_emcraft_sf2::emcraft::{Emcraft, LAYOUT};
use qemu_emcraft_sf2::{Card, Flash, board, executor, random_u64, start};
use steadfast_emulated::register::Register;
use steadfast_emulated::reset::Cause;
use steadfast_emulated::selftest::{self, Parts};

#[cortex_m_rt::entry]
fn main() -> ! {
    start();
    executor::run(|spawner| spawner.spawn(run().expect("spawned once")))
}

#[embassy_executor::task]
async fn run() {
    let parts = Parts {
        board: &Emcraft,
        // SAFETY: the only call.
        flash: unsafe { Flash::take() },
        region: LAYOUT.b,
        erased: LAYOUT.erased,
        card: Card::take(),
        seed: random_u64(),
        // SAFETY: nothing is there, from board.toml.
        nothing: unsafe { Register::new(board::memory::NOTHING) },
        cause: Cause::take(),
    };
    selftest::run(parts).await;
}
