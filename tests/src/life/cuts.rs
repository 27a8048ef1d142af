//! Power cuts over a whole life, and what must come of each.
//!
//! A life is lived once. Each of its flash operations is then cut in every way, and the device starts again from what
//! the flash was left with: from its snapshot, nothing is lived twice. It starts without anybody's help, which needs no
//! signature and is done for each case. What follows depends on the image that this start has left, so it is done once
//! for each such image: a device whom nobody answers must come to rest; one that is answered must come to the same end
//! as if nothing had happened, stay there, and still take another keyring and a new release.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::{AFTERWARDS, Device, Fleet, PHASES, Phase, Release, Server, Voice, releases};
use crate::flash::{Case, Cases, Geometry, Image, Nor, Random};
use crate::oracle::Oracle;

/// How often a device waits while somebody answers who cannot sign.
const REPLAYED_WAITS: usize = 4;

/// How often a device waits while nobody answers at all: a trial and its asking end in that time.
const UNANSWERED_WAITS: usize = 100;

/// Most starts in a phase of a life that stumbles: more cuts would spend all boots of a trial, which is a verdict.
const STUMBLES_MAX: usize = 6;

/// Power fails before so many operations of a start, or not at all.
const STUMBLE_OPERATIONS_MAX: usize = 16;

/// A world in which lives are cut short.
pub struct Cuts {
    /// What was tried.
    pub cases: Cases,
    fleet: Rc<Fleet>,
    releases: Rc<[Release]>,
    /// Images, after a start, from which everything was seen already; by phase.
    seen: HashSet<(&'static str, u64)>,
}

/// What a device was left with.
struct Left<'a, const R: usize, const W: usize> {
    flash: &'a Nor<R, W>,
    image: Image,
    oracle: &'a Oracle,
}

impl Cuts {
    /// A world for these cases.
    #[must_use]
    pub fn new(cases: Cases) -> Self {
        let fleet = Rc::new(Fleet::new());
        let releases = releases(&fleet).into();
        Self { cases, fleet, releases, seen: HashSet::new() }
    }

    /// Counts a case that is no power cut; its number.
    pub(super) fn count(&mut self, case: &Case) -> usize {
        self.cases.count(case)
    }

    /// A server of this world.
    #[must_use]
    pub fn server(&self, assigned: u32, voice: Voice) -> Rc<RefCell<Server>> {
        let mut server = Server::new(self.fleet.clone(), self.releases.clone());
        (server.assigned, server.voice) = (assigned, voice);
        Rc::new(RefCell::new(server))
    }

    /// Lives a life on a flash, and cuts each of its phases short.
    ///
    /// # Panics
    /// When an invariant does not hold, with the line that replays it.
    pub fn live<const R: usize, const W: usize>(&mut self, geometry: Geometry) {
        let mut flash = Nor::<R, W>::new(geometry);
        let mut oracle = Oracle::default();
        for phase in PHASES {
            let server = self.server(phase.assigned, Voice::Honest);
            let mut device = Device::start(flash.restart(flash.image.clone()), server.clone(), oracle, phase.firmware);
            device.history = Some(Vec::new());
            device.rots = true;
            device.settle(phase);
            let bytes = server.borrow().object_bytes;
            assert!(bytes <= phase.object_bytes_max, "{}: {bytes} bytes of objects", phase.name);
            let case = self.cases.base(phase.name);
            self.cut_all(&mut device, phase, &case);
            (flash, oracle) = (device.flash().clone(), device.oracle.clone());
        }
    }

    /// Lives a life in which power fails again and again, at moments that the seed chooses.
    ///
    /// # Panics
    /// When an invariant does not hold, with the line that replays it.
    pub fn stumble<const R: usize, const W: usize>(&mut self, geometry: Geometry, seed: u64) {
        let mut random = Random::new(seed);
        let mut flash = Nor::<R, W>::new(geometry);
        let mut oracle = Oracle::default();
        for phase in PHASES {
            let mut case = self.cases.base(&format!("{}~{seed}", phase.name));
            for cut in (0..STUMBLES_MAX).rev() {
                let operations = if cut == 0 { usize::MAX } else { random.below(STUMBLE_OPERATIONS_MAX) };
                let server = self.server(phase.assigned, Voice::Honest);
                oracle.steady.release();
                let mut device =
                    Device::start(flash.restart(flash.image.clone()), server, oracle.clone(), phase.firmware);
                device.history = Some(Vec::new());
                device.rots = case.cuts.is_empty();
                let number = self.cases.len();
                if Cases::check(&case, number, || device.come_out_before(phase, operations)) {
                    (flash, oracle) = (device.flash_now(), device.oracle.clone());
                    break;
                }
                let step = &device.flash().journal[operations].clone();
                let tears = flash.tears(&step.operation);
                let tear = tears[random.below(tears.len())];
                case = case.and(operations, tear);
                let mut image = flash.torn(step, tear);
                self.cases.admit(&case, &step.operation, &image);
                // The budget of a life without so many cuts.
                image.wear.fill(0);
                oracle = device.history.take().unwrap_or_default().swap_remove(step.mark);
                flash = flash.restart(image);
            }
        }
    }

