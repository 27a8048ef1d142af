//! Embassy's side of Steadfast: the ports of `steadfast-core` on a microcontroller.
//!
//! Core decides; this crate waits, connects and feeds the watchdog. It runs on any board that implements [`board::Board`] and has a
//! network stack of embassy-net.

#![cfg_attr(not(test), no_std)]

pub mod application;
pub mod board;
mod crashes;
pub mod device;
pub mod http;
pub mod link;
mod narrator;
pub mod partition;
pub mod run;
pub mod time;

#[cfg(test)]
mod test_logger;
