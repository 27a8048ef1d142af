//! MAC addresses: six bytes on the wire, `02:00:5e:10:00:01` for people.

use core::fmt;

use serde::Serialize;

use super::{Malformed, Reader, Value};
use crate::schema::Type;

/// A 48-bit MAC address (IEEE 802), first octet first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Reads six pairs of hexadecimal digits with `:` or `-` between them, the same throughout. `None` for anything else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut pairs = text.split(separator);
        for octet in &mut octets {
            let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *octet = u8::from_str_radix(pair, 16).ok()?;
        }
        pairs.next().is_none().then_some(Self(octets))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl Value for Mac {
    const TYPE: &'static Type = &Type::Mac;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_and_nothing_else_does() {
        let mac = Mac([2, 0, 0x5e, 0x10, 0, 0xff]);
        assert_eq!(Mac::from_text(&mac.to_string()), Some(mac));
        assert_eq!(Mac::from_text("02-00-5E-10-00-FF"), Some(mac));
        for wrong in
            ["", "02:00:5e:10:00", "02:00:5e:10:00:ff:01", "2:0:5e:10:0:ff", "02:00-5e:10:00:ff", "+2:00:5e:10:00:ff"]
        {
            assert_eq!(Mac::from_text(wrong), None, "{wrong}");
        }
    }
}
