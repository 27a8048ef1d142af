//! Invariant: no record comes into force that is older than one that was, the floor and the keyring's version never fall, and the accepted release is older than before only when
//! an older one was assigned, now or when its trial began. The floor rises when its release is confirmed or adopted, never before. What was on trial may be confirmed
//! although something else is assigned by then, which the device has not heard.

use steadfast_core::position::Position;
use steadfast_core::record::Cause;

use super::{Checker, Moment};

#[derive(Clone, Default)]
pub(super) struct Floor {
    /// Of the record.
    generation: u32,
    floor: Position,
    accepted: Position,
    keyring_version: u32,
    /// Where the release stands that was on trial a moment ago.
    on_trial: Option<Position>,
    /// Where the release stands that was ordered a moment ago: after a power cut the next moment may know of another order.
    ordered_before: Position,
}

impl Checker for Floor {
    fn look(&mut self, moment: &Moment<'_>) {
        let record = moment.record;
        let generations = (self.generation, record.generation);
        assert!(generations.0 <= generations.1, "an older record came into force: {generations:?}");
        assert!(record.floor >= self.floor, "the floor fell from {:?} to {:?}", self.floor, record.floor);
        assert!(record.keyring.version >= self.keyring_version, "the keyring became older");
        let fell = record.accepted < self.accepted;
        let order = moment.order().position();
        let ordered = [order, self.ordered_before].contains(&record.accepted);
        assert!(
            !fell || ordered || self.on_trial == Some(record.accepted),
            "accepted fell from {:?} to {:?}",
            self.accepted,
            record.accepted
        );
        let tried = record.trial.filter(|trial| trial.cause == Cause::Ordered);
        let on_trial = tried.and_then(|trial| record.slot(trial.slot)).map(|held| held.position);
        let taken = record.trial.is_none() && (ordered || self.on_trial == Some(record.accepted));
        assert!(record.floor == self.floor || self.floor == Position::ZERO || taken, "the floor rose too early");
        assert!(record.accepted >= record.floor, "accepted what is below the floor");
        self.generation = record.generation;
        self.floor = record.floor;
        self.accepted = record.accepted;
        self.keyring_version = record.keyring.version;
        self.on_trial = on_trial;
        self.ordered_before = order;
    }
}
