//! The agent: every decision of a device, as one pure state machine.
//!
//! ```text
//!            ordered            staged: record the trial, restart          healthy: record confirm
//!   +--> Idle -------> Staging ---------------------------------> Trial --------------------------> Idle
//!   |     ^  refused  | unavailable: back off with jitter           | failed check, deadline,
//!   |     +-----------+                                             | or boots spent
//!   +---- restart into the confirmed slot: record the outcome <-----+
//! ```
//!
//! The driver tells it what happened ([`Event`]) and when; it answers with the one thing to do next ([`Action`]). It
//! sees no payload bytes, no flash and no network. It holds the boot record; whatever it changes there is committed
//! before anything acts on it.

mod boot;
mod idle;
mod pace;
mod prepare;
mod setback;
#[cfg(test)]
mod tests;
mod trial;

use crate::answer::{Challenge, Fresh};
use crate::envelope::Verified;
use crate::flash::layout::Slot;
use crate::flash::slot::Intact;
use crate::id::{ContentId, DeviceId, SchemaId};
use crate::keyring::Successor;
use crate::manifest::{Policy, Restart, Settings};
use crate::outcome::Detail;
use crate::poll::{FORMAT, Poll, PollFlags};
use crate::ports::{Firmware, LinkFailed};
use crate::record::{BootRecord, Stage};
use crate::refusal::Refusal;
use crate::report::{Checks, Refused, Report, TrialState};
use crate::time::Instant;

use pace::Pace;
use setback::Setback;

/// What the manifest of an intact slot says about running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The agent's settings.
    pub settings: Settings,
    /// How its trial is judged.
    pub policy: Policy,
}

/// A configuration that may run here.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The proof.
    pub verified: Verified,
    /// What its manifest says.
    pub facts: Facts,
}

/// An offer that lies in its slot, read back.
#[derive(Debug)]
pub struct Staged {
    /// What it is, and that it may run.
    pub offer: Offer,
    /// That the slot holds it.
    pub intact: Intact,
    /// What the change to it restarts.
    pub scope: Restart,
}

/// What the health checks of the running manifest say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Which have passed and which have failed.
    pub checks: Checks,
    /// A bit for every check there is.
    pub expected: u16,
    /// The manifest that names them does not read.
    pub unread: bool,
    /// The first failing check and its words.
    pub failure: Detail,
}

/// What the server said, verified as far as it can be.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one value at a time, and there is no heap to put it on")]
pub enum News {
    /// It was not reached, or what it said proves nothing.
    Silence,
    /// Nothing new, unsigned.
    Nothing,
    /// Nothing new, by a director's word.
    Unchanged(Fresh),
    /// The content that runs, in another release.
    Adopt(Fresh, Verified),
    /// Other content; or why it is not taken, whatever it is.
    Changed(Fresh, Result<Offer, Refused>),
    /// The next keyring.
    Keyring(Successor),
    /// An answer that was not taken.
    Refused(Refusal),
}

/// What happened since the last action.
#[derive(Debug)]
pub enum Event {
    /// The agent was made; nothing happened yet.
    Started,
    /// Time passed, or a health check changed.
    Tick(Examined),
    /// The application could not decode this section of what runs.
    Undecodable(Detail),
    /// This machine could not give the application what runs, which says nothing of the configuration: a disk is full.
    NotGiven(Detail),
    /// The record is committed.
    Committed,
    /// It is not; the record is what flash holds.
    CommitFailed,
    /// The slot was read back: what it says, if it is intact.
    Read(Option<Facts>),
    /// The application was told what to run.
    Activated,
    /// The server's answer.
    Answer(News),
    /// The slot was staged and read back.
    Staged(Result<Staged, Refused>),
    /// A report was sent, and the server took it; or not.
    Reported(Result<(), LinkFailed>),
    /// The part of the running slot that was scrubbed is as it was.
    Sound,
    /// The running slot is not intact any more, as scrubbing or the application found.
    Rotten,
}

/// The one thing to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Commit the record.
    Commit,
    /// Read this slot back against the record.
    ReadBack(Slot),
    /// Let the application run the slot that was read back last, or its compiled-in defaults.
    Activate(Option<Slot>),
    /// Ask the server.
    Poll(PollFlags),
    /// Stage what was ordered last into this slot.
    Stage(Slot),
    /// Send a report with this challenge.
    Report(Challenge),
    /// Read the next part of the running slot once more.
    Scrub,
    /// Nothing before this moment, unless a health check changes.
    Wait(Instant),
    /// Start again.
    Restart,
}

