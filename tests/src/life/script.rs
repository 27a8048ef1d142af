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
}

impl Verdict {
    /// The sequence of the release whose configuration runs in the end.
    pub(super) const fn comes_to(self, assigned: u32) -> u32 {
        match self {
            Self::Confirmed | Self::Adopted | Self::Prepared => assigned,
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

/// Whoever runs this release does not reach the server, in one phase.
pub(super) const LOST: u32 = 7;

/// All that a device may ever hold against a configuration.
pub(crate) const GUILTY: [u32; 2] = [SICK, LOST];

/// A release that comes after everything else: whether the device can still take one.
const LAST: u32 = 20;

/// The phase in which it is assigned; it may come after any other.
pub const AFTERWARDS: Phase = phase("afterwards", LAST, Verdict::Confirmed, usize::MAX);

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
    phase("lost", LOST, Verdict::RolledBack(6), 300).with(Trouble::OutOfReach),
    phase("rotate", 8, Verdict::Adopted, 0),
    phase("rotated", 9, Verdict::Confirmed, 800),
    phase("prepare", 10, Verdict::Prepared, 800),
    phase("swap", 10, Verdict::Confirmed, 0).on(Which::Next),
    phase("swap-back", 10, Verdict::Confirmed, 0),
];

/// All releases of the life. The fourth has the configuration of the second and raises the floor, the eighth that of the sixth, and
/// the tenth that of the ninth. From the eighth on they are signed by the publisher of the next keyring, which the server hands
/// out first. For the next firmware each has another configuration.
#[must_use]
pub fn releases(fleet: &Fleet) -> Vec<Release> {
    let of = |(epoch, sequence, floor, alarms): (u32, u32, u32, u8)| {
        fleet.release(epoch, (sequence, floor), [configuration(alarms), configuration(alarms + 100)])
    };
    let first = [(1, 1, 1), (2, 1, 2), (SICK, 3, 3), (4, 2, 2), (5, 5, 5), (6, 5, 6), (7, 5, 7)];
    let first = first.into_iter().map(|(sequence, floor, alarms)| (1, sequence, floor, alarms));
    first.chain([(2, 8, 8, 6), (2, 9, 8, 8), (2, 10, 9, 8), (2, LAST, 9, 9)]).map(of).collect()
}
