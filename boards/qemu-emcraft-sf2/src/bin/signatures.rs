//! Verifies published test signatures on this board.

#![no_std]
#![no_main]

use qemu_emcraft_sf2::emcraft::Emcraft;
use qemu_emcraft_sf2::{executor, start};
use steadfast_emulated::signatures;

#[cortex_m_rt::entry]
fn main() -> ! {
    start();
    executor::run(|spawner| spawner.spawn(run().expect("spawned once")))
}

#[embassy_executor::task]
async fn run() {
    signatures::run(&Emcraft, include_bytes!(env!("STEADFAST_SIGNATURES"))).await;
}
