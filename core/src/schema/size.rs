//! The largest encoded size of a type, so that a firmware can size its buffers in constants.

use super::encode::{int_end, millis_end};
use super::{Bounds, FloatKind, IntKind, Type, Variant};
use crate::config::MAX_DURATION_MS;

/// The largest number of bytes that a value of `ty` takes within `bounds`.
#[must_use]
pub const fn max_bytes(ty: &Type, bounds: Bounds) -> usize {
    match ty {
        Type::Bool => 1,
        Type::Int(kind) => int_bytes(*kind, bounds),
        Type::Float(FloatKind::F32) => 4,
        Type::Float(FloatKind::F64) => 8,
        Type::Text { max_bytes } => counted(*max_bytes, 1),
        Type::List { max, item } => counted(*max, max_bytes(item, bounds)),
        Type::Map { max, key, value } => counted(*max, max_bytes(key, Bounds::NONE) + max_bytes(value, bounds)),
        Type::Struct(body) => {
            let mut sum = 0;
            let mut i = 0;
            while i < body.fields.len() {
                sum += max_bytes(body.fields[i].ty, body.fields[i].bounds);
                i += 1;
            }
            sum
        }
        Type::Option(inner) => 1 + max_bytes(inner, bounds),
        Type::Enum(choice) => 1 + largest_payload(choice.variants),
        Type::Ipv4Addr => 4,
        Type::Ipv6Addr => 16,
        Type::IpAddr => 17,
        Type::Ipv4Net => 5,
        Type::Ipv6Net => 17,
        Type::IpNet => 18,
        Type::Mac => 6,
        Type::Duration => varint_bytes(millis_end(bounds.max, MAX_DURATION_MS) as u128),
    }
}

const fn largest_payload(variants: &[Variant]) -> usize {
    let mut largest = 0;
    let mut i = 0;
    while i < variants.len() {
        if let Some(ty) = variants[i].payload {
            let bytes = max_bytes(ty, Bounds::NONE);
            if bytes > largest {
                largest = bytes;
            }
        }
        i += 1;
    }
    largest
}

const fn int_bytes(kind: IntKind, bounds: Bounds) -> usize {
    let min = int_end(bounds.min, kind.min());
    let max = int_end(bounds.max, kind.max());
    match kind {
        IntKind::U8 | IntKind::I8 => 1,
        IntKind::U16 | IntKind::U32 | IntKind::U64 => varint_bytes(max.unsigned_abs()),
        IntKind::I16 | IntKind::I32 | IntKind::I64 => {
            let (low, high) = (varint_bytes(zigzag(min)), varint_bytes(zigzag(max)));
            if low > high { low } else { high }
        }
    }
}

const fn counted(max: u32, each: usize) -> usize {
    varint_bytes(max as u128) + max as usize * each
}

const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

const fn varint_bytes(value: u128) -> usize {
    let groups = (u128::BITS - value.leading_zeros()).div_ceil(7) as usize;
    if groups == 0 { 1 } else { groups }
}
