//! Invariant: the device runs one complete configuration, that of a release, and of no other than the confirmed or the
//! assigned one. Once something was confirmed it always runs something, unless the flash lost that by itself.

use steadfast_core::content::Content;

use super::{Checker, Moment};
use crate::life::Release;

#[derive(Clone, Default)]
pub(super) struct Complete {
    /// What was confirmed at any time, oldest first.
    confirmed: Vec<Content>,
}

impl Checker for Complete {
    fn look(&mut self, moment: &Moment<'_>) {
        if let Some(sections) = moment.sections {
            self.judge(moment, sections);
        }
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
        let ordered = moment.order().configuration(&running).is_some();
        // A trial that was confirmed in the step before counts as what was confirmed then.
        let former = self.confirmed.contains(&running);
        assert!(ordered || former, "runs release {}, neither ordered nor confirmed", release.sequence);
    }
}
