//! Embassy's time and core's: both count uptime, core in milliseconds.

use steadfast_core::time::Instant;

/// Now, as core takes it.
#[must_use]
pub fn now() -> Instant {
    Instant::from_milliseconds(embassy_time::Instant::now().as_millis())
}

/// A moment of core's as one to wait for. Rounded up by a tick of core's, so that waiting for it never ends too early.
#[must_use]
pub fn wake_at(at: Instant) -> embassy_time::Instant {
    embassy_time::Instant::from_millis(at.milliseconds().saturating_add(1))
}
