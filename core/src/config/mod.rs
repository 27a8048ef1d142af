//! Configuration as the firmware sees it: its own types, decoded from verified bytes and checked against its own bounds.
//!
//! `#[derive(Config)]` on a struct or an enum writes three things that therefore cannot disagree: the decoder ([`Value::read`]), the
//! description ([`Value::TYPE`]) and the compiled-in values ([`Defaults`]). On the root struct, whose fields are the sections,
//! `#[config(root)]` makes it write [`Configuration`] and one [`Section`] for each field.
//!
//! The bytes are exactly what postcard makes of the same types; this decoder takes fewer of them: no over-long number, no
//! value outside its range, no number that is not finite, no map out of order, nothing behind the last field.
//!
//! ```
//! use steadfast_core::config::{self, Config, Duration, Section, heapless};
//!
//! #[derive(Config)]
//! struct Sampling {
//!     /// How often a sample is taken.
//!     #[config(unit = "ms", range = 10..=3_600_000, default = 1000)]
//!     period_ms: u32,
//!     /// Averaged before it is sent.
//!     #[config(range = 1..=64, default = 4)]
//!     samples: u8,
//! }
//!
//! #[derive(Config)]
//! struct Network {
//!     #[config(default = "server.example")]
//!     host: heapless::String<64>,
//!     #[config(range = "1s"..="1h", default = "30s")]
//!     timeout: Duration,
//! }
//!
//! #[derive(Config)]
//! #[config(root)]
//! struct App {
//!     #[config(restart = task, checks("sensor"))]
//!     sampling: Sampling,
//!     #[config(restart = device, risk = connectivity)]
//!     network: Network,
//! }
//!
//! steadfast_core::export_schema!(App);
//!
//! let sampling: Sampling = config::decode(&[0xe8, 0x07, 4]).unwrap();
//! assert_eq!(sampling.period_ms, 1000);
//! assert_eq!(Sampling::NAME, "sampling");
//! assert_eq!(config::decode::<Sampling>(&[5, 4]).err(), Some(config::Malformed::OutOfRange));
//! ```

mod bounds;
mod collections;
mod duration;
mod export;
mod mac;
mod net;
mod numbers;
mod reader;

pub use bounds::Bounded;
pub use collections::{MapKey, list, text};
pub use duration::{Duration, MAX_DURATION_MS};
pub use mac::Mac;
pub use net::{IpNet, Ipv4Net, Ipv6Net};
pub use reader::Reader;
pub use steadfast_derive::Config;

/// The collections that a configuration may use.
pub use heapless;

use crate::id::SchemaId;
use crate::manifest::Flags;
use crate::schema::{self, Bounds, Type};

/// A type that can stand in a configuration. Written by `#[derive(Config)]`; implemented here for numbers, text, collections,
/// addresses and durations.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a configuration",
    note = "numbers and text of fixed bounds can, `heapless::{{String, Vec, LinearMap}}`, `Option`, IP addresses, what `steadfast_core::config` has, and your types with `#[derive(Config)]`"
)]
pub trait Value: Sized {
    /// Layout and bounds; read in constants only, so that it costs no flash.
    const TYPE: &'static Type;
    /// The largest encoded size in bytes.
    const MAX_BYTES: usize = schema::max_bytes(Self::TYPE, Bounds::NONE);

    /// Takes one value from the front.
    ///
    /// # Errors
    /// Anything that the host would not have written for this type.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// The values that a device runs when it has no configuration yet. Written by the derive when every field has a `default`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no compiled-in values",
    note = "a struct has them when each of its fields has a `default` or is an `Option`"
)]
pub trait Defaults: Sized {
    /// All fields at their `default`.
    fn defaults() -> Self;
}

/// One top-level field of a configuration.
pub trait Section: Value {
    /// Its name in manifests.
    const NAME: &'static str;
    /// Restart scope and risk, as a manifest must carry them.
    const FLAGS: Flags;
    /// Whether its values arrive sealed.
    const SECRET: bool;
    /// The health checks that vouch for it.
    const CHECKS: &'static [&'static str];
}

/// A firmware's whole configuration.
pub trait Configuration {
    /// The description; read in constants only.
    const SCHEMA: &'static schema::Schema;
    /// What the firmware says it runs under.
    const SCHEMA_ID: SchemaId;
    /// Every section in short.
    const SECTIONS: &'static [Declared];
    /// Every check name, sorted, each once.
    const CHECKS: &'static [&'static str];
    /// The largest section in bytes.
    const MAX_SECTION_BYTES: usize = largest(Self::SECTIONS);
}

/// What a firmware declares about a section, to hold a manifest against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name in manifests.
    pub name: &'static str,
    /// Restart scope and risk.
    pub flags: Flags,
    /// Whether its values arrive sealed.
    pub secret: bool,
    /// The largest encoded size.
    pub max_bytes: u32,
}

impl Declared {
    /// What the section type says about itself.
    #[must_use]
    pub const fn of<S: Section>() -> Self {
        Self { name: S::NAME, flags: S::FLAGS, secret: S::SECRET, max_bytes: S::MAX_BYTES as u32 }
    }
}

/// Why bytes are not a value of the type. The bytes were signed, so this is never an attack: firmware and schema disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Malformed {
    /// The bytes end inside a value.
    Truncated,
    /// Bytes are left behind the last field.
    Trailing,
    /// A number is longer than it needs to be, or too large for its type.
    Number,
    /// A truth value or the mark of an option is neither 0 nor 1.
    Flag,
    /// A text is not UTF-8.
    Text,
    /// A text, list or map is longer than its bound.
    TooLong,
    /// No variant has this tag.
    Variant,
    /// The keys of a map do not ascend.
    KeyOrder,
    /// A number, duration or prefix length is outside its range.
    OutOfRange,
}

const fn largest(sections: &[Declared]) -> usize {
    let mut largest = 0;
    let mut rest = sections;
    while let [section, tail @ ..] = rest {
        if section.max_bytes > largest {
            largest = section.max_bytes;
        }
        rest = tail;
    }
    largest as usize
}

/// The value that `bytes` hold, and nothing more.
///
/// # Errors
/// [`Malformed`] for anything that the host would not have written for this type.
pub fn decode<T: Value>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = T::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Passes when a field is within its range. The derive calls it for each `range`.
///
/// # Errors
/// [`Malformed::OutOfRange`].
pub fn require(is_within: bool) -> Result<(), Malformed> {
    if is_within { Ok(()) } else { Err(Malformed::OutOfRange) }
}
