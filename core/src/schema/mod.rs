//! The description of a firmware's configuration: a tree of constants, encoded while the firmware compiles.
//!
//! The derive gives every type a constant node; the root's tree is encoded by [`encode`] in constant evaluation. What reaches
//! the ELF file is bytes in a section that is never loaded, and what reaches flash is the 32-byte [`id`]. So the description cannot
//! disagree with the binary, and costs it nothing. The layout of the bytes is `docs/spec/schema.md`.
//!
//! Everything in this module runs in the compiler, where a panic is a compile error and the only way to report one; no
//! firmware calls it at run time. That is why the rules of core about panics and indexing do not hold in here.
//!
//! Invariant: the bytes of [`encode`] with [`Prose::Dropped`] name the schema; two firmwares have the same id exactly when each
//! reads every section the other way round, with the same bounds, units, defaults and check names.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod check;
mod encode;
mod kind;
mod sha256;
mod size;

pub use check::{check_field, check_schema, check_type};
pub use encode::{Prose, encode, encoded_bytes, framed, id};
pub use kind::{FloatKind, IntKind};
pub use size::max_bytes;

use crate::manifest::{CHECKS_MAX, NAME_MAX_BYTES, OBJECTS_MAX};
pub use crate::manifest::{Restart, Risk};

/// First byte of every description; another value is another format.
pub const VERSION: u8 = 1;
/// Opens the ELF section, so that a wrong section is recognised.
pub const MAGIC: [u8; 8] = *b"SFSCHEMA";
/// Magic and length (u32, little-endian) in front of the description in the ELF section.
pub const FRAME_BYTES: usize = 12;
/// The ELF section.
pub const ELF_SECTION: &str = ".steadfast.schema";

/// Largest description. Bounds what the host reads and what the compiler has to evaluate.
pub const MAX_DESCRIPTION_BYTES: usize = 65_536;
/// As many as a manifest has objects.
pub const MAX_SECTIONS: usize = OBJECTS_MAX;
/// What no section may be called: in a layer these words mean something else.
pub const RESERVED_SECTIONS: [&str; 6] = ["agent", "append", "final", "health", "match", "unset"];
/// Fields of one struct or section.
pub const MAX_FIELDS: usize = 64;
/// Variants of one enum: the tag stays one byte.
pub const MAX_VARIANTS: usize = 64;
/// Levels of nesting below a section, so that recursion on the device and on the host is bounded.
pub const MAX_DEPTH: usize = 8;
/// Names of sections, fields, variants and checks, in bytes of `[a-z0-9_]`.
pub const MAX_NAME_BYTES: usize = NAME_MAX_BYTES;
/// Different check names of a schema, as many as a manifest can name.
pub const MAX_CHECKS: usize = CHECKS_MAX;
/// A unit, in bytes.
pub const MAX_UNIT_BYTES: usize = 16;
/// One documentation text, in bytes.
pub const MAX_DOC_BYTES: usize = 1024;
/// A text literal, in bytes.
pub const MAX_LITERAL_BYTES: usize = 256;
/// Items of a list literal.
pub const MAX_LITERAL_ITEMS: usize = 64;
/// Tombstones of one struct, section or schema.
pub const MAX_REMOVED: usize = 64;
/// The name of a Rust type, in bytes; prose.
pub const MAX_TYPE_NAME_BYTES: usize = 64;

/// All sections of a firmware.
pub struct Schema {
    /// Prose.
    pub name: &'static str,
    /// At most [`MAX_SECTIONS`].
    pub sections: &'static [Section],
    /// Names of former sections.
    pub removed: &'static [&'static str],
}

/// One top-level field.
pub struct Section {
    /// At most [`MAX_NAME_BYTES`] of `[a-z0-9_]`.
    pub name: &'static str,
    /// Prose.
    pub doc: &'static str,
    /// What a change restarts.
    pub restart: Restart,
    /// What a wrong value can cost.
    pub risk: Risk,
    /// Whether the values are sealed to the device.
    pub secret: bool,
    /// At most [`MAX_CHECKS`].
    pub checks: &'static [&'static str],
    /// The name in older schemas.
    pub was: Option<&'static str>,
    /// Always a [`Type::Struct`].
    pub ty: &'static Type,
}

/// Fields one after the other.
pub struct Struct {
    /// Prose.
    pub name: &'static str,
    /// At most [`MAX_FIELDS`], in the order of their bytes.
    pub fields: &'static [Field],
    /// Names of former fields.
    pub removed: &'static [&'static str],
}

/// A named value.
pub struct Field {
    /// At most [`MAX_NAME_BYTES`] of `[a-z0-9_]`.
    pub name: &'static str,
    /// Prose.
    pub doc: &'static str,
    /// The layout; `bounds` narrows it.
    pub ty: &'static Type,
    /// What this field alone adds to its type.
    pub bounds: Bounds,
    /// What a number counts.
    pub unit: Option<&'static str>,
    /// The value when nothing sets one.
    pub default: Option<Literal>,
    /// The name in older schemas.
    pub was: Option<&'static str>,
    /// What a firmware without this field behaves as.
    pub absent_means: Option<Literal>,
}

/// What a field adds to its type: the range reaches through options, lists and map values to the number inside; the key belongs to
/// the outermost list.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// The smallest value.
    pub min: Option<Number>,
    /// The largest value, included.
    pub max: Option<Number>,
    /// The field that tells the items of a list apart.
    pub key: Option<&'static str>,
}

impl Bounds {
    /// Adds nothing.
    pub const NONE: Self = Self { min: None, max: None, key: None };
}

/// One end of a range.
#[derive(Clone, Copy)]
pub enum Number {
    /// For integers.
    Int(i128),
    /// For floating-point numbers.
    Float(f64),
    /// For durations, in milliseconds.
    Millis(u64),
}

/// Layout of a value.
pub enum Type {
    Bool,
    Int(IntKind),
    Float(FloatKind),
    Text { max_bytes: u32 },
    List { max: u32, item: &'static Type },
    Map { max: u32, key: &'static Type, value: &'static Type },
    Struct(Struct),
    Option(&'static Type),
    Enum(Enum),
    Ipv4Addr,
    Ipv6Addr,
    IpAddr,
    Ipv4Net,
    Ipv6Net,
    IpNet,
    Mac,
    Duration,
}

/// One of several variants.
pub struct Enum {
    /// Prose.
    pub name: &'static str,
    /// At most [`MAX_VARIANTS`], in the order of their tags.
    pub variants: &'static [Variant],
}

/// One alternative of an enum.
pub struct Variant {
    /// At most [`MAX_NAME_BYTES`] of `[a-z0-9_]`.
    pub name: &'static str,
    /// Prose.
    pub doc: &'static str,
    /// What it carries.
    pub payload: Option<&'static Type>,
}

/// A value inside a description. Text also stands for durations, addresses and variants without data.
pub enum Literal {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'static str),
    List(&'static [Literal]),
}
