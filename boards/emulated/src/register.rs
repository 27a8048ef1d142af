//! Memory-mapped registers: the one place where an address becomes something that can be read and written.
//!
//! A `Register` is made once, unsafely, by whoever vouches for the address; from then on it is safe to use.

use core::marker::PhantomData;

/// A device register that is accessed as a whole `T`.
#[derive(Debug)]
pub struct Register<T> {
    address: usize,
    kind: PhantomData<T>,
}

impl<T: Copy> Register<T> {
    /// The register at `address`.
    ///
    /// # Safety
    /// `address` must be aligned for `T` and stay mapped to a device on which every read and write of a `T` is harmless to Rust's
    /// memory.
    #[must_use]
    pub const unsafe fn new(address: usize) -> Self {
        Self { address, kind: PhantomData }
    }

    /// Reads the register, which may have effects on the device.
    pub fn read(&self) -> T {
        // SAFETY: whoever called `new` vouched for the address.
        unsafe { (self.address as *const T).read_volatile() }
    }

    /// Writes the register.
    pub fn write(&self, value: T) {
        // SAFETY: whoever called `new` vouched for the address.
        unsafe { (self.address as *mut T).write_volatile(value) }
    }
}
