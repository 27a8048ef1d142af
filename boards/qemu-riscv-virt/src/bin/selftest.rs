//! The board's test of itself: flash, network, and all four causes of a reset, one a boot.
//!
//! Each boot is recognised by why it started, so a whole run goes: power, asked, panic, watchdog. `tests/tests/board.rs` reads the log.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, StackResources};
use embassy_time::Timer;
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use qemu_riscv_virt::board;
use qemu_riscv_virt::flash::{Flash, FlashError};
use qemu_riscv_virt::network::Card;
use qemu_riscv_virt::reset::{self, Cause};
use qemu_riscv_virt::{clock, start};
use static_cell::StaticCell;

/// Where the test writes: the last slot, which holds nothing on a board that runs this.
const AT: u32 = board::flash::slot_b::OFFSET as u32;
/// More than two of the chips' buffers, and no whole number of them.
const PATTERN_BYTES: usize = 5000;

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Card>) -> ! {
    runner.run().await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    start();
    let cause = reset::take_cause();
    defmt::info!("self-test booted after {}", cause);
    // SAFETY: the only call.
    let mut flash = unsafe { Flash::take() };
    match cause {
        Cause::Power => {
            let was = holds_pattern(&mut flash).await;
            defmt::info!("flash holds the pattern: {=bool}", was);
            write_pattern(&mut flash).await;
            network_comes_up(spawner).await;
            reset::now(Cause::Asked);
        }
        Cause::Asked => {
            assert!(holds_pattern(&mut flash).await, "a reset keeps flash");
            panic!("on purpose");
        }
        Cause::Panic => {
            clock::feed_watchdog();
            Timer::after_millis(1).await;
            loop {
                core::hint::spin_loop();
            }
        }
        Cause::Watchdog => defmt::info!("self-test passed"),
    }
    loop {
        Timer::after_secs(1).await;
    }
}

fn pattern() -> [u8; PATTERN_BYTES] {
    core::array::from_fn(|at| (at % 251) as u8)
}

async fn holds_pattern(flash: &mut Flash) -> bool {
    let mut found = [0; PATTERN_BYTES];
    flash.read(AT, &mut found).await.expect("flash reads");
    found == pattern()
}

async fn write_pattern(flash: &mut Flash) {
    let end = AT + board::flash::slot_b::BYTES as u32;
    flash.erase(AT, end).await.expect("flash erases");
    let mut byte = [0];
    flash.read(end - 1, &mut byte).await.expect("flash reads");
    assert!(byte == [board::flash::ERASED as u8], "erased flash reads as erased");

    flash.write(AT, &pattern()).await.expect("erased flash can be written");
    assert!(holds_pattern(flash).await, "what was written reads back");
    let mut middle = [0; 5];
    flash.read(AT + 2047, &mut middle).await.expect("any address can be read");
    assert!(middle == pattern()[2047..2052], "unaligned reads give the right bytes");

    assert!(flash.write(AT, &[0xFF; 4]).await == Err(FlashError::NotErased), "no bit is set without an erase");
    assert!(flash.write(AT + 2, &[0; 4]).await == Err(FlashError::Range), "writes are aligned");
    assert!(flash.erase(AT, AT + 4).await == Err(FlashError::Range), "erases are whole blocks");
    assert!(flash.read(board::flash::BYTES as u32, &mut byte).await == Err(FlashError::Range), "reads stay inside");
    defmt::info!("flash works");
}

async fn network_comes_up(spawner: Spawner) {
    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let card = Card::find().expect("the machine has a network card");
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) =
        embassy_net::new(card, Config::dhcpv4(DhcpConfig::default()), resources, clock::wall_clock_ns());
    spawner.spawn(run_network(runner).expect("there is one network"));
    stack.wait_config_up().await;
    defmt::info!("network is up");
}
