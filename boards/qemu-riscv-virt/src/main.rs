//! Steadfast's sample application on QEMU's `virt` machine.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use qemu_riscv_virt::{reset, start};

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    start();
    defmt::info!("booted after {}", reset::take_cause());
}
