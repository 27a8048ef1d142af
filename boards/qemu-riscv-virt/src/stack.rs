//! How much stack was ever used: the free part is painted at start, and what is still paint was never touched.

use crate::register::Register;

/// Nothing that a program stores by itself, or rarely.
const PAINT: u32 = 0x5AFE_57AC;
/// Left alone below the caller's own frame while painting.
const MARGIN_BYTES: usize = 512;

unsafe extern "C" {
    // The linker script's names: the stack grows down from `_stack_start` to `__estack`.
    static __estack: u8;
    static _stack_start: u8;
}

fn lowest() -> usize {
    (&raw const __estack as usize).next_multiple_of(size_of::<u32>())
}

fn word(address: usize) -> Register<u32> {
    // SAFETY: an aligned word between the lowest address of the stack and the caller's frame, which nobody else uses.
    unsafe { Register::new(address) }
}

/// Paints what lies below the caller. Called once, first of all.
pub(crate) fn paint() {
    let here = 0_u8;
    let end = (&raw const here as usize).saturating_sub(MARGIN_BYTES);
    (lowest()..end).step_by(size_of::<u32>()).for_each(|address| word(address).write(PAINT));
}

/// The most bytes of stack that were in use at any moment so far.
#[must_use]
pub fn peak_bytes() -> usize {
    let top = &raw const _stack_start as usize;
    let used = (lowest()..top).step_by(size_of::<u32>()).find(|address| word(*address).read() != PAINT);
    top - used.unwrap_or(top)
}
