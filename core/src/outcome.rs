//! How the last trial ended: the truth that is kept over restarts and reported.

use heapless::String;
use serde::{Deserialize, Serialize};

use crate::codec::wire;
use crate::id::ContentId;
use crate::refusal::Refusal;

/// Longest explanation that comes along, in bytes: a check's name and what the application said.
pub const DETAIL_MAX_BYTES: usize = 40;

/// A short explanation for people, cut at [`DETAIL_MAX_BYTES`].
pub type Detail = String<DETAIL_MAX_BYTES>;

/// What became of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// No trial has ended yet.
    None,
    /// Healthy: it is confirmed.
    Confirmed,
    /// Not healthy: the device returned to the confirmed configuration and refuses this one.
    RolledBack,
    /// A newer order came during the trial; the device returned without a judgement.
    Superseded,
    /// The server was silent for the confirmed configuration, too; the trial starts again at its first answer. A repair
    /// is confirmed instead.
    Inconclusive,
    /// The former firmware came back during the trial of its successor's configuration.
    FirmwareReverted,
    /// No boot record was readable; the device started from its identity.
    RecordLost,
}

wire! {
    enum Ending {
        0 = None,
        1 = Confirmed,
        2 = RolledBack,
        3 = Superseded,
        4 = Inconclusive,
        5 = FirmwareReverted,
        6 = RecordLost,
    }
}

/// How the last trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What became of it.
    pub ending: Ending,
    /// What was tried.
    pub content: ContentId,
    /// Why it ended so; 0 when there is nothing to explain.
    pub reason: Refusal,
    /// The failing check and its words, if any.
    pub detail: Detail,
}

wire! {
    struct Outcome { ending, content, reason, detail }
}

impl Outcome {
    /// Before any trial.
    #[must_use]
    pub const fn none() -> Self {
        Self { ending: Ending::None, content: ContentId::NONE, reason: Refusal(0), detail: Detail::new() }
    }
}
