//! What changed in the boot record since the last look, as events for the log.

use steadfast_core::id::ContentId;
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::position::Position;
use steadfast_core::record::{BootRecord, Stage, Trial};
use steadfast_core::report::Refused;

use crate::log::Event;

/// What was seen of the record last; nothing before the first look.
pub(crate) struct Seen {
    last: Option<View>,
    refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Eq)]
struct View {
    trial: Option<Trial>,
    outcome: Outcome,
    accepted: Position,
    floor: Position,
    keyring_version: u32,
}

impl View {
    fn of(record: &BootRecord) -> Self {
        Self {
            trial: record.trial,
            outcome: record.outcome.clone(),
            accepted: record.accepted,
            floor: record.floor,
            keyring_version: record.keyring.version,
        }
    }
}

impl Seen {
    pub(crate) const fn nothing() -> Self {
        Self { last: None, refused: None }
    }

    /// What was refused, when that is new.
    pub(crate) fn refusal(&mut self, refused: Option<Refused>) -> Option<Event> {
        let news = refused.filter(|refused| self.refused != Some(*refused));
        self.refused = refused;
        news.map(|Refused { content, reason }| Event::Refused {
            content: (content != ContentId::NONE).then(|| content.to_string()),
            reason: reason.0,
            words: reason.words(),
        })
    }

    /// What is new in `record`.
    pub(crate) fn take(&mut self, record: &BootRecord) -> Vec<Event> {
        let now = View::of(record);
        let mut news = Vec::new();
        match self.last.as_ref() {
            None => news.push(booted(record)),
            Some(last) if *last != now => compare(last, &now, record, &mut news),
            Some(_) => {}
        }
        self.last = Some(now);
        news
    }
}

fn compare(last: &View, now: &View, record: &BootRecord, news: &mut Vec<Event>) {
    let ended = last.trial.is_some() && now.trial.is_none();
    if ended || last.outcome != now.outcome {
        news.push(outcome(&now.outcome));
    }
    if let Some(trial) = now.trial.filter(|_| last.trial != now.trial) {
        news.push(on_trial(&trial, record));
    }
    if !ended && (last.accepted, last.floor) != (now.accepted, now.floor) {
        news.push(Event::Adopted {
            epoch: now.accepted.epoch,
            sequence: now.accepted.sequence,
            floor_epoch: now.floor.epoch,
            floor_sequence: now.floor.sequence,
        });
    }
    if last.keyring_version != now.keyring_version {
        news.push(Event::Keyring { version: now.keyring_version });
    }
}

fn booted(record: &BootRecord) -> Event {
    let trial = record.trial.and_then(|trial| record.slot(trial.slot));
    Event::Booted {
        generation: record.generation,
        confirmed: record.confirmed_slot().map(|held| held.content.id().to_string()),
        trial: trial.map(|held| held.content.id().to_string()),
    }
}

fn on_trial(trial: &Trial, record: &BootRecord) -> Event {
    let content = record.slot(trial.slot).map_or(ContentId::NONE, |held| held.content.id());
    Event::Trial { content: content.to_string(), stage: stage(trial.stage), boots_left: trial.boots_left }
}

/// A trial's stage in words.
pub(crate) const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Running => "running",
        Stage::Asking => "asking from the confirmed configuration",
        Stage::Suspended => "suspended until the server answers",
    }
}

/// An outcome as an event.
fn outcome(outcome: &Outcome) -> Event {
    let content = outcome.content.to_string();
    if outcome.ending == Ending::Confirmed {
        return Event::Confirmed { content };
    }
    let words = if outcome.reason.0 == 0 { String::new() } else { outcome.reason.words().to_owned() };
    Event::Ended {
        ending: ending(outcome.ending),
        content,
        reason: outcome.reason.0,
        words,
        detail: outcome.detail.to_string(),
    }
}

/// An ending in words.
pub(crate) const fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::None => "nothing yet",
        Ending::Confirmed => "confirmed",
        Ending::RolledBack => "rolled back",
        Ending::Superseded => "superseded",
        Ending::Inconclusive => "inconclusive",
        Ending::FirmwareReverted => "firmware reverted",
        Ending::RecordLost => "record lost",
    }
}
