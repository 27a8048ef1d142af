//! The hostile world in which Steadfast is tried: what stands here is for tests only, and shared between them.

pub mod authority;
pub mod bench;
pub mod contents;
pub mod figures;
pub mod firmwares;
pub mod flash;
pub mod fleet_folder;
pub mod fleetgen;
pub mod life;
pub mod meddling;
pub mod oracle;
pub mod qemu;
pub mod samples;
pub mod sensors;
pub mod server;
pub mod signatures;
pub mod stage;
pub mod vectors;
