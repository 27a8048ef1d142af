//! The driver on flash that goes away and comes back: a chip that hangs in an erase, or does not answer at power-on.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_storage_async::nor_flash::{ErrorType, NorFlashErrorKind, ReadNorFlash};

use super::*;
use crate::flash::layout::Region;
use crate::id::{DeviceId, FirmwareId, FleetId, SchemaId};
use crate::keyring::{Director, Keyring, Role};
use crate::ports::{Check, ResetCause};
use crate::position::Position;
use crate::statement::PublicKey;

const BLOCK: u32 = 2048;
const NOW: Instant = Instant::from_milliseconds(0);
const LAYOUT: Layout = Layout { record: region(0, 2), a: region(2, 1), b: region(3, 1), erased: 0xFF };

const fn region(block: u32, blocks: u32) -> Region {
    Region { start: block * BLOCK, length: blocks * BLOCK, erase_bytes: BLOCK }
}

/// Flash that may be away, or go away with the next erase, or start to read late.
struct Chip {
    bytes: [u8; 4 * BLOCK as usize],
    away: bool,
    hangs_in_erase: bool,
    /// So many reads fail below this address.
    silent: (u32, u32),
}

impl Chip {
    const fn with(bytes: [u8; 4 * BLOCK as usize]) -> Self {
        Self { bytes, away: false, hangs_in_erase: false, silent: (0, 0) }
    }

