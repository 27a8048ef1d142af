//! The gate of a wave: a sequential test of the failure rate, Wald's. It looks after each device and answers as soon as the answer is
//! known, so a bad release stops after few devices and a good one does not wait for a fixed number.
//!
//! ```text
//! each device that works   moves down by  ln((1 - good) / (1 - bad))       stop  ---- +ln((1 - e) / e)
//! each device that fails   moves up by    ln(bad / good)                   not yet
//!                                                                          pass  ---- -ln((1 - e) / e)
//! ```
//!
//! `e` is the error that is allowed, shared out among all tests of a rollout, so that a rollout of many waves is not stopped by chance
//! more often than one of few. A. Wald, Sequential Analysis (1947), chapter 3.

use std::num::NonZeroU32;

use super::Share;

/// What a wave's devices are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    good: Share,
    bad: Share,
    error: Share,
}

/// Devices that are decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Confirmed and still so after the soak.
    pub worked: u64,
    /// Went back, refused, or fell silent.
    pub failed: u64,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rate of failures is the good one.
    Pass,
    /// It is the bad one.
    Stop,
    /// Neither is shown.
    NotYet {
        /// How many more devices pass it, if none of them fails.
        clean: u64,
    },
}

/// Figures that make no test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Between equal rates no number of devices decides; beyond none and all a single one would.
    #[error("`good` is {good} and `bad` is {bad}: a gate needs 0% < good < bad < 100%")]
    Rates {
        /// As it was given.
        good: Share,
        /// As it was given.
        bad: Share,
    },
    /// A test that is wrong as often as a coin says nothing, and one that is never wrong never ends.
    #[error("`error` is {0}: a gate may err in more than 0% and less than 50% of rollouts")]
    Error(Share),
}

/// A fleet that is larger than any: what nobody has enough devices for.
const DEVICES_MAX: u64 = 1 << 32;

impl Gate {
    /// A test of `bad` against `good`, which errs either way in at most about `error` of all rollouts.
    ///
    /// # Errors
    /// Figures that make no test.
    pub fn new(good: Share, bad: Share, error: Share) -> Result<Self, GateError> {
        if good.ratio() <= 0.0 || good >= bad || bad.ratio() >= 1.0 {
            return Err(GateError::Rates { good, bad });
        }
        if error.ratio() <= 0.0 || error.ratio() >= 0.5 {
            return Err(GateError::Error(error));
        }
        Ok(Self { good, bad, error })
    }

    /// What is shown by these devices, in a rollout with so many tests.
    #[must_use]
    pub fn verdict(&self, tally: Tally, tests: NonZeroU32) -> Verdict {
        let bound = self.bound(tests);
        let height = tally.failed as f64 * self.up() - tally.worked as f64 * self.down();
        if height >= bound {
            return Verdict::Stop;
        }
        let clean = ((height + bound) / self.down()).ceil().max(0.0);
        match (clean as u64).min(DEVICES_MAX) {
            0 => Verdict::Pass,
            clean => Verdict::NotYet { clean },
        }
    }

    /// How many devices pass it when none fails: a wave of fewer cannot.
    #[must_use]
    pub fn devices_min(&self, tests: NonZeroU32) -> u64 {
        match self.verdict(Tally::default(), tests) {
            Verdict::NotYet { clean } => clean,
            // Not reached: no device is neither bound.
            Verdict::Pass | Verdict::Stop => 0,
        }
    }

    fn bound(&self, tests: NonZeroU32) -> f64 {
        let error = self.error.ratio() / f64::from(tests.get());
        ((1.0 - error) / error).ln()
    }

    fn up(&self) -> f64 {
        (self.bad.ratio() / self.good.ratio()).ln()
    }

