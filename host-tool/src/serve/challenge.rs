//! Challenges: what makes a report fresh, without the server keeping a table or the device a counter.
//!
//! `code` is an authentication code over the device and the second of issue, under a key that only this server has. Whoever
//! returns it was answered by this server then.

use steadfast_core::answer::Challenge;
use steadfast_core::digest::{Digest, Hasher};
use steadfast_core::id::DeviceId;
use steadfast_core::identity::Seed;

/// How old a challenge may be when its report arrives.
pub const CHALLENGE_SECONDS_MAX: u64 = 60 * 60;

/// Issues and recognises challenges.
#[derive(Clone)]
pub struct Challenger {
    key: Digest,
}

impl Challenger {
    /// The challenger of the server that holds this director key: nothing else has to be kept secret or be backed up.
    #[must_use]
    pub fn new(director: &Seed) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(b"steadfast.challenge-key.v1\0");
        hasher.update(&director.0);
        Self { key: hasher.finish() }
    }

    /// A challenge for a device. Where a report was taken in this very second, it is issued for the next: reports are taken only
    /// in ascending order.
    #[must_use]
    pub fn issue(&self, device: DeviceId, now_seconds: u64, last_taken_seconds: u64) -> Challenge {
        let issued_seconds = now_seconds.max(last_taken_seconds + 1);
        Challenge { issued_seconds, code: self.code(device, issued_seconds) }
    }

    /// Whether this server issued the challenge to that device, and not too long ago.
    #[must_use]
    pub fn accepts(&self, device: DeviceId, challenge: &Challenge, now_seconds: u64) -> bool {
        let age = now_seconds.saturating_sub(challenge.issued_seconds);
        age <= CHALLENGE_SECONDS_MAX && self.code(device, challenge.issued_seconds) == challenge.code
    }

    /// Input of fixed length under a key of fixed length, and most of the digest dropped: a plain keyed hash is an
    /// authentication code here.
    fn code(&self, device: DeviceId, issued_seconds: u64) -> [u8; 8] {
        let mut hasher = Hasher::new();
        hasher.update(&self.key.0);
        hasher.update(&device.0);
        hasher.update(&issued_seconds.to_be_bytes());
        let digest = hasher.finish().0;
        std::array::from_fn(|place| digest[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId([1; 16]);

    #[test]
    fn only_an_own_fresh_challenge_for_that_device_is_accepted() {
        let challenger = Challenger::new(&Seed([1; 32]));
        let challenge = challenger.issue(DEVICE, 1_000_000, 0);
        assert!(challenger.accepts(DEVICE, &challenge, 1_000_000));
        assert!(challenger.accepts(DEVICE, &challenge, 1_000_000 + CHALLENGE_SECONDS_MAX));
        assert!(!challenger.accepts(DEVICE, &challenge, 1_000_001 + CHALLENGE_SECONDS_MAX));
        assert!(!challenger.accepts(DeviceId([2; 16]), &challenge, 1_000_000));
        assert!(!Challenger::new(&Seed([2; 32])).accepts(DEVICE, &challenge, 1_000_000));
        let later = Challenge { issued_seconds: 1_000_001, ..challenge };
        assert!(!challenger.accepts(DEVICE, &later, 1_000_001));
    }

    #[test]
    fn a_second_report_in_one_second_has_a_later_challenge() {
        let challenger = Challenger::new(&Seed([1; 32]));
        assert_eq!(challenger.issue(DEVICE, 50, 50).issued_seconds, 51);
        assert_eq!(challenger.issue(DEVICE, 50, 20).issued_seconds, 50);
    }
}
