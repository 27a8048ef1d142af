//! A device's life as nobody would script it: orders, lies, silence, restarts and power cuts in any sequence. Two bytes are one event.
//! The model that it is held against is the oracle of the tests, which looks at every step.

#![no_main]

use std::cell::RefCell;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use steadfast_tests::flash::{INTERNAL, Internal};
use steadfast_tests::life::{Device, Fleet, Release, Server, Voice, Which, releases};
use steadfast_tests::oracle::Oracle;

/// Events of one life: enough for several updates, few enough for many lives a second.
const EVENTS_MAX: usize = 24;

/// What a device may be ordered.
const ORDERS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 20];

thread_local! {
    /// Signed once.
    static WORLD: (Rc<Fleet>, Rc<[Release]>) = (Rc::new(Fleet::new()), releases(&Fleet::new()).into());
}

fn server(assigned: u32, voice: Voice) -> Rc<RefCell<Server>> {
    let (fleet, releases) = WORLD.with(Clone::clone);
    let mut server = Server::new(fleet, releases);
    (server.assigned, server.voice) = (assigned, voice);
    Rc::new(RefCell::new(server))
}

fuzz_target!(|bytes: &[u8]| {
    let (mut assigned, mut voice) = (1, Voice::Honest);
    let mut device = Device::start(Internal::new(INTERNAL), server(assigned, voice), Oracle::default(), Which::Former);
    device.history = Some(Vec::new());
    for event in bytes.chunks_exact(2).take(EVENTS_MAX) {
        let [what, how] = [event[0] % 8, event[1]];
        match what {
            0 | 1 => assigned = ORDERS[usize::from(how) % ORDERS.len()],
            2 => voice = [Voice::Honest, Voice::Replayed, Voice::Silent][usize::from(how) % 3],
            3 => device.restart(),
            4 => {
                let flash = device.flash_now();
                let journal = &device.flash().journal;
                let Some(step) = journal.get(journal.len() * usize::from(how) / 256).cloned() else { continue };
                let tears = flash.tears(&step.operation);
                let mut image = flash.torn(&step, tears[usize::from(how) % tears.len()]);
                // The budget of one life, not of as many as a fuzzer can think of.
                image.wear.fill(0);
                let mut oracle = device.history.take().unwrap_or_default().swap_remove(step.mark);
                oracle.bounded.restart();
                device = Device::start(flash.restart(image), server(assigned, voice), oracle, Which::Former);
                device.history = Some(Vec::new());
            }
            _ => {
                // What is bounded is the way to rest, not how long it lasts.
                device.oracle.bounded.restart();
                device.wait(1 + usize::from(how) % 16);
            }
        }
        let server = device.server();
        let mut server = server.borrow_mut();
        (server.assigned, server.voice) = (assigned, voice);
    }
});