    fn down(&self) -> f64 {
        ((1.0 - self.good.ratio()) / (1.0 - self.bad.ratio())).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    fn gate(good: &str, bad: &str, error: &str) -> Result<Gate, GateError> {
        let share = |text| Share::parse(text).unwrap();
        Gate::new(share(good), share(bad), share(error))
    }

    fn usual() -> Gate {
        gate("1%", "5%", "5%").unwrap()
    }

    #[test]
    fn a_clean_pass_takes_72_devices_and_one_with_a_failure_112() {
        let verdict = |worked, failed| usual().verdict(Tally { worked, failed }, ONE);
        assert_eq!(usual().devices_min(ONE), 72);
        assert_eq!((verdict(71, 0), verdict(72, 0)), (Verdict::NotYet { clean: 1 }, Verdict::Pass));
        assert_eq!((verdict(110, 1), verdict(111, 1)), (Verdict::NotYet { clean: 1 }, Verdict::Pass));
        assert_eq!(verdict(0, 0), Verdict::NotYet { clean: 72 });
    }

    #[test]
    fn failures_stop_it_and_more_of_them_never_unstop_it() {
        let verdict = |worked, failed| usual().verdict(Tally { worked, failed }, ONE);
        assert_eq!((verdict(0, 1), verdict(0, 2)), (Verdict::NotYet { clean: 111 }, Verdict::Stop));
        for worked in 0..200 {
            let stops: Vec<bool> = (0..20).map(|failed| verdict(worked, failed) == Verdict::Stop).collect();
            assert!(stops.is_sorted(), "{worked}");
        }
    }

    #[test]
    fn the_error_is_shared_by_the_tests_of_a_rollout() {
        let shared = usual().devices_min(NonZeroU32::new(2).unwrap());
        assert_eq!(shared, gate("1%", "5%", "2.5%").unwrap().devices_min(ONE));
        assert_eq!(shared, 89);
    }

    #[test]
    fn figures_that_make_no_test_are_refused() {
        for (good, bad) in [("0%", "5%"), ("5%", "5%"), ("5%", "1%"), ("1%", "100%")] {
            assert!(matches!(gate(good, bad, "5%"), Err(GateError::Rates { .. })), "{good} {bad}");
        }
        for error in ["0%", "50%", "100%"] {
            assert!(matches!(gate("1%", "5%", error), Err(GateError::Error(_))), "{error}");
        }
    }

    /// How often it stops and how often it passes at a true rate of failures, worked out exactly over every course of up to `devices`.
    fn outcomes(gate: &Gate, rate: f64, devices: usize) -> (f64, f64) {
        // The probability of each number of failures among the courses that are undecided.
        let mut open = vec![1.0];
        let (mut stopped, mut passed) = (0.0, 0.0);
        for tried in 1..=devices as u64 {
            let mut next = vec![0.0; open.len() + 1];
            for (failed, probability) in open.iter().enumerate() {
                next[failed] += probability * (1.0 - rate);
                next[failed + 1] += probability * rate;
            }
            for (failed, probability) in (0..).zip(next.iter_mut()) {
                match gate.verdict(Tally { worked: tried - failed, failed }, ONE) {
                    Verdict::Stop => stopped += std::mem::take(probability),
                    Verdict::Pass => passed += std::mem::take(probability),
                    Verdict::NotYet { .. } => {}
                }
            }
            open = next;
        }
        (stopped, passed)
    }

    #[test]
    fn it_errs_no_more_often_than_it_may() {
        for (good, bad, error) in [("1%", "5%", "5%"), ("0.5%", "5%", "1%"), ("2%", "10%", "2.5%")] {
            let gate = gate(good, bad, error).unwrap();
            // Wald's bound: either error is at most e / (1 - e).
            let most = gate.error.ratio() / (1.0 - gate.error.ratio());
            let (stopped, passed) = outcomes(&gate, gate.good.ratio(), 1500);
            assert!(stopped <= most && stopped + passed > 0.999, "{good}: {stopped} {passed}");
            let (stopped, passed) = outcomes(&gate, gate.bad.ratio(), 1500);
            assert!(passed <= most && stopped + passed > 0.999, "{bad}: {stopped} {passed}");
        }
    }
}
