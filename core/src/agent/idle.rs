//! Between trials: polling, taking answers, staging, reporting.

use crate::answer::Fresh;
use crate::envelope::Verified;
use crate::id::ContentId;
use crate::keyring::{Director, Successor};
use crate::outcome::{Detail, Ending};
use crate::poll::PollFlags;
use crate::ports::LinkFailed;
use crate::record::Stage;
use crate::refusal::Refusal;
use crate::report::Refused;
use crate::time::{Instant, Span};

use super::pace::Patience;
use super::setback::Setback;
use super::{Action, After, Agent, Examined, News, Offer, Phase, Reading, Staged};

impl Agent {
    /// Time passed. A trial is judged first, then what is owed to the server.
    pub(super) fn tick(&mut self, examined: Examined, now: Instant) -> Action {
        if now >= self.pace.paused_until() {
            if self.is_trial_left_out() {
                // Flash has to keep a record first: a restart for nothing would only stop the application again and again.
                return self.commit(After::Restart);
            }
            if self.is_out_of_step() {
                return Action::Restart;
            }
            if let Some(action) = self.judge(examined, now) {
                return action;
            }
        }
        // Before a report, which may take as long as an order is young.
        if let Some(staged) = self.staged.take() {
            return self.begin_or_ask_again(&staged, now);
        }
        if let Some(challenge) = self.challenge.take() {
            self.phase = Phase::Reporting;
            return Action::Report(challenge);
        }
        if let Some(action) = self.ask_for_next() {
            return action;
        }
        if now >= self.pace.next_poll() {
            self.phase = Phase::Polling;
            return Action::Poll(self.poll_flags(now));
        }
        if self.has_lost_contact(now)
            && let Some(action) = self.try_other()
        {
            return action;
        }
        if self.aside && now >= self.pace.aside_until() {
            return Action::Restart;
        }
        if self.is_scrub_due(now) {
            self.pace.scrub(now);
            self.phase = Phase::Scrubbing;
            return Action::Scrub;
        }
        if let Some(slot) = self.missed_slot().filter(|_| now >= self.pace.next_scrub()) {
            self.pace.scrub(now);
            self.phase = Phase::Reading(Reading::Again);
            return Action::ReadBack(slot);
        }
        self.wait(now)
    }

    /// Whether a slot runs that should not by the record: a commit can fail and be in force all the same.
    fn is_out_of_step(&self) -> bool {
        let running = self.running.map(|running| running.slot);
        running.is_some() && !self.on_trial() && running != self.record.confirmed
    }

    /// A trial is read back at each of its boots and ends soon; what is known to be rotten need not be read again.
    fn is_scrub_due(&self, now: Instant) -> bool {
        self.running.is_some() && self.record.trial.is_none() && !self.rotten && now >= self.pace.next_scrub()
    }

    /// The application goes on with the values that it has. The server hears that nothing intact runs, and orders.
    pub(super) fn rotted(&mut self, now: Instant) -> Action {
        self.rotten = true;
        let action = self.refuse(Refused { content: self.running(), reason: Refusal::READ_BACK }, now);
        self.pace.poll_at_once(now);
        action
    }

    fn has_lost_contact(&self, now: Instant) -> bool {
        let patience = Span::from_seconds(self.settings().lost_contact_seconds);
        self.record.keyring.director != Director::None
            && now >= self.pace.paused_until()
            && now.since(self.pace.contact()) >= patience
    }

    /// Whether a trial should be running and is not, because its boot could not be recorded. A restart tries again.
    fn is_trial_left_out(&self) -> bool {
        self.record.trial.is_some_and(|trial| trial.stage == Stage::Running) && !self.on_trial()
    }

    /// An order is carried out while it is young. An old one is asked for again, and costs no download then.
    fn begin_or_ask_again(&mut self, staged: &Staged, now: Instant) -> Action {
        if self.pace.order_is_old(now) {
            self.pace.poll_at_once(now);
            return self.live(now);
        }
        self.begin_trial(staged)
    }

    fn poll_flags(&self, now: Instant) -> PollFlags {
        if self.is_owed_an_answer() || self.unreported || self.pace.wants_signed(&self.settings(), now) {
            PollFlags::SIGNED
        } else {
            PollFlags::default()
        }
    }