/// What the agent is waiting to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    /// A trial boot is being counted.
    Counting,
    Reading(Reading),
    Activating,
    /// The application runs; time passes.
    Live,
    Polling,
    /// Asking for the next firmware.
    Preparing,
    Staging,
    StagingNext,
    Reporting,
    Scrubbing,
    /// A change is being committed.
    Committing(After),
}

/// Which slot is being read back, and so what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Trial,
    Confirmed,
    /// The trial slot once more, before its content is rejected for this.
    Verdict(Refusal),
    /// The confirmed slot, which did not read at the start.
    Again,
}

/// What follows a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Decide again which slot to start.
    Boot,
    /// Restart.
    Restart,
    /// Ask the server at once.
    Poll,
    /// Go on.
    Live,
}

/// What the application runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    slot: Slot,
    facts: Facts,
}

/// The decisions of one device. See the module.
pub struct Agent {
    device: DeviceId,
    firmware: Firmware,
    record: BootRecord,
    phase: Phase,
    running: Option<Running>,
    pace: Pace,
    /// A fresh answer arrived since activation.
    reached: bool,
    checks: Checks,
    challenge: Option<Challenge>,
    /// Something happened that the server has not been told.
    unreported: bool,
    staged: Option<Staged>,
    /// The failing check and its words, while the slot is read back before the verdict.
    words: Detail,
    /// What has to wait before it is staged again.
    setback: Option<Setback>,
    /// The same of what is prepared: where both fail, neither lets the other one off its pause.
    setback_next: Option<Setback>,
    refused: Option<Refused>,
    /// What runs lies in a slot that is not intact any more.
    rotten: bool,
    /// What is confirmed crashed too often, and does not run for a while.
    aside: bool,
    /// The schema of the next firmware, while a configuration for it is sought.
    preparing: Option<SchemaId>,
    /// No other firmware will come back.
    is_final: bool,
}

impl Agent {
    /// An agent that has just started, with the record that flash holds. `seed` is random; it spreads a fleet's polls.
    #[must_use]
    pub fn new(device: DeviceId, firmware: Firmware, record: BootRecord, seed: u64) -> Self {
        Self {
            device,
            firmware,
            record,
            phase: Phase::Starting,
            running: None,
            pace: Pace::new(seed),
            reached: false,
            checks: Checks::default(),
            challenge: None,
            unreported: true,
            staged: None,
            words: Detail::new(),
            setback: None,
            setback_next: None,
            refused: None,
            rotten: false,
            aside: false,
            preparing: None,
            is_final: false,
        }
    }

    /// The record as it is, or is about to be committed.
    #[must_use]
    pub fn record(&self) -> &BootRecord {
        &self.record
    }

    /// The same: a commit numbers it, and puts back what flash holds when it fails.
    pub fn record_mut(&mut self) -> &mut BootRecord {
        &mut self.record
    }

