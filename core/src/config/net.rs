//! IP addresses, and addresses with a prefix length.
//!
//! An address is its octets; a prefix is the address and one byte. Host bits stay: `10.0.3.1/24` is an interface's
//! address with its network, which is what devices are mostly configured with.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::{Malformed, Reader, Value};
use crate::schema::Type;

macro_rules! net {
    ($(#[$doc:meta])* $name:ident, $address:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name {
            address: $address,
            prefix_bits: u8,
        }

        impl $name {
            /// `None` when the address has fewer bits.
            #[must_use]
            pub const fn new(address: $address, prefix_bits: u8) -> Option<Self> {
                if prefix_bits as u32 <= $address::BITS { Some(Self { address, prefix_bits }) } else { None }
            }

            /// A literal in a configuration type. To be called in constants only, where a prefix that is too long is a compile error.
            #[must_use]
            #[allow(clippy::panic)]
            pub const fn literal(address: $address, prefix_bits: u8) -> Self {
                match Self::new(address, prefix_bits) {
                    Some(net) => net,
                    None => panic!("the prefix is longer than the address"),
                }
            }

            /// The address, host bits included.
            #[must_use]
            pub const fn address(&self) -> $address {
                self.address
            }

            /// How many leading bits name the network.
            #[must_use]
            pub const fn prefix_bits(&self) -> u8 {
                self.prefix_bits
            }

            /// Reads `address/bits`; `None` for anything else.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                let (address, bits) = text.split_once('/')?;
                let plain = bits == "0" || !bits.starts_with(['0', '+']);
                Self::new(address.parse().ok()?, bits.parse().ok().filter(|_| plain)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.address, self.prefix_bits)
            }
        }

        impl Value for $name {
            const TYPE: &'static Type = &Type::$name;

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::new($address::read(reader)?, reader.byte()?).ok_or(Malformed::OutOfRange)
            }
        }
    };
}

net! {
    /// An IPv4 address with its prefix length.
    Ipv4Net, Ipv4Addr
}
net! {
    /// An IPv6 address with its prefix length.
    Ipv6Net, Ipv6Addr
}

/// Either kind of address with its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum IpNet {
    /// Tag 0.
    V4(Ipv4Net),
    /// Tag 1.
    V6(Ipv6Net),
}

impl IpNet {
    /// Reads `address/bits`; `None` for anything else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Ipv4Net::from_text(text).map(Self::V4).or_else(|| Ipv6Net::from_text(text).map(Self::V6))
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(net) => net.fmt(f),
            Self::V6(net) => net.fmt(f),
        }
    }
}

impl Value for Ipv4Addr {
    const TYPE: &'static Type = &Type::Ipv4Addr;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array::<4>().map(Self::from)
    }
}

impl Value for Ipv6Addr {
    const TYPE: &'static Type = &Type::Ipv6Addr;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array::<16>().map(Self::from)
    }
}

impl Value for IpAddr {
    const TYPE: &'static Type = &Type::IpAddr;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.tag()? {
            0 => Ipv4Addr::read(reader).map(Self::V4),
            1 => Ipv6Addr::read(reader).map(Self::V6),
            _ => Err(Malformed::Variant),
        }
    }
}

impl Value for IpNet {
    const TYPE: &'static Type = &Type::IpNet;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.tag()? {
            0 => Ipv4Net::read(reader).map(Self::V4),
            1 => Ipv6Net::read(reader).map(Self::V6),
            _ => Err(Malformed::Variant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_read_back_and_nothing_else_does() {
        for text in ["10.0.3.1/24", "0.0.0.0/0", "255.255.255.255/32", "fe80::1/64", "::/0"] {
            assert_eq!(IpNet::from_text(text).unwrap().to_string(), text);
        }
        for wrong in ["", "10.0.3.1", "10.0.3.1/33", "10.0.3.1/", "10.0.3.1/+8", "10.0.3.1/08", "::/129", "10.0.3/8"] {
            assert_eq!(IpNet::from_text(wrong), None, "{wrong}");
        }
    }
}
