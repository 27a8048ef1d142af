//! Flash as it is: a model with its meanness, power cuts, and a count of what was tried.
//!
//! A run is made once and writes a journal: each operation with the image before it. A power cut at that operation is
//! the image with a torn operation on top; the device's memory is lost anyway, so nothing else has to be rebuilt. That
//! makes the cut of a cut (recovery interrupted again) the same few lines.

mod cases;
mod geometry;
mod nor;
mod tear;

pub use cases::{Case, Cases};
pub use geometry::{Geometry, INTERNAL, Internal, SERIAL, Serial, WIDE, Wide};
pub use nor::{Image, Nor, Operation, Step};
pub use tear::Tear;
