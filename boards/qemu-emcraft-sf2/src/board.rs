//! The constants of `board.toml`, written by `build.rs`.

include!(concat!(env!("OUT_DIR"), "/board.rs"));
