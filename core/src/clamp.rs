//! Clamps: bounds that no configuration can change, so that no setting can brick a device.
//!
//! The host refuses values outside them; a device that meets one all the same (a compromised publisher, a forgotten
//! check) brings it inside when it reads it.

use crate::manifest::{Policy, Settings};

/// Seconds of a day, the longest a device may go without asking.
const DAY_SECONDS: u32 = 24 * 60 * 60;

/// Least seconds between polls: a fleet that polls faster attacks its own server.
pub const POLL_SECONDS_MIN: u32 = 1;
/// Most seconds between polls, also for `poll_after`.
pub const POLL_SECONDS_MAX: u32 = DAY_SECONDS;
/// Least freshness interval in seconds.
pub const FRESHNESS_SECONDS_MIN: u32 = 10;
/// Most seconds of the freshness interval.
pub const FRESHNESS_SECONDS_MAX: u32 = DAY_SECONDS;
/// Least trial deadline in seconds.
pub const TRIAL_SECONDS_MIN: u32 = 30;
/// Most seconds of a trial deadline.
pub const TRIAL_SECONDS_MAX: u32 = 60 * 60;
/// Fewest boots of a trial.
pub const BOOTS_MIN: u8 = 1;
/// Most boots of a trial.
pub const BOOTS_MAX: u8 = 8;
/// `lost_contact` is at least this many poll and freshness intervals.
pub const LOST_CONTACT_INTERVALS: u32 = 3;
/// `lost_contact` when the configuration leaves it open, unless the intervals demand more.
pub const LOST_CONTACT_SECONDS_DEFAULT: u32 = DAY_SECONDS;

impl Settings {
    /// What a device uses before it has any configuration.
    pub const DEFAULT: Self =
        Self { poll_seconds: 60, freshness_seconds: 60 * 60, lost_contact_seconds: 0, attempt: 0 };

    /// These settings, brought inside the clamps; `lost_contact_seconds` is never 0 afterwards.
    #[must_use]
    pub fn clamped(self) -> Self {
        let poll_seconds = self.poll_seconds.clamp(POLL_SECONDS_MIN, POLL_SECONDS_MAX);
        let freshness_seconds = self.freshness_seconds.clamp(FRESHNESS_SECONDS_MIN, FRESHNESS_SECONDS_MAX);
        let least = poll_seconds.max(freshness_seconds).saturating_mul(LOST_CONTACT_INTERVALS);
        let asked =
            if self.lost_contact_seconds == 0 { LOST_CONTACT_SECONDS_DEFAULT } else { self.lost_contact_seconds };
        Self { poll_seconds, freshness_seconds, lost_contact_seconds: asked.max(least), attempt: self.attempt }
    }
}

impl Policy {
    /// This policy, brought inside the clamps.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            reach: self.reach,
            trial_seconds: self.trial_seconds.clamp(TRIAL_SECONDS_MIN, TRIAL_SECONDS_MAX),
            boots: self.boots.clamp(BOOTS_MIN, BOOTS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Reach;

    #[test]
    fn no_setting_can_silence_a_device() {
        let wild =
            Settings { poll_seconds: u32::MAX, freshness_seconds: u32::MAX, lost_contact_seconds: 1, attempt: 0 };
        let tame = wild.clamped();
        assert_eq!((tame.poll_seconds, tame.freshness_seconds), (DAY_SECONDS, DAY_SECONDS));
        assert_eq!(tame.lost_contact_seconds, 3 * DAY_SECONDS);
        assert_eq!(Settings::DEFAULT.clamped().lost_contact_seconds, DAY_SECONDS);
        let policy = Policy { reach: Reach::None, trial_seconds: 0, boots: 0 }.clamped();
        assert_eq!((policy.trial_seconds, policy.boots), (30, 1));
    }
}
