//! postcard, read strictly: every value has exactly one encoding.
//!
//! postcard alone accepts over-long varints. So whatever is decoded is encoded again and compared with the bytes it
//! came from, byte by byte and without a buffer.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Decodes one value that fills `bytes` exactly.
///
/// # Errors
/// [`Refusal::MALFORMED`] for anything but the canonical encoding, trailing bytes included.
pub fn decode<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, Refusal> {
    let (value, rest) = take(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(Refusal::MALFORMED) }
}

/// Decodes one value from the start of `bytes` and returns what follows it.
///
/// # Errors
/// [`Refusal::MALFORMED`] for anything but the canonical encoding.
pub fn take<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Refusal> {
    let (value, rest): (T, _) = postcard::take_from_bytes(bytes).map_err(|_| Refusal::MALFORMED)?;
    let used = bytes.len().saturating_sub(rest.len());
    let expected = bytes.get(..used).ok_or(Refusal::MALFORMED)?;
    let left = postcard::serialize_with_flavor(&value, Compare(expected)).map_err(|_| Refusal::MALFORMED)?;
    if left { Ok((value, rest)) } else { Err(Refusal::MALFORMED) }
}

/// Encodes `value` into the start of `buffer` and returns that part.
///
/// # Errors
/// [`Refusal::TOO_LARGE`] when the buffer is too small.
pub fn encode<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
    postcard::to_slice(value, buffer).map(|bytes| &*bytes).map_err(|_| Refusal::TOO_LARGE)
}

/// A postcard flavor that stores nothing and compares with what is expected.
struct Compare<'a>(&'a [u8]);

impl Flavor for Compare<'_> {
    /// Whether everything expected was produced.
    type Output = bool;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                Ok(())
            }
            _ => Err(postcard::Error::SerializeBufferFull),
        }
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.0.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_long_varints_and_trailing_bytes_are_refused() {
        assert_eq!(decode::<u32>(&[0x05]), Ok(5));
        assert_eq!(decode::<u32>(&[0x85, 0x00]), Err(Refusal::MALFORMED));
        assert_eq!(decode::<u32>(&[0x05, 0x00]), Err(Refusal::MALFORMED));
        assert_eq!(decode::<u32>(&[]), Err(Refusal::MALFORMED));
    }
}
