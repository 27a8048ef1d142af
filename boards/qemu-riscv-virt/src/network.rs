//! The network card: virtio-net over memory-mapped registers (virtio 1.2, chapters 4.2 and 5.1), as embassy-net's driver.
//!
//! No offloads: checksums are left to the network stack. `max_burst_size` stays unset, since a burst of one makes TCP crawl.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use heapless::Vec;
use steadfast_emulated::register::Register;

use crate::virtqueue::{BUFFER_BYTES, BUFFERS, Direction, HEADER_BYTES, Owned, Queue, Shared};
use crate::{board, interrupts};

/// "virt", read as a little-endian number.
const MAGIC: u32 = 0x7472_6976;
const MODERN: u32 = 2;
const NETWORK_CARD: u32 = 1;
/// The device tells its MAC address.
const FEATURE_MAC: u32 = 1 << 5;
/// Bit 32: the modern interface, in the second word of features.
const FEATURE_VERSION_1: u32 = 1;
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;

static RECEIVE: Shared = Shared::new();
static TRANSMIT: Shared = Shared::new();
static WAKER: AtomicWaker = AtomicWaker::new();
/// The slot of the card, for the interrupt handler.
static SLOT: AtomicUsize = AtomicUsize::new(0);

/// One of the machine's virtio slots.
#[derive(Clone, Copy)]
struct Slot(usize);

/// Registers of a slot, by offset.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Field {
    Magic = 0x00,
    Version = 0x04,
    DeviceId = 0x08,
    DriverFeatures = 0x20,
    DriverFeaturesSelect = 0x24,
    QueueSelect = 0x30,
    QueueLength = 0x38,
    QueueReady = 0x44,
    QueueNotify = 0x50,
    InterruptStatus = 0x60,
    InterruptAcknowledge = 0x64,
    Status = 0x70,
    QueueDescriptors = 0x80,
    QueueAvailable = 0x90,
    QueueUsed = 0xA0,
    Mac = 0x100,
}

impl Slot {
    fn register<T: Copy>(self, field: Field, offset: usize) -> Register<T> {
        let address = board::virtio::BASE + self.0 * board::virtio::STRIDE_BYTES + field as usize + offset;
        // SAFETY: inside the slot's page of registers, from board.toml; all fields are 4-byte aligned, and the only ones read
        // bytewise are those of the MAC address.
        unsafe { Register::new(address) }
    }

    fn read(self, field: Field) -> u32 {
        self.register(field, 0).read()
    }

    fn write(self, field: Field, value: u32) {
        self.register(field, 0).write(value);
    }

    fn is_network_card(self) -> bool {
        self.read(Field::Magic) == MAGIC
            && self.read(Field::Version) == MODERN
            && self.read(Field::DeviceId) == NETWORK_CARD
    }

    fn start(self) {
        self.write(Field::Status, 0);
        self.write(Field::Status, ACKNOWLEDGE | DRIVER);
        for (word, features) in [(0, FEATURE_MAC), (1, FEATURE_VERSION_1)] {
            self.write(Field::DriverFeaturesSelect, word);
            self.write(Field::DriverFeatures, features);
        }
        self.write(Field::Status, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        for (number, shared) in [(0, &RECEIVE), (1, &TRANSMIT)] {
            self.write(Field::QueueSelect, number);
            self.write(Field::QueueLength, BUFFERS as u32);
            let [descriptors, available, used] = shared.addresses();
            for (field, address) in
                [(Field::QueueDescriptors, descriptors), (Field::QueueAvailable, available), (Field::QueueUsed, used)]
            {
                self.write(field, address);
                self.register(field, 4).write(0_u32);
            }
            self.write(Field::QueueReady, 1);
        }
        self.write(Field::Status, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    }
}

/// The machine's network card.
pub struct Card {
    slot: Slot,
    receive: Queue,
    transmit: Queue,
    free: Vec<Owned, BUFFERS>,
}

impl Card {
    /// Finds and starts the card; none when the machine has none. Called once: the queues' memory is given away.
    pub fn find() -> Option<Self> {
        let slot = (0..board::virtio::SLOTS).map(Slot).find(|slot| slot.is_network_card())?;
        let (mut receive, empty) = Queue::new(&RECEIVE, Direction::Receive);
        let (transmit, free) = Queue::new(&TRANSMIT, Direction::Transmit);
        slot.start();
        for buffer in empty {
            receive.post(buffer, BUFFER_BYTES);
        }
        slot.write(Field::QueueNotify, 0);
        SLOT.store(slot.0, Ordering::Relaxed);
        interrupts::enable(board::virtio::FIRST_INTERRUPT + slot.0);
        Some(Self { slot, receive, transmit, free: Vec::from_array(free) })
    }

    fn collect_sent(&mut self) {
        while let Some((buffer, _)) = self.transmit.take() {
            // Never full: there are as many places as buffers.
            let _ = self.free.push(buffer);
        }
    }
}

/// Called by the interrupt of the card: something was received or sent.
pub(crate) fn interrupt() {
    let slot = Slot(SLOT.load(Ordering::Relaxed));
    slot.write(Field::InterruptAcknowledge, slot.read(Field::InterruptStatus));
    WAKER.wake();
}

impl Driver for Card {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_>)> {
        WAKER.register(context.waker());
        self.collect_sent();
        if self.free.is_empty() {
            return None;
        }
        let (buffer, bytes) = self.receive.take()?;
        let received = Received { slot: self.slot, queue: &mut self.receive, buffer: Some(buffer), bytes };
        Some((received, Sending { slot: self.slot, queue: &mut self.transmit, free: &mut self.free }))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Sending<'_>> {
        WAKER.register(context.waker());
        self.collect_sent();
        let ready = !self.free.is_empty();
        ready.then(|| Sending { slot: self.slot, queue: &mut self.transmit, free: &mut self.free })
    }

    fn link_state(&mut self, _context: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = BUFFER_BYTES - HEADER_BYTES;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(core::array::from_fn(|at| self.slot.register::<u8>(Field::Mac, at).read()))
    }
}

/// A frame that came in. Its buffer goes back to the card when this is dropped.
pub struct Received<'a> {
    slot: Slot,
    queue: &'a mut Queue,
    buffer: Option<Owned>,
    bytes: usize,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, act: F) -> R {
        let end = self.bytes;
        match &mut self.buffer {
            Some(buffer) => act(self.queue.bytes(buffer).get_mut(HEADER_BYTES..end).unwrap_or_default()),
            None => act(&mut []),
        }
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.queue.post(buffer, BUFFER_BYTES);
            self.slot.write(Field::QueueNotify, 0);
        }
    }
}

/// The right to send one frame.
pub struct Sending<'a> {
    slot: Slot,
    queue: &'a mut Queue,
    free: &'a mut Vec<Owned, BUFFERS>,
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, act: F) -> R {
        let mut buffer = self.free.pop().expect("handed out only while a buffer is free");
        let bytes = self.queue.bytes(&mut buffer);
        bytes[..HEADER_BYTES].fill(0);
        let result = act(&mut bytes[HEADER_BYTES..HEADER_BYTES + length]);
        self.queue.post(buffer, HEADER_BYTES + length);
        self.slot.write(Field::QueueNotify, 1);
        result
    }
}
