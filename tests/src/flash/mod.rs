//! Flash as it is: a model with its meanness, power cuts, and a count of what was tried.
//!
//! A run is made once and writes a journal: each operation with the image before it. A power cut at that operation is
//! the image with a torn operation on top; the device's memory is lost anyway, so nothing else has to be rebuilt. That
//! makes the cut of a cut (recovery interrupted again) the same few lines.
//!
//! ```text
//! image   pages, shared until they change     tear    what a cut leaves of an operation
//! nor     the model: rules, journal           ills    failing operations, bytes that change
//! geometry  which flashes there are           cases   what was tried, told apart by digest
//! ```

mod cases;
mod geometry;
mod ills;
mod image;
mod nor;
mod random;
mod tear;

pub use cases::{Case, Cases, Rates};
pub use geometry::{
    CFI, Geometry, INTERNAL, NRF52, SERIAL, SERIAL64, SMALL, SMALL3, STM32F1, STM32F4, STM32H7, STM32L1, STM32U5,
    THREE, WIDE,
};
pub use ills::{Change, Failure, Ills, Silence};
pub use image::{Image, PAGE_BYTES};
pub use nor::{Nor, Operation, Step};
pub use random::Random;
pub use tear::Tear;

/// A flash like [`INTERNAL`].
pub type Internal = Nor<{ INTERNAL.read_bytes }, { INTERNAL.word_bytes }>;

/// A flash like [`SERIAL`].
pub type Serial = Nor<{ SERIAL.read_bytes }, { SERIAL.word_bytes }>;

/// A flash like [`WIDE`].
pub type Wide = Nor<{ WIDE.read_bytes }, { WIDE.word_bytes }>;

/// The flash of [`SMALL3`].
pub type Small3 = Nor<{ SMALL3.read_bytes }, { SMALL3.word_bytes }>;
