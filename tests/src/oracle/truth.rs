//! Invariant: reports tell the truth. Success above all is recorded, and so reported, only of what is confirmed.

use steadfast_core::content::Content;
use steadfast_core::id::ContentId;
use steadfast_core::outcome::Ending;
use steadfast_core::report::{Report, TrialState};

use super::{Checker, Moment};

#[derive(Clone, Default)]
pub(super) struct Truth;

impl Checker for Truth {
    fn look(&mut self, moment: &Moment<'_>) {
        let outcome = &moment.record.outcome;
        if outcome.ending == Ending::Confirmed {
            let confirmed = moment.confirmed().map(|content| content.id());
            assert_eq!(Some(outcome.content), confirmed, "success is recorded of what is not confirmed");
        }
        moment.reports.iter().for_each(|report| judge(moment, report));
    }
}

fn judge(moment: &Moment<'_>, report: &Report) {
    let name = |content: Option<Content>| content.map_or(ContentId::NONE, |content| content.id());
    let record = moment.record;
    assert_eq!(report.running, name(moment.running), "reports that it runs something else");
    assert_eq!(report.confirmed, name(moment.confirmed()), "reports that something else is confirmed");
    assert_eq!((report.accepted, report.floor), (record.accepted, record.floor));
    assert_eq!(report.outcome, record.outcome);
    let running_on_trial = matches!(report.trial, TrialState::Running(content) if content == report.running);
    let on_trial = running_on_trial || moment.running.is_none();
    assert!(on_trial || report.running == report.confirmed, "runs what is neither confirmed nor on trial");
}
