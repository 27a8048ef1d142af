//! The trial: when a configuration is confirmed, when it is rejected, and when nothing can be said.
//!
//! The confirmed configuration is the control of the experiment. When the round trip is missing at the deadline, the
//! device goes back to the confirmed one and asks from there. Answered: the new configuration is to blame, and after
//! two such pairs it is rejected. Not answered: the server is, and the trial is suspended until it answers.

use crate::envelope::Verified;
use crate::flash::layout::Slot;
use crate::id::ContentId;
use crate::keyring::Director;
use crate::manifest::{Reach, Restart};
use crate::outcome::{Detail, Ending};
use crate::position::Position;
use crate::record::{Cause, Rejected, SlotRecord, Stage, Standing, Trial};
use crate::refusal::Refusal;
use crate::report::Refused;
use crate::time::{Instant, Span};

use super::{Action, After, Agent, Examined, Offer, Phase, Reading, Staged};

/// After so many pairs (silence on trial, an answer on the confirmed one) a configuration is rejected.
const UNREACHABLE_PAIRS_MAX: u8 = 2;

/// How long the control is asked for when nothing is confirmed, so that no manifest says.
const DEFAULT_TRIAL_SECONDS: u32 = 120;

impl Agent {
    /// Records that what was staged goes on trial. Then it is started, with a restart if the change needs one.
    pub(super) fn begin_trial(&mut self, staged: &Staged) -> Action {
        let Staged { offer: Offer { verified, facts }, intact, scope } = staged;
        let content = verified.content();
        if content != *intact.content() {
            self.refused = Some(Refused { content: content.id(), reason: Refusal::READ_BACK });
            return self.commit(After::Live);
        }
        let (slot, schema) = (intact.slot(), verified.schema().prefix());
        if self.record.confirmed_slot().is_some_and(|held| (held.content, held.schema) == (content, schema)) {
            return self.mend(slot, verified);
        }
        // What was confirmed here once may run again, whatever comes of this trial, unless it is rejected.
        let known = self.record.slot(slot).filter(|held| (held.content, held.schema) == (content, schema));
        *self.record.slot_mut(slot) = Some(SlotRecord {
            content,
            schema,
            position: verified.position(),
            standing: known.map_or(Standing::Staged, |held| held.standing),
        });
        self.record.trial = Some(Trial {
            slot,
            stage: Stage::Running,
            boots_left: facts.policy.clamped().boots,
            unreachable: 0,
            crashed: false,
            spent: false,
            cause: Cause::Ordered,
            floor: verified.floor().sequence,
        });
        // A change that restarts no more than tasks is a start of the trial slot like any other, but for the reset.
        self.commit(if *scope == Restart::Device { After::Restart } else { After::Boot })
    }

    /// What was ordered is what is confirmed, and was staged all the same: so the confirmed slot is not intact. The copy takes its place.
    /// There is nothing to be tried, and so nothing that could be rejected.
    fn mend(&mut self, slot: Slot, verified: &Verified) -> Action {
        if let Some(held) = self.record.confirmed_slot().copied() {
            *self.record.slot_mut(slot) = Some(SlotRecord { position: verified.position(), ..held });
        }
        self.record.confirmed = Some(slot);
        self.record.accepted = verified.position();
        self.record.floor = self.record.floor.max(verified.floor());
        self.commit(After::Restart)
    }

