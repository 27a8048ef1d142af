//! Keys: files with private keys, what signs with them, and keyrings as files.
//!
//! ```text
//! keys/keyring/1.keyring, 2.keyring ...   in the fleet repository: the chain that every device can follow
//! *.key                                   wherever their holder keeps them; never in a commit
//! *.toml                                  the same, of a key that another program holds
//! ```

mod chain;
mod command;
mod file;
mod home;
mod new;
mod signer;

pub use chain::{Chain, ChainError, KeyringFile};
pub use command::{CommandFileError, CommandSigner};
pub use file::{KeyError, KeyFile, Purpose};
pub use home::{Home, HomeError};
pub use new::{Plan, PlanError, Planned, RolePlan};
pub use signer::{SignError, Signer, checked, entries};
