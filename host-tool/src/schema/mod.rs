//! The schema of one firmware, as the host holds it: owned, checked, named by its digest.
//!
//! A firmware brings its own schema (see `steadfast_core::schema`): the derive writes a description into the ELF file, and
//! everything on the host that touches values (layers, compiler, reference pages, editors) works from the model below. A schema
//! is never edited in place: other content is another id.
//!
//! Invariant: a [`Schema`] that came out of [`Schema::new`] keeps every bound of the description (`docs/spec/schema.md`), its
//! names are unique, its defaults fit their types, and `id` belongs to exactly this content.

mod size;

pub use steadfast_core::id::SchemaId;

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

/// What a change of a section restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The application takes the new value while it runs.
    Nothing,
    /// The task that owns the section.
    Task,
    /// The whole device.
    Device,
}

/// What a wrong value of a section can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nothing beyond the feature itself.
    Low,
    /// The way back to the server: such a change cannot waive the health round trip.
    Connectivity,
    /// Harm outside the device.
    Safety,
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

/// Width and sign of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
}

/// Width of a floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    F32,
    F64,
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

impl Schema {
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

impl IntKind {
    /// The smallest value of this kind.
    pub fn min(self) -> i128 {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => 0,
            Self::I8 => i8::MIN.into(),
            Self::I16 => i16::MIN.into(),
            Self::I32 => i32::MIN.into(),
            Self::I64 => i64::MIN.into(),
        }
    }

    /// The largest value of this kind.
    pub fn max(self) -> i128 {
        match self {
            Self::U8 => u8::MAX.into(),
            Self::U16 => u16::MAX.into(),
            Self::U32 => u32::MAX.into(),
            Self::U64 => u64::MAX.into(),
            Self::I8 => i8::MAX.into(),
            Self::I16 => i16::MAX.into(),
            Self::I32 => i32::MAX.into(),
            Self::I64 => i64::MAX.into(),
        }
    }

    /// The name in Rust and in the text form: `u8` to `i64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}

impl FloatKind {
    /// The largest finite value of this kind; its negative is the smallest.
    pub fn max(self) -> f64 {
        match self {
            Self::F32 => f32::MAX.into(),
            Self::F64 => f64::MAX,
        }
    }

    /// The name in Rust and in the text form: `f32` or `f64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}