    /// When the trial, or the asking, must have come to an end.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let trial = self.record.trial?;
        let own = self.running.map_or(DEFAULT_TRIAL_SECONDS, |running| running.facts.policy.clamped().trial_seconds);
        let due = || self.pace.activated().after(Span::from_seconds(own));
        match trial.stage {
            Stage::Running => self.on_trial().then(due),
            Stage::Asking => Some(due()),
            Stage::Suspended => None,
        }
    }

    /// Takes what the checks say; `Some` when that, or the time, ends the trial or the asking.
    pub(super) fn judge(&mut self, examined: Examined, now: Instant) -> Option<Action> {
        self.unreported |= self.checks != examined.checks;
        self.checks = examined.checks;
        let overdue = self.deadline().is_some_and(|deadline| now >= deadline);
        if self.on_trial() {
            return self.judge_trial(examined, overdue);
        }
        let asking = self.record.trial.is_some_and(|trial| trial.stage == Stage::Asking);
        (asking && overdue).then(|| self.suspend())
    }

    fn judge_trial(&mut self, examined: Examined, overdue: bool) -> Option<Action> {
        if examined.checks.failed != 0 {
            return Some(self.reject(Refusal::CHECK_FAILED, examined.failure));
        }
        let round_trip = self.reached || !self.must_reach();
        let all_passed = !examined.unread && examined.checks.passed & examined.expected == examined.expected;
        match (all_passed, round_trip, overdue) {
            (true, true, _) => Some(self.confirm()),
            (_, false, true) => Some(self.ask()),
            // Nobody knows which checks were missing.
            (false, true, true) if examined.unread => Some(self.lose_trial(After::Restart)),
            (false, true, true) => Some(self.reject(Refusal::CHECK_MISSING, Detail::new())),
            _ => None,
        }
    }

    fn must_reach(&self) -> bool {
        // After lost contact, the server is all that is looked for.
        let seeks = self.record.trial.is_some_and(|trial| trial.cause == Cause::LostContact);
        let waived = self.running.is_some_and(|running| running.facts.policy.reach == Reach::None);
        self.record.keyring.director != Director::None && (seeks || !waived)
    }

    fn confirm(&mut self) -> Action {
        let Some(trial) = self.record.trial else { return self.commit(After::Live) };
        if let Some(held) = self.record.slot_mut(trial.slot) {
            held.standing = Standing::Confirmed;
            let position = held.position;
            if trial.cause == Cause::Ordered {
                self.record.accepted = position;
            }
            // The floor rises here and never before: until now the way back had to stay open.
            self.record.floor = self.record.floor.max(Position { epoch: position.epoch, sequence: trial.floor });
        }
        self.record.confirmed = Some(trial.slot);
        self.end_trial(Ending::Confirmed, Refusal(0), Detail::new());
        self.refused = None;
        self.commit(After::Poll)
    }

    /// The trial fails. Before that is held against its content the slot is read back: bytes that changed are the flash's failure.
    pub(super) fn reject(&mut self, reason: Refusal, words: Detail) -> Action {
        let Some(trial) = self.record.trial else { return self.commit(After::Restart) };
        self.words = words;
        self.phase = Phase::Reading(Reading::Verdict(reason));
        Action::ReadBack(trial.slot)
    }

    /// Ends the trial and refuses its content from now on under this firmware; a repair of what is confirmed is never
    /// refused.
    pub(super) fn condemn(&mut self, reason: Refusal, after: After) -> Action {
        if let Some(trial) = self.record.trial {
            let content = self.content_in(trial.slot);
            let confirmed = self.record.confirmed_slot().map(|held| held.content.id());
            if confirmed != Some(content) {
                self.record.reject(Rejected::new(&content, &self.firmware.id, reason));
            }
        }
        let words = core::mem::take(&mut self.words);
        self.end_trial(Ending::RolledBack, reason, words);
        self.commit(after)
    }

    /// Ends the trial because the flash lost its slot, which says nothing about the content; but there is nothing left to be tried.
    pub(super) fn lose_trial(&mut self, after: After) -> Action {
        if let Some(trial) = self.record.trial {
            let words = core::mem::take(&mut self.words);
            self.end_trial(Ending::RolledBack, Refusal::READ_BACK, words);
            *self.record.slot_mut(trial.slot) = None;
        }
        self.commit(after)
    }

    /// Back to the confirmed configuration, to ask from there.
    fn ask(&mut self) -> Action {
        if let Some(trial) = &mut self.record.trial {
            trial.stage = Stage::Asking;
        }
        self.commit(After::Restart)
    }

    /// The server answers neither.
    fn suspend(&mut self) -> Action {
        let Some(trial) = self.record.trial else { return self.commit(After::Live) };
        self.inconclusive(trial, Refusal::UNREACHABLE);
        self.commit(if self.record.trial.is_some() { After::Live } else { After::Restart })
    }

    /// Nothing is known, and nothing is blamed: the trial waits for the server. A repair does not, because what waits
    /// meanwhile is the firmware's defaults: what was confirmed once is confirmed again.
    pub(super) fn inconclusive(&mut self, trial: Trial, reason: Refusal) {
        self.note(Ending::Inconclusive, self.content_in(trial.slot), reason, Detail::new());
        let proven = self.record.slot(trial.slot).is_some_and(|held| held.standing == Standing::Confirmed);
        if trial.cause == Cause::Repair && proven && self.running.is_none() {
            self.record.confirmed = Some(trial.slot);
            self.record.trial = None;
        } else {
            self.record.trial = Some(Trial { stage: Stage::Suspended, ..trial });
        }
    }

    /// A fresh answer while the trial slot does not run: it decides what becomes of the trial. `offer` is what the
    /// server wants now, unless that is what runs.
    pub(super) fn answered_from_control(&mut self, mut trial: Trial, offer: Option<&Offer>) -> Action {
        let tried = self.content_in(trial.slot);
        let Some(offer) = offer.filter(|offer| offer.verified.content().id() == tried) else {
            match trial.cause {
                Cause::Ordered => self.end_trial(Ending::Superseded, Refusal(0), Detail::new()),
                // Nobody ordered it, so nothing supersedes it: it has found no server, and that is all.
                _ => self.end_trial(Ending::Inconclusive, Refusal::UNREACHABLE, Detail::new()),
            }
            return self.commit(After::Poll);
        };
        if trial.stage == Stage::Asking {
            trial.unreachable = trial.unreachable.saturating_add(1);
        }
        if let Some(held) = self.record.slot_mut(trial.slot) {
            held.position = offer.verified.position();
        }
        self.record.trial = Some(Trial {
            stage: Stage::Running,
            boots_left: offer.facts.policy.clamped().boots,
            cause: Cause::Ordered,
            floor: offer.verified.floor().sequence,
            ..trial
        });
        if trial.unreachable >= UNREACHABLE_PAIRS_MAX {
            return self.reject(Refusal::UNREACHABLE, Detail::new());
        }
        self.commit(After::Restart)
    }

    /// A fresh answer on trial. It is the round trip; if it orders something else, the trial ends without a judgement, unless nobody
    /// had ordered it: then what is ordered is taken when it has ended, because the confirmed slot cannot take it.
    pub(super) fn answered_on_trial(&mut self, ordered: Option<ContentId>, now: Instant) -> Action {
        self.reached = true;
        let replaceable = self.record.trial.is_some_and(|trial| trial.cause == Cause::Ordered);
        if replaceable && ordered.is_some_and(|ordered| ordered != self.running()) {
            self.end_trial(Ending::Superseded, Refusal(0), Detail::new());
            return self.commit(After::Restart);
        }
        self.live(now)
    }
}
