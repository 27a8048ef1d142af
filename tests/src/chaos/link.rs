//! The way to the server: a relay that spoils answers when told to, and keeps what the device reports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steadfast::demo::relay::{Passing, Relay, Subject, Treatment};
use steadfast::demo::watch::Order;
use steadfast_core::codec;
use steadfast_core::report::{Report, ReportBody};

use crate::flash::Random;
use crate::stage::nothing_inline;

/// Longest delay of an answer in milliseconds.
const DELAY_MS: usize = 800;

/// Longest stall, in milliseconds, longer than a device waits for an answer, and how many delays in a hundred are one.
const STALL_MS: usize = 20_000;
const STALLS: usize = 2;

/// What the relay has seen since it was last asked.
#[derive(Default)]
pub(super) struct Seen {
    /// Whether an order passed.
    pub(super) ordered: bool,
    /// How many polls were answered.
    pub(super) polls: usize,
    /// What was reported, oldest first.
    pub(super) reports: Vec<Report>,
    /// Answers spoiled.
    pub(super) spoiled: usize,
}

/// How objects come to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objects {
    /// With the order, as far as they fit.
    Inline,
    /// Each by itself.
    Fetched,
}

/// Answers still to be spoiled.
struct Storm {
    answers: usize,
    /// Half of all storms spare everything but objects, of which there are few, if they are fetched at all.
    objects_only: bool,
    random: Random,
}

/// Whether only objects pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Silence {
    #[default]
    None,
    /// From the next order on.
    Coming,
    Here,
}

#[derive(Default)]
struct State {
    seen: Seen,
    storm: Option<Storm>,
    /// Whether objects are kept out of orders.
    bare: bool,
    silence: Silence,
}

/// The relay's script.
#[derive(Clone, Default)]
pub(super) struct Link {
    state: Arc<Mutex<State>>,
}

impl Link {
    /// From now on the relay does as this says.
    pub(super) fn rule(&self, relay: &Relay) {
        relay.be_honest();
        let link = self.clone();
        relay.follow(move |passing| link.treat(passing));
    }

    /// Spoils the next answers.
    pub(super) fn storm(&self, answers: usize, mut random: Random) {
        let mut state = self.lock();
        let objects_only = state.bare && random.below(2) == 0;
        state.storm = Some(Storm { answers, objects_only, random });
    }

    /// From now on objects come with orders, or each has to be fetched.
    pub(super) fn send(&self, objects: Objects) {
        self.lock().bare = objects == Objects::Fetched;
    }

    /// After the next order only objects pass.
    pub(super) fn go_dark(&self) {
        self.lock().silence = Silence::Coming;
    }

    /// Spoils nothing any more.
    pub(super) fn calm(&self) {
        let mut state = self.lock();
        (state.silence, state.storm) = (Silence::None, None);
    }

    /// What was seen since the last call.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.lock().seen)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn treat(&self, passing: &Passing<'_>) -> Treatment {
        let mut state = self.lock();
        state.seen.ordered |= Order::of(passing).is_some();
        state.seen.polls += usize::from(passing.subject == Subject::Poll);
        if passing.subject == Subject::Report {
            state.seen.reports.extend(report(passing.question));
        }
        if state.silence == Silence::Here && passing.subject != Subject::Object {
            return Treatment::Drop;
        }
        if state.silence == Silence::Coming && Order::of(passing).is_some() {
            state.silence = Silence::Here;
        }
        match state.spoil(passing) {
            Some(treatment) => treatment,
            None if state.bare => nothing_inline(passing),
            None => Treatment::Pass,
        }
    }
}

impl State {
    fn spoil(&mut self, passing: &Passing<'_>) -> Option<Treatment> {
        let storm = self.storm.as_mut()?;
        let hits = storm.answers > 0 && (passing.subject == Subject::Object || !storm.objects_only);
        hits.then(|| {
            storm.answers -= 1;
            self.seen.spoiled += 1;
            spoil(&mut storm.random, passing.answer.len())
        })
    }
}

fn spoil(random: &mut Random, length: usize) -> Treatment {
    match random.below(4) {
        0 => Treatment::Drop,
        1 => Treatment::Truncate(random.below(length)),
        2 => Treatment::FlipBit(random.below(length * 8)),
        _ => {
            let longest = if random.below(100) < STALLS { STALL_MS } else { DELAY_MS };
            Treatment::Delay(Duration::from_millis(random.below(longest) as u64))
        }
    }
}

fn report(body: &[u8]) -> Option<Report> {
    codec::decode(ReportBody::decode(body).ok()?.statement).ok()
}