    /// Cuts power in every operation in the device's journal.
    fn cut_all<const R: usize, const W: usize>(&mut self, device: &mut Device<R, W>, phase: &Phase, case: &Case) {
        let history = device.history.take().unwrap_or_default();
        let flash = device.flash_now();
        let journal = std::mem::take(&mut device.flash().journal);
        for (index, step) in journal.iter().enumerate() {
            for tear in flash.tears(&step.operation) {
                let case = case.and(index, tear);
                if !self.cases.draws(&case) {
                    continue;
                }
                let image = flash.torn(step, tear);
                if let Some(number) = self.cases.admit(&case, &step.operation, &image) {
                    let left = Left { flash: &flash, image, oracle: &history[step.mark] };
                    let recovered = Cases::check(&case, number, || self.recover(left, phase, &case));
                    if let Some(mut device) = recovered {
                        self.cut_all(&mut device, phase, &case);
                    }
                }
            }
        }
    }

    /// Starts a device from what it was left with. Returns it, with its journal, if it is to be cut again.
    fn recover<const R: usize, const W: usize>(
        &mut self,
        left: Left<'_, R, W>,
        phase: &Phase,
        case: &Case,
    ) -> Option<Device<R, W>> {
        let mut oracle = left.oracle.clone();
        oracle.steady.release();
        oracle.bounded.restart();
        let server = self.server(phase.assigned, Voice::Honest);
        let mut device = Device::start(left.flash.restart(left.image), server, oracle, phase.firmware);
        let again = self.cases.goes_to(case.cuts.len() + 1);
        device.history = again.then(Vec::new);
        device.boot();
        let image = device.flash().image.clone();
        if image.is_unstable() || self.seen.insert((phase.name, image.digest())) {
            self.starts_alike(&mut device, phase);
            self.unanswered(&mut device, phase);
            device.come_out(phase);
            let later = device.flash_now();
            self.afterwards(later, device.oracle.clone(), phase);
        }
        again.then_some(device)
    }

    /// Starting again changes nothing, but that the boot of a trial is counted.
    fn starts_alike<const R: usize, const W: usize>(&self, device: &mut Device<R, W>, phase: &Phase) {
        let counted = device.record().is_some_and(|record| record.trial.is_some());
        let flash = device.flash_now();
        if counted || flash.image.is_unstable() {
            return;
        }
        let mut again = Device::start(flash, device.server(), device.oracle.clone(), phase.firmware);
        again.boot();
        assert!(again.flash().journal.is_empty(), "recovering again changes something");
    }

    /// A device whom nobody answers who could sign comes to rest, and its slots are not touched.
    fn unanswered<const R: usize, const W: usize>(&self, device: &mut Device<R, W>, phase: &Phase) {
        let server = self.server(phase.assigned, Voice::Replayed);
        let flash = device.flash_now();
        let mut alone = Device::start(flash, server.clone(), device.oracle.clone(), phase.firmware);
        alone.oracle.bounded.restart();
        alone.wait(REPLAYED_WAITS);
        server.borrow_mut().voice = Voice::Silent;
        alone.wait(UNANSWERED_WAITS);
        alone.stay();
    }

    /// It stays where it has come to, and can still take a new release.
    ///
    /// # Panics
    /// When it does not.
    pub fn afterwards<const R: usize, const W: usize>(&mut self, flash: Nor<R, W>, oracle: Oracle, phase: &Phase) {
        let server = self.server(phase.assigned, Voice::Honest);
        let mut device = Device::start(flash, server.clone(), oracle, phase.firmware);
        device.wait(1);
        device.stay();
        server.borrow_mut().assigned = AFTERWARDS.assigned;
        device.firmware_is_final();
        device.settle(&AFTERWARDS);
    }
}
