//! Verifies published test signatures on this board.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use qemu_riscv_virt::start;
use qemu_riscv_virt::virt::Virt;
use steadfast_emulated::signatures;

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    start();
    signatures::run(&Virt, include_bytes!(env!("STEADFAST_SIGNATURES"))).await;
}
