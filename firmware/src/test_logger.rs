//! defmt wants a logger wherever it is linked; tests on the host have nothing to tell it.

#[defmt::global_logger]
struct Silent;

// SAFETY: does nothing, hence nothing wrong from any context.
unsafe impl defmt::Logger for Silent {
    fn acquire() {}
    // SAFETY: does nothing.
    unsafe fn flush() {}
    // SAFETY: does nothing.
    unsafe fn release() {}
    // SAFETY: does nothing.
    unsafe fn write(_: &[u8]) {}
}

defmt::timestamp!("");
