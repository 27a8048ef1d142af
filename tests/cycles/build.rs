//! Gives the linker the memory of the emulated machine: code and data, both in RAM that QEMU fills.

use std::path::PathBuf;
use std::{env, fs};

/// `mps2-an386`: code at 0, data at 0x2000_0000.
const ARM: &str = "MEMORY {
    FLASH : ORIGIN = 0x00000000, LENGTH = 4M
    RAM : ORIGIN = 0x20000000, LENGTH = 4M
}
";

/// `virt`: everything at 0x8000_0000.
const RISCV: &str = "MEMORY { RAM : ORIGIN = 0x80000000, LENGTH = 8M }
REGION_ALIAS(\"REGION_TEXT\", RAM);
REGION_ALIAS(\"REGION_RODATA\", RAM);
REGION_ALIAS(\"REGION_DATA\", RAM);
REGION_ALIAS(\"REGION_BSS\", RAM);
REGION_ALIAS(\"REGION_HEAP\", RAM);
REGION_ALIAS(\"REGION_STACK\", RAM);
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if !env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        return;
    }
    let is_arm = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|processor| processor == "arm");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), if is_arm { ARM } else { RISCV }).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    if !is_arm {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
