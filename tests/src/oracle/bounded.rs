//! Invariant: recovery takes a bounded number of starts, steps and flash operations.

use super::{Checker, Moment};

/// Most flash operations between a start and a steady device.
///
/// A whole update is staging (erases of a slot and its words in pieces) and a handful of records of three operations
/// each; a cut doubles that at worst.
pub(super) const OPERATIONS_MAX: usize = 150;

/// Most starts: for lost contact the trial of the other slot; then those of a trial that finds no server, twice, with two to ask
/// from the confirmed one; and a few for the power cut.
pub(crate) const STARTS_MAX: usize = 12;

/// Most steps of the driver.
pub(super) const STEPS_MAX: usize = 600;

/// What was used up since the last [`Bounded::restart`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// Starts of the device.
    pub starts: usize,
    steps: usize,
    operations: usize,
}

impl Bounded {
    /// Counts from nothing again.
    pub fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Checker for Bounded {
    fn look(&mut self, moment: &Moment<'_>) {
        self.steps += 1;
        self.operations += moment.operations.len();
        assert!(self.steps <= STEPS_MAX, "still not steady after {self:?}");
        assert!(self.starts <= STARTS_MAX, "still not steady after {self:?}");
        assert!(self.operations <= OPERATIONS_MAX, "still not steady after {self:?}");
    }
}
