//! Invariant: no byte of payload is written before a valid signature for this device.

use super::{Checker, Moment};
use crate::life::Voice;

#[derive(Clone, Default)]
pub(super) struct Unsigned;

impl Checker for Unsigned {
    fn look(&mut self, moment: &Moment<'_>) {
        if moment.assigned.1 != Voice::Honest {
            let touched = moment.touched(moment.layout.a) + moment.touched(moment.layout.b);
            assert_eq!(touched, 0, "a slot was touched though nobody signed anything");
        }
    }
}
