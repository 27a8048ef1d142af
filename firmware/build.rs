//! Puts `steadfast.x` where a board's linker finds it: a board links with `-Tsteadfast.x`.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=steadfast.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("steadfast.x", out.join("steadfast.x")).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
}
