//! The device under test: the production driver with everything around it, one step at a time under the oracle's eyes.

use std::cell::RefCell;
use std::rc::Rc;

use embassy_futures::block_on;
use steadfast_core::content::Content;
use steadfast_core::driver::{Driver, Next, Ports, Setting};
use steadfast_core::flash::layout::Region;
use steadfast_core::flash::slot::{Intact, Store};
use steadfast_core::id::{ContentId, FirmwareId};
use steadfast_core::outcome::{Detail, Ending};
use steadfast_core::ports::{Check, Firmware, Health, ResetCause};
use steadfast_core::record::{BootRecord, Stage};
use steadfast_core::refusal::Refusal;
use steadfast_core::report::{Refused, Report};
use steadfast_core::time::Instant;

use super::fleet::{DeviceIdentity, Which};
use super::script::{Phase, SICK, Trouble, Verdict};
use super::server::{Server, Voice, Wire};
use crate::flash::Nor;
use crate::oracle::{Moment, Oracle};

/// The firmware's build.
pub const FIRMWARE: FirmwareId = FirmwareId([5; 8]);

/// For so many waits, however short, the sensor says nothing yet: long enough for a report during the trial.
const SENSOR_SILENT: usize = 3;

/// The sections of the sample configuration.
const SECTIONS: [&str; 3] = ["alarms", "network", "sampling"];

/// The byte of a slot in which a bit flips, inside an object.
const ROTTEN_BYTE: usize = 1000;

/// After so many polls a device that is offered what it must refuse has made up its mind.
const REFUSED_POLLS: usize = 3;

/// After so many waits without a change a device counts as steady.
const STEADY_WAITS: usize = 4;

/// The application: its sensor takes a moment to say anything, and cannot follow the sick configuration.
struct Application {
    running: Option<ContentId>,
    /// How often the device waited since the activation.
    waited: usize,
    sick: ContentId,
}

impl Health for Application {
    fn check(&mut self, name: &str) -> Check {
        if name != "sensor" {
            return Check::Passed;
        }
        if self.waited <= SENSOR_SILENT {
            return Check::Waiting;
        }
        if self.running == Some(self.sick) {
            return Check::Failed(Detail::try_from("too fast").expect("it is short"));
        }
        Check::Passed
    }
}

type Core<const R: usize, const W: usize> = Driver<Nor<R, W>, Wire, DeviceIdentity, Application>;

/// A device with its flash, its server and its oracle.
pub struct Device<const R: usize, const W: usize> {
    driver: Core<R, W>,
    server: Rc<RefCell<Server>>,
    /// What is known of it.
    pub oracle: Oracle,
    /// The oracle before each step, for those who cut power there; a journal's mark is an index.
    pub history: Option<Vec<Oracle>>,
    running: Option<Content>,
    /// The application was told what to run since the start.
    activated: bool,
    now: Instant,
    starts: u64,
    which: Which,
    is_final: bool,
    /// A bit will flip in the phase of that trouble; after a power cut, the flash that was left has it already.
    pub rots: bool,
    /// Reports that were looked at.
    reported: usize,
}

impl<const R: usize, const W: usize> Device<R, W> {
    /// A device that has just got power.
    #[must_use]
    pub fn start(flash: Nor<R, W>, server: Rc<RefCell<Server>>, oracle: Oracle, which: Which) -> Self {
        let driver = driver(flash, &server, which, 0);
        let reported = server.borrow().reports.len();
        Self {
            driver,
            server,
            oracle,
            history: None,
            running: None,
            activated: false,
            now: Instant::from_milliseconds(0),
            starts: 0,
            which,
            is_final: false,
            rots: false,
            reported,
        }
    }

    /// No other firmware will come back, over all restarts.
    pub fn firmware_is_final(&mut self) {
        self.is_final = true;
        self.driver.firmware_is_final();
    }

    /// Its flash.
    pub fn flash(&mut self) -> &mut Nor<R, W> {
        &mut self.driver.ports().flash
    }

    /// Its flash as the next start would find it, should power fail now.
    #[must_use]
    pub fn flash_now(&mut self) -> Nor<R, W> {
        let flash = self.flash();
        flash.restart(flash.image.clone())
    }

    /// The server it asks.
    #[must_use]
    pub fn server(&self) -> Rc<RefCell<Server>> {
        self.server.clone()
    }

    /// Its record, once it has started.
    #[must_use]
    pub fn record(&self) -> Option<&BootRecord> {
        self.driver.record()
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        let spare = self.flash_now();
        let flash = std::mem::replace(self.flash(), spare);
        self.starts += 1;
        self.oracle.bounded.starts += 1;
        self.driver = driver(flash, &self.server, self.which, self.starts);
        if self.is_final {
            self.driver.firmware_is_final();
        }
        self.running = None;
        self.activated = false;
        self.now = Instant::from_milliseconds(0);
    }

    /// Runs until the application was told what to run, for which nobody else is needed.
    ///
    /// # Panics
    /// When an invariant does not hold on the way.
    pub fn boot(&mut self) {
        while !self.activated {
            self.step();
        }
    }

