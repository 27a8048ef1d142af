//! Takes postcard's primitives off a slice, refusing every encoding that the host would not write.
//!
//! All integers share one path through `u64`: on a small device one loop is cheaper than one for each width.

use super::Malformed;

/// Bits that a byte of a varint carries.
const GROUP_BITS: u32 = 7;

/// What is left of the bytes.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// [`Malformed::Flag`] for any other.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Flag),
        }
    }

    /// An unsigned number in groups of seven bits, least first, at most `max`.
    ///
    /// # Errors
    /// [`Malformed::Number`] when it is larger, or longer than it needs to be.
    pub fn unsigned(&mut self, max: u64) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            let placed = group.checked_shl(shift).ok_or(Malformed::Number)?;
            // Bits pushed out at the top, or a last group that adds nothing.
            if placed.checked_shr(shift) != Some(group) || (byte == 0 && shift > 0) {
                return Err(Malformed::Number);
            }
            value |= placed;
            if byte & 0x80 == 0 {
                return if value <= max { Ok(value) } else { Err(Malformed::Number) };
            }
            shift = shift.saturating_add(GROUP_BITS);
        }
    }

    /// A signed number, zigzag in groups of seven bits, of at most `bits` bits.
    ///
    /// # Errors
    /// [`Malformed::Number`] when it is larger, or longer than it needs to be.
    pub fn signed(&mut self, bits: u32) -> Result<i64, Malformed> {
        let max = u64::MAX.checked_shr(u64::BITS.saturating_sub(bits)).unwrap_or(0);
        let value = self.unsigned(max)?;
        let magnitude = (value >> 1).cast_signed();
        Ok(if value & 1 == 0 { magnitude } else { !magnitude })
    }

    /// A count of items or bytes, at most `max`.
    ///
    /// # Errors
    /// [`Malformed::TooLong`] when there are more.
    pub fn count(&mut self, max: usize) -> Result<usize, Malformed> {
        let count = self.unsigned(u64::from(u32::MAX))?;
        usize::try_from(count).ok().filter(|count| *count <= max).ok_or(Malformed::TooLong)
    }

    /// The tag of a variant. An enum has at most 64 of them, so a tag is one byte.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn tag(&mut self) -> Result<u8, Malformed> {
        self.byte()
    }

    /// What is left.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Passes when nothing is left.
    ///
    /// # Errors
    /// [`Malformed::Trailing`].
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsigned(bytes: &[u8], max: u64) -> Result<u64, Malformed> {
        Reader::new(bytes).unsigned(max)
    }

    #[test]
    fn only_the_shortest_form_of_a_number_is_taken() {
        assert_eq!(unsigned(&[0], 9), Ok(0));
        assert_eq!(unsigned(&[0x80, 0x01], 1000), Ok(128));
        assert_eq!(unsigned(&[0x80, 0x00], 1000), Err(Malformed::Number));
        assert_eq!(unsigned(&[0xff, 0x80, 0x00], 1000), Err(Malformed::Number));
        assert_eq!(unsigned(&[0x80], 1000), Err(Malformed::Truncated));
    }

    #[test]
    fn numbers_wider_than_their_type_are_refused() {
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(unsigned(&largest, u64::MAX), Ok(u64::MAX));
        let mut wider = largest;
        wider[9] = 0x02;
        assert_eq!(unsigned(&wider, u64::MAX), Err(Malformed::Number));
        assert_eq!(unsigned(&[0xff; 40], u64::MAX), Err(Malformed::Number));
        assert_eq!(unsigned(&[0x80, 0x02], 255), Err(Malformed::Number));
    }

    #[test]
    fn every_small_signed_number_reads_back() {
        for value in i16::MIN..=i16::MAX {
            let mut buffer = [0; 4];
            let bytes = postcard::to_slice(&value, &mut buffer).unwrap();
            assert_eq!(Reader::new(bytes).signed(16), Ok(i64::from(value)));
        }
    }
}
