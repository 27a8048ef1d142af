//! Which slot to start.
//!
//! A trial's boot is counted before anything of it runs. The confirmed slot is started when no trial is to run; when it
//! is not intact, the other one is started as a recorded trial if it may run, and otherwise the firmware's defaults.

use crate::flash::layout::Slot;
use crate::id::ContentId;
use crate::keyring::Director;
use crate::outcome::{Detail, Ending, Outcome};
use crate::ports::ResetCause;
use crate::record::{Cause, Stage, Standing, Trial};
use crate::refusal::Refusal;
use crate::report::{Checks, Refused};
use crate::time::Instant;

use super::pace::Spread;
use super::setback::Setback;
use super::{Action, After, Agent, Facts, Phase, Reading, Running};

/// Boots of a trial that no manifest limits, because it starts from the record alone.
const UNORDERED_BOOTS: u8 = 3;

impl Agent {
    pub(super) fn boot(&mut self) -> Action {
        let Some(trial) = self.record.trial else { return self.read_confirmed() };
        if !self.is_of_this_firmware(trial.slot) {
            self.end_trial(Ending::FirmwareReverted, Refusal(0), Detail::new());
            return self.commit(After::Boot);
        }
        match trial.stage {
            Stage::Asking | Stage::Suspended => self.read_confirmed(),
            Stage::Running => self.count_boot(trial),
        }
    }

    /// What was rolled back without a rejection, because flash lost it, would be ordered and tried again at once, and at every
    /// start anew.
    pub(super) fn setback_at_start(&self, now: Instant) -> Option<Setback> {
        let outcome = &self.record.outcome;
        let again = outcome.ending == Ending::RolledBack && !self.record.is_rejected(&outcome.content);
        again.then(|| Setback::longest(outcome.content, now))
    }

    fn is_of_this_firmware(&self, slot: Slot) -> bool {
        self.record.slot(slot).is_some_and(|held| held.schema == self.firmware.schema.prefix())
    }

    fn count_boot(&mut self, mut trial: Trial) -> Action {
        trial.crashed |= self.firmware.reset != ResetCause::Ordinary;
        if self.firmware.reset == ResetCause::CrashLoop {
            // The trial's own: what is confirmed has not run.
            self.firmware.reset = ResetCause::Crash;
        }
        let Some(boots_left) = trial.boots_left.checked_sub(1) else { return self.boots_spent(trial) };
        trial.boots_left = boots_left;
        self.record.trial = Some(trial);
        self.phase = Phase::Counting;
        Action::Commit
    }

    /// Power failures alone prove nothing against a configuration, once. The slot is not read again, unlike before other verdicts: each boot
    /// has read it, and if reading is what crashes, this is the way out.
    fn boots_spent(&mut self, trial: Trial) -> Action {
        if trial.crashed || trial.spent {
            self.record.trial = Some(trial);
            return self.condemn(Refusal::CRASH_LOOP, After::Boot);
        }
        self.inconclusive(Trial { spent: true, ..trial }, Refusal::CRASH_LOOP);
        self.commit(After::Boot)
    }

    pub(super) fn read_trial(&mut self) -> Action {
        let Some(trial) = self.record.trial else { return self.read_confirmed() };
        self.phase = Phase::Reading(Reading::Trial);
        Action::ReadBack(trial.slot)
    }

    pub(super) fn read_confirmed(&mut self) -> Action {
        match self.record.confirmed.filter(|slot| self.is_of_this_firmware(*slot)) {
            Some(slot) if self.is_crash_loop() => self.stand_aside(slot),
            Some(slot) => {
                self.phase = Phase::Reading(Reading::Confirmed);
                Action::ReadBack(slot)
            }
            None => self.start_other(),
        }
    }

    /// Whether standing aside would help: a device that takes no orders has nobody to wait for.
    fn is_crash_loop(&self) -> bool {
        self.firmware.reset == ResetCause::CrashLoop && matches!(self.record.keyring.director, Director::Assignments(_))
    }

    pub(super) fn read(&mut self, reading: Reading, facts: Option<Facts>, now: Instant) -> Action {
        match (reading, facts, self.record.trial) {
            (Reading::Trial, Some(facts), Some(trial)) => self.activate(Some(Running { slot: trial.slot, facts })),
            (Reading::Trial, None, _) => self.lose_trial(After::Boot),
            (Reading::Verdict(_), None, _) => self.lose_trial(After::Restart),
            (Reading::Verdict(reason), Some(_), _) => self.condemn(reason, After::Restart),
            (Reading::Confirmed, Some(facts), _) => {
                self.activate(self.record.confirmed.map(|slot| Running { slot, facts }))
            }
            (Reading::Confirmed, None, _) => self.start_other(),
            (Reading::Trial, Some(_), None) => self.read_confirmed(),
            (Reading::Again, Some(_), _) => Action::Restart,
            (Reading::Again, None, _) => self.live(now),
        }
    }

