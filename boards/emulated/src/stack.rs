//! How much stack was ever used: the free part is painted at start, and what is still paint was never touched.

use embassy_time::{Duration, Timer};

use crate::register::Register;

/// Nothing that a program stores by itself, or rarely.
const PAINT: u32 = 0x5AFE_57AC;
/// Left alone below the caller's own frame while painting.
const MARGIN_BYTES: usize = 512;
/// Between two looks at the stack: often enough to see a trial's end before the next restart.
const PERIOD: Duration = Duration::from_millis(20);

/// The program's stack, which grows downwards.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    lowest: usize,
    top: usize,
}

impl Stack {
    /// The stack between these addresses, which the linker script has names for.
    ///
    /// # Safety
    /// From `lowest` up to the frame of whoever calls `paint`, the memory is nobody else's.
    #[must_use]
    pub unsafe fn new(lowest: *const u8, top: *const u8) -> Self {
        Self { lowest: (lowest as usize).next_multiple_of(size_of::<u32>()), top: top as usize }
    }

    /// Paints what lies below the caller. Called once, first of all.
    // In a frame of its own, which is the lowest: inside a caller's large one, `here` could lie above what that still needs.
    #[inline(never)]
    pub fn paint(&self) {
        let here = 0_u8;
        let end = (&raw const here as usize).saturating_sub(MARGIN_BYTES);
        (self.lowest..end).step_by(size_of::<u32>()).for_each(|address| word(address).write(PAINT));
    }

    /// The most bytes of stack that were in use at any moment so far.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        let used = (self.lowest..self.top).step_by(size_of::<u32>()).find(|address| word(*address).read() != PAINT);
        self.top - used.unwrap_or(self.top)
    }

    /// Tells whenever the stack has been deeper than before, which ends soon.
    pub async fn watch(&self) -> ! {
        let mut told = 0;
        loop {
            let peak = self.peak_bytes();
            if peak > told {
                defmt::info!("stack at most {=usize} bytes", peak);
                told = peak;
            }
            Timer::after(PERIOD).await;
        }
    }
}

fn word(address: usize) -> Register<u32> {
    // SAFETY: an aligned word between the lowest address of the stack and its top, which whoever made the `Stack` vouched for.
    unsafe { Register::new(address) }
}
