//! Verifies published test signatures on this board. `cargo xtask test --data DIR` builds it with them, and reads the log.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_time::Timer;
use qemu_riscv_virt::{clock, reset, start};
use steadfast_signatures::cases;

/// What the host made of the published files.
static CASES: &[u8] = include_bytes!(env!("STEADFAST_SIGNATURES"));

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    start();
    defmt::info!("verifying signatures after {}", reset::take_cause());
    for case in cases(CASES) {
        clock::feed_watchdog();
        defmt::info!("signature {=u16} judged rightly: {=bool}", case.number, case.is_judged_rightly());
    }
    defmt::info!("signature tests are done");
    loop {
        clock::feed_watchdog();
        Timer::after_secs(1).await;
    }
}
