//! A device whose every message passes through hands that may change it: the production driver over the flash model, the
//! production server's answers, and between them a meddler.
//!
//! Time is virtual, and nothing is random but by seed: two runs differ only by what was meddled with.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use embassy_futures::block_on;
use steadfast::serve::answer::Question;
use steadfast::serve::told::Told;
use steadfast::serve::world::World;
use steadfast::serve::{report, world::Newest};
use steadfast_core::content::Content;
use steadfast_core::digest::Digest;
use steadfast_core::driver::{Driver, Next, Ports, Setting};
use steadfast_core::id::{DeviceId, FirmwareId, FleetId, KeyId, SchemaId};
use steadfast_core::identity::Seed;
use steadfast_core::keyring::Keyring;
use steadfast_core::poll::Poll;
use steadfast_core::ports::{Check, Endpoint, Firmware, Health, Identity, Link, LinkFailed, ResetCause};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::time::Instant;

use crate::flash::{Image, Operation, SERIAL, Serial};
use crate::sensors::FLEET;

/// Unix seconds, as the server sees them; they stand still.
const NOW_SECONDS: u64 = 1_800_000_000;

/// Steps after which a device counts as lost: a whole update takes about forty.
const STEPS_MAX: usize = 2000;

/// What travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// A poll, upwards.
    Poll,
    /// Its answer.
    Answer,
    /// A report, upwards.
    Report,
    /// Bytes of an object.
    Object,
}

/// Changes what travels.
pub type Meddler = Box<dyn FnMut(Leg, &mut Vec<u8>)>;

/// The way to the server, with hands on it.
struct Wire {
    world: Rc<World>,
    told: Rc<RefCell<Option<Told>>>,
    meddler: Meddler,
    /// Polls that were sent.
    polls: usize,
}

impl Wire {
    fn answer(&self, bytes: &[u8]) -> Result<Vec<u8>, LinkFailed> {
        let poll = Poll::decode(bytes).map_err(|_| LinkFailed)?;
        let told = self.told.borrow();
        Ok(self.world.answer(&Question { bytes, poll: &poll, told: told.as_ref(), now_seconds: NOW_SECONDS }))
    }

    fn take(&self, bytes: &[u8]) -> Result<Vec<u8>, LinkFailed> {
        let taken = report::check(bytes, &self.world, NOW_SECONDS).map_err(|_| LinkFailed)?;
        *self.told.borrow_mut() = Some(Told::new(&taken.report));
        Ok(Vec::new())
    }

    fn object(&self, digest: &Digest) -> Result<Vec<u8>, LinkFailed> {
        let newest: &Newest = self.world.newest.as_ref().ok_or(LinkFailed)?;
        newest.pack.object(digest).map(<[u8]>::to_vec).ok_or(LinkFailed)
    }
}

impl Link for Wire {
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], response: &mut [u8]) -> Result<usize, LinkFailed> {
        let (mut up, polls) = (request.to_vec(), endpoint == Endpoint::Poll);
        (self.meddler)(if polls { Leg::Poll } else { Leg::Report }, &mut up);
        self.polls += usize::from(polls);
        let mut down = if polls { self.answer(&up)? } else { self.take(&up)? };
        if polls {
            (self.meddler)(Leg::Answer, &mut down);
        }
        response.get_mut(..down.len()).ok_or(LinkFailed)?.copy_from_slice(&down);
        Ok(down.len())
    }

    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed> {
        let mut bytes = self.object(object)?;
        (self.meddler)(Leg::Object, &mut bytes);
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        if count == 0 { Err(LinkFailed) } else { Ok(count) }
    }
}

/// Who the device is.
#[derive(Clone, Debug)]
pub struct Who {
    /// Its id.
    pub device: DeviceId,
    /// Its key.
    pub seed: Seed,
    /// The schema of its firmware.
    pub schema: SchemaId,
    /// The keyring that it was flashed with.
    pub keyring: Keyring,
}

/// That device, drawing what it takes for random.
struct Sensor {
    who: Who,
    drawn: u64,
}

impl Identity for Sensor {
    fn device(&self) -> DeviceId {
        self.who.device
    }

    fn fleet(&self) -> FleetId {
        FLEET
    }

    fn first_keyring(&self) -> Keyring {
        self.who.keyring.clone()
    }

    fn first_floor(&self) -> Position {
        Position::ZERO
    }

    fn key(&self) -> KeyId {
        self.who.seed.public_key().id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.who.seed.sign(message)
    }

