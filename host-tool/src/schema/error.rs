//! What can be wrong with a schema, and what to do about it.

use steadfast_core::schema::{MAX_DESCRIPTION_BYTES, VERSION};
use thiserror::Error;

/// A description that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// Made by another generation of the derive.
    #[error(
        "this schema description has format {found}; this program reads format {VERSION}. Use a `steadfast` of the firmware's generation"
    )]
    Version { found: u8 },
    /// Not what an encoder writes.
    #[error("this is no schema description: {what} at byte {at}. Export it from the firmware again")]
    Malformed { at: usize, what: &'static str },
    /// Readable, but outside the rules.
    #[error("{place}: {rule}")]
    Rule { place: String, rule: String },
    /// Too much of it.
    #[error("the description has {bytes} bytes, at most {MAX_DESCRIPTION_BYTES} are read: shorten its documentation")]
    TooLarge { bytes: usize },
}
