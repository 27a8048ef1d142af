//! A board's test of itself: flash, network, and all causes of a reset, one a boot.
//!
//! Each boot is recognised by why it started, so a whole run goes: power, asked, panic, fault, watchdog. `tests/tests/board.rs` reads the log.

use embassy_futures::select::select;
use embassy_net::{Config, DhcpConfig, StackResources};
use embassy_net_driver::Driver;
use embassy_time::Timer;
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash as _};
use static_cell::StaticCell;
use steadfast_core::flash::layout::Region;
use steadfast_firmware::board::Board;

use crate::flash::FlashError;
use crate::register::Register;
use crate::reset::Cause;

/// More than two of any chip's buffers and no whole number of them, but whole words.
const PATTERN_BYTES: usize = 5008;
/// Spans a border between two buffers of any chip.
const ODD: core::ops::Range<usize> = 2047..2052;

/// What is tested.
pub struct Parts<B: Board + 'static, D> {
    /// The board.
    pub board: &'static B,
    /// Its flash.
    pub flash: B::Flash,
    /// Where the test writes: a slot, which holds nothing on a board that runs this.
    pub region: Region,
    /// How erased bytes read.
    pub erased: u8,
    /// Its network card.
    pub card: D,
    /// For the network's random numbers.
    pub seed: u64,
    /// Where neither memory nor a device is: reading it is a fault.
    pub nothing: Register<u32>,
    /// Why this boot started.
    pub cause: Cause,
}

/// Runs for ever.
pub async fn run<B, D: Driver>(mut parts: Parts<B, D>) -> !
where
    B: Board<Flash: NorFlash<Error = FlashError>>,
{
    defmt::info!("self-test booted after {}", parts.cause);
    match parts.cause {
        Cause::Power => {
            defmt::info!("flash holds the pattern: {=bool}", holds_pattern(&mut parts).await);
            write_pattern(&mut parts).await;
            network_comes_up(parts.card, parts.seed).await;
            parts.board.restart();
        }
        Cause::Asked => {
            assert!(holds_pattern(&mut parts).await, "a reset keeps flash");
            panic!("on purpose");
        }
        Cause::Panic => {
            parts.nothing.read();
            panic!("nothing was read");
        }
        Cause::Fault => {
            parts.board.feed_watchdog();
            Timer::after_millis(1).await;
            loop {
                core::hint::spin_loop();
            }
        }
        Cause::Watchdog => defmt::info!("self-test passed"),
        Cause::Unknown => defmt::error!("a note that nobody left"),
    }
    loop {
        Timer::after_secs(1).await;
    }
}

fn pattern() -> [u8; PATTERN_BYTES] {
    core::array::from_fn(|at| (at % 251) as u8)
}

async fn holds_pattern<B: Board, D>(parts: &mut Parts<B, D>) -> bool {
    let mut found = [0; PATTERN_BYTES];
    parts.flash.read(parts.region.start, &mut found).await.is_ok() && found == pattern()
}

async fn write_pattern<B, D>(parts: &mut Parts<B, D>)
where
    B: Board<Flash: NorFlash<Error = FlashError>>,
{
    let (at, end) = (parts.region.start, parts.region.end());
    let capacity = parts.flash.capacity() as u32;
    let flash = &mut parts.flash;
    flash.erase(at, end).await.expect("flash erases");
    let mut byte = [0];
    flash.read(end - 1, &mut byte).await.expect("flash reads");
    assert!(byte == [parts.erased], "erased flash reads as erased");

    flash.write(at, &pattern()).await.expect("erased flash can be written");
    let mut middle = [0; ODD.end - ODD.start];
    flash.read(at + ODD.start as u32, &mut middle).await.expect("any address can be read");
    assert!(middle == pattern()[ODD], "unaligned reads give the right bytes");

    assert!(flash.write(at, &[0xFF; PATTERN_BYTES]).await == Err(FlashError::NotErased), "only an erase sets bits");
    assert!(flash.write(at + 2, &[0; 4]).await == Err(FlashError::Range), "writes are aligned");
    assert!(flash.erase(at, at + 4).await == Err(FlashError::Range), "erases are whole blocks");
    assert!(flash.read(capacity, &mut byte).await == Err(FlashError::Range), "reads stay inside");
    assert!(holds_pattern(parts).await, "what was written reads back, and what was refused changed nothing");
    defmt::info!("flash works");
}

async fn network_comes_up(card: impl Driver, seed: u64) {
    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let (stack, mut runner) = embassy_net::new(card, Config::dhcpv4(DhcpConfig::default()), resources, seed);
    select(runner.run(), stack.wait_config_up()).await;
    defmt::info!("network is up");
}
