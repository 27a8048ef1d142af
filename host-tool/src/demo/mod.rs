//! The demonstration: a whole fleet on one machine, and what it takes to watch and to torment it.

pub mod relay;
