//! Invariant: a device that has what it should have writes nothing, and starting it again changes nothing.

use steadfast_core::record::BootRecord;

use super::{Checker, Moment};

/// What must not change any more, if anything.
#[derive(Clone, Default)]
pub struct Steady {
    record: Option<Box<BootRecord>>,
}

impl Steady {
    /// From now on nothing may change.
    pub fn demand(&mut self, record: &BootRecord) {
        self.record = Some(Box::new(record.clone()));
    }

    /// Things may change again.
    pub fn release(&mut self) {
        self.record = None;
    }
}

impl Checker for Steady {
    fn look(&mut self, moment: &Moment<'_>) {
        if let Some(record) = &self.record {
            assert!(moment.operations.is_empty(), "a steady device touched flash");
            assert!(**record == *moment.record, "a steady device changed its record");
        }
    }
}
