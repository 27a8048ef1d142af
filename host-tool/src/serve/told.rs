//! What the server remembers of each device between polls: the gist of its last signed report, and when it was last heard.
//!
//! Polls are not signed, so they move `seen` only; everything that decides anything comes from reports. In memory a
//! device costs about a hundred bytes; whole reports are in the database.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use steadfast_core::id::{ContentId, DeviceId, SchemaPrefix};
use steadfast_core::outcome::Ending;
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::report::{Report, TrialState};

/// The parts of the table that are locked one by one, so that polls of different devices rarely meet.
const SHARDS: usize = 64;

/// The gist of a device's last signed report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When its challenge was issued.
    pub issued_seconds: u64,
    /// The release it had accepted.
    pub accepted: Position,
    /// Its floor.
    pub floor: Position,
    running: ContentId,
    schema: SchemaPrefix,
    keyring_version: u32,
    settled: bool,
    /// First bytes of the content that it said it refused, and of the one that its last trial rejected.
    refused: [Option<[u8; 4]>; 2],
}

impl Told {
    /// The gist of a report.
    #[must_use]
    pub fn new(report: &Report) -> Self {
        Self {
            issued_seconds: report.challenge.issued_seconds,
            accepted: report.accepted,
            floor: report.floor,
            running: report.running,
            schema: report.schema,
            keyring_version: report.keyring_version,
            settled: report.trial == TrialState::None,
            refused: [report.refused.map(|refused| refused.content.prefix()), rolled_back(report)],
        }
    }

    /// Whether a poll says nothing that this report did not say: then no new report is needed.
    #[must_use]
    pub fn covers(&self, poll: &Poll) -> bool {
        let schema = poll.flags.has(PollFlags::PREPARING) || poll.schema == self.schema;
        let same = (poll.running, poll.accepted, poll.keyring_version);
        let refused = poll.refused.is_none_or(|prefix| self.refused.contains(&Some(prefix)));
        self.settled && schema && refused && same == (self.running, self.accepted, self.keyring_version)
    }
}

/// The first bytes of the content that the last trial rejected.
fn rolled_back(report: &Report) -> Option<[u8; 4]> {
    (report.outcome.ending == Ending::RolledBack).then(|| report.outcome.content.prefix())
}

/// One device's state in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// When it last polled, Unix seconds; 0 for never.
    pub seen_seconds: u64,
    /// Whether `seen_seconds` is newer than the database's.
    unsaved: bool,
    /// Its last signed report.
    pub told: Option<Told>,
}

/// All devices that were ever heard.
pub struct Table {
    shards: Vec<Mutex<HashMap<DeviceId, Known>>>,
}

impl Default for Table {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Table {
    /// What is known of a device; nothing when it was never heard.
    #[must_use]
    pub fn known(&self, device: &DeviceId) -> Known {
        self.shard(device).get(device).copied().unwrap_or_default()
    }

    /// Notes that a device polled, and says what was known of it before.
    pub fn seen(&self, device: DeviceId, now_seconds: u64) -> Known {
        let mut shard = self.shard(&device);
        let known = shard.entry(device).or_default();
        let before = *known;
        (known.seen_seconds, known.unsaved) = (now_seconds.max(known.seen_seconds), true);
        before
    }

    /// Notes a report that was taken. An older one than that known is passed over.
    pub fn told(&self, device: DeviceId, told: Told) {
        let mut shard = self.shard(&device);
        let known = shard.entry(device).or_default();
        if known.told.is_none_or(|before| before.issued_seconds < told.issued_seconds) {
            known.told = Some(told);
        }
    }

    /// Takes over what the database has.
    pub fn restore(&self, device: DeviceId, seen_seconds: u64, told: Option<Told>) {
        self.shard(&device).insert(device, Known { seen_seconds, unsaved: false, told });
    }

    /// The devices seen since the last call, to be written to the database.
    #[must_use]
    pub fn unsaved(&self) -> Vec<(DeviceId, u64)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (device, known) in shard.iter_mut().filter(|(_, known)| known.unsaved) {
                known.unsaved = false;
                all.push((*device, known.seen_seconds));
            }
        }
        all
    }

    /// Every release that some device last reported to have accepted.
    #[must_use]
    pub fn accepted(&self) -> BTreeSet<Position> {
        let mut all = BTreeSet::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().filter_map(|known| Some(known.told?.accepted)));
        }
        all
    }

    fn shard(&self, device: &DeviceId) -> MutexGuard<'_, HashMap<DeviceId, Known>> {
        // A panic elsewhere leaves whole values behind: each change is one assignment.
        self.shards[usize::from(device.0[15]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
