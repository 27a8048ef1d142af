//! Whether two types, or two fields, are the same thing in two firmware versions.
//!
//! Widths, bounds, lengths and whether a value may be absent can change: one value is then expressed by both, or by one of them. What must
//! not change is what a value means. So a number that becomes a text is another field, and so is one that counts another unit.

use super::{Field, Type};

impl Type {
    /// Whether a value of one could be a value of the other, bounds aside.
    pub fn is_kind_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Option(inner), other) => inner.is_kind_of(other),
            (this, Self::Option(inner)) => this.is_kind_of(inner),
            (Self::List { item: a, key: one, .. }, Self::List { item: b, key: two, .. }) => {
                a.is_kind_of(b) && one.is_some() == two.is_some()
            }
            (Self::Map { key: a, value: one, .. }, Self::Map { key: b, value: two, .. }) => {
                a.is_kind_of(b) && one.is_kind_of(two)
            }
            (this, other) => this.family() == other.family(),
        }
    }

    /// A number for each kind of value. An address of either version can be one of a certain version.
    fn family(&self) -> u8 {
        match self {
            Self::Bool => 0,
            Self::Int { .. } => 1,
            Self::Float { .. } => 2,
            Self::Text { .. } => 3,
            Self::List { .. } => 4,
            Self::Map { .. } => 5,
            Self::Struct { .. } => 6,
            Self::Enum { .. } => 7,
            Self::Ipv4Addr | Self::Ipv6Addr | Self::IpAddr => 8,
            Self::Ipv4Net | Self::Ipv6Net | Self::IpNet => 9,
            Self::Mac => 10,
            Self::Duration { .. } => 11,
            Self::Option(inner) => inner.family(),
        }
    }
}

impl Field {
    /// Whether both hold the same kind of value, counted in the same unit. What is inside is compared on its own.
    pub fn means_what(&self, other: &Self) -> bool {
        self.unit == other.unit && self.ty.is_kind_of(&other.ty)
    }
}
