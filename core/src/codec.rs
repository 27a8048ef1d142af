//! The encoding of everything that core signs, sends or keeps: postcard's bytes, every value in exactly one form.
//!
//! ```text
//! number    groups of seven bits, least first, the high bit on all but the last; never longer than needed
//! flag      00 or 01                     option  00, or 01 and the value
//! array     its bytes                    list    count, items          text, bytes  length, bytes
//! struct    its fields                   enum    place of the variant, its fields
//! ```
//!
//! One small reader and one small writer, not generic, because on a microcontroller this is the code that there is most of. Both
//! remember a failure and go on with zeros and nothing, so that no field needs a check of its own: what was read counts
//! only when [`decode`] or [`take`] hands it out. That the bytes are postcard's is held by tests against serde and postcard.

use heapless::{String, Vec};

use crate::config::{self, Malformed};
use crate::refusal::Refusal;

/// Bits that a byte of a number carries.
const GROUP_BITS: u32 = 7;

/// A value with exactly one encoding. Written by [`wire!`].
pub trait Wire<'a>: Sized {
    /// Reads it. Behind a failure the value means nothing.
    fn read(from: &mut Reader<'a>) -> Self;

    /// Writes it.
    fn write(&self, to: &mut Writer<'_>);
}

/// Decodes one value that fills `bytes` exactly.
///
/// # Errors
/// [`Refusal::MALFORMED`] for anything but the canonical encoding, trailing bytes included.
pub fn decode<'a, T: Wire<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    let mut reader = Reader::new(bytes);
    let value = T::read(&mut reader);
    if reader.finish()?.is_empty() { Ok(value) } else { Err(Refusal::MALFORMED) }
}

/// Decodes one value from the start of `bytes` and returns what follows it.
///
/// # Errors
/// [`Refusal::MALFORMED`] for anything but the canonical encoding.
pub fn take<'a, T: Wire<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Refusal> {
    let mut reader = Reader::new(bytes);
    let value = T::read(&mut reader);
    reader.finish().map(|rest| (value, rest))
}

/// Encodes `value` into the start of `buffer` and returns that part.
///
/// # Errors
/// [`Refusal::TOO_LARGE`] when the buffer is too small.
pub fn encode<'b, 'a, T: Wire<'a>>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
    let mut writer = Writer::new(buffer);
    value.write(&mut writer);
    writer.finish()
}

/// Takes values off the front of some bytes.
pub struct Reader<'a> {
    rest: config::Reader<'a>,
    sound: bool,
}

impl<'a> Reader<'a> {
    /// Starts at the front.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: config::Reader::new(bytes), sound: true }
    }

    /// What follows everything that was read.
    ///
    /// # Errors
    /// [`Refusal::MALFORMED`] when something was not there, or not in its one form.
    pub fn finish(self) -> Result<&'a [u8], Refusal> {
        if self.sound { Ok(self.rest.rest()) } else { Err(Refusal::MALFORMED) }
    }

    /// What was read is not a value.
    pub const fn fail(&mut self) {
        *self = Self { rest: config::Reader::new(&[]), sound: false };
    }

    /// The next `count` bytes; none after a failure.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let bytes = self.rest.take(count);
        self.sound_or(bytes, &[])
    }

    /// Fills `bytes`; with nothing after a failure.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        let taken = self.bytes(bytes.len());
        bytes.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
    }

    /// A number, at most `max`; 0 after a failure.
    pub fn number(&mut self, max: u64) -> u64 {
        let number = self.rest.unsigned(max);
        self.sound_or(number, 0)
    }

    /// How many items or bytes follow, at most `max`; 0 after a failure.
    pub fn count(&mut self, max: usize) -> usize {
        self.number(max as u64) as usize
    }

    /// The place of a variant among so many, a byte; the first after a failure.
    #[inline(never)]
    pub fn variant(&mut self, variants: u8) -> u8 {
        self.number(u64::from(variants.saturating_sub(1))) as u8
    }

    fn sound_or<T>(&mut self, result: Result<T, Malformed>, nothing: T) -> T {
        result.unwrap_or_else(|_| {
            self.fail();
            nothing
        })
    }
}

/// Puts values one behind the other into a buffer.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// How many bytes there are; more than the buffer holds after a failure.
    length: usize,
}

impl<'b> Writer<'b> {
    /// Starts at the front.
    #[must_use]
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Everything that was written.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] when the buffer was too small.
    pub fn finish(self) -> Result<&'b [u8], Refusal> {
        self.buffer.get(..self.length).ok_or(Refusal::TOO_LARGE)
    }

    /// Writes one byte.
    #[inline(never)]
    pub fn byte(&mut self, byte: u8) {
        if let Some(place) = self.buffer.get_mut(self.length) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// Writes bytes without their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    /// Writes a number.
    pub fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest > 0x7f {
            self.byte(rest as u8 | 0x80);
            rest >>= GROUP_BITS;
        }
        self.byte(rest as u8);
    }

    /// Writes how many items or bytes follow.
    pub fn count(&mut self, count: usize) {
        self.number(count as u64);
    }
}

