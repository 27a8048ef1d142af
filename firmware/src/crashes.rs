//! Crashes in a row: how often what is confirmed was started, and crashed before the server could mend it.
//!
//! Nothing in flash counts the starts of a confirmed configuration: a record for each start would wear it out. So the count
//! lies in a word of memory that a reset keeps. It grows before anything is read, as the boots of a trial are counted, and
//! ends with a fresh answer, with a run that was long enough, with any start that is no crash, and when something else than what is confirmed
//! starts: trials have a count of their own, and defaults that crash, too, acquit what is confirmed.

use core::sync::atomic::{AtomicU32, Ordering};

use embassy_time::Duration;
use steadfast_core::ports::ResetCause;

/// After so many starts that crashed, what is confirmed is left alone for a while.
const CRASHES_MAX: u32 = 3;

/// A run that lasted as long ends the row: whatever crashes so seldom keeps nobody from asking.
pub(crate) const LONG_RUN: Duration = Duration::from_secs(10 * 60);

/// Marks a count as written by this program; after power-on the word holds anything.
const TAG: u32 = 0x5AFE_C000;

/// The count, in the board's word; on a board without one it stays 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crashes<'a>(pub(crate) Option<&'a AtomicU32>);

impl Crashes<'_> {
    /// What the cause of this start comes to.
    pub(crate) fn judge(self, reset: ResetCause) -> ResetCause {
        match reset {
            ResetCause::Crash if self.count() >= CRASHES_MAX => ResetCause::CrashLoop,
            ResetCause::Crash => reset,
            ResetCause::Ordinary | ResetCause::CrashLoop => {
                self.end();
                reset
            }
        }
    }

    /// What is confirmed may be about to start.
    pub(crate) fn begin(self) {
        self.set(self.count().saturating_add(1).min(CRASHES_MAX));
    }

    /// A crash from now on is the first.
    pub(crate) fn end(self) {
        self.set(0);
    }

    fn count(self) -> u32 {
        let word = self.0.map_or(0, |word| word.load(Ordering::Relaxed));
        word.checked_sub(TAG).filter(|count| *count <= CRASHES_MAX).unwrap_or(0)
    }

    fn set(self, count: u32) {
        if let Some(word) = self.0 {
            word.store(TAG | count, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use ResetCause::{Crash, CrashLoop, Ordinary};

    use super::*;

    fn crash_after_start(crashes: Crashes<'_>) -> ResetCause {
        crashes.begin();
        crashes.judge(Crash)
    }

    #[test]
    fn the_third_crash_in_a_row_is_a_loop() {
        let word = AtomicU32::new(0xDEAD_BEEF);
        let crashes = Crashes(Some(&word));
        assert_eq!(crashes.judge(Crash), Crash, "after power-on the word holds anything");
        let causes = [(); 4].map(|()| crash_after_start(crashes));
        assert_eq!(causes, [Crash, Crash, CrashLoop, CrashLoop]);
        assert_eq!(crashes.judge(Ordinary), Ordinary);
        assert_eq!(crash_after_start(crashes), Crash, "counted anew");
    }

    #[test]
    fn defaults_that_crash_too_give_way_to_what_is_confirmed() {
        let word = AtomicU32::new(0);
        let crashes = Crashes(Some(&word));
        let starts = [(); 8].map(|()| {
            let cause = crash_after_start(crashes);
            if cause == CrashLoop {
                crashes.begin();
                crashes.end();
                assert_eq!(crashes.judge(Crash), Crash, "the defaults crashed");
            }
            cause
        });
        assert_eq!(starts, [Crash, Crash, CrashLoop, Crash, Crash, CrashLoop, Crash, Crash]);
    }

    #[test]
    fn an_answer_ends_the_row() {
        let word = AtomicU32::new(0);
        let crashes = Crashes(Some(&word));
        for _ in 0..10 {
            crashes.begin();
            crashes.end();
            assert_eq!(crashes.judge(Crash), Crash);
        }
    }

    #[test]
    fn a_board_without_such_a_word_counts_nothing() {
        assert!([(); 9].iter().all(|()| crash_after_start(Crashes(None)) == Crash));
    }
}
