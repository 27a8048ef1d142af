//! Invariant: reports tell the truth. Success above all is recorded, and so reported, only of what is confirmed.

use steadfast_core::content::Content;
use steadfast_core::id::ContentId;
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::report::{Report, TrialState};

use super::{Checker, Moment};

#[derive(Clone, Default)]
pub(super) struct Truth;

impl Checker for Truth {
    fn look(&mut self, moment: &Moment<'_>) {
        judge_outcome(&moment.record.outcome, moment.confirmed().map(|content| content.id()));
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
    judge_running(report);
}

/// Success is recorded, or reported, only of what is confirmed.
pub(crate) fn judge_outcome(outcome: &Outcome, confirmed: Option<ContentId>) {
    if outcome.ending == Ending::Confirmed {
        assert_eq!(Some(outcome.content), confirmed, "success is recorded of what is not confirmed");
    }
}

/// What runs is confirmed, or on trial, or the firmware's defaults.
pub(crate) fn judge_running(report: &Report) {
    let running_on_trial = matches!(report.trial, TrialState::Running(content) if content == report.running);
    let on_trial = running_on_trial || report.running == ContentId::NONE;
    assert!(on_trial || report.running == report.confirmed, "runs what is neither confirmed nor on trial");
}