    /// Whether a trial waits for a signed answer.
    fn is_owed_an_answer(&self) -> bool {
        self.record.trial.is_some() && !(self.on_trial() && self.reached)
    }

    fn wait(&mut self, now: Instant) -> Action {
        let next = self.pace.next_poll();
        let mut until = self.deadline().map_or(next, |deadline| next.min(deadline));
        if self.aside {
            until = until.min(self.pace.aside_until());
        }
        if self.is_out_of_step() || self.is_trial_left_out() {
            until = until.min(self.pace.paused_until());
        }
        Action::Wait(until.max(self.pace.paused_until()).max(now))
    }

    pub(super) fn undecodable(&mut self, section: Detail, now: Instant) -> Action {
        if self.on_trial() {
            return self.reject(Refusal::UNDECODABLE, section);
        }
        self.refuse(Refused { content: ContentId::NONE, reason: Refusal::UNDECODABLE }, now)
    }

    /// A trial ends without a judgement of what was tried; it waits until it may be tried again.
    pub(super) fn not_given(&mut self, words: Detail, now: Instant) -> Action {
        if self.on_trial() {
            self.end_trial(Ending::RolledBack, Refusal::FLASH_FAILED, words);
            return self.commit(After::Restart);
        }
        self.refuse(Refused { content: ContentId::NONE, reason: Refusal::FLASH_FAILED }, now)
    }

    /// The application could not read what runs: on trial, flash has lost it.
    pub(super) fn altered(&mut self, now: Instant) -> Action {
        match self.running {
            Some(_) if self.on_trial() => self.lose_trial(After::Restart),
            Some(_) => self.rotted(now),
            None => self.live(now),
        }
    }

    pub(super) fn answered(&mut self, news: News, now: Instant) -> Action {
        match news {
            News::Silence => self.unanswered(now),
            // Whoever owes a signed answer has not given one: on trial, waiting for the next interval could be too late.
            News::Nothing if self.is_owed_an_answer() => self.unanswered(now),
            News::Nothing => {
                self.heard(self.settings().poll_seconds, now);
                self.live(now)
            }
            News::Refused(reason) if self.is_owed_an_answer() => {
                self.remember(Refused { content: ContentId::NONE, reason });
                self.unanswered(now)
            }
            News::Refused(reason) => self.refuse(Refused { content: ContentId::NONE, reason }, now),
            News::Keyring(next) => self.rotate(next, now),
            News::Unchanged(fresh) => {
                self.refreshed(&fresh, now);
                self.fresh(None, now)
            }
            News::Adopt(fresh, verified) => {
                self.refreshed(&fresh, now);
                if self.record.trial.is_some() { self.fresh(None, now) } else { self.adopt(&verified, now) }
            }
            News::Changed(fresh, Ok(offer)) => {
                self.refreshed(&fresh, now);
                self.fresh(Some(offer), now)
            }
            News::Changed(fresh, Err(refused)) => self.unusable(&fresh, refused, now),
        }
    }

    fn unanswered(&mut self, now: Instant) -> Action {
        let settings = self.settings();
        // A trial that is suspended has no deadline, and a fleet of them would fall upon a server that comes back.
        let patience = if self.deadline().is_some() { Patience::Trial } else { Patience::Ordinary };
        self.pace.failed(patience, &settings, now);
        self.live(now)
    }

    fn heard(&mut self, poll_seconds: u32, now: Instant) {
        self.pace.heard();
        self.pace.poll_after(poll_seconds, now);
    }

    pub(super) fn refreshed(&mut self, fresh: &Fresh, now: Instant) {
        let settings = self.settings();
        let said = fresh.unchanged();
        let after = if said.poll_after_seconds == 0 { settings.poll_seconds } else { said.poll_after_seconds };
        self.heard(after, now);
        self.pace.refreshed(&settings, now);
        self.pace.order(after, now);
        if said.report_wanted || self.unreported {
            self.challenge = Some(said.challenge);
        }
    }

    /// A fresh answer: `offer` is what the server wants, unless that is what runs.
    fn fresh(&mut self, offer: Option<Offer>, now: Instant) -> Action {
        match self.record.trial {
            Some(_) if self.on_trial() => {
                let ordered = offer.map(|offer| offer.verified.content().id());
                self.answered_on_trial(ordered, now)
            }
            Some(_) if self.is_trial_left_out() => self.live(now),
            Some(trial) => self.answered_from_control(trial, offer.as_ref()),
            None => match offer {
                Some(offer) => self.take(&offer, now),
                None => self.live(now),
            },
        }
    }