    /// The confirmed slot, while defaults run because it could not be read.
    pub(super) fn missed_slot(&self) -> Option<Slot> {
        let missed = self.running.is_none() && !self.aside;
        self.record.confirmed.filter(|slot| missed && self.is_of_this_firmware(*slot))
    }

    /// The confirmed slot runs into a crash before anything can mend it. Its content is refused for a while: the firmware's defaults
    /// run, and the server is asked for other content and told why.
    fn stand_aside(&mut self, slot: Slot) -> Action {
        self.remember(Refused { content: self.content_in(slot), reason: Refusal::CRASH_LOOP });
        self.aside = true;
        self.activate(None)
    }

    /// The confirmed slot cannot run. The other one may, as a recorded trial.
    fn start_other(&mut self) -> Action {
        // A trial that could not be recorded a moment ago cannot be recorded now; the application must start all the same.
        let keeps_records = !self.pace.has_paused();
        let slot = self.other_that_may_run().or_else(|| self.other_that_waits());
        let Some(slot) = slot.filter(|_| keeps_records) else { return self.activate(None) };
        self.record.trial = Some(unordered(slot, Cause::Repair));
        self.commit(After::Boot)
    }

    /// What runs found no server for so long that it may be the reason. The other slot is tried, and only once: that trial
    /// stays in the record, suspended if need be, until a server answers. It is tried again where it was not tried in earnest,
    /// because power failed in all of its boots, and where the firmware's defaults run, which may have no way to a server at all.
    pub(super) fn try_other(&mut self) -> Option<Action> {
        let trial = match self.record.trial {
            Some(trial) if trial.cause != Cause::Ordered && (trial.spent || self.running.is_none()) => {
                Trial { stage: Stage::Running, boots_left: UNORDERED_BOOTS, spent: false, ..trial }
            }
            Some(_) => return None,
            None => unordered(self.other_that_may_run()?, Cause::LostContact),
        };
        let fit = self.content_in(trial.slot) != self.running() && self.record.may_run(trial.slot, &self.firmware.id);
        fit.then(|| {
            self.record.trial = Some(trial);
            self.commit(After::Restart)
        })
    }

    /// The slot beside the confirmed one, if a trial of it may begin now.
    fn other_that_may_run(&self) -> Option<Slot> {
        let slot = self.record.confirmed.filter(|_| self.record.trial.is_none())?.other();
        (self.is_of_this_firmware(slot) && self.record.may_run(slot, &self.firmware.id)).then_some(slot)
    }

    /// The slot of a trial that waits for the server, if it was confirmed once: nothing else is left that is better than defaults.
    fn other_that_waits(&self) -> Option<Slot> {
        let slot = self.record.trial.filter(|trial| trial.cause != Cause::Repair)?.slot;
        let proven = self.record.slot(slot).is_some_and(|held| held.standing == Standing::Confirmed);
        (proven && self.record.may_run(slot, &self.firmware.id)).then_some(slot)
    }

    fn activate(&mut self, running: Option<Running>) -> Action {
        self.running = running;
        self.phase = Phase::Activating;
        Action::Activate(running.map(|running| running.slot))
    }

    pub(super) fn activated(&mut self, now: Instant) -> Action {
        self.reached = false;
        self.checks = Checks::default();
        self.rotten = false;
        // Whatever ended the last run is not held against what is activated later in this one.
        self.firmware.reset = ResetCause::Ordinary;
        let spread = if self.record.trial.is_some() { Spread::AtOnce } else { Spread::Randomly };
        self.pace.activate(now, spread);
        self.live(now)
    }

    /// Remembers how something ended.
    pub(super) fn note(&mut self, ending: Ending, content: ContentId, reason: Refusal, detail: Detail) {
        self.unreported = true;
        self.record.outcome = Outcome { ending, content, reason, detail };
    }

    /// Forgets the trial and remembers how it ended. What it tried is not judged by this.
    pub(super) fn end_trial(&mut self, ending: Ending, reason: Refusal, detail: Detail) {
        if let Some(trial) = self.record.trial.take() {
            self.note(ending, self.content_in(trial.slot), reason, detail);
        }
    }
}

/// A trial that starts from the record alone.
const fn unordered(slot: Slot, cause: Cause) -> Trial {
    Trial {
        slot,
        stage: Stage::Running,
        boots_left: UNORDERED_BOOTS,
        unreachable: 0,
        crashed: false,
        spent: false,
        cause,
        floor: 0,
    }
}
