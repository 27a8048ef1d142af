//! Tells the log what the record's changes mean: one line for each change of state, so that people and tests can follow.

use defmt::Display2Format;
use steadfast_core::flash::slot::Intact;
use steadfast_core::id::ContentId;
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::record::{BootRecord, Stage};

/// Remembers what was told last.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    told: Option<Told>,
}

/// The part of the record that people follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    trial: Option<(ContentId, Stage, u8)>,
    confirmed: Option<ContentId>,
    keyring: u32,
    outcome: Outcome,
}

impl Told {
    fn of(record: &BootRecord) -> Self {
        let name = |slot| record.slot(slot).map_or(ContentId::NONE, |held| held.content.id());
        Self {
            trial: record.trial.map(|trial| (name(trial.slot), trial.stage, trial.boots_left)),
            confirmed: record.confirmed.map(name),
            keyring: record.keyring.version,
            outcome: record.outcome.clone(),
        }
    }
}

impl Narrator {
    /// What runs from now on.
    pub(crate) fn activated(&self, running: Option<&Intact>) {
        match running {
            Some(running) => defmt::info!("running {}", Display2Format(&running.content().id())),
            None => defmt::info!("running the firmware's defaults"),
        }
    }

    /// Tells what changed since the last call.
    pub(crate) fn tell(&mut self, record: &BootRecord) {
        let now = Told::of(record);
        match &self.told {
            Some(before) if *before == now => return,
            Some(before) => tell_change(before, &now),
            // What an earlier run did was told then; only a trial goes on.
            None => tell_trial(&now),
        }
        self.told = Some(now);
    }
}

fn tell_change(before: &Told, now: &Told) {
    if before.outcome != now.outcome {
        tell_outcome(&now.outcome);
    }
    match (&before.trial, &now.trial) {
        (None, Some((content, Stage::Running, _))) => defmt::info!("staged {}", Display2Format(content)),
        (before, now_trial) if before != now_trial => tell_trial(now),
        _ => {}
    }
    if before.keyring != now.keyring {
        defmt::info!("keyring {=u32}", now.keyring);
    }
}

fn tell_trial(now: &Told) {
    let Some((content, stage, boots_left)) = now.trial else { return };
    let content = Display2Format(&content);
    match stage {
        Stage::Running => defmt::info!("trial of {}, boots left: {=u8}", content, boots_left),
        Stage::Asking => defmt::warn!("trial of {} without an answer: asking from the confirmed one", content),
        Stage::Suspended => defmt::warn!("trial of {} suspended", content),
    }
}

fn tell_outcome(outcome: &Outcome) {
    let content = Display2Format(&outcome.content);
    // The number alone: what it means is told by the host, whose words cost a device nothing.
    let (reason, detail) = (outcome.reason.0, outcome.detail.as_str());
    match outcome.ending {
        Ending::None => {}
        Ending::Confirmed => defmt::info!("confirmed {}", content),
        Ending::RolledBack => {
            defmt::error!("rolled back {}: refusal {=u16} {=str}", content, reason, detail);
        }
        Ending::Superseded => defmt::info!("superseded {}", content),
        Ending::Inconclusive => defmt::warn!("inconclusive {}: refusal {=u16}", content, reason),
        Ending::FirmwareReverted => defmt::warn!("firmware reverted, trial of {} ended", content),
        Ending::RecordLost => defmt::error!("record lost"),
    }
}
