//! A device's whole life in a world that can be stopped at any instant.
//!
//! The production driver runs over the flash model, against a server and an application that follow a script. Time is
//! virtual: a wait costs nothing. Everything that is random comes from fixed seeds, so a life is the same every time.
//!
//! ```text
//! Script: phases, each an assignment and what must come of it
//! Device: driver + flash model + wire + application, seen by an oracle after every step
//! Ailing: bits rot, operations fail, bytes change
//! Cuts: power fails at each operation of a life, and at each of the recovery
//! ```

mod ailing;
mod cuts;
mod device;
mod fleet;
mod script;
mod server;

pub use ailing::{Ailment, Undisturbed};
pub use cuts::Cuts;
pub use device::{Device, FIRMWARE};
pub use fleet::{Fleet, Release, Which};
pub(crate) use script::GUILTY;
pub use script::{AFTERWARDS, PHASES, Phase, Trouble, Verdict, releases};
pub use server::{Server, Voice};
