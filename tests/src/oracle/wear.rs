//! Invariant: no word is programmed twice, nothing is asked of flash that it cannot do, and no block is worn out.

use super::{Checker, Moment};

/// Most erases of one block in a whole life with its recoveries: eight phases, each with two commits for a trial and its
/// end and one for each boot, spread over two blocks at least.
const ERASES_MAX: u32 = 40;

#[derive(Clone, Default)]
pub(super) struct Wear;

impl Checker for Wear {
    fn look(&mut self, moment: &Moment<'_>) {
        assert!(moment.image.sins.is_empty(), "{:?}", moment.image.sins);
        let worn = moment.image.wear.iter().position(|erases| *erases > ERASES_MAX);
        assert_eq!(worn, None, "a block was erased more than {ERASES_MAX} times");
    }
}