    /// One step; `true` when the device waits.
    fn step(&mut self) -> bool {
        if let Some(history) = &mut self.history {
            self.driver.ports().flash.mark.set(history.len());
            history.push(self.oracle.clone());
        }
        let operations = self.flash().journal.len();
        let next = block_on(self.driver.step(self.now));
        let sections = if next == Next::Activate { self.activate() } else { None };
        self.look(operations, sections.as_deref());
        match next {
            Next::At(until) => {
                let waits = until > self.now;
                self.driver.ports().health.waited += 1;
                self.now = self.now.max(until);
                return waits;
            }
            Next::Restart => self.restart(),
            Next::Now | Next::Activate => {}
        }
        false
    }

    /// The application takes what it is given; all of it, unless it was spoilt since it was read back.
    fn activate(&mut self) -> Option<Vec<Vec<u8>>> {
        self.activated = true;
        self.running = self.driver.running().map(|intact| *intact.content());
        let running = self.running.map(|content| content.id());
        let health = &mut self.driver.ports().health;
        (health.running, health.waited) = (running, 0);
        let mut sections = Vec::new();
        for name in SECTIONS {
            let mut buffer = [0; 4096];
            let section = block_on(self.driver.section(name, &mut buffer));
            if section.is_err() && self.may_be_spoilt() {
                self.driver.altered();
                return None;
            }
            sections.extend(section.expect("it was read back just now").map(<[u8]>::to_vec));
        }
        Some(sections)
    }

    /// Whether what was read back just now may read otherwise: bits of its slot are unstable, bytes change, or reads fail.
    fn may_be_spoilt(&mut self) -> bool {
        let slot = self.driver.running().map(Intact::slot);
        let flash = self.flash();
        let region = slot.map(|slot| flash.geometry.layout.slot(slot));
        let wavers = |region: Region| flash.image.is_unstable_in(region.start as usize..region.end() as usize);
        flash.ills.change.is_some() || flash.ills.silence.is_some() || region.is_some_and(wavers)
    }

    fn look(&mut self, operations: usize, sections: Option<&[Vec<u8>]>) {
        let Some(record) = self.driver.record().cloned() else { return };
        let flash = &self.driver.ports().flash;
        let server = self.server.borrow();
        let moment = Moment {
            record: &record,
            running: self.running,
            bereft: self.running.is_none() && (flash.ills.silence.is_some() || !is_fit(&record, flash, self.which)),
            sections,
            operations: flash.journal.get(operations..).unwrap_or_default(),
            image: &flash.image,
            layout: &flash.geometry.layout,
            reports: &server.reports[self.reported..],
            releases: &server.releases,
            assigned: (server.heard.unwrap_or(server.assigned), server.voice),
        };
        self.oracle.look(&moment);
        self.reported = server.reports.len();
    }

    /// Runs until the device waits that many times, whatever it does in between.
    ///
    /// # Panics
    /// When an invariant does not hold on the way.
    pub fn wait(&mut self, waits: usize) {
        let mut waited = 0;
        while waited < waits {
            waited += usize::from(self.step());
        }
    }

    /// Runs until a phase has come out as it must.
    ///
    /// # Panics
    /// When an invariant does not hold on the way, or the bounds of recovery are passed.
    pub fn come_out(&mut self, phase: &Phase) {
        self.come_out_before(phase, usize::MAX);
    }

    /// Runs until a phase has come out, or until after so many flash operations; `true` when it has come out.
    ///
    /// # Panics
    /// As [`Device::come_out`].
    pub fn come_out_before(&mut self, phase: &Phase, operations: usize) -> bool {
        self.oracle.bounded.restart();
        self.prepare(phase);
        while self.flash().journal.len() <= operations {
            if self.step() && self.has_come_out(phase) && self.is_ready(phase) {
                return true;
            }
            self.trouble(phase);
        }
        false
    }

    /// Demands that nothing changes any more, over a restart, too. Not where bits read differently each time: what they
    /// spoil is seen, and made good, at any later time.
    ///
    /// # Panics
    /// When something does.
    pub fn stay(&mut self) {
        if self.flash().image.is_unstable() {
            return;
        }
        let record = self.record().expect("it has started").clone();
        self.oracle.steady.demand(&record);
        self.wait(STEADY_WAITS);
        self.restart();
        self.wait(STEADY_WAITS);
        self.oracle.steady.release();
    }

    /// Runs until a phase has come out as it must and nothing changes any more.
    ///
    /// # Panics
    /// As [`Device::come_out`] and [`Device::stay`].
    pub fn settle(&mut self, phase: &Phase) {
        self.come_out(phase);
        self.stay();
    }

    fn prepare(&mut self, phase: &Phase) {
        let mut server = self.server.borrow_mut();
        let assigned = server.release(phase.assigned).id(self.which);
        server.out_of_reach = (phase.trouble == Trouble::OutOfReach).then_some(assigned);
        if phase.trouble == Trouble::ServerDown {
            server.voice = Voice::Silent;
        }
    }

