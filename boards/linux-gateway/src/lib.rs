//! Steadfast on a Linux gateway: the same core as on a microcontroller, with a file as flash, HTTP as its link, and an application that
//! gets its configuration as files.
//!
//! Nothing here knows a schema. Sections arrive as rendered files, are put in place by switching one link, and a command
//! makes the application take them; commands and HTTP probes say whether it is well.
//!
//! ```text
//! main -> gateway -> life -> core's driver -> image (flash)  link (HTTP)  identity  health (checks)
//!                      +-> target (files and link), command (reload), news -> log
//! ```

pub mod board;
pub mod command;
pub mod config;
pub mod gateway;
pub mod health;
pub mod identity;
pub mod image;
mod life;
pub mod link;
pub mod log;
mod news;
pub mod notify;
pub mod reset;
pub mod server;
pub mod show;
pub mod target;
