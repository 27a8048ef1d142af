//! What a board must have, or declare that it has not, before Steadfast runs on it.
//!
//! The declarations are constants, so that a firmware that lacks one does not build: see [`check`].

use core::sync::atomic::AtomicU32;

use embedded_storage_async::nor_flash::NorFlash;
use steadfast_core::driver::Prepared;

#[cfg(all(target_os = "none", not(all(sha2_backend = "soft", sha2_backend_soft = "compact"))))]
compile_error!(
    "SHA-256 would be built with its rounds unrolled, 25 KB larger. Add to the target's rustflags, for instance in .cargo/config.toml: \
     \"--cfg\", \"sha2_backend=\\\"soft\\\"\", \"--cfg\", \"sha2_backend_soft=\\\"compact\\\"\""
);

/// Where something that the promise rests on comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From hardware, named here.
    Hardware(&'static str),
    /// From something weaker, and why that is acceptable. For emulators and benches.
    Exception(&'static str),
}

impl Source {
    /// Its name, or the reason for the exception.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Hardware(text) | Self::Exception(text) => text,
        }
    }
}

/// A board that Steadfast runs on. Shared by the tasks of one executor.
pub trait Board {
    /// Its flash.
    type Flash: NorFlash;
    /// Milliseconds without feeding after which the watchdog resets; more than a third longer than the worst erase, during
    /// which nobody feeds.
    const WATCHDOG_MS: u32;
    /// Milliseconds of the longest erase of one block, from the chip's data sheet.
    const WORST_ERASE_MS: u32;
    /// What the watchdog is.
    const WATCHDOG: Source;
    /// What random bytes come from.
    const ENTROPY: Source;

    /// Starts the watchdog, or feeds it.
    fn feed_watchdog(&self);

    /// Fills `bytes` from the declared source.
    fn fill_random(&self, bytes: &mut [u8]);

    /// Resets the device; counts as asked for, not as a crash.
    fn restart(&self) -> !;

    /// A word that a reset keeps and start-up leaves alone, for the count of crashes in a row. On a board without one a confirmed
    /// configuration that crashes before the first poll crashes for ever.
    fn kept_word(&self) -> Option<&AtomicU32> {
        None
    }

    /// Has the next firmware run from the next start on, and restarts. Its configuration lies in flash, and nothing can take it back
    /// before this returns. A board whose firmware is not replaced in the field needs none: it does nothing then.
    fn swap(&self, _prepared: &Prepared<'_>) {}
}

/// Feedings in one time-out of the watchdog: one may come late without a reset.
pub(crate) const FEEDINGS: u32 = 4;

/// Refuses, while building, a board whose declarations do not hold together. Called in a `const` by whatever runs on a board.
pub const fn check<B: Board>() {
    // When an erase begins, the last feeding may be as old as the pause between two of them.
    let left_ms = B::WATCHDOG_MS - B::WATCHDOG_MS / FEEDINGS;
    assert!(
        left_ms > B::WORST_ERASE_MS,
        "the watchdog must be a third longer than the worst erase, or an erase resets the device"
    );
    assert!(!B::WATCHDOG.text().is_empty(), "say what the watchdog is, or why there is none");
    assert!(!B::ENTROPY.text().is_empty(), "say where random bytes come from");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::tests::Chip;

    /// A board whose watchdog bites after so many milliseconds.
    struct Watched<const MS: u32>;

    impl<const MS: u32> Board for Watched<MS> {
        type Flash = Chip;
        const WATCHDOG_MS: u32 = MS;
        const WORST_ERASE_MS: u32 = 3000;
        const WATCHDOG: Source = Source::Hardware("a dog");
        const ENTROPY: Source = Source::Hardware("a die");

        fn feed_watchdog(&self) {}

        fn fill_random(&self, _: &mut [u8]) {}

        fn restart(&self) -> ! {
            panic!("nobody asks for it")
        }
    }

    #[test]
    fn a_watchdog_that_outlasts_an_erase_and_the_pause_before_it_is_taken() {
        check::<Watched<4004>>();
    }

    #[test]
    #[should_panic(expected = "a third longer")]
    fn a_watchdog_that_was_fed_a_while_before_the_erase_does_not_last() {
        check::<Watched<4000>>();
    }
}
