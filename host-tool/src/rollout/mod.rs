//! Rollouts: how a release reaches a fleet in waves, and when it stops by itself. Everything here is decided from what is handed in;
//! nothing reads a clock, a file or a device.

mod gate;
mod share;

pub use gate::{Gate, GateError, Tally, Verdict};
pub use share::{Share, ShareError};
