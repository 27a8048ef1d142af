//! The oracle: what must hold at every moment of a device's life, one checker a file.
//!
//! Checkers look at every step of the device and remember what they need; a copy of the oracle goes with every power
//! cut, so that what was true before still binds afterwards. A checker panics with what it saw.

pub(crate) mod bounded;
mod complete;
mod confirmed;
mod floor;

mod rejected;
mod steady;
pub(crate) mod truth;
mod unsigned;
mod wear;

use steadfast_core::content::Content;
use steadfast_core::flash::layout::{Layout, Region};
use steadfast_core::record::BootRecord;
use steadfast_core::report::Report;

use crate::flash::{Image, Operation, Step};
use crate::life::{Release, Voice};

pub use bounded::Bounded;

/// What was to be seen in one step of a device.
pub struct Moment<'a> {
    /// The record, committed.
    pub record: &'a BootRecord,
    /// What the application runs, once it was told.
    pub running: Option<Content>,
    /// Nothing runs, and the confirmed slot is not intact, or reads fail.
    pub bereft: bool,
    /// The sections that the application just read, if it was just told what to run.
    pub sections: Option<&'a [Vec<u8>]>,
    /// Flash operations of this step.
    pub operations: &'a [Step],
    /// The flash after it.
    pub image: &'a Image,
    /// Where things lie.
    pub layout: &'a Layout,
    /// Reports that the server took.
    pub reports: &'a [Report],
    /// Every release there is.
    pub releases: &'a [Release],
    /// The one that is assigned, as far as the device can know, and how the server speaks.
    pub assigned: (u32, Voice),
}

impl Moment<'_> {
    /// The content of the confirmed slot.
    fn confirmed(&self) -> Option<Content> {
        self.record.confirmed_slot().map(|held| held.content)
    }

    /// The release that is assigned.
    fn order(&self) -> &Release {
        self.releases.iter().find(|release| release.sequence == self.assigned.0).expect("assigned from these")
    }

    /// How many operations touched that region.
    fn touched(&self, region: Region) -> usize {
        let touches = |step: &&Step| {
            let (from, to) = match &step.operation {
                Operation::Erase { from, to } => (*from, *to),
                Operation::Write { at, bytes } => (*at, *at + bytes.len() as u32),
            };
            from < region.end() && to > region.start
        };
        self.operations.iter().filter(touches).count()
    }
}

/// One invariant.
trait Checker {
    /// Looks at a step.
    fn look(&mut self, moment: &Moment<'_>);
}

/// All invariants that hold at every moment. Those about what comes in the end, that recovery ends and a new release
/// can be taken, are asserted by whoever drives the device, within [`Bounded`].
#[derive(Clone, Default)]
pub struct Oracle {
    complete: complete::Complete,
    confirmed: confirmed::Confirmed,
    floor: floor::Floor,
    /// Restarted with each recovery.
    pub bounded: Bounded,
    truth: truth::Truth,
    unsigned: unsigned::Unsigned,
    rejected: rejected::Rejected,
    wear: wear::Wear,
    /// Set when nothing may change any more.
    pub steady: steady::Steady,
}

impl Oracle {
    /// Shows the oracle one step.
    ///
    /// # Panics
    /// When an invariant does not hold.
    pub fn look(&mut self, moment: &Moment<'_>) {
        let checkers: [&mut dyn Checker; 9] = [
            &mut self.complete,
            &mut self.confirmed,
            &mut self.floor,
            &mut self.bounded,
            &mut self.truth,
            &mut self.unsigned,
            &mut self.rejected,
            &mut self.wear,
            &mut self.steady,
        ];
        checkers.into_iter().for_each(|checker| checker.look(moment));
    }
}