    /// The director's word is good, but what it orders cannot be taken. To a trial that is an answer all the same.
    fn unusable(&mut self, fresh: &Fresh, refused: Refused, now: Instant) -> Action {
        match self.record.trial {
            Some(_) if self.on_trial() => {
                self.refreshed(fresh, now);
                return self.answered_on_trial(None, now);
            }
            Some(trial) if !self.is_trial_left_out() => {
                self.refreshed(fresh, now);
                return self.answered_from_control(trial, None);
            }
            _ => {}
        }
        self.pace.contacted(now);
        let action = self.refuse(refused, now);
        if self.unreported {
            // The next answer would be the same order, so this challenge is the only one to come.
            self.challenge = Some(fresh.unchanged().challenge);
        }
        action
    }

    fn refuse(&mut self, refused: Refused, now: Instant) -> Action {
        self.remember(refused);
        self.heard(self.settings().poll_seconds, now);
        self.live(now)
    }

    pub(super) fn remember(&mut self, refused: Refused) {
        self.unreported |= self.refused != Some(refused);
        self.refused = Some(refused);
    }

    pub(super) fn rotate(&mut self, next: Successor, now: Instant) -> Action {
        self.record.keyring = next.accept();
        // What was verified under the old keys and is not yet on trial is forgotten.
        self.staged = None;
        self.pace.poll_at_once(now);
        self.commit(After::Poll)
    }

    /// Takes over a release that changes nothing here, when that raises the floor: one record write.
    fn adopt(&mut self, verified: &Verified, now: Instant) -> Action {
        if verified.floor() <= self.record.floor {
            return self.live(now);
        }
        self.record.accepted = verified.position();
        self.record.floor = verified.floor();
        // What runs is of this release from now on: it must not fall below the floor that it has just raised.
        if let Some(held) = self.running.and_then(|running| self.record.slot_mut(running.slot).as_mut()) {
            held.position = verified.position();
        }
        self.commit(After::Live)
    }

    fn take(&mut self, offer: &Offer, now: Instant) -> Action {
        let content = offer.verified.content().id();
        if content == self.intact() {
            return self.adopt(&offer.verified, now);
        }
        if self.aside && self.record.confirmed_slot().is_some_and(|held| held.content.id() == content) {
            return self.refuse(Refused { content, reason: Refusal::CRASH_LOOP }, now);
        }
        if self.record.rejection(&content, &self.firmware.id).is_some() {
            return self.refuse(Refused { content, reason: Refusal::REJECTED_BEFORE }, now);
        }
        if let Some(until) = self.setback.and_then(|setback| setback.holds(content, now)) {
            self.pace.poll_by(until);
            return self.live(now);
        }
        let Some(slot) = self.target() else {
            return self.refuse(Refused { content, reason: Refusal::SLOT_KEPT }, now);
        };
        self.phase = Phase::Staging;
        Action::Stage(slot)
    }

    pub(super) fn staged(&mut self, result: Result<Staged, Refused>, now: Instant) -> Action {
        match result {
            Ok(staged) => {
                self.setback = None;
                self.staged = Some(staged);
                self.live(now)
            }
            Err(refused) if refused.reason.is_passing() => self.set_back(refused, now),
            Err(refused) => self.refuse(refused, now),
        }
    }

    /// It failed on its way, or in flash, and is wanted still: it is tried again, later each time.
    fn set_back(&mut self, refused: Refused, now: Instant) -> Action {
        let content = refused.content;
        let setback = Setback::once_more(self.setback, content, &mut self.pace, now);
        self.setback = Some(setback);
        let action = match refused.reason {
            // No more than silence: nothing was understood, and nothing is told.
            Refusal::OBJECT_UNAVAILABLE => self.live(now),
            _ => self.refuse(refused, now),
        };
        self.pace.poll_by(setback.until());
        action
    }

    /// A report that did not arrive is owed still; the next signed answer brings another challenge.
    pub(super) fn reported(&mut self, result: Result<(), LinkFailed>, now: Instant) -> Action {
        self.unreported = result.is_err();
        self.live(now)
    }
}