    fn check(&self) -> Result<(), NorFlashErrorKind> {
        if self.away { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }
}

impl ErrorType for Chip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.check()?;
        let (end, reads) = &mut self.silent;
        if *reads > 0 && offset < *end {
            *reads -= 1;
            return Err(NorFlashErrorKind::Other);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = BLOCK as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.away |= self.hangs_in_erase;
        self.check()?;
        self.bytes[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.check()?;
        self.bytes[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// As it was made: keyring 1, floor 0.
struct Made;

impl Identity for Made {
    fn device(&self) -> DeviceId {
        DeviceId([1; 16])
    }

    fn fleet(&self) -> FleetId {
        FleetId([2; 16])
    }

    fn first_keyring(&self) -> Keyring {
        keyring(1)
    }

    fn first_floor(&self) -> Position {
        Position::ZERO
    }

    fn key(&self) -> KeyId {
        KeyId([3; 4])
    }

    fn sign(&self, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }

    fn random(&mut self) -> [u8; 8] {
        [4; 8]
    }
}

struct Nobody;

impl Link for Nobody {
    async fn exchange(&mut self, _: Endpoint, _: &[u8], _: &mut [u8]) -> Result<usize, LinkFailed> {
        Err(LinkFailed)
    }

    async fn fetch(&mut self, _: &crate::digest::Digest, _: u32, _: &mut [u8]) -> Result<usize, LinkFailed> {
        Err(LinkFailed)
    }
}

impl Health for Nobody {
    fn check(&mut self, _: &str) -> Check {
        Check::Waiting
    }
}

fn keyring(version: u32) -> Keyring {
    let role = |seed: u8| Role { threshold: 1, keys: [PublicKey([seed; 32])].into_iter().collect() };
    Keyring { version, root: role(1), publisher: role(2), director: Director::None, publisher_epoch: 1 }
}

/// Nothing here ever waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing waits"),
    }
}

/// A device of keyring 9 and floor 5, whose keyring was older under older floors; its slots are blank.
fn device() -> Driver<Chip, Nobody, Made, Nobody> {
    start(chip())
}

/// The newest record is in block 0, the one before in block 1.
fn chip() -> Chip {
    let mut flash = Chip::with([0xFF; 4 * BLOCK as usize]);
    let mut work = [0; RECORD_BYTES];
    let (mut store, _) = block_on(RecordStore::load(&mut flash, &LAYOUT, &mut work)).unwrap();
    for (version, sequence) in [(7, 3), (8, 4), (9, 5)] {
        let mut record = BootRecord::new(keyring(version), Position { epoch: 1, sequence });
        block_on(store.commit(&mut flash, &mut record, &mut work)).unwrap();
    }
    flash
}

fn start(flash: Chip) -> Driver<Chip, Nobody, Made, Nobody> {
    let firmware =
        Firmware { id: FirmwareId([5; 8]), schema: SchemaId([6; 32]), sections: &[], reset: ResetCause::Ordinary };
    let ports = Ports { flash, link: Nobody, identity: Made, health: Nobody };
    Driver::new(ports, Setting { layout: LAYOUT, firmware })
}

fn remembered(driver: &Driver<Chip, Nobody, Made, Nobody>) -> Option<(u32, u32)> {
    driver.record().map(|record| (record.keyring.version, record.floor.sequence))
}

#[test]
fn flash_that_is_away_at_the_start_costs_neither_keyring_nor_floor() {
    let mut driver = device();
    driver.ports().flash.away = true;
    assert_eq!(block_on(driver.step(NOW)), Next::Activate);
    assert!(matches!(block_on(driver.step(NOW)), Next::At(_)));
    assert_eq!(remembered(&driver), None, "it must not start from what it was made with");
    driver.ports().flash.away = false;
    block_on(driver.step(NOW));
    assert_eq!(remembered(&driver), Some((9, 5)));
}

#[test]
fn flash_that_goes_away_in_a_commit_costs_neither_keyring_nor_floor() {
    let mut driver = device();
    block_on(driver.step(NOW));
    driver.ports().flash.hangs_in_erase = true;
    assert_eq!(block_on(driver.perform(Action::Commit)), Next::Restart);
    assert_eq!(remembered(&driver), None, "nobody can say which record is in force");

    let bytes = driver.ports().flash.bytes;
    let mut driver = start(Chip::with(bytes));
    block_on(driver.step(NOW));
    assert_eq!(remembered(&driver), Some((9, 5)));
}

/// Steps until it has a record, or so many seconds have passed.
fn seek(driver: &mut Driver<Chip, Nobody, Made, Nobody>, seconds: u32) -> Option<(u32, u32)> {
    let end = NOW.after(Span::from_seconds(seconds));
    let mut now = NOW;
    while now < end && driver.record().is_none() {
        if let Next::At(until) = block_on(driver.step(now)) {
            now = until;
        }
    }
    remembered(driver)
}

#[test]
fn flash_that_wakes_while_the_record_is_sought_costs_neither_keyring_nor_floor() {
    for reads in 1..50 {
        let mut driver = start(Chip { silent: (BLOCK, reads), ..chip() });
        assert_eq!(seek(&mut driver, 60), Some((9, 5)), "{reads} reads fail");
    }
}

#[test]
fn a_block_that_does_not_read_for_a_minute_is_given_up_and_not_written() {
    let mut driver = start(Chip { silent: (BLOCK, u32::MAX), ..chip() });
    assert_eq!(seek(&mut driver, 59), None);
    assert_eq!(seek(&mut driver, 120), Some((8, 4)));
    assert_eq!(block_on(driver.perform(Action::Commit)), Next::Now);
    assert_eq!(remembered(&driver), Some((8, 4)), "with two blocks nothing can be committed");
    let Chip { bytes, .. } = driver.ports().flash;
    let mut driver = start(Chip::with(bytes));
    assert_eq!(seek(&mut driver, 1), Some((9, 5)), "it reads again");
}

#[test]
fn flash_that_comes_back_late_and_wakes_while_the_record_is_sought_costs_neither_keyring_nor_floor() {
    for reads in 1..50 {
        let mut driver = device();
        driver.ports().flash.away = true;
        assert_eq!(seek(&mut driver, 300), None);
        (driver.ports().flash.away, driver.ports().flash.silent) = (false, (4 * BLOCK, reads));
        assert_eq!(seek(&mut driver, 600), Some((9, 5)), "{reads} reads fail");
    }
}
