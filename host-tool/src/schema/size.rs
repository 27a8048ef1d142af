//! The largest number of bytes that a value can take, so that "fits the slot" is proved before anything is merged.
//!
//! Mirrors `steadfast_core::schema::max_bytes`, which works on the firmware's own tree; the schema tests hold the two together.

use super::{Field, FloatKind, IntKind, Schema, Section, Type};

/// Tag of an option, an enum or an address family: one byte, because no enum has more than 64 variants.
const TAG_BYTES: u64 = 1;

impl Schema {
    /// The largest encoded size of all sections together, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.sections.iter().fold(0, |sum, section| section.max_bytes().saturating_add(sum))
    }
}

impl Section {
    /// The largest encoded size in bytes.
    pub fn max_bytes(&self) -> u64 {
        fields_bytes(&self.fields)
    }
}

impl Type {
    /// The largest encoded size in bytes; saturates instead of wrapping.
    pub fn max_bytes(&self) -> u64 {
        match self {
            Type::Bool => 1,
            Type::Int { kind, min, max } => int_bytes(*kind, *min, *max),
            Type::Float { kind: FloatKind::F32, .. } => 4,
            Type::Float { kind: FloatKind::F64, .. } => 8,
            Type::Text { max_bytes } => counted(*max_bytes, 1),
            Type::List { max, item, .. } => counted(*max, item.max_bytes()),
            Type::Map { max, key, value } => counted(*max, key.max_bytes().saturating_add(value.max_bytes())),
            Type::Struct { fields, .. } => fields_bytes(fields),
            Type::Option(inner) => inner.max_bytes().saturating_add(TAG_BYTES),
            Type::Enum { variants, .. } => {
                let payloads = variants.iter().filter_map(|variant| variant.payload.as_ref());
                payloads.map(Type::max_bytes).max().unwrap_or(0).saturating_add(TAG_BYTES)
            }
            Type::Ipv4Addr => 4,
            Type::Ipv6Addr => 16,
            Type::IpAddr => TAG_BYTES + 16,
            Type::Ipv4Net => 5,
            Type::Ipv6Net => 17,
            Type::IpNet => TAG_BYTES + 17,
            Type::Mac => 6,
            Type::Duration { max_ms, .. } => varint_bytes(u128::from(*max_ms)),
        }
    }
}

fn fields_bytes(fields: &[Field]) -> u64 {
    fields.iter().fold(0, |sum, field| field.ty.max_bytes().saturating_add(sum))
}

fn counted(max: u32, each: u64) -> u64 {
    u64::from(max).saturating_mul(each).saturating_add(varint_bytes(u128::from(max)))
}

fn int_bytes(kind: IntKind, min: i128, max: i128) -> u64 {
    match kind {
        IntKind::U8 | IntKind::I8 => 1,
        IntKind::U16 | IntKind::U32 | IntKind::U64 => varint_bytes(max.unsigned_abs()),
        IntKind::I16 | IntKind::I32 | IntKind::I64 => varint_bytes(zigzag(min)).max(varint_bytes(zigzag(max))),
    }
}

/// Maps signed to unsigned so that small magnitudes stay short: 0, -1, 1, -2 become 0, 1, 2, 3.
fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

/// Bytes of a number in groups of seven bits.
fn varint_bytes(value: u128) -> u64 {
    u64::from((u128::BITS - value.leading_zeros()).div_ceil(7).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_range_needs_fewer_bytes() {
        let int = |kind, min, max| Type::Int { kind, min, max }.max_bytes();
        assert_eq!(int(IntKind::U32, 0, 127), 1);
        assert_eq!(int(IntKind::U32, 0, 128), 2);
        assert_eq!(int(IntKind::U64, 0, u64::MAX.into()), 10);
        assert_eq!(int(IntKind::I16, -65, 0), 2);
        assert_eq!(int(IntKind::I8, -128, 127), 1);
    }

    #[test]
    fn lists_count_their_length() {
        let item = Box::new(Type::Ipv4Addr);
        assert_eq!(Type::List { max: 200, item, key: None }.max_bytes(), 2 + 800);
        assert_eq!(Type::Option(Box::new(Type::Text { max_bytes: 16 })).max_bytes(), 18);
    }
}
