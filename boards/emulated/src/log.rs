//! The log: defmt's frames over the UART, decoded on the host with the strings of the ELF file.
//!
//! Interrupts are off from the first byte of a frame to its last. A log must never stop a device, so waiting for the UART is bounded, and
//! what it does not take is lost.

use core::cell::RefCell;

use critical_section::{Mutex, RestoreState};
use defmt::{Encoder, Logger};

use crate::register::Register;

/// Reads of the line status before a byte is given up; a UART that takes this long (milliseconds) has nobody listening.
const PATIENCE_READS: u32 = 100_000;
const TRANSMITTER_EMPTY: u8 = 0x20;

/// A 16550 UART, as far as a log needs it.
#[derive(Debug)]
pub struct Uart {
    /// Takes the next byte.
    pub transmit: Register<u8>,
    /// Says whether it does.
    pub line_status: Register<u8>,
}

struct State {
    encoder: Encoder,
    /// None until the start: what is logged before is lost.
    uart: Option<Uart>,
    /// How interrupts were before the frame; none between frames.
    restore: Option<RestoreState>,
}

static STATE: Mutex<RefCell<State>> =
    Mutex::new(RefCell::new(State { encoder: Encoder::new(), uart: None, restore: None }));

/// From now on the log goes there.
pub fn start(uart: Uart) {
    with_state(|state| state.uart = Some(uart));
}

defmt::timestamp!("{=u64:us}", embassy_time::Instant::now().as_micros());

#[defmt::global_logger]
struct Log;

// SAFETY: `acquire` turns interrupts off until `release`, on machines with one processor: nobody else runs in between.
unsafe impl Logger for Log {
    fn acquire() {
        // SAFETY: `release` gives it back, and defmt calls that exactly once.
        let restore = unsafe { critical_section::acquire() };
        with_state(|state| {
            // A panic inside a frame would log: its message is then part of that frame, which the decoder drops.
            state.restore.get_or_insert(restore);
            state.encoder.start_frame(|bytes| send(state.uart.as_ref(), bytes));
        });
    }

    // SAFETY: asks nothing of its caller: every byte is sent when it is written.
    unsafe fn flush() {}

    // SAFETY: defmt calls it once for each `acquire`; a second call finds nothing to give back.
    unsafe fn release() {
        let restore = with_state(|state| {
            state.encoder.end_frame(|bytes| send(state.uart.as_ref(), bytes));
            state.restore.take()
        });
        if let Some(restore) = restore {
            // SAFETY: given out by `critical_section::acquire`, and taken out of the state so that it is used once.
            unsafe { critical_section::release(restore) };
        }
    }

    // SAFETY: asks nothing of its caller but a started frame, without which the decoder drops the bytes.
    unsafe fn write(bytes: &[u8]) {
        with_state(|state| state.encoder.write(bytes, |bytes| send(state.uart.as_ref(), bytes)));
    }
}

/// Whoever crashes in the middle of a frame still holds the state: what is logged from there on is lost, and the reset is not.
fn with_state<R: Default>(act: impl FnOnce(&mut State) -> R) -> R {
    critical_section::with(|section| match STATE.borrow(section).try_borrow_mut() {
        Ok(mut state) => act(&mut state),
        Err(_) => R::default(),
    })
}

fn send(uart: Option<&Uart>, bytes: &[u8]) {
    let Some(uart) = uart else { return };
    for byte in bytes {
        if (0..PATIENCE_READS).any(|_| uart.line_status.read() & TRANSMITTER_EMPTY != 0) {
            uart.transmit.write(*byte);
        }
    }
}
