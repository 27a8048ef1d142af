//! What an image remembers, for people and for tests. Reads only, and needs no lock: a gateway may run meanwhile.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use steadfast_core::flash::layout::{Region, Slot};
use steadfast_core::flash::record::RECORD_BYTES;
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;

use crate::board::Board;
use crate::config::GatewayConfig;
use crate::gateway::GatewayError;
use crate::image::ImageError;
use crate::news;
use crate::target::CURRENT;

/// What an image and its target hold. Ids are hexadecimal, positions `epoch.sequence`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The device's id; `None` when the image holds no identity.
    pub device: Option<String>,
    /// The fleet's id.
    pub fleet: Option<String>,
    /// The record's generation; `None` when no record is readable, and with it all that follows but `current`.
    pub generation: Option<u32>,
    /// The confirmed content.
    pub confirmed: Option<String>,
    /// The content on trial.
    pub trial: Option<String>,
    /// Where that trial stands.
    pub trial_stage: Option<&'static str>,
    /// The release accepted last.
    pub accepted: Option<String>,
    /// The lowest release that may still be taken.
    pub floor: Option<String>,
    /// The version of the keyring that is believed.
    pub keyring: Option<u32>,
    /// How the last trial ended.
    pub outcome: Option<OutcomeSummary>,
    /// Where the link `current` leads; `None` without one.
    pub current: Option<PathBuf>,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutcomeSummary {
    /// In a word or two.
    pub ending: &'static str,
    /// What was tried.
    pub content: String,
    /// The refusal's number; 0 when there is nothing to explain.
    pub reason: u16,
    /// Its meaning.
    pub words: String,
    /// The failing check and its words.
    pub detail: String,
}

impl Summary {
    /// Reads image and target.
    ///
    /// # Errors
    /// [`GatewayError::Board`], [`GatewayError::Image`].
    pub fn read(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let board = config.layout.as_deref().map_or_else(|| Ok(Board::built_in()), Board::load)?;
        let path = config.image.clone();
        let bytes = fs::read(&path).map_err(|source| ImageError::Open { path: path.clone(), source })?;
        if bytes.len() as u64 != u64::from(board.bytes) {
            return Err(ImageError::Size { path, found: bytes.len() as u64, wanted: board.bytes }.into());
        }
        let identity = part(&bytes, &board.identity).get(..IDENTITY_MAX_BYTES).map(Provisioned::decode);
        let identity = identity.and_then(Result::ok);
        let record = newest(part(&bytes, &board.layout.record), board.layout.record.erase_bytes);
        let held =
            |slot: Slot| record.as_ref().and_then(|record| record.slot(slot)).map(|held| held.content.id().to_string());
        let trial = record.as_ref().and_then(|record| record.trial);
        Ok(Self {
            device: identity.as_ref().map(|identity| identity.device.to_string()),
            fleet: identity.as_ref().map(|identity| identity.fleet.to_string()),
            generation: record.as_ref().map(|record| record.generation),
            confirmed: record.as_ref().and_then(|record| record.confirmed).and_then(held),
            trial: trial.and_then(|trial| held(trial.slot)),
            trial_stage: trial.map(|trial| news::stage(trial.stage)),
            accepted: record.as_ref().map(|record| position(record.accepted)),
            floor: record.as_ref().map(|record| position(record.floor)),
            keyring: record.as_ref().map(|record| record.keyring.version),
            outcome: record.as_ref().map(outcome),
            current: fs::read_link(config.target.join(CURRENT)).ok(),
        })
    }
}

fn part<'a>(bytes: &'a [u8], region: &Region) -> &'a [u8] {
    bytes.get(region.start as usize..region.end() as usize).unwrap_or_default()
}

/// The record that a start would find. While one is being written this is the former one.
fn newest(region: &[u8], erase_bytes: u32) -> Option<BootRecord> {
    let copies = region.chunks(erase_bytes as usize).flat_map(|block| block.chunks_exact(RECORD_BYTES).take(2));
    let records = copies.filter_map(|copy| BootRecord::decode_copy(copy.try_into().ok()?));
    records.reduce(|a, b| if b.generation.wrapping_sub(a.generation).cast_signed() > 0 { b } else { a })
}

fn position(position: Position) -> String {
    format!("{}.{}", position.epoch, position.sequence)
}

fn outcome(record: &BootRecord) -> OutcomeSummary {
    let outcome = &record.outcome;
    OutcomeSummary {
        ending: news::ending(outcome.ending),
        content: outcome.content.to_string(),
        reason: outcome.reason.0,
        words: if outcome.reason.0 == 0 { String::new() } else { outcome.reason.words().into() },
        detail: outcome.detail.to_string(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &Option<String>, otherwise: &str| text.clone().unwrap_or_else(|| otherwise.into());
        writeln!(f, "device      {}", or(&self.device, "no identity: flash the image"))?;
        writeln!(f, "fleet       {}", or(&self.fleet, "unknown"))?;
        let Some(generation) = self.generation else { return writeln!(f, "record      none is readable") };
        writeln!(f, "record      {generation}")?;
        writeln!(f, "confirmed   {}", or(&self.confirmed, "nothing"))?;
        match (&self.trial, self.trial_stage) {
            (Some(trial), Some(stage)) => writeln!(f, "trial       {trial}: {stage}")?,
            _ => writeln!(f, "trial       none")?,
        }
        writeln!(f, "accepted    {}", or(&self.accepted, "-"))?;
        writeln!(f, "floor       {}", or(&self.floor, "-"))?;
        writeln!(f, "keyring     {}", self.keyring.unwrap_or_default())?;
        if let Some(outcome) = &self.outcome {
            write!(f, "last trial  {} {}", outcome.ending, outcome.content)?;
            let words = [&outcome.words, &outcome.detail];
            words.iter().filter(|words| !words.is_empty()).try_for_each(|words| write!(f, ": {words}"))?;
            writeln!(f)?;
        }
        let current = self.current.as_ref().map(|link| link.display().to_string());
        writeln!(f, "in force    {}", or(&current, "no files: the application's defaults"))
    }
}