    fn trouble(&mut self, phase: &Phase) {
        let Some(record) = self.record() else { return };
        let gave_up = record.trial.is_some_and(|trial| trial.stage == Stage::Suspended);
        if phase.verdict == Verdict::Prepared && !self.driver.is_preparing() && !self.is_ready(phase) {
            self.driver.prepare(Which::Next.schema());
            return;
        }
        let Some(record) = self.record() else { return };
        match (phase.trouble, record.confirmed) {
            (Trouble::ServerDown, _) if gave_up => self.server.borrow_mut().voice = Voice::Honest,
            (Trouble::Rot, Some(slot)) if self.rots && self.running.is_some() => {
                self.rots = false;
                let at = self.flash().geometry.layout.slot(slot).start as usize + ROTTEN_BYTE;
                self.flash().image.flip(at, 1);
            }
            _ => {}
        }
    }

    /// Whether nothing that rotted counts as confirmed any more, and what was to be prepared is.
    fn is_ready(&mut self, phase: &Phase) -> bool {
        let Some(record) = self.record().cloned() else { return false };
        let which = self.which;
        let is_mended = phase.trouble != Trouble::Rot || is_fit(&record, self.flash(), which);
        is_mended
            && (phase.verdict != Verdict::Prepared
                || block_on(self.driver.prepared(Which::Next.schema())).is_some_and(|prepared| {
                    *prepared.content() == self.server.borrow().release(phase.assigned).content(Which::Next)
                }))
    }

    /// Whether the device is where the phase must lead, and the server knows.
    fn has_come_out(&self, phase: &Phase) -> bool {
        let (Some(record), server) = (self.record(), self.server.borrow()) else { return false };
        let assigned = server.release(phase.assigned);
        let reported = |meets: &dyn Fn(&Report) -> bool| server.reports.last().is_some_and(meets);
        let content = assigned.id(self.which);
        let success = |report: &Report| report.running == content && report.confirmed == report.running;
        self.runs(phase.verdict.comes_to(phase.assigned), &server)
            && match phase.verdict {
                Verdict::Confirmed => reported(&|report| success(report) && report.accepted == assigned.position()),
                Verdict::RolledBack(_) => reported(&|report| is_rejection(report, phase, &server)),
                // The next report says so; none is owed for an adoption.
                Verdict::Adopted | Verdict::Prepared => {
                    record.accepted == assigned.position() && record.floor == assigned.floor()
                }
                Verdict::Refused(_) => {
                    let below = |refused: Refused| refused.reason == Refusal::BELOW_FLOOR;
                    let told = |report: &Report| report.refused.is_some_and(below);
                    server.polls >= REFUSED_POLLS && reported(&told)
                }
            }
    }

    /// Whether it runs the configuration of that release, confirmed, with no trial under way.
    fn runs(&self, sequence: u32, server: &Server) -> bool {
        let content = server.release(sequence).content(self.which);
        let confirmed = |record: &BootRecord| {
            record.trial.is_none() && record.confirmed_slot().is_some_and(|held| held.content == content)
        };
        self.record().is_some_and(confirmed) && self.running == Some(content)
    }
}

/// Whether the slot that counts as confirmed is for that firmware and holds what it should.
fn is_fit<const R: usize, const W: usize>(record: &BootRecord, flash: &Nor<R, W>, which: Which) -> bool {
    let (Some(slot), Some(held)) = (record.confirmed, record.confirmed_slot()) else { return false };
    if held.schema != which.schema().prefix() {
        return false;
    }
    let mut copy = flash.restart(flash.image.clone());
    let mut store = Store { flash: &mut copy, layout: &flash.geometry.layout, chunk: &mut [0; 512] };
    block_on(store.read_back(slot, &held.content)).is_some()
}

fn is_rejection(report: &Report, phase: &Phase, server: &Server) -> bool {
    let outcome = &report.outcome;
    let blamed = if phase.trouble == Trouble::OutOfReach { Refusal::UNREACHABLE } else { Refusal::CHECK_FAILED };
    outcome.ending == Ending::RolledBack
        && outcome.content == server.release(phase.assigned).id(Which::Former)
        && outcome.reason == blamed
}

fn driver<const R: usize, const W: usize>(
    flash: Nor<R, W>,
    server: &Rc<RefCell<Server>>,
    which: Which,
    start: u64,
) -> Core<R, W> {
    let layout = flash.geometry.layout;
    let id = FirmwareId([FIRMWARE.0[0] + which as u8; 8]);
    let firmware = Firmware { id, schema: which.schema(), sections: &[], reset: ResetCause::Ordinary };
    let health = Application { running: None, waited: 0, sick: server.borrow().release(SICK).id(Which::Former) };
    let identity = server.borrow().fleet.identity(start);
    Driver::new(Ports { flash, link: Wire(server.clone()), identity, health }, Setting { layout, firmware })
}