    fn random(&mut self) -> [u8; 8] {
        self.drawn += 1;
        self.drawn.to_le_bytes()
    }
}

/// An application that is always well.
struct Well;

impl Health for Well {
    fn check(&mut self, _: &str) -> Check {
        Check::Passed
    }
}

/// The device.
pub struct Meddled {
    driver: Driver<Serial, Wire, Sensor, Well>,
    now: Instant,
    /// What was programmed before the last restart.
    programmed: Vec<Range<u32>>,
}

impl Meddled {
    /// A device that has just got power and finds that flash; blank if there is none.
    #[must_use]
    pub fn start(world: &Rc<World>, who: Who, flash: Option<Image>) -> Self {
        let blank = Serial::new(SERIAL);
        let flash = match flash {
            Some(image) => blank.restart(image),
            None => blank,
        };
        let wire = Wire { world: Rc::clone(world), told: Rc::default(), meddler: Box::new(|_, _| {}), polls: 0 };
        Self { driver: driver(flash, wire, who), now: Instant::from_milliseconds(0), programmed: Vec::new() }
    }

    /// From now on these are the hands.
    pub fn meddle(&mut self, meddler: impl FnMut(Leg, &mut Vec<u8>) + 'static) {
        self.driver.ports().link.meddler = Box::new(meddler);
    }

    /// What is in its flash.
    pub fn image(&mut self) -> &Image {
        &self.driver.ports().flash.image
    }

    /// Every address range that was programmed since it was made.
    pub fn programmed(&mut self) -> Vec<Range<u32>> {
        let journal = &self.driver.ports().flash.journal;
        let now = journal.iter().filter_map(|step| match &step.operation {
            Operation::Write { at, bytes } => Some(*at..*at + bytes.len() as u32),
            Operation::Erase { .. } => None,
        });
        self.programmed.iter().cloned().chain(now).collect()
    }

    /// What it runs.
    #[must_use]
    pub fn running(&self) -> Option<Content> {
        self.driver.running().map(|intact| *intact.content())
    }

    /// Its record.
    ///
    /// # Panics
    /// Before the first step.
    #[must_use]
    pub fn record(&self) -> &BootRecord {
        self.driver.record().expect("it has started")
    }

    /// Reads a section of what it runs.
    ///
    /// # Panics
    /// When it runs nothing that has the section.
    pub fn section(&mut self, name: &str) -> Vec<u8> {
        let mut buffer = [0; 4096];
        block_on(self.driver.section(name, &mut buffer)).expect("it reads").expect("it is there").to_vec()
    }

    /// Runs until it waits with `done` fulfilled.
    ///
    /// # Panics
    /// When that does not come about within a bounded number of steps.
    pub fn run_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..STEPS_MAX {
            match block_on(self.driver.step(self.now)) {
                Next::At(until) if until > self.now => {
                    if done(self) {
                        return;
                    }
                    self.now = until;
                }
                Next::Restart => self.restart(),
                Next::At(_) | Next::Now | Next::Activate => {}
            }
        }
        panic!("not there after {STEPS_MAX} steps: {:?}", self.driver.record());
    }

    /// Runs until so many polls were sent and whatever was answered has been dealt with.
    ///
    /// # Panics
    /// As `run_until`.
    pub fn run_for_polls(&mut self, polls: usize) {
        let wanted = self.driver.ports().link.polls + polls;
        self.run_until(|device| device.driver.ports().link.polls >= wanted);
    }

    fn restart(&mut self) {
        self.programmed = self.programmed();
        let ports = self.driver.ports();
        let flash = ports.flash.restart(ports.flash.image.clone());
        let who = ports.identity.who.clone();
        let wire = Wire {
            world: Rc::clone(&ports.link.world),
            told: Rc::clone(&ports.link.told),
            meddler: std::mem::replace(&mut ports.link.meddler, Box::new(|_, _| {})),
            polls: ports.link.polls,
        };
        self.driver = driver(flash, wire, who);
        self.now = Instant::from_milliseconds(0);
    }
}

fn driver(flash: Serial, link: Wire, who: Who) -> Driver<Serial, Wire, Sensor, Well> {
    let layout = flash.geometry.layout;
    let firmware = Firmware { id: FirmwareId([5; 8]), schema: who.schema, sections: &[], reset: ResetCause::Ordinary };
    let ports = Ports { flash, link, identity: Sensor { who, drawn: 0 }, health: Well };
    Driver::new(ports, Setting { layout, firmware })
}
