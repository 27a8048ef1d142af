//! The poll: what a device asks its server, at most 64 bytes in ordinary use.
//!
//! Polls are not signed: a configuration is no secret from someone who knows a device's id, and secrets are sealed.
//! Every signed answer has the exact bytes of the poll as its context, so that a relay can change neither.

use serde::{Deserialize, Serialize};

use crate::codec::{self, wire};
use crate::id::{ContentId, DeviceId, SchemaPrefix};
use crate::position::Position;
use crate::refusal::Refusal;

/// Longest poll.
pub const POLL_MAX_BYTES: usize = 80;

/// The highest format that this build reads.
pub const FORMAT: u8 = 1;

/// What a poll asks for besides the news; bits of one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollFlags(u8);

wire! { newtype PollFlags }

impl PollFlags {
    /// A signed answer is wanted, even when there is nothing new.
    pub const SIGNED: Self = Self(1);
    /// The schema is that of the next firmware, which is being prepared.
    pub const PREPARING: Self = Self(2);

    /// Both sets of flags together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The body of `POST /v1/poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// The highest format that the device reads.
    pub format: u8,
    /// Who asks.
    pub device: DeviceId,
    /// The version of the keyring it believes.
    pub keyring_version: u32,
    /// The schema it asks a configuration for.
    pub schema: SchemaPrefix,
    /// What it runs; [`ContentId::NONE`] for nothing intact.
    pub running: ContentId,
    /// The release it accepted last.
    pub accepted: Position,
    /// Random; makes the answer fresh.
    pub nonce: [u8; 8],
    /// What else it wants.
    pub flags: PollFlags,
    /// The first bytes of the content it is offered and has refused for what it is, as long as that is so. What only failed on its way
    /// is not named: it is wanted still.
    pub refused: Option<[u8; 4]>,
}

wire! {
    struct Poll { format, device, keyring_version, schema, running, accepted, nonce, flags, refused }
}

impl Poll {
    /// Decodes a poll.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] or [`Refusal::MALFORMED`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > POLL_MAX_BYTES { Err(Refusal::TOO_LARGE) } else { codec::decode(bytes) }
    }
}
