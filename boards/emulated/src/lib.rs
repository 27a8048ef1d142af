//! What the boards in QEMU share: whatever is the same on every processor, and the test of a board by itself.
//!
//! Nothing here knows an address: a board vouches for its own.

#![no_std]

pub mod flash;
pub mod log;
pub mod register;
pub mod reset;
pub mod selftest;
pub mod signatures;
pub mod stack;
