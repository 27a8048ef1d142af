//! Checked values as postcard, byte for byte what serde and postcard write for the firmware's own types.

use std::net::IpAddr;

use steadfast_core::config::IpNet;

use super::Typed;

/// Encodes the fields of a section or struct one after the other.
#[must_use]
pub fn encode_fields(fields: &[(&str, Typed<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    fields.iter().for_each(|(_, value)| write(&mut out, value));
    out
}

/// Encodes one value.
#[must_use]
pub fn encode_value(value: &Typed<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Typed<'_>) {
    match value {
        Typed::Bool(value) => out.push(u8::from(*value)),
        Typed::U8(value) => out.push(*value),
        Typed::I8(value) => out.extend(value.to_le_bytes()),
        Typed::Unsigned(value) => varint(out, *value),
        Typed::Duration(duration) => varint(out, duration.as_millis()),
        Typed::Signed(value) => varint(out, zigzag(*value)),
        Typed::F32(value) => out.extend(value.to_le_bytes()),
        Typed::F64(value) => out.extend(value.to_le_bytes()),
        Typed::Text(text) => {
            varint(out, text.len() as u64);
            out.extend(text.as_bytes());
        }
        Typed::Mac(mac) => out.extend(mac.0),
        Typed::List(_) | Typed::Map(_) | Typed::Struct(_) | Typed::Option(_) | Typed::Variant(..) => {
            write_nested(out, value);
        }
        _ => write_address(out, value),
    }
}

fn write_nested(out: &mut Vec<u8>, value: &Typed<'_>) {
    match value {
        Typed::List(items) => {
            varint(out, items.len() as u64);
            items.iter().for_each(|item| write(out, item));
        }
        Typed::Map(entries) => {
            varint(out, entries.len() as u64);
            for (key, value) in entries {
                write(out, key);
                write(out, value);
            }
        }
        Typed::Struct(fields) => fields.iter().for_each(|(_, value)| write(out, value)),
        Typed::Option(inner) => {
            out.push(u8::from(inner.is_some()));
            inner.iter().for_each(|inner| write(out, inner));
        }
        Typed::Variant(index, _, payload) => {
            varint(out, u64::from(*index));
            payload.iter().for_each(|payload| write(out, payload));
        }
        _ => write(out, value),
    }
}

/// Addresses are their octets; one of either family has a byte before it, 0 for IPv4 and 1 for IPv6. A prefix length is one
/// byte after its address.
fn write_address(out: &mut Vec<u8>, value: &Typed<'_>) {
    let length = match value {
        Typed::Net4(net) => Some(net.prefix_bits()),
        Typed::Net6(net) => Some(net.prefix_bits()),
        Typed::Net(IpNet::V4(net)) => Some(net.prefix_bits()),
        Typed::Net(IpNet::V6(net)) => Some(net.prefix_bits()),
        _ => None,
    };
    if matches!(value, Typed::Ip(_) | Typed::Net(_)) {
        out.push(u8::from(matches!(value, Typed::Ip(IpAddr::V6(_)) | Typed::Net(IpNet::V6(_)))));
    }
    match value {
        Typed::V4(address) | Typed::Ip(IpAddr::V4(address)) => out.extend(address.octets()),
        Typed::V6(address) | Typed::Ip(IpAddr::V6(address)) => out.extend(address.octets()),
        Typed::Net4(net) | Typed::Net(IpNet::V4(net)) => out.extend(net.address().octets()),
        Typed::Net6(net) | Typed::Net(IpNet::V6(net)) => out.extend(net.address().octets()),
        _ => {}
    }
    out.extend(length);
}

/// Seven bits a byte, least significant first, the top bit set on all but the last.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// 0, -1, 1, -2 become 0, 1, 2, 3.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
