//! Values that fit their schema: every field is there, in the schema's order, within its bounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use steadfast_core::config::{Duration, IpNet, Ipv4Net, Ipv6Net, Mac};

/// A checked value. It can be encoded without asking the schema again.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed<'s> {
    /// One byte.
    Bool(bool),
    /// An unsigned 8-bit integer: its own byte.
    U8(u8),
    /// A signed 8-bit integer: its own byte.
    I8(i8),
    /// A wider unsigned integer.
    Unsigned(u64),
    /// A wider signed integer.
    Signed(i64),
    /// A single-precision number.
    F32(f32),
    /// A double-precision number.
    F64(f64),
    /// Text.
    Text(Arc<str>),
    /// Items in order.
    List(Vec<Typed<'s>>),
    /// Entries, strictly ascending by key.
    Map(Vec<(Typed<'s>, Typed<'s>)>),
    /// Fields by name, in the schema's order.
    Struct(Vec<(&'s str, Typed<'s>)>),
    /// A value that may be absent.
    Option(Option<Box<Typed<'s>>>),
    /// One of an enum's alternatives, by index and name, with what it carries.
    Variant(u32, &'s str, Option<Box<Typed<'s>>>),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// An address of either family.
    Ip(IpAddr),
    /// An IPv4 address with its prefix length.
    Net4(Ipv4Net),
    /// An IPv6 address with its prefix length.
    Net6(Ipv6Net),
    /// An address of either family with its prefix length.
    Net(IpNet),
    /// A MAC address.
    Mac(Mac),
    /// A span of time.
    Duration(Duration),
}
