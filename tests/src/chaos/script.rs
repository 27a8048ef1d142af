//! What happens in a step of a life: one update, and what is done to the board meanwhile. Drawn from a seed, each step for itself.

use std::time::Duration;

use super::link::Objects;
use crate::flash::Random;

/// Steps of a hundred that bring each kind of update; the rest is good and new.
const BAD: usize = 15;
const BACK: usize = 8;
const UNRELATED: usize = 12;

/// Things done in a step: one of these numbers.
const DEEDS: [usize; 10] = [0, 0, 1, 1, 1, 1, 1, 2, 2, 4];

/// In one of so many steps the floor rises.
const FLOORS: usize = 6;

/// Longest pauses in milliseconds before something is done: a device asks within about a second of a release, stages in some twenty
/// milliseconds and confirms within a hundred more.
const PAUSE_PUBLISHED_MS: usize = 1300;
const PAUSE_ORDERED_MS: usize = 60;
const PAUSE_STAGED_MS: usize = 150;

/// Longest absence of the server and of the way to it, in milliseconds.
const AWAY_MS: usize = 1500;

/// Longest half of a long absence of the server, in milliseconds: longer than a trial, so that the board asks from what is confirmed, and
/// sometimes suspends the trial.
const OUTAGE_MS: usize = 45_000;

/// Most answers in a row that a storm spoils. Each failure in a row doubles the device's own pause.
const STORM_MAX: usize = 4;

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    /// A configuration that was never there, and works.
    Good,
    /// One whose check fails.
    Bad,
    /// The one before the last good one.
    Back,
    /// A commit that changes nothing for this device.
    Unrelated,
}

/// The lowest release that devices may be moved back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Floor {
    /// Where it was.
    Stays,
    /// To the release before this one.
    Rises,
}

/// From when a pause counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The server has the release.
    Published,
    /// The relay has seen the order pass.
    Ordered,
    /// The board has said that it is staged.
    Staged,
}

/// Where bits turn round while the power is off. See the module `chaos` for why nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rot {
    /// In the confirmed slot.
    Confirmed,
    /// In the other one.
    Other,
    /// In one copy of the record, in the block of this number, counted modulo their count.
    Record(usize),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// The plug is pulled; perhaps something rots; it is put back.
    Kill(Option<Rot>),
    /// The reset line.
    Reset,
    /// The next answers are dropped, cut, damaged or late.
    Storm(usize),
    /// The server is killed and comes back.
    Server(Duration),
    /// Once an order has passed, the server is silent for a long while, in the midst of which the plug is pulled.
    Outage([Duration; 2]),
    /// All connections are cut, and for so long none is taken.
    Shut(Duration),
}

/// One thing done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// From when the pause counts.
    pub(super) moment: Moment,
    /// Time between.
    pub(super) pause: Duration,
    /// What.
    pub(super) deed: Deed,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// What is published.
    pub(super) update: Update,
    /// How objects come to the device.
    pub(super) objects: Objects,
    /// Whether the floor rises to the release before.
    pub(super) floor: Floor,
    /// What is done meanwhile.
    pub(super) events: Vec<Event>,
    /// For everything else that is drawn in this step.
    pub(super) random: Random,
}

impl Step {
    /// The step of that number in the life of that seed.
    pub(super) fn draw(seed: u64, number: u32) -> Self {
        let mut random = Random::new(seed << 32 | u64::from(number));
        let update = match random.below(100) {
            0..BAD => Update::Bad,
            draw if draw < BAD + BACK => Update::Back,
            draw if draw < BAD + BACK + UNRELATED => Update::Unrelated,
            _ => Update::Good,
        };
        let mut events: Vec<Event> = (0..DEEDS[random.below(DEEDS.len())]).map(|_| event(&mut random)).collect();
        // One rot a step: the device must have time to mend it before the next.
        let rots = events.iter_mut().filter(|event| matches!(event.deed, Deed::Kill(Some(_))));
        rots.skip(1).for_each(|event| event.deed = Deed::Kill(None));
        let objects = [Objects::Inline, Objects::Fetched][random.below(2)];
        let floor = if random.below(FLOORS) == 0 { Floor::Rises } else { Floor::Stays };
        Self { update, objects, floor, events, random }
    }
}

fn event(random: &mut Random) -> Event {
    let (moment, longest) = match random.below(10) {
        0..3 => (Moment::Published, PAUSE_PUBLISHED_MS),
        3..7 => (Moment::Ordered, PAUSE_ORDERED_MS),
        _ => (Moment::Staged, PAUSE_STAGED_MS),
    };
    let pause = milliseconds(random, longest);
    let deed = match random.below(100) {
        0..25 => Deed::Kill(None),
        25..50 => Deed::Kill(Some(rot(random))),
        50..70 => Deed::Reset,
        70..85 => Deed::Storm(1 + random.below(STORM_MAX)),
        85..93 => Deed::Server(milliseconds(random, AWAY_MS)),
        93..99 => Deed::Shut(milliseconds(random, AWAY_MS)),
        _ => Deed::Outage([milliseconds(random, OUTAGE_MS), milliseconds(random, OUTAGE_MS)]),
    };
    match deed {
        // These are for what passes from now on.
        Deed::Storm(_) | Deed::Outage(_) => Event { moment: Moment::Published, pause: Duration::ZERO, deed },
        _ => Event { moment, pause, deed },
    }
}

fn rot(random: &mut Random) -> Rot {
    match random.below(3) {
        0 => Rot::Confirmed,
        1 => Rot::Other,
        _ => Rot::Record(random.below(6)),
    }
}

fn milliseconds(random: &mut Random, longest: usize) -> Duration {
    Duration::from_millis(random.below(longest) as u64)
}

#[cfg(test)]
mod tests {
    use steadfast::demo::machine::Machine;

    use super::*;
    use crate::chaos::{ORDINARY_UPDATES, ordinary_seed};

    #[test]
    fn everything_happens_in_an_ordinary_life() {
        for machine in Machine::ALL {
            let steps: Vec<Step> =
                (1..=ORDINARY_UPDATES).map(|step| Step::draw(ordinary_seed(machine), step)).collect();
            for update in [Update::Good, Update::Bad, Update::Back, Update::Unrelated] {
                assert!(steps.iter().any(|step| step.update == update), "{machine:?}: {update:?}");
            }
            let deeds: [fn(&Deed) -> bool; 8] = [
                |deed| *deed == Deed::Kill(None),
                |deed| *deed == Deed::Kill(Some(Rot::Confirmed)),
                |deed| *deed == Deed::Kill(Some(Rot::Other)),
                |deed| matches!(deed, Deed::Kill(Some(Rot::Record(_)))),
                |deed| *deed == Deed::Reset,
                |deed| matches!(deed, Deed::Storm(_)),
                |deed| matches!(deed, Deed::Server(_)),
                |deed| matches!(deed, Deed::Shut(_)),
            ];
            for (number, wanted) in deeds.iter().enumerate() {
                let done = |step: &Step| step.events.iter().any(|event| wanted(&event.deed));
                assert!(steps.iter().any(done), "{machine:?}: deed {number}");
            }
        }
    }
}
