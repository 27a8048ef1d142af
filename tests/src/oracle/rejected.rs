//! Invariant: what was rejected is not tried again; and nothing is rejected for what the flash has done.

use steadfast_core::id::ContentId;

use super::{Checker, Moment};
use crate::life::{FIRMWARE, GUILTY, Which};

#[derive(Clone, Default)]
pub(super) struct Rejected {
    contents: Vec<ContentId>,
}

impl Checker for Rejected {
    fn look(&mut self, moment: &Moment<'_>) {
        if let (Some(_), Some(running)) = (moment.sections, moment.running) {
            assert!(!self.contents.contains(&running.id()), "a rejected configuration was started again");
        }
        for release in moment.releases {
            let id = release.id(Which::Former);
            if moment.record.rejection(&id, &FIRMWARE).is_some() && !self.contents.contains(&id) {
                assert!(GUILTY.contains(&release.sequence), "release {} is good, and rejected", release.sequence);
                self.contents.push(id);
            }
            let known = moment.record.rejection(&id, &FIRMWARE).is_some();
            assert!(known || !self.contents.contains(&id), "a rejection was forgotten");
        }
    }
}
