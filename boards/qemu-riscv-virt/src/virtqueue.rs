//! A virtio queue (virtio 1.2, chapter 2.7): frames handed to the device and back.
//!
//! The rings are made of atomics, so both sides may touch them; a buffer belongs either to the device or to whoever holds its
//! `Owned`. That token is the proof by which the bytes of a buffer can be reached.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU16, AtomicU32, Ordering, fence};

/// Buffers and descriptors of one queue, a power of two. Eight frames hold a full TCP window of the firmware.
pub(crate) const BUFFERS: usize = 8;
/// Bytes before each frame: `virtio_net_hdr`, all zero without offloads.
pub(crate) const HEADER_BYTES: usize = 12;
/// An Ethernet frame without its checksum, and the header.
pub(crate) const BUFFER_BYTES: usize = HEADER_BYTES + 1514;

/// Descriptor flag: the device writes into this buffer.
const DEVICE_WRITES: u32 = 2;

#[repr(C)]
struct Descriptor {
    address: [AtomicU32; 2],
    bytes: AtomicU32,
    /// Low half flags, high half the next descriptor of a chain, of which there is none here.
    flags: AtomicU32,
}

#[repr(C)]
struct Available {
    flags: AtomicU16,
    index: AtomicU16,
    ring: [AtomicU16; BUFFERS],
}

#[repr(C, align(4))]
struct Used {
    flags: AtomicU16,
    index: AtomicU16,
    ring: [[AtomicU32; 2]; BUFFERS],
}

/// The memory that a queue shares with its device.
#[repr(C, align(16))]
pub(crate) struct Shared {
    descriptors: [Descriptor; BUFFERS],
    available: Available,
    used: Used,
    buffers: [UnsafeCell<[u8; BUFFER_BYTES]>; BUFFERS],
}

// SAFETY: the rings are atomics; a buffer is reached only through its `Owned`, of which there is one.
unsafe impl Sync for Shared {}

impl Shared {
    /// Empty rings, all zero.
    pub(crate) const fn new() -> Self {
        const fn zero() -> AtomicU32 {
            AtomicU32::new(0)
        }
        Self {
            descriptors: [const { Descriptor { address: [zero(), zero()], bytes: zero(), flags: zero() } }; BUFFERS],
            available: Available {
                flags: AtomicU16::new(0),
                index: AtomicU16::new(0),
                ring: [const { AtomicU16::new(0) }; BUFFERS],
            },
            used: Used {
                flags: AtomicU16::new(0),
                index: AtomicU16::new(0),
                ring: [const { [zero(), zero()] }; BUFFERS],
            },
            buffers: [const { UnsafeCell::new([0; BUFFER_BYTES]) }; BUFFERS],
        }
    }

    /// Where the device finds descriptors, available ring and used ring.
    pub(crate) fn addresses(&self) -> [u32; 3] {
        [&raw const self.descriptors as u32, &raw const self.available as u32, &raw const self.used as u32]
    }
}

/// A buffer that the device does not have.
#[derive(Debug)]
pub(crate) struct Owned(usize);

/// Which way the frames of a queue go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The device fills the buffers.
    Receive,
    /// The device sends what is in the buffers.
    Transmit,
}

/// The driver's end of a queue.
pub(crate) struct Queue {
    shared: &'static Shared,
    direction: Direction,
    posted: u16,
    seen: u16,
}

impl Queue {
    /// A queue over memory that no other queue uses, and the tokens of all its buffers.
    pub(crate) fn new(shared: &'static Shared, direction: Direction) -> (Self, [Owned; BUFFERS]) {
        (Self { shared, direction, posted: 0, seen: 0 }, core::array::from_fn(Owned))
    }

    /// The bytes of a buffer, header included.
    pub(crate) fn bytes<'a>(&'a mut self, buffer: &'a mut Owned) -> &'a mut [u8; BUFFER_BYTES] {
        // SAFETY: the device does not have this buffer, and both borrows are exclusive for as long as the bytes are.
        unsafe { &mut *self.shared.buffers[buffer.0].get() }
    }

    /// Hands a buffer to the device, `bytes` long. The caller rings the device's bell afterwards.
    pub(crate) fn post(&mut self, buffer: Owned, bytes: usize) {
        let descriptor = &self.shared.descriptors[buffer.0];
        descriptor.address[0].store(self.shared.buffers[buffer.0].get() as u32, Ordering::Relaxed);
        descriptor.bytes.store(bytes as u32, Ordering::Relaxed);
        let flags = if self.direction == Direction::Receive { DEVICE_WRITES } else { 0 };
        descriptor.flags.store(flags, Ordering::Relaxed);

        self.shared.available.ring[usize::from(self.posted) % BUFFERS].store(buffer.0 as u16, Ordering::Relaxed);
        self.posted = self.posted.wrapping_add(1);
        // The device may look as soon as the index moves: everything else is written before.
        fence(Ordering::SeqCst);
        self.shared.available.index.store(self.posted, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// A buffer that the device is done with, and how many bytes it wrote.
    pub(crate) fn take(&mut self) -> Option<(Owned, usize)> {
        if self.shared.used.index.load(Ordering::Relaxed) == self.seen {
            return None;
        }
        fence(Ordering::SeqCst);
        let [id, bytes] = &self.shared.used.ring[usize::from(self.seen) % BUFFERS];
        self.seen = self.seen.wrapping_add(1);
        let (id, bytes) = (id.load(Ordering::Relaxed) as usize, bytes.load(Ordering::Relaxed) as usize);
        // A device that names a buffer we never gave it is broken; the frame is dropped with it.
        (id < BUFFERS).then(|| (Owned(id), bytes.min(BUFFER_BYTES)))
    }
}
