//! Where a release stands in a fleet's history: (epoch, sequence), compared together.

use serde::{Deserialize, Serialize};

use crate::codec::wire;

/// A release's place in the order of all releases of a fleet. A counter burned with a stolen publisher key is
/// recovered by rotation, because the epoch is compared first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The publisher epoch of the keyring under which the release was signed.
    pub epoch: u32,
    /// The release's number: first-parent commit count plus the fleet's offset.
    pub sequence: u32,
}

wire! {
    struct Position { epoch, sequence }
}

impl Position {
    /// Before every release.
    pub const ZERO: Self = Self { epoch: 0, sequence: 0 };
}
