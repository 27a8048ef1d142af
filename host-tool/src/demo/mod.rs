//! The demonstration: a whole fleet on one machine, and what it takes to watch and to torment it.
//!
//! ```text
//! fleet repository --steadfast publish--> steadfast serve <--relay-- emulated microcontroller
//!                                                         <--relay-- Linux gateway
//! ```
//!
//! Everything is the real thing: the very programs that a user runs, as processes of their own. The end-to-end tests are made
//! of the same parts.

pub mod devices;
pub mod machine;
pub mod process;
pub mod relay;
pub mod story;
pub mod watch;
pub mod world;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::client::ClientError;

/// Why the demonstration did not come to its end.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The file system said no.
    #[error("{} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// A program that is missing.
    #[error("{0} cannot be started: {1}")]
    NotStarted(String, io::Error),
    /// A program that failed.
    #[error("{0} failed:\n{1}")]
    Failed(String, String),
    /// A program that ended too early.
    #[error("{0} ended by itself; its last words:\n{1}")]
    Ended(String, String),
    /// No port, or no connection.
    #[error("loopback cannot be used: {0}")]
    Network(io::Error),
    /// The server's management interface.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// An answer that cannot be understood.
    #[error("{0}")]
    Strange(String),
    /// Something did not happen.
    #[error("waited for {what}, and it did not come; last seen: {seen}")]
    Missing {
        /// What was waited for.
        what: String,
        /// How things stood instead.
        seen: String,
    },
    /// Something happened otherwise than told.
    #[error("{0}")]
    Otherwise(String),
    /// Somebody pressed Ctrl-C.
    #[error("stopped")]
    Stopped,
}
