//! What happens in a life, phase by phase, and what must come of each, however often power fails.

use super::fleet::{Fleet, Release, Which, configuration};

/// What must come of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The assigned release is confirmed.
    Confirmed,
    /// It was tried and is rejected; this sequence is confirmed.
    RolledBack(u32),
    /// It changes nothing but the floor, which is adopted.
    Adopted,
    /// It is refused; this sequence stays confirmed.
    Refused(u32),
    /// Its configuration for the next firmware is prepared; what runs has the same content in it.
    Prepared,
    /// What runs has the same content in it, and the next keyring is taken.
    Rotated,
}

impl Verdict {
    /// The sequence of the release whose configuration runs in the end.
    pub(super) const fn comes_to(self, assigned: u32) -> u32 {
        match self {
            Self::Confirmed | Self::Adopted | Self::Prepared | Self::Rotated => assigned,
            Self::RolledBack(to) | Self::Refused(to) => to,
        }
    }
}

/// What goes wrong in a phase, besides power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The server answers nobody until the device has tried its other slot and gone back.
    ServerDown,
    /// Whoever runs what is assigned does not reach the server.
    OutOfReach,
    /// A bit of the confirmed slot flips while it runs.
    Rot,
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
    /// What goes wrong.
    pub trouble: Trouble,
    /// The firmware that runs.
    pub firmware: Which,
    /// Bytes of objects that an undisturbed device is handed, at most.
    pub object_bytes_max: usize,
}

/// The configuration of these releases is sick: its health check fails.
pub(super) const SICK: u32 = 3;

/// A release that comes after everything else: whether the device can still take one.
pub const LAST: u32 = 20;

const fn phase(name: &'static str, assigned: u32, verdict: Verdict, object_bytes_max: usize) -> Phase {
    let (trouble, firmware) = (Trouble::None, Which::Former);
    Phase { name, assigned, verdict, trouble, firmware, object_bytes_max }
}

impl Phase {
    const fn with(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }

    const fn on(self, firmware: Which) -> Self {
        Self { firmware, ..self }
    }
}

/// The life, in order.
pub const PHASES: &[Phase] = &[
    phase("first", 1, Verdict::Confirmed, 2900),
    phase("update", 2, Verdict::Confirmed, 800),
    phase("return", 1, Verdict::Confirmed, 50),
    phase("forward", 2, Verdict::Confirmed, 50),
    phase("sick", SICK, Verdict::RolledBack(2), 900),
    phase("adopt", 4, Verdict::Adopted, 0),
    phase("below", 1, Verdict::Refused(4), 2900),
    phase("again", 5, Verdict::Confirmed, 800),
    phase("next", 6, Verdict::Confirmed, 800),
    phase("silence", 6, Verdict::Confirmed, 0).with(Trouble::ServerDown),
    phase("rot", 6, Verdict::Confirmed, 800).with(Trouble::Rot),
    phase("onward", 7, Verdict::Confirmed, 800),
    phase("lost", 7, Verdict::RolledBack(6), 300).with(Trouble::OutOfReach),
    phase("keys", 6, Verdict::Rotated, 0),
    phase("prepare", 8, Verdict::Prepared, 800),
    phase("swap", 8, Verdict::Confirmed, 0).on(Which::Next),
    phase("swap back", 8, Verdict::Confirmed, 0),
];

/// All releases of the life. The fourth has the configuration of the second and raises the floor, the eighth that of the sixth; for
/// the next firmware each has another one.
#[must_use]
pub fn releases(fleet: &Fleet) -> Vec<Release> {
    let of = |(sequence, floor, alarms): (u32, u32, u8)| {
        fleet.release(sequence, floor, [configuration(alarms), configuration(alarms + 100)])
    };
    [(1, 1, 1), (2, 1, 2), (SICK, 3, 3), (4, 2, 2), (5, 5, 5), (6, 5, 6), (7, 5, 7), (8, 6, 6), (LAST, 6, 9)]
        .map(of)
        .to_vec()
}
