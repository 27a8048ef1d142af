//! The schema of one firmware, as the host holds it: owned, checked, named by its digest.
//!
//! A firmware brings its own schema (see `steadfast_core::schema`): the derive writes a description into the ELF file, and
//! everything on the host that touches values (layers, compiler, reference pages, editors) works from the model below. A schema
//! is never edited in place: other content is another id.
//!
//! Invariant: a [`Schema`] that came out of [`Schema::new`] keeps every bound of the description (`docs/spec/schema.md`), its
//! names are unique, its defaults fit their types, and `id` belongs to exactly this content.

mod check;
mod compare;
mod elf;
mod error;
mod file;
mod json;
mod kind;
mod page;
mod size;
mod text;
mod versions;
mod wire;

pub(crate) use check::ON_UNSUPPORTED;
pub use compare::{Remark, Verdict, compare};
pub use elf::{ElfError, extract};

pub use error::SchemaError;
pub use file::{
    Added, EXPORTED, FOLDER, FileError, StoreError, Stored, WRITTEN, add, beside, from_file, list, load, place,
};
pub use json::layer_schema;
pub use steadfast_core::id::SchemaId;
pub use steadfast_core::schema::{FloatKind, IntKind, Restart, Risk};
pub use text::{TextError, from_toml};
pub use versions::{Named, between, lineage, successors};

use steadfast_core::digest::Digest;
use steadfast_core::schema::{MAX_DESCRIPTION_BYTES, Prose};

/// The typed description of one firmware's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// SHA-256 of the description without its prose.
    pub id: SchemaId,
    /// What people call it: the name of the firmware's root type, or the file name of a hand-written schema. Prose.
    pub name: String,
    /// At most 32, in the firmware's order.
    pub sections: Vec<Section>,
    /// Names of sections that existed once and must not be used again.
    pub removed: Vec<String>,
}

/// One top-level field: the unit of change, restart, secrecy and health.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// `[a-z0-9_]`, 1 to 32 bytes.
    pub name: String,
    /// Prose.
    pub doc: String,
    /// What has to restart when this section changes.
    pub restart: Restart,
    /// How dangerous a wrong value is.
    pub risk: Risk,
    /// Whether its values must never appear in the clear outside the device.
    pub secret: bool,
    /// Names of the health checks that vouch for this section, each at most 32 ASCII bytes.
    pub checks: Vec<String>,
    /// The name that older schemas use for it.
    pub was: Option<String>,
    /// In the order of their bytes.
    pub fields: Vec<Field>,
    /// Names of fields that existed once and must not be used again.
    pub removed: Vec<String>,
}

/// A named value inside a section, a struct or a struct-like variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// `[a-z0-9_]`, 1 to 32 bytes.
    pub name: String,
    /// Prose.
    pub doc: String,
    /// Layout and bounds.
    pub ty: Type,
    /// What a number counts: `ms`, `°C`.
    pub unit: Option<String>,
    /// The value when no layer sets one. Without it a field must be set, unless it is an [`Type::Option`] (absent) or a
    /// [`Type::Struct`] (as if its table were empty).
    pub default: Option<Literal>,
    /// The name that older schemas use for it.
    pub was: Option<String>,
    /// The value that a firmware without this field behaves as if it had: may be dropped for an older schema.
    pub absent_means: Option<Literal>,
}

/// Layout and bounds of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// One byte, 0 or 1.
    Bool,
    /// An integer within `min..=max`, both within the kind's own range.
    Int {
        kind: IntKind,
        min: i128,
        max: i128,
    },
    /// A finite number within `min..=max`.
    Float {
        kind: FloatKind,
        min: f64,
        max: f64,
    },
    /// UTF-8 text.
    Text {
        max_bytes: u32,
    },
    /// At most `max` items. With a `key`, items are structs, that field tells them apart, and layers merge by it.
    List {
        max: u32,
        item: Box<Type>,
        key: Option<String>,
    },
    /// At most `max` entries, keys strictly ascending. Keys are integers, text, addresses or MAC addresses.
    Map {
        max: u32,
        key: Box<Type>,
        value: Box<Type>,
    },
    /// Fields one after the other.
    Struct {
        name: String,
        fields: Vec<Field>,
        removed: Vec<String>,
    },
    /// May be absent.
    Option(Box<Type>),
    /// One of at most 64 variants.
    Enum {
        name: String,
        variants: Vec<Variant>,
    },
    Ipv4Addr,
    Ipv6Addr,
    IpAddr,
    /// An IPv4 address with its prefix length.
    Ipv4Net,
    /// An IPv6 address with its prefix length.
    Ipv6Net,
    /// Either of the two.
    IpNet,
    /// A 48-bit MAC address.
    Mac,
    /// Whole milliseconds within `min_ms..=max_ms`.
    Duration {
        min_ms: u64,
        max_ms: u64,
    },
}

/// One alternative of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `[a-z0-9_]`, 1 to 32 bytes.
    pub name: String,
    /// Prose.
    pub doc: String,
    /// What it carries; a struct when the variant has named fields.
    pub payload: Option<Type>,
}

/// A value inside a schema. Texts also stand for durations, addresses and variants without data; an empty list also for an empty map.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Literal>),
}

/// What a schema is made of, before it is checked and named.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// See [`Schema::name`].
    pub name: String,
    /// See [`Schema::sections`].
    pub sections: Vec<Section>,
    /// See [`Schema::removed`].
    pub removed: Vec<String>,
}

impl Schema {
    /// Checks every rule of the description and names the schema.
    ///
    /// # Errors
    /// [`SchemaError::Rule`] names the place and the rule.
    pub fn new(draft: Draft) -> Result<Self, SchemaError> {
        check::check(&draft)?;
        let Draft { name, sections, removed } = draft;
        let mut schema = Self { id: SchemaId([0; 32]), name, sections, removed };
        schema.id = SchemaId(Digest::of(&wire::encode(&schema, Prose::Dropped)).0);
        let bytes = schema.encode().len();
        if bytes > MAX_DESCRIPTION_BYTES {
            return Err(SchemaError::TooLarge { bytes });
        }
        Ok(schema)
    }

    /// Reads a description, to the last byte and in its only form.
    ///
    /// # Errors
    /// [`SchemaError::Version`], [`SchemaError::Malformed`] with the offset, or [`SchemaError::Rule`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SchemaError> {
        Self::new(wire::decode(bytes)?)
    }

    /// The description, as the firmware carries it.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self, Prose::Kept)
    }

    /// The first 16 hexadecimal digits of the id: what a poll carries, and what files are called.
    pub fn short_id(&self) -> String {
        self.id.prefix().to_string()
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Every check name of every section, sorted, each once.
    pub fn checks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.sections.iter().flat_map(|s| s.checks.iter().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
