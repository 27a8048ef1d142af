//! When to ask: intervals, back-off, jitter and freshness.
//!
//! Jitter spreads a fleet, so that a power cut of a whole site does not become an attack on its server.

use crate::clamp::POLL_SECONDS_MAX;
use crate::manifest::Settings;
use crate::time::{Instant, Span};

use super::setback::SETBACK_SECONDS_MAX;

/// First pause after a failure, in milliseconds; doubled each time up to the poll interval.
const BACKOFF_MILLISECONDS: u64 = 1000;

/// Longest pause between polls while a trial waits for its round trip: several must fit its deadline.
const TRIAL_BACKOFF_SECONDS_MAX: u32 = 5;

/// Most doublings: beyond, any poll interval is reached.
const BACKOFF_DOUBLINGS_MAX: u32 = 17;

/// Longest random delay of the first poll after a start without a trial, in milliseconds.
const FIRST_POLL_MILLISECONDS_MAX: u64 = 500;

/// An order stays young for at least so many seconds, however often the device polls: staging must fit in between.
const ORDER_SECONDS_MIN: u32 = 10;

/// Seconds from one part of the running slot that is read once more to the next, at least. It is read after a poll, when the device
/// is awake anyway, so a device that polls seldom scrubs as seldom.
const SCRUB_SECONDS: u32 = 60;

/// How long a confirmed configuration that crashed again and again is left alone, in seconds: polls enough to be offered another one, and
/// short enough to come back by itself when something else was to blame.
const ASIDE_SECONDS: u32 = 10 * 60;

/// Pause after flash failed to keep a record, in seconds: long enough not to wear it out, short enough to recover.
const FLASH_PAUSE_SECONDS: u32 = 30;

