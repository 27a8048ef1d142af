//! Identifiers as newtypes, so that one kind of bytes is never taken for another.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::wire;
use crate::digest::write_hex;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $bytes]);

        wire! { newtype $name }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl $name {
            /// How many bytes the id has.
            pub const BYTES: usize = $bytes;

            /// Reads twice as many hexadecimal characters, of either case; `None` for anything else.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $bytes];
                let digits = text.as_bytes();
                if digits.len() != bytes.len().checked_mul(2)? {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
                }
                digits.iter().all(u8::is_ascii_hexdigit).then_some(Self(bytes))
            }
        }
    };
}

id! {
    /// A device: 16 bytes that cannot be guessed. Its name lives in the inventory. All zeros is no device.
    DeviceId, 16
}
id! {
    /// A fleet: every signature covers it, so that no statement of one fleet holds in another.
    FleetId, 16
}
id! {
    /// A schema: the SHA-256 of its description without prose.
    SchemaId, 32
}
id! {
    /// The first eight bytes of a [`SchemaId`], as a poll carries it.
    SchemaPrefix, 8
}
id! {
    /// The first four bytes of an Ed25519 public key; names the key in a signature.
    KeyId, 4
}
id! {
    /// The build of a firmware, chosen by who builds it; rejections hold for one build only.
    FirmwareId, 8
}
id! {
    /// What runs, in short: a truncated digest over a [`Content`](crate::content::Content).
    ContentId, 16
}

impl DeviceId {
    /// No device. Its leaf, when a release has one, binds the roster (see [`tree`](crate::tree)).
    pub const NONE: Self = Self([0; 16]);
}

impl SchemaId {
    /// The prefix that a poll carries.
    #[must_use]
    pub fn prefix(&self) -> SchemaPrefix {
        SchemaPrefix(first(&self.0))
    }
}

impl ContentId {
    /// Nothing intact runs.
    pub const NONE: Self = Self([0; 16]);

    /// The four bytes that name a refused content in a poll.
    #[must_use]
    pub fn prefix(&self) -> [u8; 4] {
        first(&self.0)
    }
}

/// The first `N` bytes of a longer array.
pub(crate) fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_back_and_nothing_else_does() {
        assert_eq!(KeyId::from_hex("0aFF1e00"), Some(KeyId([0x0a, 0xff, 0x1e, 0])));
        for wrong in ["", "0aff1e", "0aff1e000", "+aff1e00", "0aff1eg0"] {
            assert_eq!(KeyId::from_hex(wrong), None, "{wrong}");
        }
    }
}
