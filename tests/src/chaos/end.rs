//! How an update must end: by flash, by the server's word and by what the board said.

use std::time::Instant;

use steadfast::demo::world::PATIENCE;
use steadfast::serve::api::Standing;

use super::fleet::NAME;
use super::script::Update;
use super::watch::Allowed;
use super::{LISTEN, LOOK, Life, POLLS};
use crate::oracle::bounded::STARTS_MAX;
use crate::oracle::truth;

impl Life {
    /// Waits until the update came to its end, by flash and by the server's word, and judges that.
    pub(super) fn settle(&mut self, update: Update) {
        let (start, mut looked) = (Instant::now(), Instant::now());
        let mut missing = String::from("it was not looked at");
        loop {
            self.listen(LISTEN);
            let boots = self.watch.boots;
            assert!(boots <= STARTS_MAX, "not well after {boots} boots: {missing}");
            assert!(start.elapsed() < PATIENCE, "not well after {PATIENCE:?}: {missing}");
            if std::mem::take(&mut self.reported) || looked.elapsed() >= LOOK {
                looked = Instant::now();
                match self.missing(update) {
                    Some(still) => missing = still,
                    None => return self.judge(update),
                }
            }
        }
    }

    /// What is not yet as it should be in the end.
    fn missing(&self, update: Update) -> Option<String> {
        let contents = self.contents();
        let Some(record) = contents.record() else { return Some("no record can be read".into()) };
        let intact = record.confirmed.and_then(|slot| contents.intact(&record, slot));
        let good = &self.good[1];
        if intact.is_none_or(|content| self.published.values.get(&content) != Some(good)) {
            return Some(format!("what is confirmed and whole is {intact:?}, not {good:?}"));
        }
        if record.trial.is_some() || self.watch.running != intact {
            return Some(format!("runs {:?}, and the trial is {:?}", self.watch.running, record.trial));
        }
        if self.watch.sampling != Some((good.period_ms, good.average)) {
            return Some(format!("its tasks follow {:?}", self.watch.sampling));
        }
        if update != Update::Bad && record.floor != self.published.floor {
            return Some(format!("the floor is {:?}, not {:?}", record.floor, self.published.floor));
        }
        if update == Update::Bad && !record.is_rejected(&self.wanted) {
            return Some(format!("{} is not rejected", self.wanted));
        }
        if update == Update::Unrelated && self.polls < POLLS {
            return Some("it has not heard of the release".into());
        }
        let why = match self.published.world.why(NAME) {
            Ok(why) => why,
            Err(error) => return Some(error.to_string()),
        };
        let standing = if update == Update::Bad { Standing::Refused } else { Standing::Current };
        let words = [Some(self.wanted.to_string()), intact.map(|content| content.to_string())];
        let said = (why.device.standing, [why.device.desired, why.device.running]);
        (said != (standing, words)).then(|| format!("the server says {said:?}"))
    }

    /// The invariants of flash when all is well.
    fn judge(&mut self, update: Update) {
        let record = self.record();
        let Allowed { accepted, floor, .. } = self.watch.allowed;
        assert!(record.accepted >= accepted, "accepted fell from {accepted:?} to {:?}", record.accepted);
        assert!(record.floor >= floor, "the floor fell from {floor:?} to {:?}", record.floor);
        assert!(update != Update::Bad || record.floor == floor, "the floor rose for what was rolled back");
        let confirmed = record.confirmed_slot().map(|held| held.content.id());
        truth::judge_outcome(&record.outcome, confirmed);
    }
}
