//! Rings of descriptors: frames handed to the Ethernet MAC and back.
//!
//! A descriptor is a buffer's address, a size with a mark, and the address of the next descriptor. The mark means that the buffer is
//! empty: such a buffer is the MAC's in the ring of frames that come in, and ours in the ring of those that go out. Descriptors are
//! made of atomics, so both sides may touch them; a buffer is touched by whose it is.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering, fence};

/// The longest frame that the MAC takes by itself.
pub(crate) const BUFFER_BYTES: usize = 1536;

const EMPTY: u32 = 1 << 31;
const SIZE: u32 = 0x7FF;

#[repr(C)]
struct Descriptor {
    buffer: AtomicU32,
    size: AtomicU32,
    next: AtomicU32,
}

impl Descriptor {
    const fn new() -> Self {
        Self { buffer: AtomicU32::new(0), size: AtomicU32::new(0), next: AtomicU32::new(0) }
    }

    fn is_empty(&self) -> bool {
        let empty = self.size.load(Ordering::Relaxed) & EMPTY != 0;
        // The mark is looked at before the buffer.
        fence(Ordering::SeqCst);
        empty
    }

    fn set_size(&self, size: u32) {
        // The buffer is left alone before the mark changes.
        fence(Ordering::SeqCst);
        self.size.store(size, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

/// Memory that both sides share.
#[repr(C, align(4))]
pub(crate) struct Ring<const N: usize> {
    descriptors: [Descriptor; N],
    buffers: [UnsafeCell<[u8; BUFFER_BYTES]>; N],
}

// SAFETY: descriptors are atomics; buffers are reached only through the one `Incoming` or `Outgoing` of a ring.
unsafe impl<const N: usize> Sync for Ring<N> {}

impl<const N: usize> Ring<N> {
    pub(crate) const fn new() -> Self {
        Self {
            descriptors: [const { Descriptor::new() }; N],
            buffers: [const { UnsafeCell::new([0; BUFFER_BYTES]) }; N],
        }
    }

    /// Closes the ring, with all buffers empty.
    fn link(&self) {
        for (at, descriptor) in self.descriptors.iter().enumerate() {
            descriptor.buffer.store(self.buffers[at].get() as u32, Ordering::Relaxed);
            descriptor.next.store(self.address((at + 1) % N), Ordering::Relaxed);
            descriptor.set_size(EMPTY);
        }
    }

    fn address(&self, at: usize) -> u32 {
        &raw const self.descriptors[at] as u32
    }
}

/// Our end of a ring of frames that come in.
pub(crate) struct Incoming<const N: usize> {
    ring: &'static Ring<N>,
    /// The descriptor that the MAC fills next.
    at: usize,
}

impl<const N: usize> Incoming<N> {
    /// # Safety
    /// Once for a ring, which the MAC does not use yet.
    pub(crate) unsafe fn new(ring: &'static Ring<N>) -> Self {
        ring.link();
        Self { ring, at: 0 }
    }

    /// The oldest frame that was not released.
    pub(crate) fn frame(&mut self) -> Option<&mut [u8]> {
        let descriptor = &self.ring.descriptors[self.at];
        if descriptor.is_empty() {
            return None;
        }
        // SAFETY: a buffer that is not empty is ours, and the borrow is exclusive.
        let buffer = unsafe { &mut *self.ring.buffers[self.at].get() };
        buffer.get_mut(..(descriptor.size.load(Ordering::Relaxed) & SIZE) as usize)
    }

    /// Gives the oldest frame's buffer back.
    pub(crate) fn release(&mut self) {
        self.ring.descriptors[self.at].set_size(EMPTY);
        self.at = (self.at + 1) % N;
    }

    /// The descriptor from which the MAC goes on.
    pub(crate) fn address(&self) -> u32 {
        self.ring.address(self.at)
    }
}

/// Our end of a ring of one frame that goes out.
pub(crate) struct Outgoing {
    ring: &'static Ring<1>,
}

impl Outgoing {
    /// # Safety
    /// Once for a ring, which the MAC does not use yet.
    pub(crate) unsafe fn new(ring: &'static Ring<1>) -> Self {
        ring.link();
        Self { ring }
    }

    /// The buffer.
    pub(crate) fn buffer(&mut self) -> &mut [u8; BUFFER_BYTES] {
        assert!(self.ring.descriptors[0].is_empty(), "a frame is sent before the next one is made");
        // SAFETY: an empty buffer is ours, and the borrow is exclusive.
        unsafe { &mut *self.ring.buffers[0].get() }
    }

    /// Hands the first `bytes` of the buffer to the MAC, which the caller then starts.
    pub(crate) fn post(&mut self, bytes: usize) {
        self.ring.descriptors[0].set_size(bytes as u32);
    }

    /// The descriptor.
    pub(crate) fn address(&self) -> u32 {
        self.ring.address(0)
    }
}
