//! A power cut at every flash operation of a device's whole life, with every tear.
//!
//! A life is lived once. Each of its flash operations is then cut in every way; the device starts again from what the
//! flash was left with, must come to the same end as if nothing had happened, and must still take a new release. The
//! oracle looks at every step before and after.

use std::cell::RefCell;
use std::rc::Rc;

use steadfast_tests::figures::tell;
use steadfast_tests::flash::{Case, Cases, Geometry, INTERNAL, Image, Nor, WIDE};
use steadfast_tests::life::{Device, Fleet, LAST, PHASES, Phase, Server, Trouble, Verdict, Voice, Which, releases};
use steadfast_tests::oracle::Oracle;

/// How often a device waits while nobody answers it who could sign: a trial ends in that time.
const UNANSWERED_WAITS: usize = 30;

/// What the life's last release must come to.
const AFTERWARDS: Phase = Phase {
    name: "afterwards",
    assigned: LAST,
    verdict: Verdict::Confirmed,
    trouble: Trouble::None,
    firmware: Which::Former,
    object_bytes_max: usize::MAX,
};

fn server(assigned: u32, voice: Voice) -> Rc<RefCell<Server>> {
    let fleet = Fleet::new();
    let releases = releases(&fleet);
    let mut server = Server::new(fleet, releases);
    (server.assigned, server.voice) = (assigned, voice);
    Rc::new(RefCell::new(server))
}

/// Lives a life and returns the cases in which it was cut short.
fn live<const R: usize, const W: usize, const E: usize>(geometry: Geometry) -> Cases {
    let mut cases = Cases::new();
    let mut flash = Nor::<R, W, E>::new(geometry);
    let mut oracle = Oracle::default();
    for phase in PHASES {
        let server = server(phase.assigned, Voice::Honest);
        let mut device = Device::start(flash, server.clone(), oracle, phase.firmware);
        device.flash().journal.clear();
        device.history = Some(Vec::new());
        device.settle(phase);
        let bytes = server.borrow().object_bytes;
        assert!(bytes <= phase.object_bytes_max, "{}: {bytes} bytes of objects", phase.name);
        cut_all(&mut device, phase, &mut cases);
        (flash, oracle) = (device.flash().clone(), device.oracle.clone());
    }
    cases
}

fn cut_all<const R: usize, const W: usize, const E: usize>(
    device: &mut Device<R, W, E>,
    phase: &Phase,
    cases: &mut Cases,
) {
    let history = device.history.take().unwrap_or_default();
    let flash = &*device.flash();
    let base = Case { geometry: flash.geometry.name, phase: phase.name.to_string(), cuts: Vec::new() };
    for (index, step) in flash.journal.iter().enumerate() {
        for tear in flash.tears(&step.operation) {
            let (case, image) = (base.and(index, tear), flash.torn(step, tear));
            if let Some(number) = cases.admit(&case, &step.operation, &image) {
                Cases::check(&case, number, || recover(flash, image, phase, &history[step.mark]));
            }
        }
    }
}

/// Starts a device from a torn flash: first with nothing but replayed orders, and then as it should be.
fn recover<const R: usize, const W: usize, const E: usize>(
    flash: &Nor<R, W, E>,
    image: Image,
    phase: &Phase,
    oracle: &Oracle,
) {
    let mut oracle = oracle.clone();
    oracle.steady.release();
    let replayed = server(phase.assigned, Voice::Replayed);
    let mut alone = Device::start(flash.restart(image.clone()), replayed, oracle.clone(), phase.firmware);
    alone.oracle.bounded.restart();
    alone.wait(UNANSWERED_WAITS);

    let server = server(phase.assigned, Voice::Honest);
    let mut device = Device::start(flash.restart(image), server.clone(), oracle, phase.firmware);
    device.settle(phase);
    server.borrow_mut().assigned = AFTERWARDS.assigned;
    device.firmware_is_final();
    device.settle(&AFTERWARDS);
}

#[test]
fn every_power_cut_of_a_whole_life_recovers_internal() {
    tell(&format!("{}", live::<4, 8, 2048>(INTERNAL)));
}

#[test]
fn every_power_cut_of_a_whole_life_recovers_wide() {
    tell(&format!("{}", live::<1, 32, 4096>(WIDE)));
}
