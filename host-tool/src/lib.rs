//! The `steadfast` library: everything the command line does, without a terminal.

pub mod client;
pub mod compile;
pub mod demo;
pub mod diagnostics;
pub mod enroll;
pub mod flash;
pub mod fleet;
pub mod git;
pub mod hex;
pub mod keys;
pub mod lineage;
pub mod pack;
pub mod release;
pub mod schema;
pub mod serve;
pub mod sign;
pub mod value;
pub mod whole;
pub mod words;
