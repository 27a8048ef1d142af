//! Refusals: the numbered reasons not to take something, or not to keep it.
//!
//! A number that has left a device never changes its meaning and is never used again. Numbers that this build does
//! not know stay readable, because a host meets devices older and newer than itself.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::wire;

/// Why something was not taken or not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal(pub u16);

wire! { newtype Refusal }

macro_rules! refusals {
    ($($name:ident = $number:literal, $words:literal;)*) => {
        impl Refusal {
            $(#[doc = $words] pub const $name: Self = Self($number);)*

            /// Every refusal that this build knows.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it is called; `None` for a number that this build does not know.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What it means, in words.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self.0 {
                    $($number => $words,)*
                    _ => "a reason that this version does not know",
                }
            }
        }
    };
}

refusals! {
    MALFORMED = 1, "bytes that do not decode, or not in their one canonical form";
    TOO_LARGE = 2, "larger than its stated bound";
    TOO_FEW_SIGNATURES = 10, "fewer valid signatures than the role's threshold";
    BAD_SIGNATURE = 11, "a signature of a known key that does not verify";
    UNSORTED_SIGNERS = 12, "signers out of order or named twice";
    KEYRING_VERSION = 20, "a keyring that is not the next version";
    KEYRING_INVALID = 21, "a keyring with an impossible threshold, a weak key, or a key in two places";
    NO_DIRECTOR = 22, "an order where the keyring names no director";
    WRONG_EPOCH = 30, "a release signed under another publisher epoch";
    BELOW_FLOOR = 31, "a release below the floor";
    FLOOR_ABOVE_RELEASE = 32, "a release whose floor is above itself";
    NOT_IN_RELEASE = 33, "an envelope that is not for this device and schema in that release";
    NOT_ASSIGNED = 34, "another release than the one assigned";
    DOWNGRADE = 35, "an older release without an assignment";
    BAD_MANIFEST = 40, "a manifest with unsorted, repeated or unknown parts";
    FLAGS_DISAGREE = 41, "a manifest whose flags are not those of the firmware's own schema";
    REACH_WAIVED = 42, "a connectivity change that waives the round trip to the server";
    DOES_NOT_FIT = 43, "a configuration larger than the slot";
    MISSING_SECTION = 44, "a manifest without a section that the firmware needs";
    OBJECT_MISMATCH = 50, "object bytes that are not those named";
    OBJECT_UNAVAILABLE = 51, "an object that could not be fetched";
    READ_BACK = 52, "a slot that does not read back as what was written";
    FLASH_FAILED = 53, "a flash operation that failed";
    REJECTED_BEFORE = 60, "this firmware has rejected this configuration before";
    CHECK_FAILED = 61, "a health check failed";
    CHECK_MISSING = 62, "a health check had not passed at the deadline";
    UNREACHABLE = 63, "the server could not be reached with it, and could be reached without it";
    CRASH_LOOP = 64, "the boots of its trial were spent, or it crashed at one start after another";
    UNDECODABLE = 65, "a section that the firmware could not decode";
    CANNOT_RUN = 66, "a slot that may not run: rejected, never confirmed here, of another epoch, or below the floor";
    SLOT_KEPT = 67, "the other slot is kept for the former firmware until the running one is final";
}

impl Refusal {
    /// Whether it says something of the way only, or of this device's flash, and nothing of what was refused: the same may be taken
    /// when it is offered again.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::OBJECT_MISMATCH | Self::OBJECT_UNAVAILABLE | Self::READ_BACK | Self::FLASH_FAILED | Self::SLOT_KEPT
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (refusal {})", self.words(), self.0)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_twice() {
        let mut numbers: Vec<u16> = Refusal::ALL.iter().map(|refusal| refusal.0).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), Refusal::ALL.len());
        assert!(numbers.is_sorted());
    }
}
