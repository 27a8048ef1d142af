//! The chip's Ethernet MAC (SmartFusion2 microcontroller subsystem, UG0331, chapter 7), as embassy-net's driver.
//!
//! Frames lie in rings of descriptors that the MAC follows by itself. QEMU sends a frame while the register is written that starts
//! sending, so one buffer does. `max_burst_size` stays unset, since a burst of one makes TCP crawl.

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use steadfast_emulated::register::Register;

use crate::ring::{BUFFER_BYTES, Incoming, Outgoing, Ring};
use crate::{board, interrupts};

/// Frames that wait to be read: a full TCP window of the firmware is two, and others were not asked for.
const RECEIVE_BUFFERS: usize = 4;
/// An Ethernet frame without its checksum.
const FRAME_MAX_BYTES: usize = 1514;
const _: () = assert!(FRAME_MAX_BYTES <= BUFFER_BYTES);

/// Configuration: sending and receiving are on.
const CONFIGURATION_ON: u32 = 1 | 1 << 2;
const CONFIGURATION_RESET: u32 = 1 << 31;
const START: u32 = 1;
/// Status of either direction: a frame is done; writing it takes one off the count.
const FRAME: u32 = 1;
/// Status of sending: it has come to the end of the ring, as it should.
const TRANSMIT_END: u32 = 1 << 1;
/// Status of receiving: a frame came when no buffer was free, and receiving has stopped.
const RECEIVE_OVERFLOW: u32 = 1 << 2;
/// Interrupt on a frame received, and on an overflow.
const INTERRUPTS: u32 = (FRAME | RECEIVE_OVERFLOW) << 4;

static RECEIVE: Ring<RECEIVE_BUFFERS> = Ring::new();
static TRANSMIT: Ring<1> = Ring::new();
static WAKER: AtomicWaker = AtomicWaker::new();

/// Registers by offset.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Field {
    Configuration = 0x000,
    Station1 = 0x040,
    Station2 = 0x044,
    TransmitControl = 0x180,
    TransmitRing = 0x184,
    TransmitStatus = 0x188,
    ReceiveControl = 0x18C,
    ReceiveRing = 0x190,
    ReceiveStatus = 0x194,
    InterruptMask = 0x198,
}

impl Field {
    const fn register(self) -> Register<u32> {
        // SAFETY: a register of the MAC, 4-byte aligned, from board.toml. What the MAC does to memory is bounded by the rings.
        unsafe { Register::new(board::ethernet::BASE + self as usize) }
    }

    fn read(self) -> u32 {
        self.register().read()
    }

    fn write(self, value: u32) {
        self.register().write(value);
    }
}

/// The chip's Ethernet MAC.
pub struct Card {
    incoming: Incoming<RECEIVE_BUFFERS>,
    outgoing: Outgoing,
}

impl Card {
    /// Starts the MAC.
    ///
    /// # Panics
    /// When it is called twice: the rings' memory is given away.
    #[must_use]
    pub fn take() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        assert!(!TAKEN.swap(true, Ordering::Relaxed), "there is one MAC");
        // SAFETY: the assertion above lets nobody else have these rings.
        let (incoming, outgoing) = unsafe { (Incoming::new(&RECEIVE), Outgoing::new(&TRANSMIT)) };
        Field::Configuration.write(CONFIGURATION_RESET);
        Field::Station1.write(board::ethernet::STATION_1 as u32);
        Field::Station2.write(board::ethernet::STATION_2 as u32);
        Field::TransmitRing.write(outgoing.address());
        Field::Configuration.write(CONFIGURATION_ON);
        let card = Self { incoming, outgoing };
        card.start_receiving();
        interrupts::enable_ethernet();
        card
    }

    fn start_receiving(&self) {
        Field::ReceiveRing.write(self.incoming.address());
        Field::ReceiveControl.write(START);
        Field::InterruptMask.write(INTERRUPTS);
    }

    /// Once all frames are read: goes on after an overflow, and lets the next frame interrupt.
    fn listen(&self) {
        if Field::ReceiveStatus.read() & RECEIVE_OVERFLOW != 0 {
            Field::ReceiveStatus.write(RECEIVE_OVERFLOW);
            self.start_receiving();
        }
        Field::InterruptMask.write(INTERRUPTS);
    }
}

/// Called by the interrupt of the MAC, which stays up until what came is read: it is let through again then.
pub(crate) fn interrupt() {
    Field::InterruptMask.write(0);
    WAKER.wake();
}

impl Driver for Card {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_>)> {
        WAKER.register(context.waker());
        if self.incoming.frame().is_none() {
            // A frame that comes meanwhile interrupts.
            self.listen();
            return None;
        }
        Some((Received(&mut self.incoming), Sending(&mut self.outgoing)))
    }

    fn transmit(&mut self, _context: &mut Context<'_>) -> Option<Sending<'_>> {
        Some(Sending(&mut self.outgoing))
    }

    fn link_state(&mut self, _context: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_MAX_BYTES;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        let [a, b, c, d] = (board::ethernet::STATION_1 as u32).to_be_bytes();
        let [e, f, ..] = (board::ethernet::STATION_2 as u32).to_be_bytes();
        HardwareAddress::Ethernet([a, b, c, d, e, f])
    }
}

/// A frame that came in. Its buffer goes back to the MAC when this is dropped.
pub struct Received<'a>(&'a mut Incoming<RECEIVE_BUFFERS>);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, act: F) -> R {
        act(self.0.frame().unwrap_or_default())
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.0.release();
        Field::ReceiveStatus.write(FRAME);
    }
}

/// The right to send one frame.
pub struct Sending<'a>(&'a mut Outgoing);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, act: F) -> R {
        let result = act(&mut self.0.buffer()[..length]);
        self.0.post(length);
        Field::TransmitControl.write(START);
        Field::TransmitStatus.write(FRAME | TRANSMIT_END);
        result
    }
}
