//! Invariant: the floor and the keyring's version never fall, and the accepted release is older than before only when
//! an older one was assigned. The floor rises when its release is confirmed or adopted, never before.

use steadfast_core::position::Position;

use super::{Checker, Moment};

#[derive(Clone, Default)]
pub(super) struct Floor {
    floor: Position,
    accepted: Position,
    keyring_version: u32,
}

impl Checker for Floor {
    fn look(&mut self, moment: &Moment<'_>) {
        let record = moment.record;
        assert!(record.floor >= self.floor, "the floor fell from {:?} to {:?}", self.floor, record.floor);
        assert!(record.keyring.version >= self.keyring_version, "the keyring became older");
        let fell = record.accepted < self.accepted;
        let ordered = record.accepted == moment.order().position();
        assert!(!fell || ordered, "accepted fell from {:?} to {:?}", self.accepted, record.accepted);
        let taken = record.trial.is_none() && record.accepted == moment.order().position();
        assert!(record.floor == self.floor || self.floor == Position::ZERO || taken, "the floor rose too early");
        assert!(record.accepted >= record.floor, "accepted what is below the floor");
        self.floor = record.floor;
        self.accepted = record.accepted;
        self.keyring_version = record.keyring.version;
    }
}
