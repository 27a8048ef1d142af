//! Invariant: the device runs one complete configuration, that of a release, and of no other than the confirmed or the
//! assigned one, or one that was assigned when its trial began. Once something was confirmed it always runs something, unless the flash lost that by itself.

use steadfast_core::content::Content;

use super::{Checker, Moment};
use crate::life::Release;

#[derive(Clone, Default)]
pub(super) struct Complete {
    /// What was confirmed at any time, oldest first.
    confirmed: Vec<Content>,
    /// What is on trial, or waits to be again.
    tried: Option<Content>,
    /// The release that was ordered a moment ago: after a power cut the next moment may know of another order.
    ordered_before: u32,
}

impl Checker for Complete {
    fn look(&mut self, moment: &Moment<'_>) {
        let tried = moment.record.trial.and_then(|trial| moment.record.slot(trial.slot)).map(|held| held.content);
        if tried != self.tried {
            tried.iter().for_each(|content| self.require_wanted(moment, content));
            self.tried = tried;
        }
        if let Some(sections) = moment.sections {
            self.judge(moment, sections);
        }
        self.ordered_before = moment.assigned.0;
        let confirmed = moment.confirmed();
        if confirmed != self.confirmed.last().copied() {
            self.confirmed.extend(confirmed);
        }
    }
}

impl Complete {
    fn judge(&self, moment: &Moment<'_>, sections: &[Vec<u8>]) {
        let Some(running) = moment.running else {
            let excused = self.confirmed.is_empty() || moment.bereft;
            assert!(excused, "runs its defaults though something was confirmed");
            return;
        };
        let find = |release: &&Release| release.configuration(&running).is_some();
        let release = moment.releases.iter().find(find).expect("runs what no release has");
        let objects = release.configuration(&running).into_iter().flat_map(|configuration| &configuration.objects);
        let wanted: Vec<&Vec<u8>> = objects.flatten().collect();
        assert!(sections.iter().eq(wanted), "runs a mixture under the name of release {}", release.sequence);
        if self.tried != Some(running) {
            self.require_wanted(moment, &running);
        }
    }

    fn require_wanted(&self, moment: &Moment<'_>, content: &Content) {
        let orders = [self.ordered_before, moment.assigned.0];
        let mut ordered = moment.releases.iter().filter(|release| orders.contains(&release.sequence));
        let ordered = ordered.any(|release| release.configuration(content).is_some());
        // A trial that was confirmed in the step before counts as what was confirmed then.
        let former = self.confirmed.contains(content);
        assert!(ordered || former, "runs or tries {:?}, neither ordered nor confirmed", content.id());
    }
}
