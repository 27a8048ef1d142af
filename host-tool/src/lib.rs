//! The `steadfast` library: everything the command line does, without a terminal.

pub mod schema;
