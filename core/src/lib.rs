//! The device core of Steadfast: formats, verification, slots, record, agent, driver.
//!
//! No allocator, no unsafe code, no clock, no executor, no panics on input. The host encodes with the very code that
//! the device decodes with. Time enters as an argument; waiting and restarting leave as values.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable
    )
)]

pub mod agent;
pub mod answer;
pub mod clamp;
pub mod codec;
pub mod config;
pub mod content;
pub mod digest;
pub mod driver;
pub mod ed25519;
pub mod envelope;
pub mod flash;
pub mod id;
pub mod identity;
pub mod keyring;
pub mod manifest;
pub mod outcome;
pub mod poll;
pub mod ports;
pub mod position;
pub mod record;
pub mod refusal;
pub mod release;
pub mod report;
pub mod schema;
pub mod statement;
pub mod time;
pub mod tree;
