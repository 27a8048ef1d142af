//! What failed without being refused for good, and when it may be tried again.
//!
//! Whoever sits between device and server can damage or withhold objects for ever, and flash can lose
//! what it was given. Each attempt erases flash. So what fails waits longer each time, while the device goes on polling:
//! another order is taken at once, but only one for each pause, or orders in turns would wear flash out.

use crate::id::ContentId;
use crate::time::{Instant, Span};

use super::pace::Pace;

/// Longest pause in seconds: nine thousand attempts a year, which the weakest flash (ten thousand erases) survives.
pub(super) const SETBACK_SECONDS_MAX: u32 = 60 * 60;

/// A content that has to wait. Kept in memory alone: a restart begins anew, with what the record says of the last trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setback {
    content: ContentId,
    /// Failures in a row, of any content.
    failures: u32,
    until: Instant,
    /// Another content was tried instead of waiting.
    passed: bool,
}

impl Setback {
    /// `content` waits as long as any has to.
    pub(super) fn longest(content: ContentId, now: Instant) -> Self {
        let until = now.after(Span::from_seconds(SETBACK_SECONDS_MAX));
        Self { content, failures: u32::MAX, until, passed: false }
    }

    /// `content` failed, and waits longer than what failed before it, if `former` knows of that.
    pub(super) fn once_more(former: Option<Self>, content: ContentId, pace: &mut Pace, now: Instant) -> Self {
        let failures = former.map_or(0, |former| former.failures);
        let passed = former.is_some_and(|former| now < former.until);
        Self { content, failures: failures.saturating_add(1), until: now.after(pace.setback(failures)), passed }
    }

    /// When it may be tried again.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Until when `content` has to wait, if it has to.
    pub(super) fn holds(&self, content: ContentId, now: Instant) -> Option<Instant> {
        ((self.content == content || self.passed) && now < self.until).then_some(self.until)
    }
}
