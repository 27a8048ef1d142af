//! What happens in a life, phase by phase, and what must come of each, however often power fails.

use super::fleet::{Fleet, Release, configuration};

/// What must come of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The assigned release is confirmed.
    Confirmed,
    /// It was tried and is rejected; this sequence stays confirmed.
    RolledBack(u32),
    /// It changes nothing but the floor, which is adopted.
    Adopted,
    /// It is refused; this sequence stays confirmed.
    Refused(u32),
}

impl Verdict {
    /// The sequence of the release whose configuration runs in the end.
    pub(super) const fn comes_to(self, assigned: u32) -> u32 {
        match self {
            Self::Confirmed | Self::Adopted => assigned,
            Self::RolledBack(to) | Self::Refused(to) => to,
        }
    }
}

/// One phase.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    /// Its name in counts and replay lines.
    pub name: &'static str,
    /// The sequence of the release that the server assigns.
    pub assigned: u32,
    /// What must come of it.
    pub verdict: Verdict,
    /// Bytes of objects that an undisturbed device is handed, at most.
    pub object_bytes_max: usize,
}

/// The configuration of these releases is sick: its health check fails.
pub(super) const SICK: u32 = 3;

/// A release that comes after everything else: whether the device can still take one.
pub const LAST: u32 = 9;

/// The life, in order.
pub const PHASES: &[Phase] = &[
    Phase { name: "first", assigned: 1, verdict: Verdict::Confirmed, object_bytes_max: 2900 },
    Phase { name: "update", assigned: 2, verdict: Verdict::Confirmed, object_bytes_max: 800 },
    Phase { name: "return", assigned: 1, verdict: Verdict::Confirmed, object_bytes_max: 50 },
    Phase { name: "forward", assigned: 2, verdict: Verdict::Confirmed, object_bytes_max: 50 },
    Phase { name: "sick", assigned: SICK, verdict: Verdict::RolledBack(2), object_bytes_max: 900 },
    Phase { name: "adopt", assigned: 4, verdict: Verdict::Adopted, object_bytes_max: 0 },
    Phase { name: "below", assigned: 1, verdict: Verdict::Refused(4), object_bytes_max: 2900 },
    Phase { name: "again", assigned: 5, verdict: Verdict::Confirmed, object_bytes_max: 800 },
];

/// All releases of the life. The fourth has the configuration of the second and raises the floor.
#[must_use]
pub fn releases(fleet: &Fleet) -> Vec<Release> {
    let of = |(sequence, floor, alarms): (u32, u32, u8)| fleet.release(sequence, floor, configuration(alarms));
    [(1, 1, 1), (2, 1, 2), (SICK, 3, 3), (4, 2, 2), (5, 5, 5), (LAST, 6, 9)].map(of).to_vec()
}