    /// What was refused last, since the start.
    #[must_use]
    pub const fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Whether a fresh answer has come since the start.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.pace.is_refreshed()
    }

    /// Takes what happened and answers what to do next. Total: an event that does not belong to the moment changes
    /// nothing.
    #[inline(never)]
    pub fn handle(&mut self, event: Event, now: Instant) -> Action {
        match (self.phase, event) {
            (_, Event::CommitFailed) => self.commit_failed(now),
            (Phase::Starting, _) => {
                self.pace.start(now);
                self.setback = self.setback_at_start(now);
                self.boot()
            }
            (Phase::Counting, Event::Committed) => self.read_trial(),
            (Phase::Reading(slot), Event::Read(facts)) => self.read(slot, facts, now),
            (Phase::Activating, Event::Activated) => self.activated(now),
            (Phase::Polling, Event::Answer(news)) => self.answered(news, now),
            (Phase::Preparing, Event::Answer(news)) => self.answered_for_next(news, now),
            (Phase::Staging, Event::Staged(result)) => self.staged(result, now),
            (Phase::StagingNext, Event::Staged(result)) => self.staged_next(result, now),
            (Phase::Reporting, Event::Reported(result)) => self.reported(result, now),
            (Phase::Scrubbing, Event::Rotten) => self.rotted(now),
            (Phase::Committing(after), Event::Committed) => self.committed(after, now),
            (Phase::Live, Event::Tick(examined)) => self.tick(examined, now),
            (Phase::Live, Event::Undecodable(section)) => self.undecodable(section, now),
            (Phase::Live, Event::NotGiven(words)) => self.not_given(words, now),
            (Phase::Live, Event::Rotten) => self.altered(now),
            (_, _) => self.live(now),
        }
    }

    fn commit(&mut self, after: After) -> Action {
        self.phase = Phase::Committing(after);
        Action::Commit
    }

    fn committed(&mut self, after: After, now: Instant) -> Action {
        match after {
            After::Boot => self.boot(),
            After::Restart => Action::Restart,
            After::Poll => {
                self.pace.poll_at_once(now);
                self.live(now)
            }
            After::Live => self.live(now),
        }
    }

    /// Flash keeps what it had, and so does the agent. Whatever was to be done is tried again after a pause; at a start, the
    /// confirmed slot runs meanwhile.
    fn commit_failed(&mut self, now: Instant) -> Action {
        self.staged = None;
        self.remember(Refused { content: ContentId::NONE, reason: Refusal::FLASH_FAILED });
        self.pace.pause(now);
        if self.running.is_none() && matches!(self.phase, Phase::Counting | Phase::Committing(After::Boot)) {
            return self.read_confirmed();
        }
        self.live(now)
    }

    fn live(&mut self, now: Instant) -> Action {
        self.phase = Phase::Live;
        // A tick follows at once and decides.
        Action::Wait(now)
    }

    fn settings(&self) -> Settings {
        self.running.map_or(Settings::DEFAULT, |running| running.facts.settings).clamped()
    }

    /// Whether what runs is the trial slot, on trial.
    fn on_trial(&self) -> bool {
        let running = self.running.map(|running| running.slot);
        self.record.trial.is_some_and(|trial| trial.stage == Stage::Running && running == Some(trial.slot))
    }

    fn content_in(&self, slot: Slot) -> ContentId {
        self.record.slot(slot).map_or(ContentId::NONE, |held| held.content.id())
    }

    /// What runs, in short.
    #[must_use]
    pub fn running(&self) -> ContentId {
        self.running.map_or(ContentId::NONE, |running| self.content_in(running.slot))
    }

    /// The same, as long as its slot is intact: what need not be staged.
    fn intact(&self) -> ContentId {
        if self.rotten { ContentId::NONE } else { self.running() }
    }

    /// The poll to send.
    #[must_use]
    pub fn poll(&self, flags: PollFlags, nonce: [u8; 8]) -> Poll {
        Poll {
            format: FORMAT,
            device: self.device,
            keyring_version: self.record.keyring.version,
            schema: self.schema(flags).prefix(),
            running: self.intact(),
            accepted: self.record.accepted,
            nonce,
            flags,
            refused: self
                .refused
                .filter(|refused| refused.content != ContentId::NONE && !refused.reason.is_passing())
                .filter(|_| !flags.has(PollFlags::PREPARING))
                .map(|refused| refused.content.prefix()),
        }
    }

    /// The report to sign.
    #[must_use]
    pub fn report(&self, challenge: Challenge) -> Report {
        Report {
            challenge,
            running: self.running(),
            confirmed: self.record.confirmed_slot().map_or(ContentId::NONE, |held| held.content.id()),
            schema: self.firmware.schema.prefix(),
            firmware: self.firmware.id,
            accepted: self.record.accepted,
            floor: self.record.floor,
            keyring_version: self.record.keyring.version,
            trial: self.trial_state(),
            outcome: self.record.outcome.clone(),
            checks: self.checks,
            refused: self.refused,
            stale: self.pace.was_stale(),
        }
    }

    fn trial_state(&self) -> TrialState {
        if let Some(staged) = &self.staged {
            return TrialState::Staged(staged.offer.verified.content().id());
        }
        self.record.trial.map_or(TrialState::None, |trial| {
            let content = self.content_in(trial.slot);
            match trial.stage {
                Stage::Running => TrialState::Running(content),
                Stage::Asking => TrialState::Asking(content),
                Stage::Suspended => TrialState::Suspended(content),
            }
        })
    }
}
