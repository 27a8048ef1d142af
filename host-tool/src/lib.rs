//! The `steadfast` library: everything the command line does, without a terminal.

pub mod blame;
pub mod client;
pub mod compile;
pub mod demo;
pub mod diagnostics;
pub mod docs;
pub mod enroll;
pub mod flash;
pub mod fleet;
pub mod format;
pub mod git;
pub mod hex;
pub mod keys;
pub mod lineage;
pub mod pack;
pub mod plan;
pub mod policy;
pub mod release;
pub mod rollout;
pub mod schema;
pub mod serve;
pub mod sign;
pub mod signed_commit;
pub mod value;
pub mod whole;
pub mod words;

/// The allocator of the program and of its benchmark alike. Compiling makes millions of small pieces; in glibc's allocator their cost
/// grows faster than the fleet.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
