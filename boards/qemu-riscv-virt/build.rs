//! Turns board.toml into Rust constants (`board.rs`) and into the linker's memory map (`memory.x`), and gives the linker its scripts.
//!
//! A table becomes a module, a key a constant in upper case, so nothing has to be listed here twice.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use toml::{Table, Value};

fn main() {
    println!("cargo::rerun-if-changed=board.toml");
    let text = fs::read_to_string("board.toml").expect("board.toml lies beside build.rs");
    let board: Table = text.parse().unwrap_or_else(|error| panic!("board.toml: {error}"));
    check_flash(&board);

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("board.rs"), constants(&board, 0)).expect("OUT_DIR can be written");
    fs::write(out.join("memory.x"), memory_map(&board)).expect("OUT_DIR can be written");

    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        println!("cargo::rustc-link-search={}", out.display());
        for script in ["memory.x", "link.x", "defmt.x", "steadfast.x"] {
            println!("cargo::rustc-link-arg-bins=-T{script}");
        }
    }
}

fn constants(table: &Table, depth: usize) -> String {
    let indent = "    ".repeat(depth);
    let mut text = String::new();
    for (key, value) in table {
        let name = key.to_uppercase();
        match value {
            Value::Integer(number) => writeln!(text, "{indent}pub const {name}: usize = {number};"),
            Value::String(words) => writeln!(text, "{indent}pub const {name}: &str = {words:?};"),
            Value::Table(inner) => {
                writeln!(text, "{indent}pub mod {key} {{\n{}{indent}}}", constants(inner, depth + 1))
            }
            other => panic!("board.toml: `{key}` is a {}, which no constant is made of", other.type_str()),
        }
        .expect("writing to a string does not fail");
    }
    text
}

fn memory_map(board: &Table) -> String {
    let ram = integer(board, "memory", "ram_start");
    let bytes = integer(board, "memory", "ram_bytes");
    let mut text = format!("MEMORY {{ RAM : ORIGIN = {ram:#x}, LENGTH = {bytes:#x} }}\n");
    for region in ["TEXT", "RODATA", "DATA", "BSS", "HEAP", "STACK"] {
        writeln!(text, "REGION_ALIAS(\"REGION_{region}\", RAM);").expect("writing to a string does not fail");
    }
    text
}

/// Regions must be whole erase blocks that neither overlap nor leave the chip: found here, not on a device.
fn check_flash(board: &Table) {
    let (erase, whole) = (integer(board, "flash", "erase_bytes"), integer(board, "flash", "bytes"));
    let flash = board["flash"].as_table().expect("board.toml: [flash] is a table");
    let mut regions: Vec<(i64, i64, &str)> = Vec::new();
    for (name, region) in flash.iter().filter_map(|(name, value)| value.as_table().map(|table| (name, table))) {
        let offset = region["offset"].as_integer().expect("board.toml: offset is a number");
        let bytes = region["bytes"].as_integer().expect("board.toml: bytes is a number");
        assert!(
            bytes > 0 && offset % erase == 0 && bytes % erase == 0,
            "board.toml: [flash.{name}] is not whole erase blocks"
        );
        regions.push((offset, offset + bytes, name));
    }
    regions.sort_unstable();
    for pair in regions.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "board.toml: [flash.{}] and [flash.{}] overlap", pair[0].2, pair[1].2);
    }
    let inside = regions.iter().position(|region| region.2 == "identity");
    assert!(
        inside == Some(0) || inside == Some(regions.len() - 1),
        "board.toml: [flash.identity] lies between the regions that core writes: put it before or behind them"
    );
    assert!(regions.last().is_some_and(|last| last.1 <= whole), "board.toml: a region lies beyond the flash");
}

fn integer(board: &Table, table: &str, key: &str) -> i64 {
    board[table][key].as_integer().unwrap_or_else(|| panic!("board.toml: {table}.{key} is not a number"))
}
