//! Published test signatures, as a board holds them, and core's judgement of each. The host and every board run this same code.
//!
//! ```text
//! case   number (2)  valid (1)  key (32)  signature length (1)  message length (2)  signature  message
//! ```
//!
//! Numbers are little-endian. Cases follow one another to the end. The host writes them from published files while the board's program
//! is built; nothing of those files is part of the project.

#![no_std]
#![forbid(unsafe_code)]

use steadfast_core::statement::PublicKey;

/// One signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case<'a> {
    /// What it is called in its source.
    pub number: u16,
    /// Whether it must be accepted.
    pub is_valid: bool,
    /// The public key.
    pub key: [u8; 32],
    /// The signature, of any length up to 255 bytes.
    pub signature: &'a [u8],
    /// The message, up to 65,535 bytes.
    pub message: &'a [u8],
}

/// The cases in these bytes, up to the first that is cut off.
pub fn cases(mut bytes: &[u8]) -> impl Iterator<Item = Case<'_>> {
    core::iter::from_fn(move || {
        let (case, rest) = Case::take(bytes)?;
        bytes = rest;
        Some(case)
    })
}

impl<'a> Case<'a> {
    /// Appends its bytes. Longer signatures and messages than there can be are cut off.
    pub fn encode(&self, out: &mut impl Extend<u8>) {
        let (signature, message) = (self.signature.len() as u8, self.message.len() as u16);
        out.extend(self.number.to_le_bytes());
        out.extend([u8::from(self.is_valid)]);
        out.extend(self.key);
        out.extend([signature]);
        out.extend(message.to_le_bytes());
        out.extend(self.signature.iter().take(signature.into()).copied());
        out.extend(self.message.iter().take(message.into()).copied());
    }

    /// Takes one off the start; `None` when it is not whole.
    #[must_use]
    pub fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (is_valid, rest) = rest.split_first()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (signature, rest) = rest.split_first()?;
        let (message, rest) = rest.split_first_chunk()?;
        let (signature, rest) = rest.split_at_checked(usize::from(*signature))?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*message)))?;
        let case =
            Self { number: u16::from_le_bytes(*number), is_valid: *is_valid != 0, key: *key, signature, message };
        Some((case, rest))
    }

    /// Whether core takes it. What has not 64 bytes is no signature: it could not even stand in a statement's entries.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.signature.try_into().is_ok_and(|signature| PublicKey(self.key).verify(self.message, signature).is_ok())
    }

    /// Whether core says of it what must be said.
    #[must_use]
    pub fn is_judged_rightly(&self) -> bool {
        self.is_accepted() == self.is_valid
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    #[test]
    fn cases_read_back_and_a_torn_one_ends_them() {
        let case =
            |number| Case { number, is_valid: number == 1, key: [7; 32], signature: &[1; 66], message: b"words" };
        let mut bytes = Vec::new();
        case(1).encode(&mut bytes);
        case(1000).encode(&mut bytes);
        assert_eq!(cases(&bytes).collect::<Vec<_>>(), [case(1), case(1000)]);
        assert_eq!(cases(&bytes[..bytes.len() - 1]).collect::<Vec<_>>(), [case(1)]);
        assert!(!case(1).is_judged_rightly() && case(1000).is_judged_rightly());
    }
}