/// Writes [`Wire`]: for a newtype, for a struct from its fields in the order of the format, for an enum from its variants with their
/// places, of which there are fewer than 128. A struct that borrows does so for `'a`.
macro_rules! wire {
    (newtype $type:ty) => {
        impl<'a> $crate::codec::Wire<'a> for $type {
            fn read(from: &mut $crate::codec::Reader<'a>) -> Self {
                Self($crate::codec::Wire::read(from))
            }

            fn write(&self, to: &mut $crate::codec::Writer<'_>) {
                $crate::codec::Wire::write(&self.0, to);
            }
        }
    };
    (struct $type:ty { $($field:ident),* $(,)? }) => {
        impl<'a> $crate::codec::Wire<'a> for $type {
            fn read(from: &mut $crate::codec::Reader<'a>) -> Self {
                Self { $($field: $crate::codec::Wire::read(from)),* }
            }

            fn write(&self, to: &mut $crate::codec::Writer<'_>) {
                $($crate::codec::Wire::write(&self.$field, to);)*
            }
        }
    };
    (enum $type:ty {
        0 = $first:ident $(($inner:ident))?
        $(, $place:literal = $variant:ident $(($content:ident))? $({ $($field:ident),* })?)* $(,)?
    }) => {
        impl<'a> $crate::codec::Wire<'a> for $type {
            fn read(from: &mut $crate::codec::Reader<'a>) -> Self {
                match from.variant(const { [0_u8 $(, $place)*].len() as u8 }) {
                    $($place => {
                        $(let $content = $crate::codec::Wire::read(from);)?
                        $($(let $field = $crate::codec::Wire::read(from);)*)?
                        Self::$variant $(($content))? $({ $($field),* })?
                    })*
                    _ => {
                        $(let $inner = $crate::codec::Wire::read(from);)?
                        Self::$first $(($inner))?
                    }
                }
            }

            fn write(&self, to: &mut $crate::codec::Writer<'_>) {
                match self {
                    Self::$first $(($inner))? => {
                        to.byte(0);
                        $($crate::codec::Wire::write($inner, to);)?
                    }
                    $(Self::$variant $(($content))? $({ $($field),* })? => {
                        to.byte($place);
                        $($crate::codec::Wire::write($content, to);)?
                        $($($crate::codec::Wire::write($field, to);)*)?
                    })*
                }
            }
        }
    };
}

pub(crate) use wire;

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl<'a> Wire<'a> for $type {
            fn read(from: &mut Reader<'a>) -> Self {
                from.number(Self::MAX.into()) as Self
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.number((*self).into());
            }
        })*
    };
}

numbers! { u16, u32, u64 }

impl<'a> Wire<'a> for u8 {
    fn read(from: &mut Reader<'a>) -> Self {
        let [byte] = Wire::read(from);
        byte
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.byte(*self);
    }
}

impl<'a> Wire<'a> for bool {
    fn read(from: &mut Reader<'a>) -> Self {
        from.variant(2) == 1
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.byte((*self).into());
    }
}

impl<'a, const N: usize> Wire<'a> for [u8; N] {
    fn read(from: &mut Reader<'a>) -> Self {
        let mut bytes = [0; N];
        from.fill(&mut bytes);
        bytes
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.bytes(self);
    }
}

impl<'a> Wire<'a> for &'a [u8] {
    fn read(from: &mut Reader<'a>) -> Self {
        let count = from.count(u32::MAX as usize);
        from.bytes(count)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.len());
        to.bytes(self);
    }
}

impl<'a> Wire<'a> for &'a str {
    fn read(from: &mut Reader<'a>) -> Self {
        core::str::from_utf8(Wire::read(from)).unwrap_or_else(|_| {
            from.fail();
            ""
        })
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.as_bytes().write(to);
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    fn read(from: &mut Reader<'a>) -> Self {
        (from.variant(2) == 1).then(|| T::read(from))
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }
}

impl<'a, T: Wire<'a>, const N: usize> Wire<'a> for Vec<T, N> {
    fn read(from: &mut Reader<'a>) -> Self {
        let mut items = Self::new();
        for _ in 0..from.count(N) {
            // There is room for N.
            let _ = items.push(T::read(from));
        }
        items
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.len());
        self.iter().for_each(|item| item.write(to));
    }
}

impl<'a, const N: usize> Wire<'a> for String<N> {
    fn read(from: &mut Reader<'a>) -> Self {
        Self::try_from(<&str>::read(from)).unwrap_or_else(|_| {
            from.fail();
            Self::new()
        })
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.as_str().write(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_long_numbers_and_trailing_bytes_are_refused() {
        assert_eq!(decode::<u32>(&[0x05]), Ok(5));
        assert_eq!(decode::<u32>(&[0x85, 0x00]), Err(Refusal::MALFORMED));
        assert_eq!(decode::<u32>(&[0x05, 0x00]), Err(Refusal::MALFORMED));
        assert_eq!(decode::<u32>(&[]), Err(Refusal::MALFORMED));
    }

    #[test]
    fn a_value_after_a_failure_is_not_handed_out() {
        assert_eq!(decode::<Option<u8>>(&[2, 0]), Err(Refusal::MALFORMED));
        assert_eq!(take::<Option<bool>>(&[1, 2]), Err(Refusal::MALFORMED));
    }
}
