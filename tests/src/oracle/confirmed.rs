//! Invariant: the confirmed slot is neither erased nor written.

use steadfast_core::flash::layout::Slot;

use super::{Checker, Moment};

#[derive(Clone, Default)]
pub(super) struct Confirmed {
    slot: Option<Slot>,
}

impl Checker for Confirmed {
    fn look(&mut self, moment: &Moment<'_>) {
        for slot in [self.slot, moment.record.confirmed].into_iter().flatten() {
            assert_eq!(moment.touched(moment.layout.slot(slot)), 0, "the confirmed slot {slot:?} was touched");
        }
        self.slot = moment.record.confirmed;
    }
}