/// The agent's sense of time.
pub(super) struct Pace {
    random: u64,
    next_poll: Instant,
    started: Instant,
    activated: Instant,
    fresh: Option<Instant>,
    /// When a director last answered, whatever it ordered.
    contact: Instant,
    failures: u32,
    stale: bool,
    /// A trial must begin before this, or poll again first.
    order_expires: Instant,
    /// No commit is tried before this.
    paused_until: Instant,
    next_scrub: Instant,
}

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        let zero = Instant::from_milliseconds(0);
        Self {
            // Any seed but zero: a shift register never leaves zero.
            random: seed | 1,
            next_poll: zero,
            started: zero,
            activated: zero,
            fresh: None,
            contact: zero,
            failures: 0,
            stale: false,
            order_expires: zero,
            paused_until: zero,
            next_scrub: zero,
        }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.started = now;
        self.paused_until = now;
    }

    /// The application starts to run; a trial asks at once, others spread.
    pub(super) fn activate(&mut self, now: Instant, spread: Spread) {
        self.activated = now;
        // It was read back whole just now.
        self.scrub(now);
        let delay = match spread {
            Spread::AtOnce => 0,
            Spread::Randomly => self.below(FIRST_POLL_MILLISECONDS_MAX),
        };
        self.next_poll = now.after(Span::from_milliseconds(delay));
    }

    pub(super) fn activated(&self) -> Instant {
        self.activated
    }

    /// When the server was last known to be there, as far as this activation knows.
    pub(super) fn contact(&self) -> Instant {
        self.contact.max(self.activated)
    }

    /// A director answered.
    pub(super) fn contacted(&mut self, now: Instant) {
        self.contact = now;
    }

    /// Until when what crashed again and again is left alone.
    pub(super) fn aside_until(&self) -> Instant {
        self.activated.after(Span::from_seconds(ASIDE_SECONDS))
    }

    pub(super) fn next_poll(&self) -> Instant {
        self.next_poll
    }

    pub(super) fn next_scrub(&self) -> Instant {
        self.next_scrub
    }

    pub(super) fn scrub(&mut self, now: Instant) {
        self.next_scrub = now.after(Span::from_seconds(SCRUB_SECONDS));
    }

    pub(super) fn poll_at_once(&mut self, now: Instant) {
        self.next_poll = now;
    }

    /// Asks no later than `latest`.
    pub(super) fn poll_by(&mut self, latest: Instant) {
        self.next_poll = self.next_poll.min(latest);
    }

    pub(super) fn poll_after(&mut self, seconds: u32, now: Instant) {
        let interval = Span::from_seconds(seconds.clamp(1, POLL_SECONDS_MAX)).milliseconds();
        // An eighth more or less.
        let quarter = interval.checked_div(4).unwrap_or(0);
        let least = interval.saturating_sub(quarter.checked_div(2).unwrap_or(0));
        let delay = least.saturating_add(self.below(quarter));
        self.next_poll = now.after(Span::from_milliseconds(delay));
    }

    /// The server was not reached. `limit` is the poll interval, or what a trial allows.
    pub(super) fn failed(&mut self, patience: Patience, settings: &Settings, now: Instant) {
        let limit_seconds = match patience {
            Patience::Ordinary => settings.poll_seconds,
            Patience::Trial => settings.poll_seconds.min(TRIAL_BACKOFF_SECONDS_MAX),
        };
        let delay = self.backoff(self.failures, limit_seconds);
        self.failures = self.failures.saturating_add(1);
        self.next_poll = now.after(delay);
    }

    /// The pause before content that failed so often in a row may be staged again.
    pub(super) fn setback(&mut self, failures: u32) -> Span {
        self.backoff(failures, SETBACK_SECONDS_MAX)
    }

    /// Doubled with each failure up to a limit; between half of that and all of it.
    fn backoff(&mut self, failures: u32, limit_seconds: u32) -> Span {
        let limit = Span::from_seconds(limit_seconds).milliseconds();
        let doubled =
            BACKOFF_MILLISECONDS.checked_shl(failures.min(BACKOFF_DOUBLINGS_MAX)).unwrap_or(u64::MAX).min(limit);
        let half = doubled.checked_div(2).unwrap_or(0);
        Span::from_milliseconds(half.saturating_add(self.below(half.saturating_add(1))))
    }

    /// The server answered, whatever it said.
    pub(super) fn heard(&mut self) {
        self.failures = 0;
    }

    /// A fresh, signed answer came.
    pub(super) fn refreshed(&mut self, settings: &Settings, now: Instant) {
        let since = now.since(self.fresh.unwrap_or(self.started));
        self.stale = since > Span::from_seconds(settings.freshness_seconds);
        self.fresh = Some(now);
        self.contacted(now);
    }

    /// Whether one has come since the start.
    pub(super) const fn is_refreshed(&self) -> bool {
        self.fresh.is_some()
    }

    /// Whether the answer before the last came later than the freshness interval allows.
    pub(super) fn was_stale(&self) -> bool {
        self.stale
    }

    /// Whether the next poll should ask for a signed answer: at half the freshness interval, so that one lost poll
    /// does not make the device stale.
    pub(super) fn wants_signed(&self, settings: &Settings, now: Instant) -> bool {
        let half = Span::from_milliseconds(Span::from_seconds(settings.freshness_seconds).milliseconds() >> 1);
        self.fresh.is_none_or(|fresh| now.since(fresh) >= half)
    }

    pub(super) fn order(&mut self, seconds: u32, now: Instant) {
        self.order_expires = now.after(Span::from_seconds(seconds.clamp(ORDER_SECONDS_MIN, POLL_SECONDS_MAX)));
    }

    pub(super) fn order_is_old(&self, now: Instant) -> bool {
        now > self.order_expires
    }

    pub(super) fn pause(&mut self, now: Instant) {
        self.paused_until = now.after(Span::from_seconds(FLASH_PAUSE_SECONDS));
        self.next_poll = self.next_poll.max(self.paused_until);
    }

    /// Whether flash failed to keep a record since the start.
    pub(super) fn has_paused(&self) -> bool {
        self.paused_until > self.started
    }

    pub(super) fn paused_until(&self) -> Instant {
        self.paused_until
    }

    /// A random number below `limit`, 0 when that is 0 (xorshift64; spreads load, guards nothing).
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        // The upper half: a microcontroller divides 32 bits by itself.
        let (random, limit) = ((self.random >> 32) as u32, u32::try_from(limit).unwrap_or(u32::MAX));
        random.checked_rem(limit).unwrap_or(0).into()
    }
}

/// When the first poll after an activation goes out.
#[derive(Clone, Copy)]
pub(super) enum Spread {
    AtOnce,
    Randomly,
}

/// How long to wait at most after a failed poll.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    Ordinary,
    Trial,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_makes_an_order_young_for_longer_than_a_day() {
        let mut pace = Pace::new(1);
        let after = |seconds| Instant::from_milliseconds(0).after(Span::from_seconds(seconds));
        pace.order(u32::MAX, after(0));
        assert!(!pace.order_is_old(after(POLL_SECONDS_MAX)) && pace.order_is_old(after(POLL_SECONDS_MAX + 1)));
        pace.order(0, after(0));
        assert!(!pace.order_is_old(after(ORDER_SECONDS_MIN)) && pace.order_is_old(after(ORDER_SECONDS_MIN + 1)));
    }
}
