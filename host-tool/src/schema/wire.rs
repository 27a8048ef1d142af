//! The bytes of a description: emit and parse side by side, in the order of `docs/spec/schema.md`.
//!
//! A firmware's bytes are written by `steadfast_core::schema` while it compiles; hand-written schemas are written here. The schema tests
//! hold the two together. Parsing takes the one form that is written, and recursion is bounded by `MAX_DEPTH`.

mod emit;
mod parse;

pub(super) use emit::encode;
pub(super) use parse::decode;

/// Tags of [`super::Type`].
mod tag {
    pub(super) const BOOL: u8 = 0;
    pub(super) const INT: u8 = 1;
    pub(super) const FLOAT: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const LIST: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const STRUCT: u8 = 6;
    pub(super) const OPTION: u8 = 7;
    pub(super) const ENUM: u8 = 8;
    pub(super) const IPV4_ADDR: u8 = 9;
    pub(super) const IPV6_ADDR: u8 = 10;
    pub(super) const IP_ADDR: u8 = 11;
    pub(super) const IPV4_NET: u8 = 12;
    pub(super) const IPV6_NET: u8 = 13;
    pub(super) const IP_NET: u8 = 14;
    pub(super) const MAC: u8 = 15;
    pub(super) const DURATION: u8 = 16;
}

/// Tags of [`super::Literal`].
mod literal_tag {
    pub(super) const BOOL: u8 = 0;
    pub(super) const INT: u8 = 1;
    pub(super) const FLOAT: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const LIST: u8 = 4;
}
